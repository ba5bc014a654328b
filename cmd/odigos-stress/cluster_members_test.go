package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// twoGateways are half a core each, which a node of two cores has room for.
var twoGateways = []string{
	"basic-load-1k", "--warm-up=3s", "--set=gateway.replicas=2", "--set=gateway.cpu_limit=500m",
	"--set=load.connections=4",
}

// Two gateway pods share a load over four connections: nothing of it is lost, each takes its
// half, and the balance is told.
func TestClusterReplicas(t *testing.T) {
	c := newClusterTest(t)
	r := c.run(ran, append(twoGateways, "--duration=12s")...)
	c.exact(r, 12_000)
	if len(r.Ending.Deaths) > 0 {
		t.Errorf("deaths %+v, want none", r.Ending.Deaths)
	}
	f := verdict.Measure(r)
	if len(f.Pods.All) != 2 || f.Pods.Balance == nil || *f.Pods.Balance > 1.5 {
		t.Fatalf("the gateways are %+v, want two that are loaded evenly", f.Pods)
	}
	for i, p := range f.Pods.All {
		if p.Name != env.MemberName(record.Gateway, i) || p.Node == "" || p.Accepted == nil ||
			*p.Accepted == 0 {
			t.Errorf("gateway %d is %+v, want one that took spans", i, p)
		}
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
	c.balanceIsTold(r)
	if len(r.Profiles) == 0 {
		t.Error("no profile was taken")
	}
	for _, p := range r.Profiles {
		if p.Error != "" || p.Parsed == nil || p.Actor == record.Gateway {
			t.Errorf("profile %+v, want one of a pod", p)
		}
	}
}

// balanceIsTold wants it in the findings.
func (t *clusterTest) balanceIsTold(r *record.Record) {
	t.Helper()
	if !slices.ContainsFunc(verdict.Judge(r).Findings, func(f verdict.Finding) bool {
		return f.Check == "balance" && f.Value != nil
	}) {
		t.Error("no finding tells of the balance")
	}
}

// A gateway pod that is deleted in the midst of a trial is no death, and loses nothing: the
// other goes on, and the one that its controller makes instead takes its part.
func TestClusterReplicaDeleted(t *testing.T) {
	c := newClusterTest(t)
	results := t.TempDir()
	cmd, said := c.command(append([]string{"run", "--quiet", "--results=" + results, "--duration=40s"},
		twoGateways...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in the record
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // unless it has ended
		<-ended
	})
	samples := filepath.Join(results, record.Latest, record.SamplesFile)
	until(c.ctx, t, "it measures", func() bool {
		text, err := os.ReadFile(samples)
		return err == nil && bytes.Contains(text, []byte(`"phase":"`+string(record.PhaseMeasuring)+`"`))
	})
	c.deleteOne("app.kubernetes.io/component=gateway")
	select {
	case <-ended:
	case <-c.ctx.Done():
		t.Fatal("it does not end")
	}
	t.Logf("%s", said)
	r, err := record.Open(filepath.Join(results, record.Latest))
	if err != nil {
		t.Fatal(err)
	}
	if e := r.Ending; e == nil || len(e.Deaths) > 0 || e.CutShort != "" ||
		e.All.Check() != nil || e.All.Acknowledged.NotDelivered > 0 {
		t.Fatalf("the ending is %+v, want that of a load that went on and lost nothing", e)
	}
	f := verdict.Measure(r).Pods
	if len(f.All) != 3 || f.All[2].Accepted == nil || *f.All[2].Accepted == 0 {
		t.Errorf("the gateways are %+v, want a third that took spans", f)
	}
	gone := 0
	for _, p := range f.All {
		if r.Ending.States[p.Name].Deleted() {
			gone++
		}
	}
	if gone != 1 {
		t.Errorf("%d are known as deleted, want one: %+v", gone, r.Ending.States)
	}
	c.wantNothingLeft()
}

// deleteOne deletes the first of the pods that a selector finds in all namespaces.
func (t *clusterTest) deleteOne(selector string) {
	t.Helper()
	config := clusterConfig(t.T)
	core := kubernetes.NewForConfigOrDie(config).CoreV1()
	pods, err := core.Pods("").List(t.ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil || len(pods.Items) == 0 {
		t.Fatalf("list pods: %v, %d of them", err, len(pods.Items))
	}
	p := pods.Items[0]
	if err := core.Pods(p.Namespace).Delete(t.ctx, p.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}
