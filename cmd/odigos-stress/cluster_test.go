package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// inTestCluster says that the cluster of the current context is there for tests, with the
// tool's image loaded, which ODIGOS_STRESS_IMAGE names.
const inTestCluster = "ODIGOS_STRESS_TEST_CLUSTER"

// A clusterTest is a cluster that a test runs in, and is left as it was found.
type clusterTest struct {
	*testing.T
	ctx    context.Context
	tool   string // this program
	before inventory
}

// newClusterTest skips the test where there is no cluster.
func newClusterTest(t *testing.T) *clusterTest {
	t.Helper()
	if os.Getenv(inTestCluster) == "" {
		t.Skipf("SKIPPED: NO CLUSTER TO TEST WITH: set %s, KUBECONFIG and ODIGOS_STRESS_IMAGE",
			inTestCluster)
	}
	tool, err := exec.LookPath("odigos-stress") // that of TestMain
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	t.Cleanup(cancel)
	return &clusterTest{T: t, ctx: ctx, tool: tool, before: stillInventory(ctx, t)}
}

// command is the tool with arguments, in the cluster.
func (t *clusterTest) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.CommandContext(t.ctx, t.tool, append(args, "--environment=kubernetes")...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	return cmd, &said
}

// run runs a trial to its end, wants one of the exit codes, and nothing left behind.
func (t *clusterTest) run(codes []int, args ...string) *record.Record {
	t.Helper()
	results := t.TempDir()
	cmd, said := t.command(append([]string{"run", "--quiet", "--results=" + results}, args...)...)
	err := cmd.Run()
	wanted := false
	for _, code := range codes {
		wanted = wanted || cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == code
	}
	if !wanted {
		t.Fatalf("run %v: %v, want one of the exit codes %v\n%s", args, err, codes, said)
	}
	t.Logf("run %v:\n%s", args, said)
	r, err := record.Open(filepath.Join(results, record.Latest))
	if err != nil {
		t.Fatal(err)
	}
	t.wantNothingLeft()
	return r
}

// longestGoing is how long what is removed may take to go.
const longestGoing = 40 * time.Second

// wantNothingLeft compares what is in the cluster with what was.
func (t *clusterTest) wantNothingLeft() {
	t.Helper()
	t.wantNone(func() string { return t.before.difference(takeInventory(t.ctx, t.T)) })
}

// wantNone waits until a difference is gone.
func (t *clusterTest) wantNone(look func() string) {
	t.Helper()
	var difference string
	ctx, cancel := context.WithTimeout(t.ctx, longestGoing)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		// What a namespace held goes with it, a moment after.
		if difference = look(); difference == "" {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the cluster is not as it was (-before +after):\n%s", difference)
		}
	}
}

// exact wants every span of a load that was let through: due, sent, acknowledged, and
// delivered once.
func (t *clusterTest) exact(r *record.Record, measured uint64) {
	t.Helper()
	if r.Ending == nil {
		t.Fatal("the record has no ending")
	}
	for _, c := range []struct {
		what string
		a    ledger.Account
	}{{"all", r.Ending.All}, {"measured", r.Ending.Measured}} {
		if err := c.a.Check(); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		ack := c.a.Acknowledged
		if c.a.Impossible != 0 || ack.Items+c.a.Unsent != c.a.Due || ack.Once != ack.Items {
			t.Errorf("%s: %+v; want all acknowledged, and delivered once", c.what, c.a)
		}
	}
	if due := r.Ending.Measured.Due; due != measured {
		t.Errorf("%d measured spans were due, want %d", due, measured)
	}
	h := r.Header
	if h.Environment != onCluster || h.Machine.Name == "" || len(h.Nodes) == 0 || h.Image == "" {
		t.Errorf("header: environment %q, machine %+v, nodes %+v, image %q; want those of a cluster",
			h.Environment, h.Machine, h.Nodes, h.Image)
	}
	samples := 0
	for _, s := range r.Samples {
		if s.Phase == record.PhaseMeasuring && s.Actors[record.Gateway].Metrics != nil {
			samples++
		}
	}
	if samples < 3 {
		t.Errorf("%d samples with the gateway's metrics, want more", samples)
	}
}

// Whether a run asked its question depends on the machine that the cluster is on; that its
// books are exact does not.
var ran = []int{exitPass, exitInvalid}

func TestClusterBasicLoad(t *testing.T) {
	c := newClusterTest(t)
	r := c.run(ran, "basic-load-1k", "--duration=10s", "--warm-up=3s")
	c.exact(r, 10_000)
}

// Two load generators share one schedule, and two backends one name: their books make one
// account.
func TestClusterSeveral(t *testing.T) {
	c := newClusterTest(t)
	r := c.run(ran, "basic-load-1k", "--duration=10s", "--warm-up=3s", "--set=load.generators=2",
		"--set=load.connections=4", "--set=backend.replicas=2")
	c.exact(r, 10_000)
	for _, actor := range []string{record.Loadgen, record.Backend} {
		for n := range 2 {
			name := env.MemberName(actor, n)
			if r.Ending.Nodes[name] == "" {
				t.Errorf("on which node %s was is not known: %v", name, r.Ending.Nodes)
			}
			if actor == record.Loadgen && r.Ending.SentBy[name].All.Due != r.Ending.All.Due/2 {
				t.Errorf("%s had %d spans due, want half of %d", name, r.Ending.SentBy[name].All.Due,
					r.Ending.All.Due)
			}
		}
	}
	for name, received := range r.Ending.ReceivedBy {
		t.Logf("%s: %+v", name, *received)
	}
	if len(r.Ending.Clocks) != 4 {
		t.Errorf("clocks %+v, want those of four", r.Ending.Clocks)
	}
}

// A gateway that is killed for want of memory, as the kernel does it in a pod.
func TestClusterGatewayOOM(t *testing.T) {
	c := newClusterTest(t)
	file := filepath.Join(t.TempDir(), "oom.yaml")
	if err := os.WriteFile(file, []byte(clusterOOM), 0o644); err != nil {
		t.Fatal(err)
	}
	r := c.run(ran, file)
	if r.Ending == nil || len(r.Ending.Deaths) == 0 {
		t.Fatalf("no death is told: %+v", r.Ending)
	}
	d := r.Ending.Deaths[0]
	if d.Kind != record.DeathOOM || d.State.OOMKilled == nil || !*d.State.OOMKilled {
		t.Errorf("death %+v; want one for want of memory", d)
	}
	if at := d.At; at.Before(r.Ending.LoadStart) || at.After(r.Ending.Finished) {
		t.Errorf("it died at %v; want between %v and %v", at, r.Ending.LoadStart, r.Ending.Finished)
	}
	if err := r.Ending.All.Check(); err != nil {
		t.Error(err)
	}
	c.toldOf(r, d)
}

// The backend answers so late that all that is sent stays in the gateway's memory.
const clusterOOM = `name: cluster-oom
load: {rate: 4k}
gateway: {kind: odigos, protection: none, cpu_limit: 500m, memory_limit: 128Mi}
backend: {delay: 4s}
expect: killed
thresholds:
  cpu: {warning: 95%, critical: 100%, for: 1m}
  memory: {warning: 90%, critical: 100%, for: 1m}
  refused: 1
timing: {warm_up: 0s, duration: 1m, drain: 10s}
`

// A running is a run under way.
type running struct {
	cmd   *exec.Cmd
	said  *bytes.Buffer // to be read once it has ended
	ended chan struct{}
}

// begin starts a run of some minutes with a gateway of its own, and waits until it measures.
func (t *clusterTest) begin() *running {
	t.Helper()
	results := t.TempDir()
	return t.started(results, "run", "basic-load-1k", "--duration=2m", "--warm-up=1s", "--quiet",
		"--results="+results, "--gateway=scenario", "--cpu-limit=200m", "--rate=200")
}

// started starts a run and waits until it measures.
func (t *clusterTest) started(results string, args ...string) *running {
	t.Helper()
	r := &running{ended: make(chan struct{})}
	r.cmd, r.said = t.command(args...)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait() // how it ended is looked at
		close(r.ended)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // unless it has ended
		<-r.ended
	})
	samples := filepath.Join(results, record.Latest, record.SamplesFile)
	until(t.ctx, t.T, "it measures", func() bool {
		select {
		case <-r.ended:
			t.Fatalf("the run ended before it measured\n%s", r.said)
		default:
		}
		text, err := os.ReadFile(samples)
		return err == nil && bytes.Contains(text, []byte(`"phase":"`+string(record.PhaseMeasuring)+`"`))
	})
	return r
}
