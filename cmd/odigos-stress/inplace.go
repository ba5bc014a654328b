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
	way       string
}

// inPlaceFlags are refused where the gateway is not asked in place.
var inPlaceFlags = []string{"allow-live", "autoscale", "odigos-object"}

func (o *inPlaceOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.way, "gateway", "", "")
	f.BoolVar(&o.allowLive, "allow-live", false, "take an installation in place that workloads use: its "+
		"other Destinations are disabled meanwhile, and what workloads send is lost")
	f.BoolVar(&o.autoscale, "autoscale", false,
		"leave the number of replicas to the installation's HPA (in place)")
	f.StringArrayVar(&o.objects, "odigos-object", nil, "add the Processors, Actions and Samplings of this "+
		"`file` to the installation for the time of the run (in place); can be given again")
}

// installed is the subject of trials that ask an installation of Odigos where it is. Nothing is
// changed here.
func (q *question) installed(ctx context.Context) (subject, error) {
	if q.typed("collector-bin") || q.typed("collector-image") {
		return subject{}, usage(errors.New("--collector-bin, --collector-image: found one for a gateway in " +
			"place, want none: its collector is the installation's"))
	}
	objects, err := q.inPlace.read()
	if err != nil {
		return subject{}, usage(err)
	}
	found, err := kube.FindGateway(ctx, q.place.cluster, kube.Wanted{})
	if err != nil {
		return subject{}, err
	}
	q.place.inPlace = &kube.InPlace{
		Found: found, AllowLive: q.inPlace.allowLive, Autoscale: q.inPlace.autoscale, Objects: objects,
	}
	installation := &gateway.Installation{
		Config: gateway.Source{Name: found.Config.From, Text: []byte(found.Config.Text)},
		Image:  found.Image, Program: found.Program,
	}
	for _, o := range objects {
		if t := o.Processor(); t != "" {
			installation.Added = append(installation.Added, t)
		}
		if o.Kind() == "Sampling" {
			installation.Added = append(installation.Added, gateway.TailSampler)
		}
	}
	return subject{
		collector: installation.Collector(), sources: plan.Sources{Installed: installation},
		inCluster: true, host: q.place.host(ctx), inPlace: q.place.inPlace,
	}, nil
}

// typed is whether a flag was given on the command line: variables may be for other commands.
func (q *question) typed(flag string) bool {
	f := q.flagSet.Lookup(flag)
	return f != nil && f.Changed && !fromEnv(f)
}

func (q *question) isInPlace() bool { return q.inPlace.way == "in-place" }

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

// fitted is a scenario with what it does not ask for taken from the installation: its limits, and
// how many pods there are.
func fitted(s scenario.Scenario, in kube.InPlace) (out scenario.Scenario, notes []string) {
	f, g := in.Found, &s.Gateway
	var kept []string
	if g.Preset == "" && g.CPULimit == 0 {
		g.CPULimit = scenario.CPU(f.Limits.CPUCores)
		kept = append(kept, "CPU")
	}
	if g.Preset == "" && g.MemoryLimit == 0 {
		g.MemoryLimit = scenario.Bytes(f.Limits.MemoryBytes)
		kept = append(kept, "memory")
		if g.GoMemLimit == 0 {
			g.GoMemLimit = goMemLimit(f)
		}
	}
	if g.Replicas == 0 {
		g.Replicas = max(1, f.Replicas.Wanted)
	}
	notes = append(notes, fmt.Sprintf("The gateway is the installation itself, Deployment %s: it is changed "+
		"for the time of the trial, and given back.", f.Workload()))
	if len(kept) > 0 {
		notes = append(notes, fmt.Sprintf("Its limits of %s are left as they were found.",
			strings.Join(kept, " and ")))
	}
	if in.Autoscale {
		notes = append(notes, "How many pods there are is left to its HPA.")
	}
	return s, notes
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

// tellChanges says what a run would change in the installation, if it is one in place.
func (o *placeOptions) tellChanges(ctx context.Context, w io.Writer, p plan.Plan) error {
	if o.inPlace == nil {
		return nil
	}
	options := o.kube(unmade)
	options.InPlace = o.inPlace
	changes, err := kube.Changes(ctx, options, p.Gateway)
	if err != nil {
		return fmt.Errorf("look at the installation: %w", err)
	}
	fmt.Fprintln(w, "\nIn the installation a run would:")
	for _, c := range changes {
		fmt.Fprintf(w, "  - %s\n", c)
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

// restored takes back what dead runs have changed in installations.
func (o *placeOptions) restored(cmd *cobra.Command, dryRun bool) ([]string, error) {
	all, err := kube.RestoreInstallations(cmd.Context(), o.cluster, dryRun)
	var lines []string
	errs := []error{err}
	for _, r := range all {
		what := fmt.Sprintf("what run %s had changed in the installation in namespace %s", r.RunID, r.Namespace)
		told := slices.Concat(r.Done, r.Left)
		if dryRun {
			told = r.Changes
		}
		if !r.Whole && !dryRun {
			errs = append(errs, fmt.Errorf("take back %s: it is not all done", what))
		}
		lines = append(lines, what+": "+strings.Join(told, " "))
	}
	return lines, errors.Join(errs...)
}
