package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/sizing"
)

func sizeCommand() *cobra.Command {
	var f sizeFlags
	cmd := &cobra.Command{
		Use:   "size --rate RATE",
		Short: "Say what holds a wanted rate, from measured baselines",
		Long: `size says what holds a wanted rate: how many pods, of which CPU and memory, with which GOMEMLIMIT,
queue and autoscaler targets. It reckons from measured baselines (odigos-stress capacity
--save-baseline NAME) and from nothing else: what was not measured, it says so. docs/sizing.md has
the formulae.`,
		Example: `  odigos-stress size --rate 60k --headroom 25% --survive 1 --outage 2m
  odigos-stress size --rate 60k --cpu-hour 0.0316 --gib-hour 0.0042
  odigos-stress size --rate 60k --replicas 4 -o helm`,
		Args: cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error {
			a, err := f.answer(cmd)
			if err != nil {
				return err
			}
			if f.output == "helm" && a.Workload.Kind != scenario.GatewayOdigos {
				return usage(fmt.Errorf("-o helm: found baselines of a gateway of kind %s, want kind odigos, or "+
					"-o json: the values are those of Odigos' chart", a.Workload.Kind))
			}
			return report.SizeFormats[f.output](cmd.OutOrStdout(), a)
		}),
	}
	f.add(cmd)
	return cmd
}

// sizeFlags are the wish as it was typed.
type sizeFlags struct {
	rate, headroom, outage, queuedSpan string
	cpuHour, gibHour                   float64
	currency                           string
	survive, replicas                  int
	shape, collector, dir              string
	names                              []string
	helm                               bool
	output                             string
}

func (f *sizeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.rate, "rate", "", "spans per second of all pods together, such as 60000 or 60k")
	flags.StringVar(&f.headroom, "headroom", "0.25", "spare rate, as a share of --rate, such as 25% or 0.25")
	flags.IntVar(&f.survive, "survive", 0, "how many pods may be lost while the others hold --rate")
	flags.StringVar(&f.outage, "outage", "", "how long the backend may be away, such as 5m")
	flags.IntVar(&f.replicas, "replicas", 0, "how many pods there are; 0: as many as it takes")
	flags.StringVar(&f.queuedSpan, "queued-span", "",
		"what a span in the exporter's queue takes of the live heap, such as 4.2k, where you measured it")
	flags.Float64Var(&f.cpuHour, "cpu-hour", 0, "your price of a CPU core for an hour")
	flags.Float64Var(&f.gibHour, "gib-hour", 0, "your price of a GiB of memory for an hour")
	flags.StringVar(&f.currency, "currency", "", "written after costs, such as USD")
	flags.StringVar(&f.shape, "shape", "", "size from baselines of this shape of span")
	flags.StringVar(&f.collector, "collector", "", "size from baselines whose collector has this in its name")
	flags.StringArrayVar(&f.names, "baseline", nil, "size from baselines of this `name`, or pattern such as 'odigos-*'")
	flags.StringVar(&f.dir, "baselines", "", "directory of baselines (default ./baselines where there is one, else "+
		"those of this program)")
	flags.BoolVar(&f.helm, "helm", false, "the same as -o helm")
	outputFlag(cmd, &f.output, "text", "json", "helm")
	cmd.MarkFlagsMutuallyExclusive("helm", "output")
}

// answer reads the flags and the baselines, and sizes.
func (f *sizeFlags) answer(cmd *cobra.Command) (sizing.Answer, error) {
	if f.helm {
		f.output = "helm"
	}
	wish, err := f.wish(cmd)
	if err == nil {
		err = wish.Check()
	}
	if err != nil {
		return sizing.Answer{}, usage(err)
	}
	all, where, err := findBaselines(f.dir)
	if err != nil {
		return sizing.Answer{}, err
	}
	taken, left, err := sizing.Select(all, sizing.Filter{
		Shape: scenario.Shape(f.shape), Collector: f.collector, Names: f.names,
	})
	if err != nil {
		return sizing.Answer{}, usage(err)
	}
	if len(taken) == 0 {
		return sizing.Answer{}, noBaseline(where, left)
	}
	a, err := sizing.Reckon(wish, taken)
	a.LeftOut = left
	return a, err
}

// noBaseline says why there is nothing to size from, and what would help.
func noBaseline(where string, left []sizing.LeftOut) error {
	err := fmt.Errorf("find baselines in %s: found none, want at least one: measure it with "+
		"odigos-stress capacity custom --save-baseline NAME", where)
	for _, l := range left {
		err = fmt.Errorf("%w\n  %s: %s", err, l.Baseline, l.Why)
	}
	return err
}

func (f *sizeFlags) wish(cmd *cobra.Command) (sizing.Wish, error) {
	w := sizing.Wish{Survive: f.survive, Replicas: f.replicas}
	var errs []error
	fail := func(flag string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", flag, err))
		}
	}
	rate, err := scenario.ParseRate(f.rate)
	fail("rate", err)
	w.Rate = float64(rate)
	headroom, err := scenario.ParseRatio(f.headroom)
	fail("headroom", err)
	w.Headroom = float64(headroom)
	if f.outage != "" {
		outage, err := scenario.ParseDuration(f.outage)
		fail("outage", err)
		w.Outage = time.Duration(outage).Seconds()
	}
	if f.queuedSpan != "" {
		bytes, err := scenario.ParseBytes(f.queuedSpan)
		fail("queued-span", err)
		w.QueuedSpan = float64(bytes)
	}
	if f.shape != "" {
		fail("shape", knownShape(f.shape))
	}
	if f.replicas < 0 || f.replicas == 0 && cmd.Flags().Changed("replicas") && !fromEnv(cmd.Flags().Lookup("replicas")) {
		fail("replicas", fmt.Errorf("found %d, want 1 or more", f.replicas))
	}
	prices := cmd.Flags().Changed("cpu-hour") || cmd.Flags().Changed("gib-hour")
	if prices {
		w.Prices = &sizing.Prices{CPUHour: f.cpuHour, GiBHour: f.gibHour, Currency: f.currency}
	} else if f.currency != "" {
		fail("currency", errors.New("found a currency and no price, want --cpu-hour or --gib-hour too"))
	}
	return w, errors.Join(errs...)
}

func knownShape(name string) error {
	switch scenario.Shape(name) {
	case scenario.ShapeOdigosDocs, scenario.ShapeSimple, scenario.ShapeComplex:
		return nil
	}
	return fmt.Errorf("found %q, want %s, %s or %s", name, scenario.ShapeOdigosDocs,
		scenario.ShapeSimple, scenario.ShapeComplex)
}
