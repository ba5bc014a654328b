package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// inPlacePlan is the plan of the only trial that is asked for, in place.
func inPlacePlan(t *testing.T, name string, args ...string) (*question, plan.Plan, error) {
	t.Helper()
	q, _ := questionOf(t, append(args, inLab, "--gateway=in-place", "--kubeconfig="+apiServer(t))...)
	_, all, err := q.trials(t.Context(), []string{name})
	if err != nil {
		return q, plan.Plan{}, err
	}
	s := q.installed(t.Context(), subject{target: q.way.target, notes: q.way.notes})
	p, err := s.plan(all[0].scenario)
	return q, p, err
}

// An installation is asked as it is found, whatever the scenario says of its size; what is said on
// the command line goes before it.
func TestInPlaceSizes(t *testing.T) {
	q, found, err := inPlacePlan(t, "basic-load-10k")
	if err != nil {
		t.Fatal(err)
	}
	f := q.place.inPlace.Found
	g := found.Scenario.Gateway
	if float64(g.CPULimit) != f.Limits.CPUCores || int64(g.MemoryLimit) != f.Limits.MemoryBytes ||
		max(1, g.Replicas) != f.Replicas.Wanted || g.Preset != "" && g.Preset != scenario.PresetSizeM {
		t.Errorf("the gateway is %+v, want it as it was found: %+v, %+v", g, f.Limits, f.Replicas)
	}
	if found.Original == nil || found.Original.Way != wayInPlace ||
		!strings.HasSuffix(found.Collector.Headline, ", in place, odigos-system/odigos-gateway") &&
			!strings.Contains(found.Collector.Headline, " in place, odigos-system/odigos-gateway") {
		t.Errorf("original %+v, headline %q", found.Original, found.Collector.Headline)
	}
	notes := strings.Join(found.Notes, "\n")
	for _, want := range []string{"the installation itself", "gateway.preset does not apply"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes have no %q:\n%s", want, notes)
		}
	}
	if args := strings.Join(found.Loadgen.Args, " "); !strings.Contains(args, "--abandoned-after 1m0s") {
		t.Errorf("the load generator would outlive the tool: %s", args)
	}
	_, larger, err := inPlacePlan(t, "basic-load-10k", "--cpu-limit=2", "--memory-limit=2Gi",
		"--set=gateway.replicas=3")
	if err != nil {
		t.Fatal(err)
	}
	g = larger.Scenario.Gateway
	if g.CPULimit != 2 || g.MemoryLimit != 2<<30 || g.Replicas != 3 ||
		g.GoMemLimit != scenario.Derive(2<<30).GoMemLimit || larger.Gateway.Env["GOMEMLIMIT"] == "" {
		t.Errorf("the gateway is %+v, %v, want it as it was asked for", g, larger.Gateway.Env)
	}
}

// No file resizes an installation: replicas of a scenario are told not to apply, and variants of
// sizes are refused, but for one that has none.
func TestInPlaceIsSizedByTheCommandLineAlone(t *testing.T) {
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name+".yaml")
		text = "name: " + name + "\n" + text
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	many := file("many", "gateway: {replicas: 7}\n")
	q, p, err := inPlacePlan(t, many)
	if err != nil {
		t.Fatal(err)
	}
	if n, want := max(1, p.Scenario.Gateway.Replicas), q.place.inPlace.Found.Replicas.Wanted; n != want {
		t.Errorf("replicas %d, want %d, as there are", n, want)
	}
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "gateway.replicas does not apply") {
		t.Errorf("notes do not say that gateway.replicas does not apply:\n%s", notes)
	}
	_, p, err = inPlacePlan(t, many, "--set=gateway.replicas=3")
	if err != nil || p.Scenario.Gateway.Replicas != 3 {
		t.Errorf("replicas %d, %v; want those of the command line, 3", p.Scenario.Gateway.Replicas, err)
	}
	sizes := file("sizes", "variants:\n"+
		"  - {name: s, set: {gateway.preset: size_s}}\n"+
		"  - {name: m, set: {gateway.replicas: 2}}\n"+
		"  - {name: fast, set: {load.rate: 2k}}\n")
	if _, _, err = inPlacePlan(t, sizes); err == nil ||
		!strings.Contains(err.Error(), "variant s: found gateway.preset with --gateway in-place") ||
		!strings.Contains(err.Error(), "variant m: found gateway.replicas") {
		t.Errorf("variants of sizes: %v, want them refused", err)
	}
	if _, _, err = inPlacePlan(t, sizes, "--variant=fast"); err != nil {
		t.Errorf("the variant without a size: %v", err)
	}
}

// Who could not look everywhere is not told that nothing is left.
func TestNothingLeft(t *testing.T) {
	if got := nothingLeft(nil); got != "nothing was left behind" {
		t.Errorf("everywhere: %q", got)
	}
	got := nothingLeft([]string{"odigos-system", "stress"})
	if strings.Contains(got, "left behind") || !strings.Contains(got, "in odigos-system, stress alone") {
		t.Errorf("in two namespaces: %q", got)
	}
}

func TestInPlaceRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "object.yaml")
	text := "apiVersion: odigos.io/v1alpha1\nkind: Processor\nmetadata: {name: a}\nspec: {type: batch}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--exporter=otlp"}, "--exporter: found it with --gateway in-place"},
		{[]string{"--collector-image=x"}, "--collector-image: found one with --gateway in-place"},
		{[]string{"--odigos-object=" + dir + "/none.yaml"}, "--odigos-object"},
		{[]string{"--odigos-object=" + file, "--odigos-object=" + file}, "found Processor a in two files"},
		{[]string{"--set=gateway.kind=otelcol"}, "gateway"},
		{[]string{"--set=gateway.protection=limiter"}, "gateway.protection"},
	} {
		if _, _, err := inPlacePlan(t, "basic-load-1k", c.args...); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
		}
	}
	for _, flag := range []string{"--allow-live", "--autoscale", "--odigos-object=" + file} {
		q, _ := questionOf(t, flag, inLab, "--gateway=clone", "--kubeconfig="+apiServer(t))
		if _, _, err := q.trials(t.Context(), []string{"basic-load-1k"}); err == nil ||
			!strings.Contains(err.Error(), "without --gateway in-place") {
			t.Errorf("%s with a copy: %v, want it refused", flag, err)
		}
	}
	t.Setenv("ODIGOS_STRESS_GATEWAY", "in-place")
	q, _ := questionOf(t, inLab, "--kubeconfig="+apiServer(t))
	if err := fromEnvironment(q.flagSet); err != nil {
		t.Fatal(err)
	}
	if _, _, err := q.trials(t.Context(), []string{"basic-load-1k"}); err == nil ||
		!strings.Contains(err.Error(), "ODIGOS_STRESS_GATEWAY: found it for a gateway in place, want --gateway") {
		t.Errorf("by a variable: %v, want it refused", err)
	}
	if _, p, err := inPlacePlan(t, "basic-load-1k", "--odigos-object="+file); err != nil {
		t.Errorf("with an object: %v, %+v", err, p.Sampling)
	}
}
