package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/odigos-io/odigos-stress/internal/env/local"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/scenarios"
)

// A question is a scenario by name or file, with what the flags lay over it.
type question struct {
	flagSet   *pflag.FlagSet
	known     []wellKnown
	overrides map[string]*string // by flag
	set       []string
	assert    []string
	variant   string
	// collectorBin and image each name the collector, in place of the scenario.
	collectorBin string
	image        collectorImage
	place        placeOptions
	way          wayOptions
}

// A wellKnown is a flag that stands for one path of a scenario.
type wellKnown struct{ flag, path, help string }

var loadFlags = []wellKnown{
	{"rate", "load.rate", "spans per second in total, such as 15000 or 15k"},
	{"duration", "timing.duration", "measured time, such as 90s, 30m or 1h30m"},
	{"warm-up", "timing.warm_up", "time under load before the measured time"},
}

var gatewayFlags = []wellKnown{
	{"drain", "timing.drain", "longest wait for the gateway to empty"},
	{"cpu-limit", "gateway.cpu_limit", "the gateway's CPU limit, such as 2 or 4000m"},
	{"memory-limit", "gateway.memory_limit", "the gateway's memory limit, such as 600Mi or 8Gi"},
}

// flags adds the flags of a question about a gateway to cmd: what is asked of it is known.
func (q *question) flags(cmd *cobra.Command, known []wellKnown) {
	q.scenarioFlags(cmd, slices.Concat(known, gatewayFlags))
	cmd.Flags().StringVar(&q.collectorBin, "collector-bin", "", "the collector to test, a path or a name on PATH")
	q.image.flags(cmd)
	cmd.Flags().StringArrayVar(&q.assert, "assert", nil,
		"assert `expression` too, such as 'p(99)<500ms' (assertions)")
	q.place.flags(cmd)
	q.way.flags(cmd)
}

// scenarioFlags adds the flags that are laid over a scenario.
func (q *question) scenarioFlags(cmd *cobra.Command, known []wellKnown) {
	q.flagSet, q.known, q.overrides = cmd.Flags(), known, map[string]*string{}
	for _, k := range known {
		q.overrides[k.flag] = cmd.Flags().String(k.flag, "", k.help+" ("+k.path+")")
	}
	cmd.Flags().StringArrayVar(&q.set, "set", nil, "lay `path=value` over the scenario, such as load.shape=complex")
	q.variantFlag(cmd)
	cmd.ValidArgsFunction = completeScenarios
}

// laid is what is laid over the scenario, the environment's before the command line's,
// and where the value of each well-known path came from.
func (q *question) laid() (lay []string, origins map[string]string) {
	origins = map[string]string{}
	var typed []string
	add := func(flag string, overrides ...string) {
		if fromEnv(q.flagSet.Lookup(flag)) {
			lay = append(lay, overrides...)
		} else {
			typed = append(typed, overrides...)
		}
	}
	add("set", q.set...)
	for _, k := range q.known {
		if value := *q.overrides[k.flag]; value != "" {
			add(k.flag, k.path+"="+value)
			origins[k.path] = "--" + k.flag
			if fromEnv(q.flagSet.Lookup(k.flag)) {
				origins[k.path] = variable(k.flag)
			}
		}
	}
	return append(lay, typed...), origins
}

// byOrigin tells mistakes in values that a flag of their own or a variable gave by that
// name.
func byOrigin(err error, origins map[string]string) error {
	all := scenario.Errors(err)
	if len(all) == 0 {
		return err
	}
	var out []error
	for _, e := range all {
		if name, ok := origins[e.Path]; ok {
			out = append(out, fmt.Errorf("%s: found %s, want %s", name, e.Found, e.Want))
		} else {
			out = append(out, e)
		}
	}
	return errors.Join(out...)
}

// plan finds the collector and makes the plan of one trial of what args name.
func (q *question) plan(
	ctx context.Context, s scenario.Scenario, args []string,
) (plan.Plan, error) {
	found, err := q.subject(ctx, s, args)
	if err != nil {
		return plan.Plan{}, err
	}
	return found.plan(s)
}

// userConfig is where the user's collector configuration lies: beside the scenario
// file that names it.
func userConfig(name string, args []string) string {
	if filepath.IsAbs(name) || len(args) == 0 || !isFile(args[0]) {
		return name
	}
	return filepath.Join(filepath.Dir(args[0]), name)
}

func isFile(name string) bool {
	return strings.ContainsRune(name, '/') ||
		strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// readScenario reads a file, or a scenario that is built in.
func readScenario(name string) (scenario.Scenario, error) {
	if !isFile(name) {
		return scenarios.Get(name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return scenario.Scenario{}, fmt.Errorf("read scenario: %w", err)
	}
	return scenario.Read(name, data)
}

// findCollector looks for the collector in the order that gateway.Candidates gives,
// and asks it who it is.
func findCollector(
	ctx context.Context, g scenario.Gateway, named string,
) (gateway.Collector, error) {
	candidates := gateway.Candidates(g, named)
	for _, c := range candidates {
		path, err := local.FindProgram([]string{c.Name})
		if err != nil && len(candidates) > 1 {
			continue
		}
		if err != nil {
			return gateway.Collector{}, fmt.Errorf("find collector %s: %w", c, err)
		}
		return identify(ctx, path)
	}
	return gateway.Collector{}, gateway.NotFound(candidates)
}

// identify asks a collector who it is.
func identify(ctx context.Context, path string) (gateway.Collector, error) {
	out, err := local.Output(ctx, path, "components")
	if err != nil {
		return gateway.Collector{}, fmt.Errorf("ask the collector for its components: %w", err)
	}
	found, err := gateway.Identify(path, out)
	if err != nil {
		return gateway.Collector{}, err
	}
	found.SHA256, err = local.SHA256(path)
	return found, err
}

func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, err := scenarios.All()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, 0, len(all))
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names, cobra.ShellCompDirectiveDefault
}
