package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/suite"
)

func podsFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pods.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// What a file asks of pods is told in the plan, an end is limited as it says, and a copy lacks no
// pull secret that it has.
func TestPodsInAPlan(t *testing.T) {
	name := podsFile(t, `
gateway: {imagePullSecrets: [{name: regcred}]}
loadgen: {resources: {limits: {cpu: 2, memory: 1Gi}}}
`)
	q, _ := questionOf(t, inLab, "--gateway=clone", "--kubeconfig="+apiServer(t), "--pods="+name, "-n=shop")
	_, all, err := q.trials(t.Context(), []string{"basic-load-1k"})
	if err != nil {
		t.Fatal(err)
	}
	s := subject{
		collector: stock, inCluster: true, target: q.way.target, notes: q.way.notes,
		host: q.place.host(t.Context()),
	}
	s.sources.GatewayConfig = q.way.target.config
	p, err := s.plan(all[0].scenario)
	if err != nil {
		t.Fatal(err)
	}
	if want := (env.Limits{CPUCores: 2, MemoryBytes: gib}); p.Loadgen.Limits != want {
		t.Errorf("the load generator's limits are %+v, want %+v", p.Loadgen.Limits, want)
	}
	notes := strings.Join(p.Notes, "\n")
	want := "The pods are as " + name + " asks: gateway (imagePullSecrets), loadgen (resources)."
	if !strings.Contains(notes, want) || strings.Contains(notes, "regcred") {
		t.Errorf("notes %q, want %q and nothing of the secret", notes, want)
	}
}

// A search that goes on asks for the pods that it asked for before, without a file; another
// file is another question.
func TestPodsAgain(t *testing.T) {
	const (
		text  = "{gateway: {nodeSelector: {pool: a}}, loadgen: {resources: {limits: {cpu: 500m, memory: 1Gi}}}}"
		other = "{gateway: {nodeSelector: {pool: b}}}"
	)
	first, _ := questionOf(t, inLab, "--gateway=clone", "--kubeconfig="+apiServer(t), "--pods="+podsFile(t, text))
	_, all, err := first.trials(t.Context(), []string{"basic-load-1k"})
	if err != nil {
		t.Fatal(err)
	}
	asked, err := all[0].scenario.Searched()
	if err != nil {
		t.Fatal(err)
	}
	of := subject{
		collector: stock, inCluster: true, target: first.way.target, host: first.place.host(t.Context()),
	}
	of.sources.GatewayConfig = first.way.target.config
	made, err := newSearch(asked, of, onCluster)
	if err != nil {
		t.Fatal(err)
	}
	disk, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	var kept suite.Capacity
	if err := json.Unmarshal(disk, &kept); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, file string
		were       map[string]any
		refused    bool
	}{
		{"no file", "", kept.Pods, false},
		{"the same file", "# again\n" + text, kept.Pods, false},
		{"another file", other, kept.Pods, true},
		{"a file where there was none", other, nil, true},
		{"none where there was none", "", nil, false},
	} {
		args := []string{inLab, "--kubeconfig=" + apiServer(t)}
		if c.file != "" {
			args = append(args, "--pods="+podsFile(t, c.file))
		}
		q, _ := questionOf(t, args...)
		_, err := q.again(t.Context(), earlier{environment: onCluster, pods: c.were})
		if told := err != nil && strings.Contains(err.Error(), "--pods: "); told != c.refused {
			t.Errorf("%s: %v; refused for its pods: %t, want %t", c.name, err, told, c.refused)
		}
		if diff := cmp.Diff(c.were, q.place.pods.Understood()); diff != "" && !c.refused {
			t.Errorf("%s: the pods are others (-before +again):\n%s", c.name, diff)
		}
	}
}

// Secrets in a namespace that the run makes are refused before anything is asked; what is said of an
// installation's pods does not apply, which is told.
func TestPodsOfWays(t *testing.T) {
	q, _ := questionOf(t, inLab, "--gateway=scenario",
		"--pods="+podsFile(t, "loadgen: {imagePullSecrets: [{name: a}]}"))
	_, _, err := q.trials(t.Context(), []string{"basic-load-1k"})
	if err == nil || !strings.Contains(err.Error(), "loadgen.imagePullSecrets: found a with a namespace") {
		t.Errorf("secrets in a namespace of the run's own: %v", err)
	}
	_, p, err := inPlacePlan(t, "basic-load-1k",
		"--pods="+podsFile(t, "{tool: {imagePullSecrets: [{name: a}]}, gateway: {nodeSelector: {pool: a}}}"))
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "pods does not apply") {
		t.Errorf("notes %q, want that the gateway's pods go where they went", notes)
	}
}
