package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// An inPlaceOptions is what was said about an installation of Odigos that is asked in place.
type inPlaceOptions struct {
	allowLive bool
	autoscale bool
	objects   []string // files
}

// inPlaceFlags are refused where the gateway is not asked in place.
var inPlaceFlags = []string{"allow-live", "autoscale", "odigos-object"}

func (o *inPlaceOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.allowLive, "allow-live", false, "take an installation in place that workloads use: its "+
		"other Destinations are disabled meanwhile, and what workloads send is lost")
	f.BoolVar(&o.autoscale, "autoscale", false,
		"leave the number of replicas to the installation's HPA (in place)")
	f.StringArrayVar(&o.objects, "odigos-object", nil, "add the Processors, Actions and Samplings of this "+
		"`file` to the installation for the time of the run (in place); can be given again")
}

// checkInPlace refuses what is said about an installation in place where none is asked so.
func (q *question) checkInPlace() error {
	if q.way.way == wayInPlace {
		for _, name := range []string{"gateway", "allow-live"} {
			if fromEnv(q.flagSet.Lookup(name)) && q.place.inCluster() {
				return usage(fmt.Errorf("%s: found it for a gateway in place, want --%s on the command line: an "+
					"installation is changed where the command says so", variable(name), name))
			}
		}
		if q.way.exporter != "" {
			return usage(errors.New("--exporter: found it with --gateway in-place, want none: the exporter is " +
				"that of the run's own Destination"))
		}
		return nil
	}
	for _, name := range inPlaceFlags {
		if q.typed(name) {
			return usage(fmt.Errorf("--%s: found it without --gateway %s, want it with that alone", name,
				wayInPlace))
		}
	}
	return nil
}

// aimInPlace has the trials of a scenario ask the installation that was found, as it is but for
// what is asked on the command line. Nothing is changed here.
func (q *question) aimInPlace(whole scenario.Scenario, c chosenWay) (scenario.Scenario, error) {
	f := c.found
	if q.typed("collector-bin") || q.typed("collector-image") {
		return whole, usage(errors.New("--collector-bin, --collector-image: found one with --gateway in-place, " +
			"want none: the collector is the installation's"))
	}
	if err := limited(f); err != nil {
		return whole, err
	}
	g := scenario.Gateway{
		Kind: scenario.GatewayOdigos, CPULimit: scenario.CPU(f.Limits.CPUCores),
		MemoryLimit: scenario.Bytes(f.Limits.MemoryBytes), GoMemLimit: goMemLimit(f),
		Compression: whole.Gateway.Compression,
	}
	t := &target{original: originalOf(c, q.way.wanted.Deployment == "", g), gateway: g}
	if err := t.install(f, q.way.inPlace); err != nil {
		return whole, usage(err)
	}
	q.way.target, q.place.inPlace = t, t.inPlace
	q.sayWay(fmt.Sprintf("The gateway is the installation itself, Deployment %s (%s): it is changed for the "+
		"time of each trial, and given back.", f.Workload(), f.Image))
	q.way.notes = append(q.way.notes, t.notApplied(whole.Gateway)...)
	if !q.place.pods.Gateway.IsZero() {
		q.way.notes = append(q.way.notes, fmt.Sprintf("What %s says of the gateway's pods does not apply: the "+
			"installation's go where they went.", q.place.podsFile))
	}
	if t.inPlace.Autoscale {
		q.way.notes = append(q.way.notes, "How many pods there are is left to the installation's HPA.")
	}
	q.way.notes = append(q.way.notes, f.Unknown...)
	whole.Gateway = t.laidInto(whole.Gateway)
	whole.Gateway.Replicas = max(1, f.Replicas.Wanted)
	return whole, usage(q.sizedVariants(whole.Variants))
}

// limited refuses an installation that could use as much as its node has.
func limited(f kube.Found) error {
	if f.Limits.CPUCores == 0 || f.Limits.MemoryBytes == 0 {
		return fmt.Errorf("use %s in place: found limits of %s, want CPU and memory limited, as Odigos "+
			"does", f.Workload(), limitsText(env.Limits(f.Limits)))
	}
	return nil
}

// sizesInPlace are the fields of a gateway that the command line alone says of an installation.
var sizesInPlace = []string{
	"preset", "cpu_limit", "memory_limit", "replicas", "gomemlimit", "gomaxprocs",
}

// sizedVariants refuses variants that would resize an installation: no file is to, and without
// their sizes they would be the same trial.
func (q *question) sizedVariants(all []scenario.Variant) error {
	var errs []error
	for _, v := range all {
		if q.variant != "" && v.Name != q.variant {
			continue
		}
		for _, set := range v.Settings() {
			if field, ok := gatewayField(set); ok && slices.Contains(sizesInPlace, field) {
				errs = append(errs, fmt.Errorf("variant %s: found gateway.%s with --gateway %s, want an "+
					"installation sized on the command line alone, by a run for each size: --cpu-limit, "+
					"--memory-limit, --set gateway.replicas=N", v.Name, field, wayInPlace))
			}
		}
	}
	return errors.Join(errs...)
}

// install says how the installation is asked.
func (t *target) install(f kube.Found, o inPlaceOptions) error {
	objects, err := o.read()
	if err != nil {
		return err
	}
	t.inPlace = &kube.InPlace{
		Found: f, AllowLive: o.allowLive, Autoscale: o.autoscale, Objects: objects,
	}
	t.installation = &gateway.Installation{
		Config: gateway.Source{Name: f.Config.From, Text: []byte(f.Config.Text)},
		Image:  f.Image, Program: f.Program,
	}
	for _, o := range objects {
		switch o.Kind() {
		case "Processor":
			t.installation.Added = append(t.installation.Added, o.Processor())
		case "Sampling":
			t.installation.Added = append(t.installation.Added, gateway.TailSampler)
		}
	}
	return nil
}

func (t *target) isInPlace() bool { return t != nil && t.original.Way == wayInPlace }

// installed completes the subject of trials that ask an installation in place: its collector is
// not asked, for it may be one that only the installation may pull.
func (q *question) installed(ctx context.Context, out subject) subject {
	out.collector = out.target.installation.Collector()
	out.sources.Installed = out.target.installation
	out.inCluster, out.host = true, q.place.host(ctx)
	return out
}

// typed is whether a flag was given on the command line: variables may be for other commands.
func (q *question) typed(flag string) bool {
	f := q.flagSet.Lookup(flag)
	return f != nil && f.Changed && !fromEnv(f)
}

// read reads the objects of all files.
func (o *inPlaceOptions) read() ([]kube.Object, error) {
	var all []kube.Object
	for _, name := range o.objects {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("--odigos-object: %w", err)
		}
		objects, err := kube.ReadObjects(name, text)
		if err != nil {
			return nil, fmt.Errorf("--odigos-object: %w", err)
		}
		for _, x := range objects {
			same := func(y kube.Object) bool { return x.Kind() == y.Kind() && x.Name() == y.Name() }
			if slices.ContainsFunc(all, same) {
				return nil, fmt.Errorf("--odigos-object: found %s %s in two files, want each once", x.Kind(),
					x.Name())
			}
		}
		all = append(all, objects...)
	}
	return all, nil
}

// goMemLimit is what the gateway's GOMEMLIMIT says; 0 where it is not known.
func goMemLimit(f kube.Found) scenario.Bytes {
	for _, v := range f.Env {
		if v.Name == "GOMEMLIMIT" && v.Known {
			runtime := env.Actor{Env: map[string]string{v.Name: v.Value}}.GoRuntime()
			return scenario.Bytes(runtime.MemLimit)
		}
	}
	return 0
}

// tellChanges says what the trials of these plans would change in the installation, if it is one
// in place. What is as for the one before is said once.
func (o *placeOptions) tellChanges(ctx context.Context, w io.Writer, plans ...plan.Plan) error {
	if o.inPlace == nil {
		return nil
	}
	said := ""
	for n, p := range plans {
		changes, notes, err := kube.Changes(ctx, o.kube(unmade), p.Gateway)
		if err != nil {
			return fmt.Errorf("look at the installation: %w", err)
		}
		var text strings.Builder
		for _, c := range changes {
			fmt.Fprintf(&text, "  - %s\n", c)
		}
		for _, note := range notes {
			fmt.Fprintf(&text, "  note: %s\n", note)
		}
		if text.String() == said {
			continue
		}
		said = text.String()
		if len(plans) > 1 {
			fmt.Fprintf(w, "\nFrom trial %d on:", n+1)
		}
		fmt.Fprintf(w, "\nIn the installation a run would:\n%s", said)
	}
	return nil
}

// restoreCommand is what the pod runs that watches over a run's changes of an installation.
func restoreCommand() *cobra.Command {
	var namespace, runID string
	cmd := &cobra.Command{
		Use:    "restore",
		Short:  "Watch over a run's changes of an installation, and take them back if it does not",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error {
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			return kube.Watch(cmd.Context(), kube.Cluster{}, namespace, runID, log)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&namespace, "namespace", "", "the installation's `namespace`")
	f.StringVar(&runID, "run", "", "the `id` of the run")
	for _, name := range []string{"namespace", "run"} {
		_ = cmd.MarkFlagRequired(name) // it is there
	}
	return cmd
}

// restored takes back what dead runs have changed in installations. Looked are the namespaces that
// were looked at where not all of them could be.
func (o *placeOptions) restored(
	cmd *cobra.Command, dryRun bool,
) (lines, looked []string, err error) {
	all, looked, err := kube.RestoreInstallations(cmd.Context(), o.cluster, dryRun)
	errs := []error{err}
	for _, r := range all {
		what := fmt.Sprintf("what run %s had changed in the installation in namespace %s", r.RunID, r.Namespace)
		if !r.Alive.IsZero() {
			fmt.Fprintf(cmd.ErrOrStderr(), "left alone: %s: it lives, or somebody takes that back, until %s\n",
				what, r.Alive.Format(time.RFC3339))
			continue
		}
		told := slices.Concat(r.Done, r.Left)
		if dryRun {
			told = r.Changes
		}
		if !r.Whole && !dryRun {
			errs = append(errs, fmt.Errorf("take back %s: it is not all done", what))
		}
		lines = append(lines, what+": "+strings.Join(told, " "))
	}
	return lines, looked, errors.Join(errs...)
}
