package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/env/local"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func doctorCommand() *cobra.Command {
	var output string
	var q question
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine or a cluster can enforce and measure, what is missing, and the remedy",
		Args:  cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error {
			q.flagSet = cmd.Flags()
			if err := q.place.check(); err != nil {
				return err
			}
			if err := q.checkWay(); err != nil {
				return err
			}
			all, err := q.capabilities(cmd)
			if err != nil {
				return err
			}
			if output == "json" {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			} else {
				err = tellCapabilities(cmd.OutOrStdout(), all)
			}
			return errors.Join(err, q.place.needed(all))
		}),
	}
	q.place.flags(cmd)
	q.way.flags(cmd)
	cmd.Flags().StringVar(&q.collectorBin, "collector-bin", "", "the collector to test, a path or a name on PATH")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// capabilities are those of the place, and of the gateway in a cluster that is named.
func (q *question) capabilities(cmd *cobra.Command) ([]env.Capability, error) {
	if !q.place.inCluster() {
		all := local.Capabilities(cmd.Context(), local.Options{})
		return append(all, collectorCapability(cmd, q.collectorBin), imagesCapability()), nil
	}
	named, err := q.namedGateway(cmd.Context())
	if err != nil {
		return nil, err
	}
	all, err := q.place.capabilities(cmd)
	return append(all, named...), err
}

// namedGateway says whether the gateway that is meant is there and may be read; none where none
// is meant. One that is to be asked in place is one from then on.
func (q *question) namedGateway(ctx context.Context) ([]env.Capability, error) {
	if q.way.way != wayInPlace && q.way.way != wayClone && len(q.way.names()) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	c := env.Capability{Name: "gateway"}
	f, err := kube.FindGateway(ctx, q.place.cluster, q.way.wanted)
	if err == nil && q.way.way == wayInPlace {
		err = limited(f)
	}
	if err != nil {
		c.Found = err.Error()
		return []env.Capability{c}, nil
	}
	c.OK, c.Found = true, fmt.Sprintf("%s, %s, limits of %s", f.Workload(), f.Image,
		limitsText(env.Limits(f.Limits)))
	if q.way.way == wayInPlace {
		var t target
		if err := t.install(f, q.way.inPlace); err != nil {
			return nil, usage(err)
		}
		q.place.inPlace = t.inPlace
	}
	return []env.Capability{c}, nil
}

// capabilities are those of the cluster.
func (o *placeOptions) capabilities(cmd *cobra.Command) ([]env.Capability, error) {
	all, err := kube.Rights(cmd.Context(), o.kube(unmade))
	if err != nil {
		return nil, fmt.Errorf("ask the cluster: %w", err)
	}
	more, err := kube.Findings(cmd.Context(), o.kube(unmade))
	if err != nil {
		return nil, fmt.Errorf("ask the cluster: %w", err)
	}
	all = append(all, more...)
	nodes, err := kube.NodesOf(cmd.Context(), o.kube(unmade))
	if none := (*kube.NoNodeError)(nil); errors.As(err, &none) {
		all = append(all, env.Capability{
			Name: "nodes", Found: none.Error(), Optional: true,
			Remedy: "name by --pods which nodes a run's pods are for, and the taints that they tolerate",
		})
		err = nil
	}
	if err != nil {
		return append(all, env.Capability{
			Name: "nodes", Found: err.Error(), Optional: true,
			Remedy: "let the user list nodes: what they have then stands in plans and records",
		}), nil
	}
	for _, n := range nodes {
		all = append(all, env.Capability{Name: "node " + n.Name, OK: true, Found: fmt.Sprintf(
			"%s, %s, kernel %s, kubelet %s, %s for pods", n.OS, n.Arch, n.Kernel, n.Kubelet,
			amounts(n.Cores, n.MemoryBytes))})
	}
	return all, nil
}

// tellCapabilities tells them as lines.
func tellCapabilities(w io.Writer, all []env.Capability) error {
	var text strings.Builder
	for _, c := range all {
		mark := "ok     "
		if !c.OK {
			mark = "missing"
		}
		fmt.Fprintf(&text, "%s  %s: %s\n", mark, c.Name, c.Found)
		if c.Remedy != "" {
			fmt.Fprintf(&text, "         remedy: %s\n", c.Remedy)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// needed fails when a trial's verdict would suffer: no collector, or limits that are
// not enforced; in a cluster when there could be no trial. The rest is good to know.
func (o *placeOptions) needed(all []env.Capability) error {
	var missing []string
	for _, c := range all {
		needed := slices.Contains([]string{"collector", "limit-cpu", "limit-memory"}, c.Name)
		if o.inCluster() {
			needed = !c.Optional
		}
		if needed && !c.OK {
			missing = append(missing, c.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("a trial here cannot be whole: missing %s", strings.Join(missing, ", "))
	}
	return nil
}

// collectorCapability tells which collector run would take.
func collectorCapability(cmd *cobra.Command, named string) env.Capability {
	c := env.Capability{Name: "collector"}
	found, err := findCollector(cmd.Context(), scenario.Gateway{Kind: scenario.GatewayOdigos}, named)
	if err != nil {
		c.Found, c.Remedy = err.Error(), "make build, or name one with --collector-bin PATH"
		return c
	}
	c.OK, c.Found = true, fmt.Sprintf("%s %s at %s", found.Name, found.Version, found.Path)
	return c
}

func cleanupCommand() *cobra.Command {
	var dryRun bool
	var at placeOptions
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Remove what a killed run may have left: processes, cgroups, folders; of a cluster namespaces",
		Args:  cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error {
			if err := at.check(); err != nil {
				return err
			}
			here, err := local.Cleanup(cmd.Context(), local.Options{}, dryRun)
			var left, back, looked []string
			for _, l := range here {
				left = append(left, fmt.Sprint(l))
			}
			if at.inCluster() {
				there, ofCluster := at.cleanup(cmd, dryRun)
				var inPlace error
				back, looked, inPlace = at.restored(cmd, dryRun)
				left, err = append(left, there...), errors.Join(err, ofCluster, inPlace)
			}
			verbs := []string{"removed", "took back"}
			if dryRun {
				verbs = []string{"would remove", "would take back"}
			}
			for _, l := range left {
				fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", verbs[0], l)
			}
			for _, l := range back {
				fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", verbs[1], l)
			}
			left = append(left, back...)
			if len(left) == 0 && err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), nothingLeft(looked))
			}
			return err
		}),
	}
	at.connect(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what is there")
	cmd.Flags().StringVarP(&at.cluster.Namespace, "namespace", "n", "", "the `namespace` to look in, "+
		"for who has no rights to all; if not given that of the context")
	return cmd
}

// nothingLeft says that nothing was found, and where changes of an installation were looked for
// if not everywhere.
func nothingLeft(looked []string) string {
	if looked == nil {
		return "nothing was left behind"
	}
	return fmt.Sprintf("nothing was found; changes of an installation of Odigos were looked for in %s "+
		"alone, as there is no right to list configmaps in all namespaces: name another with -n",
		strings.Join(looked, ", "))
}

// cleanup takes dead runs away from the cluster.
func (o *placeOptions) cleanup(cmd *cobra.Command, dryRun bool) ([]string, error) {
	left, err := kube.Cleanup(cmd.Context(), o.cluster, dryRun)
	var lines []string
	var errs []error
	for _, l := range left {
		text := fmt.Sprintf("namespace %s of run %s, begun %s", l.Namespace, l.RunID,
			l.Began.UTC().Format(time.RFC3339))
		if !l.Alive.IsZero() {
			fmt.Fprintf(cmd.ErrOrStderr(), "left alone: %s: it lives until %s, as far as its tool "+
				"has told\n", text, l.Alive.Format(time.RFC3339))
			continue
		}
		if !l.Removed && !dryRun {
			errs = append(errs, fmt.Errorf("remove %s: it is still there", text))
			continue
		}
		lines = append(lines, text)
	}
	return lines, errors.Join(append(errs, err)...)
}
