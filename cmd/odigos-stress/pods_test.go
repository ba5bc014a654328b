package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
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
