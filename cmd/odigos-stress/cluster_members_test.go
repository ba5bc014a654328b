package main

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// Two gateway pods share a load over four connections: nothing of it is lost, each takes its
// half, and the balance is told.
func TestClusterReplicas(t *testing.T) {
	c := newClusterTest(t)
	r := c.run(ran, "basic-load-1k", "--duration=12s", "--warm-up=3s", "--set=gateway.replicas=2",
		"--set=load.connections=4")
	c.exact(r, 12_000)
	if len(r.Ending.Deaths) > 0 {
		t.Errorf("deaths %+v, want none", r.Ending.Deaths)
	}
	f := verdict.Measure(r)
	if len(f.Pods.All) != 2 || f.Pods.Balance == nil || *f.Pods.Balance > 1.5 {
		t.Fatalf("the gateways are %+v, want two that are loaded evenly", f.Pods)
	}
	for i, p := range f.Pods.All {
		if p.Name != env.MemberName(record.Gateway, i) || p.Node == "" || p.Accepted == nil || *p.Accepted == 0 {
			t.Errorf("gateway %d is %+v, want one that took spans", i, p)
		}
		t.Logf("%s: %+v", p.Name, p)
	}
	accepted, all := 0.0, r.Ending.All.Acknowledged.Items
	for _, s := range r.Samples {
		if v, ok := s.Actors[record.Gateway].Metrics[record.ReceiverAccepted]; ok {
			accepted = v
		}
	}
	if accepted != float64(all) {
		t.Errorf("they say that they accepted %v spans, %d were acknowledged", accepted, all)
	}
}
