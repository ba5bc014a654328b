package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/clone"
	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Write the scenario that asks whether a running gateway holds what it gets",
		Long: `import reads a gateway in a cluster, Odigos' own unless --deployment names another, and writes the
scenario that asks: does one pod of it hold what it gets, and twice as much? Image, configuration,
limits and variables are read from the cluster; the traffic from a Prometheus, or from the pods' own
metrics over 10 s. What is not known is said in the file and left to its default. Nothing in the
cluster is changed, and no Secret is read.

It needs the rights to list pods and to get deployments and configmaps; to list
horizontalpodautoscalers and to get pods/proxy too, or it does without what they would tell.`,
		Example: `  odigos-stress import
  odigos-stress import --prometheus http://localhost:9090 --since 14d
  odigos-stress import --deployment observability/otel-gateway --exporter otlp/backend`,
		Args: cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error { return f.run(cmd) }),
	}
	f.add(cmd)
	return cmd
}

// importFlags say which gateway, and where to write what is asked of it.
type importFlags struct {
	cluster    kube.Cluster
	wanted     kube.Wanted
	prometheus promFlags
	since      string
	exporter   string
	out        string
	force      bool
	output     string
}

func (f *importFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.cluster.Kubeconfig, "kubeconfig", "", "`files` that say where the cluster is; "+
		"if not given $KUBECONFIG, then ~/.kube/config")
	flags.StringVar(&f.cluster.Context, "context", "", "the `context` in them; if not given the current one")
	flags.StringVar(&f.cluster.As, "as", "", "the `user` to act as in the cluster")
	flags.StringVarP(&f.wanted.Namespace, "odigos-namespace", "n", "",
		"namespace of the gateway (default all that may be read, else odigos-system)")
	flags.StringVar(&f.wanted.Deployment, "deployment", "",
		"another collector's Deployment, as `namespace/name`")
	flags.StringVar(&f.wanted.Container, "container", "",
		"the collector's container (default gateway, or the only one)")
	f.prometheus.add(flags, "scrapes the gateway")
	flags.StringVar(&f.since, "since", "7d", "how far back to ask the Prometheus, at least 10m")
	flags.StringVar(&f.exporter, "exporter", "",
		"exporter that carries the load (default the only one of type otlp_grpc or otlp_http)")
	flags.StringVar(&f.out, "out", ".", "directory to write into")
	flags.BoolVar(&f.force, "force", false, "write over files that are there")
	outputFlag(cmd, &f.output, "text", "json")
	_ = cmd.MarkFlagDirname("out") // fails only for an unknown flag
}

func (f *importFlags) run(cmd *cobra.Command) error {
	since, err := f.check()
	if err != nil {
		return usage(err)
	}
	found, err := kube.FindGateway(cmd.Context(), f.cluster, f.wanted)
	if err != nil {
		return err
	}
	if f.output == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(found)
	}
	q := clone.Question{Found: found}
	if q.Clone, err = clone.New(found.Beside(kube.Pods{}), f.exporter); err != nil {
		return err
	}
	if err = f.mayWrite(q); err != nil {
		return err
	}
	if f.prometheus.url != "" {
		q.Observed, err = kube.AskPrometheus(cmd.Context(), f.prometheus.server, found,
			q.Clone.Gateway.Exporter, since)
	} else {
		fmt.Fprintf(cmd.ErrOrStderr(), "reading the pods' own metrics for %s\n", kube.ScrapeFor)
		q.Observed, err = kube.WatchPods(cmd.Context(), f.cluster, found,
			q.Clone.Gateway.Exporter, q.Clone.MetricsPort)
	}
	if err != nil {
		return err
	}
	if err = f.write(q); err != nil {
		return err
	}
	tellImport(cmd.OutOrStdout(), q, f.out)
	return nil
}

// check holds the flags against what they may say.
func (f *importFlags) check() (since time.Duration, err error) {
	d, err := scenario.ParseDuration(f.since)
	if err != nil {
		return 0, fmt.Errorf("--since: %w", err)
	}
	if since = time.Duration(d); since < kube.LeastSince {
		return 0, fmt.Errorf("--since: found %s, want at least %s", f.since, kube.LeastSince)
	}
	return since, f.prometheus.check()
}

// mayWrite says early what write would say.
func (f *importFlags) mayWrite(q clone.Question) error {
	var errs []error
	for _, name := range []string{q.Clone.File(), q.Clone.ConfigFile()} {
		path := filepath.Join(f.out, name)
		if _, err := os.Lstat(path); err == nil && !f.force {
			errs = append(errs, fmt.Errorf("write %s: found a file there, want another --out, or --force",
				path))
		}
	}
	return errors.Join(errs...)
}

// write writes the scenario, which has been shown to be valid, and the configuration beside
// it. Configurations may hold keys: only the user may read theirs.
func (f *importFlags) write(q clone.Question) error {
	text, err := q.Scenario()
	if err != nil {
		return err
	}
	if err := checkImport(q.Clone.File(), text); err != nil {
		return fmt.Errorf("ask about %s: %w", q.Found.Workload(), err)
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return fmt.Errorf("write scenario: %w", err)
	}
	for _, file := range []struct {
		name string
		text []byte
		mode os.FileMode
	}{
		{q.Clone.ConfigFile(), q.Clone.Config, 0o600},
		{q.Clone.File(), text, 0o644},
	} {
		if err := f.writeFile(filepath.Join(f.out, file.name), file.text, file.mode); err != nil {
			return fmt.Errorf("write scenario: %w", err)
		}
	}
	return nil
}

func (f *importFlags) writeFile(path string, text []byte, mode os.FileMode) error {
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if f.force {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(path, how, mode)
	if err != nil {
		return err
	}
	if err = file.Chmod(mode); err == nil { // one that was there may be open to others
		_, err = file.Write(text)
	}
	return errors.Join(err, file.Close())
}

// checkImport reads a scenario back, each of its variants.
func checkImport(name string, text []byte) error {
	s, err := scenario.Read(name, text)
	if err != nil {
		return err
	}
	for _, v := range s.VariantNames() {
		one, err := s.Variant(v, nil)
		if err == nil {
			_, err = one.Resolved()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tellImport says what was written, and what to do with it.
func tellImport(w io.Writer, q clone.Question, dir string) {
	f := q.Found
	fmt.Fprintf(w, "%s: %s\n", f.From(), f.Image)
	fmt.Fprintf(w, "wrote %s and %s\n", filepath.Join(dir, q.Clone.File()),
		filepath.Join(dir, q.Clone.ConfigFile()))
	for _, part := range []struct {
		title     string
		sentences []string
	}{
		{"not known", f.Unknown},
		{"not known of its traffic", q.Observed.Problems},
		{"the copy differs", q.Clone.Differences},
	} {
		if len(part.sentences) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s:\n", part.title)
		for _, s := range part.sentences {
			fmt.Fprintf(w, "  - %s\n", s)
		}
	}
	fmt.Fprintf(w, "\nodigos-stress run %s\n", filepath.Join(dir, q.Clone.File()))
}
