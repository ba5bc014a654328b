package trial_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env/envtest"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/trial"
)

var (
	threeGenerators = []string{"loadgen/0", "loadgen/1", "loadgen/2"}
	twoBackends     = []string{"backend/0", "backend/1"}
)

// Three load generators and two backends give one ledger, exact to the span, and each of
// them stands in the record beside all of them.
func TestSeveralGeneratorsAndBackends(t *testing.T) {
	t.Parallel()
	q := question{
		warmUp: 200 * time.Millisecond, generators: 3, backends: 2, gateway: &gateway{},
	}
	r := q.finished(t, t.Context())
	e := r.Ending
	measured := once(1000)
	measured.Traces = &ledger.Traces{Whole: 100}
	for _, c := range []struct {
		of        string
		got, want ledger.Account
	}{{"all", e.All, once(1200)}, {"measured", e.Measured, measured}} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("account of %s (-want +got):\n%s", c.of, diff)
		}
	}
	if !e.Drained.Complete || e.Received.Unique != 1200 || e.Received.Duplicate != 0 ||
		e.Received.Latency.Count() != 1000 || e.Sent.Measured.Due != 1000 {
		t.Errorf("drained %+v; received %+v; sent %+v", e.Drained, e.Received, e.Sent)
	}
	eachHasItsBook(t, e)
	for _, actor := range slices.Concat(threeGenerators, twoBackends, []string{
		record.Loadgen, record.Backend, record.Gateway,
	}) {
		if s, ok := e.States[actor]; !ok || s.Running || !s.Stopped || s.ExitCode != 0 {
			t.Errorf("States[%s] = %+v, %v", actor, s, ok)
		}
	}
	var again record.Ending
	if err := trial.Join(r.Dir, r.Header, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([2]ledger.Account{e.All, e.Measured},
		[2]ledger.Account{again.All, again.Measured}); diff != "" {
		t.Errorf("joined again (-trial +again):\n%s", diff)
	}
	looksAtEach(t, r)
	clocksAreTold(t, e)
}

// eachHasItsBook holds the books of all against their sum.
func eachHasItsBook(t *testing.T, e *record.Ending) {
	t.Helper()
	if diff := cmp.Diff(threeGenerators, slices.Sorted(maps.Keys(e.SentBy))); diff != "" {
		t.Errorf("books of load generators (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(twoBackends, slices.Sorted(maps.Keys(e.ReceivedBy))); diff != "" {
		t.Errorf("books of backends (-want +got):\n%s", diff)
	}
	for i, name := range threeGenerators {
		// 60 slots of 20 spans, of which each has a third.
		if b := e.SentBy[name]; b == nil || b.Stream != uint16(i) || b.All.Due != 400 {
			t.Errorf("the book of %s is %+v, want stream %d and 400 spans", name, b, i)
		}
	}
	for _, name := range twoBackends {
		if b := e.ReceivedBy[name]; b == nil || b.Unique != 600 {
			t.Errorf("the book of %s is %+v, want 600 spans", name, b)
		}
	}
}

// looksAtEach wants every member in the samples, and all of them as the sum.
func looksAtEach(t *testing.T, r *record.Record) {
	t.Helper()
	whole := 0
	for _, s := range r.Samples {
		for actor, of := range map[string]struct {
			members []string
			metric  record.Metric
		}{
			record.Loadgen: {threeGenerators, record.LoadDue},
			record.Backend: {twoBackends, record.BackendUnique},
		} {
			sum, all := 0.0, true
			for _, name := range of.members {
				v, known := s.Actors[name].Metrics[of.metric]
				sum, all = sum+v, all && known
			}
			together, known := s.Actors[actor].Metrics[of.metric]
			if known != all || known && together != sum {
				t.Errorf("%s has %v %s, %v; its members %v, %v", actor, together, of.metric, known, sum,
					all)
			}
			if known {
				whole++
			}
		}
	}
	if whole == 0 {
		t.Error("no sample has all of several")
	}
}

// clocksAreTold: both ends are in this process, so that no clock is ahead of another.
func clocksAreTold(t *testing.T, e *record.Ending) {
	t.Helper()
	var names []string
	for _, c := range e.Clocks {
		names = append(names, c.Actor)
		if c.Corrected != 0 || c.Uncertainty <= 0 || max(c.Ahead, -c.Ahead) > c.Uncertainty ||
			c.AheadAfter == nil || c.Off() <= 0 {
			t.Errorf("clock of %s: %+v, want one that is not ahead for certain", c.Actor, c)
		}
	}
	if diff := cmp.Diff(slices.Concat(twoBackends, threeGenerators), names); diff != "" {
		t.Errorf("clocks (-want +got):\n%s", diff)
	}
}

// A span that came to both backends came twice, and is one.
func TestSpansThatComeToTwoBackends(t *testing.T) {
	t.Parallel()
	q := question{generators: 2, backends: 2, gateway: &gateway{twice: 5}}
	e := q.finished(t, t.Context()).Ending
	want := once(1000)
	want.Acknowledged.Once, want.Acknowledged.Repeatedly, want.Acknowledged.Extra = 800, 200, 200
	if diff := cmp.Diff(want, e.All); diff != "" {
		t.Errorf("account (-want +got):\n%s", diff)
	}
	if e.Received.Unique != 1000 || e.Received.Duplicate != 200 {
		t.Errorf("%d unique and %d more, want 1000 and 200", e.Received.Unique, e.Received.Duplicate)
	}
	if sum := e.ReceivedBy["backend/0"].Unique + e.ReceivedBy["backend/1"].Unique; sum != 1200 {
		t.Errorf("%d are unique to one of the backends, want 1200: each counts what it has", sum)
	}
}

// The books of a load are gone with one of its ends, and the trial says with which.
func TestOneOfSeveralEndsIsGone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"backend/1", "loadgen/2"} {
		t.Run(strings.ReplaceAll(name, "/", " "), func(t *testing.T) {
			t.Parallel()
			q := question{generators: 3, backends: 2, gateway: &gateway{}, measured: 10 * time.Second}
			q.gateway.on = func(g *gateway, n int64) bool {
				if n == 10 {
					g.instance(name).Kill("SIGKILL", false)
				}
				return false
			}
			r, err := q.ask(t, t.Context())
			want := fmt.Sprintf("the %s is gone, and its book with it: killed by SIGKILL", name)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Run() = %v, want %q", err, want)
			}
			if diff := cmp.Diff([]string{name + ": killed by SIGKILL"}, said(r, record.EventKilled)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// What a death cost is of the slots that were due meanwhile, whichever generator had them.
func TestCostOfADeathUnderSeveralGenerators(t *testing.T) {
	t.Parallel()
	q := question{
		generators: 3, backends: 2, gateway: &gateway{}, measured: 2 * time.Second,
		onDeath: scenario.Gateway{
			OnDeath: scenario.DeathRestart, RestartDelay: scenario.Duration(100 * time.Millisecond),
			MaxRestarts: 3,
		},
	}
	q.gateway.on = func(g *gateway, n int64) bool {
		if n == 20 {
			g.die(func(i *envtest.Instance) { i.Exit(7) })
		}
		return false
	}
	e := q.finished(t, t.Context()).Ending
	if len(e.Deaths) != 1 || e.Deaths[0].Cost == nil {
		t.Fatalf("deaths %+v, want one with its cost", e.Deaths)
	}
	c := e.Deaths[0].Cost
	// Slots of 20 spans each 20 ms, the first at 0.
	slots := 0
	for at := 0.0; at < c.To && at < 2; at = float64(slots) * 0.02 {
		slots++
	}
	if c.Due != uint64(slots)*request {
		t.Errorf("the death cost %+v: want %d spans due, of %d slots", c, slots*request, slots)
	}
	if e.All.Due != 2000 {
		t.Errorf("%d spans due, want 2000", e.All.Due)
	}
}

// An account that is missing is told by the name of its end.
func TestJoinOfSeveral(t *testing.T) {
	t.Parallel()
	q := question{generators: 2, backends: 2}
	r := q.finished(t, t.Context())
	file := filepath.Join(r.Dir, record.AccountFile("loadgen/1"))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	var e record.Ending
	err := trial.Join(r.Dir, r.Header, &e)
	if err == nil || !strings.Contains(err.Error(), "raw/loadgen-1.account") {
		t.Errorf("Join without %s = %v", file, err)
	}
}
