package verdict_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// even are two gateways that share the load.
func even() []trials.Pod {
	return []trials.Pod{
		{Share: 1, CPU: 0.3, WorkingSet: trials.Steady(150)},
		{Share: 1, CPU: 0.3, WorkingSet: trials.Steady(150)},
	}
}

func split(pods ...trials.Pod) *record.Record {
	r := trials.Calm().Record()
	trials.Split(r, pods...)
	return r
}

// about are the findings of a check.
func about(r *record.Record, check string) (all []verdict.Finding) {
	for _, f := range verdict.Judge(r).Findings {
		if f.Check == check {
			all = append(all, f)
		}
	}
	return all
}

// Each of several gateways has its own limit: two that use six tenths of it are well, though
// their sum is beyond it, and one that is beyond it is named however little the other uses.
func TestLimitsAreEachGatewaysOwn(t *testing.T) {
	two := even()
	two[0].CPU, two[1].CPU = 0.6, 0.6
	two[0].WorkingSet, two[1].WorkingSet = trials.Steady(400), trials.Steady(400)
	v := verdict.Judge(split(two...))
	if v.Outcome != verdict.Pass || v.Validity != verdict.Valid {
		t.Errorf("two at 60 %% of their limits: %v, %v: %s", v.Outcome, v.Validity, v.Reason)
	}
	two[1].CPU = 0.7
	if found := about(split(two...), "cpu"); len(found) != 1 || found[0].Severity != verdict.Held ||
		found[0].Member != "gateway/1" || !strings.HasSuffix(found[0].Text, "others used 60 % at most") {
		t.Errorf("of two that hold their limits: %+v, want the one that used more", found)
	}
	two[1].CPU, two[0].WorkingSet = 0.95, trials.Steady(560)
	r := split(two...)
	for check, want := range map[string]struct{ member, text string }{
		"cpu":    {"gateway/1", "CPU over 5 s of gateway/1 at or above 0.90 cores"},
		"memory": {"gateway/0", "memory (working set) of gateway/0 at or above 540 MiB"},
	} {
		found := about(r, check)
		if len(found) != 1 || found[0].Severity != verdict.Critical || found[0].Member != want.member ||
			!strings.HasPrefix(found[0].Text, want.text) ||
			!strings.Contains(found[0].Text, "; it is the worst of 2 gateways, the others used 6") {
			t.Errorf("%s: %+v, want %q of %s", check, found, want.text, want.member)
		}
	}
	f := verdict.Measure(r)
	if f.CPU.Pod != "gateway/1" || math.Abs(*f.CPU.Max-0.95) > 1e-6 || math.Abs(*f.CPU.All-1.55) > 1e-6 {
		t.Errorf("CPU is of %s, %v at most, %v of all", f.CPU.Pod, *f.CPU.Max, *f.CPU.All)
	}
	if f.Memory.Pod != "gateway/0" || *f.Memory.Peak != 560*trials.MiB {
		t.Errorf("memory is of %s, %v at most", f.Memory.Pod, *f.Memory.Peak)
	}
	if a := find(verdict.Advise(r), "memory-near-its-limit"); a == nil ||
		!strings.Contains(a.Symptom, "93 % of the memory limit") {
		t.Errorf("the advice on memory is %+v", a)
	}
}

func find(all []verdict.Advice, name string) *verdict.Advice {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

// What a Watch says while the samples come is what it says after: of which gateway, too.
func TestWatchOfSeveralGateways(t *testing.T) {
	two := even()
	two[1].CPU = 0.95
	r := split(two...)
	w := verdict.NewWatch(r.Header)
	var news []string
	for _, s := range r.Samples {
		for _, f := range w.Add(s) {
			news = append(news, f.Member+" "+f.Check+" "+string(f.Severity))
		}
	}
	want := []string{"gateway/1 cpu warning", "gateway/1 cpu critical", "gateway/1 cpu note", "gateway/1 cpu note"}
	if diff := cmp.Diff(want, news); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	judged := about(r, "cpu")
	if found := w.Findings(); len(judged) != 1 || found[0].Text != judged[0].Text {
		t.Errorf("told %q, judged %+v", found[0].Text, judged)
	}
}

// What an assertion says of what flows through all is said once.
func TestFlowIsAssertedOnce(t *testing.T) {
	said := func(r *record.Record) (n int) {
		r.Header.Scenario.Assertions = []scenario.Assertion{{That: "throughput > 2000"}}
		w := verdict.NewWatch(r.Header)
		for _, s := range r.Samples {
			n += len(w.Add(s))
		}
		return n
	}
	one, two := said(trials.Calm().Record()), said(split(even()...))
	if one == 0 || one != two {
		t.Errorf("of one gateway %d things are said, of two %d", one, two)
	}
}

// The balance is told with each one's part, and from one and a half times the mean on what
// it costs and what to do.
func TestBalance(t *testing.T) {
	for _, c := range []struct {
		shares   []float64
		balance  float64
		severity verdict.Severity
		want     string
	}{
		{[]float64{1, 1}, 1, verdict.Held, "2 gateways accepted gateway/0 50 %, gateway/1 50 % of the spans"},
		{[]float64{3, 1}, 1.5, verdict.Held, "gateway/0 got 1.50 times the mean"},
		{[]float64{1, 0}, 2, verdict.Note, "gateway/0 got 2 times the mean, so that together they carry " +
			"50 % less than so many could before the first is full; gateway/1 got nothing; gRPC sticks"},
		{[]float64{1, 1, 4}, 2, verdict.Note, "gateway/2 got 2 times the mean"},
	} {
		var pods []trials.Pod
		for _, share := range c.shares {
			pods = append(pods, trials.Pod{Share: share, CPU: 0.3, WorkingSet: trials.Steady(100)})
		}
		r := split(pods...)
		f := verdict.Measure(r).Pods
		if f.Balance == nil || math.Abs(*f.Balance-c.balance) > 1e-6 {
			t.Errorf("%v: balance %v, want %v", c.shares, f.Balance, c.balance)
		}
		found := about(r, "balance")
		if len(found) != 1 || found[0].Severity != c.severity || !strings.Contains(found[0].Text, c.want) {
			t.Errorf("%v: %+v, want %s %q", c.shares, found, c.severity, c.want)
		}
		sum := 0.0
		for _, p := range f.All {
			sum += *p.Share
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("%v: the parts sum to %v", c.shares, sum)
		}
	}
}

// One gateway has no balance, and its figures and findings name no other.
func TestOneGatewayHasNoPods(t *testing.T) {
	r := trials.Calm().Record()
	if diff := cmp.Diff(verdict.PodFigures{}, verdict.Measure(r).Pods); diff != "" {
		t.Errorf("pods of one (-want +got):\n%s", diff)
	}
	if found := about(r, "balance"); len(found) > 0 {
		t.Errorf("balance of one: %+v", found)
	}
}

// Two gateways that each do half are judged as one that does all in what flows through
// them; what it costs is of both.
func TestFlowIsSummed(t *testing.T) {
	one, two := verdict.Measure(trials.Calm().Record()), verdict.Measure(split(even()...))
	near := cmpopts.EquateApprox(1e-9, 0)
	if diff := cmp.Diff(one.Rate, two.Rate, near); diff != "" {
		t.Errorf("rate (-one +two):\n%s", diff)
	}
	if diff := cmp.Diff(one.Explained, two.Explained, near, cmpopts.IgnoreUnexported(verdict.Book{})); diff != "" {
		t.Errorf("explained (-one +two):\n%s", diff)
	}
	if *one.Pipeline.Accepted != *two.Pipeline.Accepted || *one.Pipeline.QueueMax != *two.Pipeline.QueueMax {
		t.Errorf("the collector's own: one %+v, two %+v", one.Pipeline, two.Pipeline)
	}
	if math.Abs(*two.CPU.SpansPerCore-1000/0.6) > 20 {
		t.Errorf("%v spans a second per core, want 1,000 over 0.6", *two.CPU.SpansPerCore)
	}
	if c := one.Exports.Consumers; c == nil || *two.Exports.Consumers != 2**c {
		t.Errorf("consumers: one %v, two %v", c, two.Exports.Consumers)
	}
}

// A gateway that its place takes away is no death: fewer than were asked went on. One that
// comes in its stead is not held to what it did not see.
func TestGatewayTakenAway(t *testing.T) {
	pods := append(even(), trials.Pod{Share: 1, CPU: 0.3, WorkingSet: trials.Steady(150), From: 40})
	pods[0].To = 30
	r := split(pods...)
	v := verdict.Judge(r)
	if v.Outcome != verdict.Pass || v.Validity != verdict.Degraded {
		t.Errorf("%v, %v: %s, %v", v.Outcome, v.Validity, v.Reason, v.Reasons)
	}
	if diff := cmp.Diff([]verdict.Reason{verdict.FewerGateways}, v.Reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	found := about(r, "balance")
	want := "gateway/0 was taken away by its place at 0:30 (evicted by kubelet: the node was low on " +
		"memory): fewer gateways than were asked carried the load"
	if len(found) != 2 || found[1].Text != want || !strings.Contains(found[0].Text, "1.11 times the mean") {
		t.Errorf("found %+v, want %q and the balance", found, want)
	}
	if l := verdict.Measure(r).Looks[record.Gateway]; l.Missing > 0.05 || l.Longest > 2 {
		t.Errorf("the gateway was not seen: %+v, though each was as long as it was there", l)
	}
	if f := verdict.Measure(r).Pods; f.Most != 2 || *f.All[2].From < 40 || f.All[0].Ended == "" {
		t.Errorf("the pods are %+v", f)
	}
	pods[0].To = 12
	if f := verdict.Measure(split(pods...)).Pods; f.Balance == nil || f.All[0].Accepted == nil {
		t.Errorf("with one that was there for two seconds: %+v", f)
	}
	pods[0].To = 10.5
	if f := verdict.Measure(split(pods...)).Pods; f.Balance == nil || f.All[0].Accepted != nil {
		t.Errorf("with one that was there for one look: %+v", f)
	}
	state := r.Ending.States["gateway/0"]
	state.Reason = env.ReasonDeleted
	r.Ending.States["gateway/0"] = state
	if v := verdict.Judge(r); v.Validity != verdict.Valid {
		t.Errorf("with one that was not wanted any more: %v, %v", v.Validity, v.Reasons)
	}
}

// The death of one is told with its name, and what led to it is its own memory, not that of
// the one that lived.
func TestDeathOfOneOfSeveral(t *testing.T) {
	pods := even()
	pods[1].To = 40
	pods[1].WorkingSet = func(t float64) float64 { return 150 + 10*max(0, t) }
	r := split(pods...)
	r.Ending.Deaths = []record.Death{{
		At: trials.Start.Add(40 * time.Second), Elapsed: 40, Kind: record.DeathOOM, Member: "gateway/1",
		State: env.State{Signal: "SIGKILL", ExitCode: -1, OOMKilled: new(true)}, Uptime: 42,
	}}
	r.Ending.States["gateway/1"] = r.Ending.Deaths[0].State
	found := about(r, "gateway")
	if want := "gateway/1 was killed for want of memory at 0:40; largest working set seen 542 MiB"; len(found) != 1 || found[0].Member != "gateway/1" || !strings.HasPrefix(found[0].Text, want) {
		t.Errorf("found %+v, want %q", found, want)
	}
	f := verdict.Measure(r)
	d := f.Deaths[0]
	if d.Last == nil || *d.Last < 500*trials.MiB || d.Growth == nil ||
		math.Abs(*d.Growth-10*trials.MiB) > trials.MiB {
		t.Errorf("the autopsy is %+v", d)
	}
	if f.Memory.Pod != "gateway/1" {
		t.Errorf("memory is of %s", f.Memory.Pod)
	}
}

// Assertions on what a process uses are held for each gateway, and tell of the worst;
// a gateway that comes is no restart.
func TestAssertionsOnSeveralGateways(t *testing.T) {
	pods := append(even(), trials.Pod{Share: 1, CPU: 0.5, WorkingSet: trials.Steady(300), From: 40})
	r := split(pods...)
	for _, that := range []scenario.Expression{
		"memory_peak < 40%", "cpu_avg < 40%", "restarts == 0", "memory_avg < 60%",
	} {
		r.Header.Scenario.Assertions = append(r.Header.Scenario.Assertions, scenario.Assertion{That: that})
	}
	var got []string
	for _, f := range about(r, "assert") {
		got = append(got, string(f.Severity)+" "+f.Member+" "+f.Assertion)
	}
	want := []string{
		"critical gateway/2 memory_peak < 40%", "critical gateway/2 cpu_avg < 40%",
		"held  restarts == 0", "held gateway/2 memory_avg < 60%",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("assertions (-want +got):\n%s", diff)
	}
}

// In a search for a capacity what was used is that of the gateway that used most, of its
// own limit.
func TestUsedIsTheWorstGateways(t *testing.T) {
	two := even()
	two[1].CPU = 0.45
	h := verdict.HoldingOf(split(two...))
	if h.Used == nil || math.Abs(*h.Used-0.5) > 0.01 || h.UsedOf != "CPU" {
		t.Errorf("used %v of %s, want half of what is critical of CPU", h.Used, h.UsedOf)
	}
}
