package trial_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env/envtest"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// at has something done once, before the n-th request is handed on.
func at(n int64, do func(g *gateway)) func(*gateway, int64) bool {
	var once sync.Once
	return func(g *gateway, i int64) bool {
		if i >= n {
			once.Do(func() { do(g) })
		}
		return false
	}
}

// Several gateways share one load, and its account is that of one: each is looked at, and
// all of them together.
func TestSeveralGateways(t *testing.T) {
	t.Parallel()
	q := question{warmUp: 200 * time.Millisecond, gateways: 3, gateway: &gateway{}}
	r := q.finished(t, t.Context())
	if diff := cmp.Diff(once(1200), r.Ending.All); diff != "" {
		t.Errorf("account (-want +got):\n%s", diff)
	}
	if len(r.Ending.Deaths) > 0 || r.Ending.CutShort != "" || !r.Ending.Drained.Complete {
		t.Errorf("deaths %+v, cut short %q, drained %+v", r.Ending.Deaths, r.Ending.CutShort,
			r.Ending.Drained)
	}
	want := []string{"gateway/0", "gateway/1", "gateway/2"}
	if diff := cmp.Diff(want, r.Members(record.Gateway)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	for _, name := range append(want, record.Gateway) {
		if s := r.Ending.States[name]; s.Running || !s.Stopped || s.ExitCode != 0 {
			t.Errorf("States[%s] = %+v", name, s)
		}
	}
}

// The death of one of several is told with its name, and ends the load as that of the only
// one does.
func TestOneOfSeveralGatewaysDies(t *testing.T) {
	t.Parallel()
	q := question{measured: time.Minute, gateways: 2, gateway: &gateway{
		on: at(20, func(g *gateway) { g.instance("gateway/1").Kill("SIGKILL", true) }),
	}}
	r := q.finished(t, t.Context())
	if len(r.Ending.Deaths) != 1 {
		t.Fatalf("deaths are %+v, want one", r.Ending.Deaths)
	}
	d := r.Ending.Deaths[0]
	if d.Member != "gateway/1" || d.Kind != record.DeathOOM || d.Restarted != nil {
		t.Errorf("the death is %+v", d)
	}
	if want := "the gateway ended: killed for want of memory"; !strings.HasPrefix(r.Ending.CutShort, want) {
		t.Errorf("CutShort = %q, want %q", r.Ending.CutShort, want)
	}
	if got := said(r, record.EventKilled); len(got) != 1 || !strings.HasPrefix(got[0], "gateway/1: ") {
		t.Errorf("events %q", got)
	}
	if s := r.Ending.States["gateway/0"]; !s.Stopped || s.ExitCode != 0 {
		t.Errorf("the other's state is %+v, want that it was stopped", s)
	}
	costs(t, r)
}

// Where it is to be started again, the one that died is, the other runs on, and the load
// goes on to its end.
func TestOneOfSeveralGatewaysIsStartedAgain(t *testing.T) {
	t.Parallel()
	var first *envtest.Instance
	q := question{measured: 3 * time.Second, gateways: 2, onDeath: restart, gateway: &gateway{
		on: at(20, func(g *gateway) {
			first = g.instance("gateway/0")
			g.instance("gateway/1").Exit(3)
		}),
	}}
	var after *envtest.Instance
	q.watch = func(s record.Sample) {
		if s.Phase == record.PhaseMeasuring {
			after = q.gateway.instance("gateway/0")
		}
	}
	r := q.finished(t, t.Context())
	if diff := cmp.Diff([]record.DeathKind{record.DeathCrash}, kinds(r)); diff != "" {
		t.Fatalf("deaths (-want +got):\n%s", diff)
	}
	d := r.Ending.Deaths[0]
	if d.Member != "gateway/1" || d.Restarted == nil || r.Ending.CutShort != "" {
		t.Errorf("the death is %+v, cut short %q", d, r.Ending.CutShort)
	}
	if first == nil || first != after {
		t.Error("the one that lived was started again")
	}
	for _, name := range []string{"gateway/0", "gateway/1"} {
		if s := r.Ending.States[name]; !s.Stopped || s.ExitCode != 0 {
			t.Errorf("States[%s] = %+v, want that it was stopped", name, s)
		}
	}
	costs(t, r)
}

// One that its place takes away is no death, and the others go on; one that comes in its
// stead is looked at. When the last is taken away the load ends.
func TestGatewaysAreTakenAwayAndCome(t *testing.T) {
	t.Parallel()
	q := question{measured: time.Minute, gateways: 2}
	came := make(chan error, 1)
	var once, last sync.Once
	gone := 0.0
	q.gateway = &gateway{on: at(20, func(g *gateway) {
		g.instance("gateway/0").Take("evicted by kubelet: the node was low on memory")
	})}
	q.watch = func(s record.Sample) {
		if one, seen := s.Actors["gateway/0"]; seen && !one.Running {
			once.Do(func() { came <- q.gateway.place.another(context.Background()); gone = s.Elapsed })
		}
		// Longer after the first than a load goes on that is to end.
		if s.Actors["gateway/2"].Metrics != nil && s.Elapsed > gone+2 {
			last.Do(func() {
				q.gateway.instance("gateway/1").Take("preempted")
				q.gateway.instance("gateway/2").Take("preempted")
			})
		}
	}
	r := q.finished(t, t.Context())
	if err := <-came; err != nil {
		t.Fatal(err)
	}
	if want := "the gateway ended: ended by its place: preempted"; !strings.HasPrefix(r.Ending.CutShort, want) {
		t.Errorf("CutShort = %q, want %q", r.Ending.CutShort, want)
	}
	if len(r.Ending.Deaths) > 0 {
		t.Errorf("deaths are %+v, want none", r.Ending.Deaths)
	}
	want := []string{"gateway/0", "gateway/1", "gateway/2"}
	if diff := cmp.Diff(want, r.Members(record.Gateway)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	away := "gateway/0: taken away by its place: evicted by kubelet: the node was low on memory"
	if got := said(r, record.EventEnded); !slices.Contains(got, away) {
		t.Errorf("events %q, want %q among them", got, away)
	}
	if got := said(r, record.EventStarted); !slices.Contains(got, "gateway/2: ready, beside the others") {
		t.Errorf("events %q", got)
	}
	if s := r.Ending.States[record.Gateway]; !s.Taken() {
		t.Errorf("the state of all is %+v, want that they were taken away", s)
	}
}
