package verdict_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// Readings are made at 8.2 s, 18.2 s … 68.2 s of a measured time from 10 s to 70 s, and told
// three looks later.
func everyTen(r *record.Record) { trials.Kubelet(r, 10) }

func ownAndEveryTen(r *record.Record) {
	trials.OwnCPU(r)
	trials.Kubelet(r, 10)
}

func hotFrom(from, to, cores float64) func(*trials.Trial) {
	return func(t *trials.Trial) {
		t.CPU = func(e float64) float64 { return 0.3 + (cores-0.3)*step(e, from, to) }
	}
}

func fullFrom(from, to, mib float64) func(*trials.Trial) {
	return func(t *trials.Trial) {
		t.WorkingSet = func(e float64) float64 { return 120 + (mib-120)*step(e, from, to) }
	}
}

// A usage that is read every ten seconds is judged by its readings.
func TestCoarseUsage(t *testing.T) {
	const always = 1e9
	for _, c := range []struct {
		judgeCase
		text string // of the finding
	}{
		{judgeCase{
			name: "calm", record: everyTen, want: "pass valid 0", check: "cpu", severity: verdict.Held,
		}, "CPU between readings 10 s apart at most"},
		{judgeCase{
			name: "calm", record: everyTen, want: "pass valid 0", check: "memory", severity: verdict.Held,
		}, "memory (working set, read every 10 s) at most"},
		{judgeCase{
			name: "at 85 %", trial: hotFrom(-9, always, .85), record: everyTen, want: "pass valid 0",
			check: "cpu", severity: verdict.Warning,
		}, "from 0:18 to 1:08"},
		{judgeCase{
			name: "memory at 85 %", trial: fullFrom(-9, always, 510), record: everyTen,
			want: "pass valid 0", check: "memory", severity: verdict.Warning,
		}, "from 0:18 to 1:08"},
		{judgeCase{
			name: "a spike between two readings", trial: hotFrom(29, 37, .99), record: everyTen,
			want: "pass valid 0", check: "cpu", severity: verdict.Note,
		}, "80 % (warning) reached, and whether for 10 s is not known; 90 % (critical) not reached for 10 s"},
		{judgeCase{
			name: "critical between two readings", trial: hotFrom(27, 39, .97), record: everyTen,
			want: "pass degraded 0", check: "cpu", severity: verdict.Reservation,
		}, "90 % (critical) reached, and whether for 10 s is not known"},
		{judgeCase{
			name: "critical from one reading to the third", trial: hotFrom(27, 49, .97),
			record: everyTen, want: "fail valid 99", check: "cpu", severity: verdict.Critical,
		}, "from 0:28 to 0:48"},
		{judgeCase{
			name: "memory critical at one reading", trial: fullFrom(35, 40, 590), record: everyTen,
			want: "pass degraded 0", check: "memory", severity: verdict.Reservation,
		}, "98 % of its limit of 600 MiB; 80 % (warning) reached, and whether for 10 s is not known"},
		{judgeCase{
			name: "memory above the warning, critical at one reading", trial: func(t *trials.Trial) {
				t.WorkingSet = func(e float64) float64 { return 500 + 90*step(e, 35, 40) }
			}, record: everyTen, want: "pass valid 0", check: "memory", severity: verdict.Warning,
		}, "90 % (critical) reached, and whether for 10 s is not known"},
		{judgeCase{
			name: "memory critical at two", trial: fullFrom(35, 50, 590), record: everyTen,
			want: "fail valid 99", check: "memory", severity: verdict.Critical,
		}, "from 0:38 to 0:48"},
		{judgeCase{
			name:  "memory critical at the last two, one told after the load",
			trial: fullFrom(55, always, 590), record: everyTen, want: "fail valid 99", check: "memory",
			severity: verdict.Critical,
		}, "from 0:58 to 1:08"},
		{judgeCase{
			name: "hot in the warm-up, told in the measured time", trial: hotFrom(-9, 10, .99),
			record: everyTen, want: "pass valid 0", check: "cpu", severity: verdict.Held,
		}, "at most 0.30 cores"},
		{judgeCase{
			name:   "readings further and further apart",
			record: func(r *record.Record) { trials.Kubelet(r, 10, 10, 12, 15, 15, 15) },
			want:   "pass valid 0", check: "memory", severity: verdict.Held,
		}, "read every 12 s"},
		{judgeCase{
			name: "hot, readings further and further apart", trial: hotFrom(-9, always, .93),
			record: func(r *record.Record) { trials.Kubelet(r, 10, 10, 12, 15, 15, 15) },
			want:   "fail valid 99", check: "cpu", severity: verdict.Critical,
		}, "between readings 12 s apart"},
		{judgeCase{
			name: "none at all", record: func(r *record.Record) {
				each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) { a.Usage = nil })
			}, want: "pass degraded 0", check: "cpu", severity: verdict.Reservation,
		}, "is not known"},
	} {
		checkCoarse(t, c.judgeCase, c.text)
	}
}

func checkCoarse(t *testing.T, c judgeCase, text string) {
	t.Helper()
	checkCases(t, []judgeCase{c})
	v := made(c).judge()
	for _, f := range v.Findings {
		if f.Check == c.check && !strings.Contains(f.Text, text) {
			t.Errorf("%s: %s says %q, want %q in it", c.name, f.Check, f.Text, text)
		}
	}
}

func made(c judgeCase) madeUp { return madeUp{c.trial, c.record} }

// Where the place reads CPU too seldom, what the gateway's process says of itself is judged;
// its memory is not.
func TestOwnMetrics(t *testing.T) {
	const always = 1e9
	noUsage := func(r *record.Record) {
		trials.OwnCPU(r)
		each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) { a.Usage = nil })
	}
	silent := func(r *record.Record) {
		ownAndEveryTen(r)
		each(r, record.Gateway, func(s *record.Sample, a *record.ActorSample) {
			if s.Elapsed > 30 && s.Elapsed < 60 {
				a.ScrapeError, a.Metrics = "timeout", nil
			}
		})
	}
	for _, c := range []struct {
		judgeCase
		text string
	}{
		{judgeCase{
			name: "calm", record: ownAndEveryTen, want: "pass valid 0", check: "cpu", severity: verdict.Held,
		}, "CPU over 5 s by its own metrics at most"},
		{judgeCase{
			name: "critical for 17 s", trial: hotFrom(27, 44, .97), record: ownAndEveryTen,
			want: "fail valid 99", check: "cpu", severity: verdict.Critical,
		}, "CPU over 5 s by its own metrics at or above 0.90 cores"},
		{judgeCase{
			name: "no usage at all, CPU by itself", record: noUsage, want: "pass degraded 0",
			check: "cpu", severity: verdict.Held,
		}, "by its own metrics"},
		{judgeCase{
			name: "no usage at all, no memory by itself", record: noUsage, want: "pass degraded 0",
			check: "memory", severity: verdict.Reservation,
		}, "memory (working set) of the gateway is not known"},
		{judgeCase{
			name: "silent while it was full", trial: hotFrom(28, always, .97), record: silent,
			want: "fail degraded 99", check: "cpu", severity: verdict.Critical,
		}, "where these were silent"},
	} {
		checkCoarse(t, c.judgeCase, c.text)
	}
}

// What is read once in the measured time is not known, and no threshold is held by it.
func TestTooShortForTwoReadings(t *testing.T) {
	for name, place := range map[string]func(*record.Record){
		"alone": everyTen, "with its own metrics": ownAndEveryTen,
	} {
		r := trials.Calm().Record()
		place(r)
		last(r, 12)
		f, v := verdict.Measure(r), verdict.Judge(r)
		if f.Memory.Peak != nil || v.Validity != verdict.Degraded ||
			!slices.Contains(v.Reasons, verdict.TooShortToHold) {
			t.Errorf("%s: memory %v, %s for %v; want it not known, and that said", name, f.Memory.Peak,
				v.Validity, v.Reasons)
		}
		if own := f.CPU.Source == verdict.BySelf; (f.CPU.Average != nil) != own {
			t.Errorf("%s: CPU %v by %q, want it known by its own metrics alone", name, f.CPU.Average,
				f.CPU.Source)
		}
		for _, of := range v.Findings {
			if of.Check == "memory" && of.Severity == verdict.Held {
				t.Errorf("%s: %s", name, of.Text)
			}
		}
		if h := verdict.HoldingOf(r); h.Result == search.Held {
			t.Errorf("%s: HoldingOf says %s: %s", name, h.Result, h.Why)
		}
	}
}

// steadyTrials are loads that stay as they are.
func steadyTrials() map[string]trials.Trial {
	all := map[string]trials.Trial{}
	for _, cores := range []float64{.31, .79, .85, .95} {
		for _, mib := range []float64{120, 470, 500, 580} {
			trial := trials.Calm()
			trial.CPU = func(float64) float64 { return cores }
			trial.WorkingSet = func(float64) float64 { return mib }
			all[fmt.Sprintf("%.2f cores, %.0f MiB", cores, mib)] = trial
		}
	}
	return all
}

// gist is what a verdict comes to.
func gist(v verdict.Verdict) []string {
	out := []string{fmt.Sprint(v.Outcome, " ", v.Validity, " ", v.Reasons)}
	for _, f := range v.Findings {
		if f.Check == "cpu" || f.Check == "memory" {
			out = append(out, fmt.Sprint(f.Check, " ", f.Severity))
		}
	}
	return out
}

// atFirst are distances of a second, so many, and then others.
func atFirst(seconds int, apart ...int) []int {
	return append(slices.Repeat([]int{1}, seconds), apart...)
}

// A steady load is judged alike whether it is looked at each second or read every ten.
func TestThinnedSeriesIsJudgedAlike(t *testing.T) {
	for name, trial := range steadyTrials() {
		want := gist(verdict.Judge(trial.Record()))
		for _, apart := range [][]int{{3}, {10}, {10, 15}, {11, 17, 10, 20}, atFirst(25, 10, 15, 13)} {
			r := trial.Record()
			trials.Kubelet(r, apart...)
			if diff := cmp.Diff(want, gist(verdict.Judge(r))); diff != "" {
				t.Errorf("%s, %v s apart (-each second +seldom):\n%s", name, apart, diff)
			}
		}
	}
}

// However often a reading is told, it is one.
func TestRepeatedReadingsAreOne(t *testing.T) {
	all := steadyTrials()
	spike := trials.Calm()
	hotFrom(29, 37, .99)(&spike)
	fullFrom(35, 50, 590)(&spike)
	all["spike"] = spike
	for name, trial := range all {
		often, once := trial.Record(), trial.Record()
		everyTen(often)
		everyTen(once)
		trials.Once(once)
		if diff := cmp.Diff(asJSON(t, verdict.Measure(once)), asJSON(t, verdict.Measure(often))); diff != "" {
			t.Errorf("%s: Measure (-told once +told often):\n%s", name, diff)
		}
		if diff := cmp.Diff(verdict.Judge(once), verdict.Judge(often)); diff != "" {
			t.Errorf("%s: Judge (-told once +told often):\n%s", name, diff)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What was said while a trial ran is what is said after it.
func TestWatchOfCoarseUsage(t *testing.T) {
	for name, trial := range steadyTrials() {
		r := trial.Record()
		everyTen(r)
		w := verdict.NewWatch(r.Header)
		begun := map[string]bool{}
		for _, s := range r.Samples {
			for _, f := range w.Add(s) {
				begun[fmt.Sprint(f.Check, " ", f.Severity)] = true
			}
		}
		var after []verdict.Finding
		for _, f := range verdict.Judge(r).Findings {
			if f.Check != "cpu" && f.Check != "memory" {
				continue
			}
			after = append(after, f)
			if key := fmt.Sprint(f.Check, " ", f.Severity); f.From != nil && !begun[key] {
				t.Errorf("%s: Judge says %q, Watch never did: %v", name, f.Text, begun)
			}
		}
		if diff := cmp.Diff(w.Findings(), after); diff != "" {
			t.Errorf("%s: Watch.Findings against Judge:\n%s", name, diff)
		}
	}
}

// A kill between two readings is told with what was read last, and when.
func TestKilledBetweenReadings(t *testing.T) {
	trial := trials.Calm()
	trial.KilledAt, trial.Lost, trial.Unknown = 42, 900, 28000
	trial.WorkingSet = func(e float64) float64 { return min(598, 120+12*max(0, e)) }
	r := trial.Record()
	everyTen(r)
	cutShort(r)
	for _, f := range verdict.Judge(r).Findings {
		if f.Check != "gateway" {
			continue
		}
		for _, want := range []string{"killed for want of memory at 0:42", "last read 4 s before its end (578 MiB)"} {
			if !strings.Contains(f.Text, want) {
				t.Errorf("%s, want %q in it", f.Text, want)
			}
		}
		return
	}
	t.Error("no finding of the gateway")
}

// A trial in which a threshold may have been reached for long enough is no proof that a rate
// holds.
func TestHoldingOfLoneReadings(t *testing.T) {
	for name, c := range map[string]struct {
		trial func(*trials.Trial)
		want  search.Result
	}{
		"calm":                         {func(*trials.Trial) {}, search.Held},
		"critical at one reading":      {fullFrom(35, 40, 590), search.Unclear},
		"a warning at one reading":     {fullFrom(35, 40, 500), search.Held},
		"critical at two readings":     {fullFrom(35, 50, 590), search.Broke},
		"hot between two readings":     {hotFrom(27, 39, .97), search.Unclear},
		"hot from one to the third":    {hotFrom(27, 49, .97), search.Broke},
		"warm, as long as it lasts":    {hotFrom(-9, 1e9, .85), search.Held},
		"hot on average, at a stretch": {hotFrom(-9, 1e9, .95), search.Broke},
	} {
		h := madeUp{c.trial, everyTen}.holding()
		if h.Result != c.want {
			t.Errorf("HoldingOf(%s) = %s: %s, want %s", name, h.Result, h.Why, c.want)
		}
	}
}

// Percentiles that so few readings cannot support are not said.
func TestCoarsePercentiles(t *testing.T) {
	r := trials.Calm().Record()
	everyTen(r)
	c := verdict.Measure(r).CPU
	if c.P95 != nil || c.P99 != nil || c.Max == nil || c.Windows != 5 {
		t.Errorf("p95 %v, p99 %v, most %v of %d times between readings; want the most of 5 alone", c.P95,
			c.P99, c.Max, c.Windows)
	}
	if c.Source != "kubelet" || c.Resolution == nil || *c.Resolution < 9.9 || *c.Resolution > 10.1 {
		t.Errorf("CPU by %q every %v s, want kubelet, every 10 s", c.Source, c.Resolution)
	}
	if l := verdict.Measure(r).Looks[record.Gateway]; l.UsageMissing == nil || *l.UsageMissing > 0 {
		t.Errorf("%v of the readings are missing, want none", l.UsageMissing)
	}
	if local := verdict.Measure(trials.Calm().Record()).CPU; local.Told() != "" {
		t.Errorf("CPU of this machine by %q, want nothing said", local.Told())
	}
}

// A gateway that its place took away did not fail by itself, and did not hold.
func TestTakenAway(t *testing.T) {
	for _, reason := range []string{
		"evicted by kubelet: The node was low on resource: memory", "preempted", "its pod was deleted",
	} {
		r := trials.Calm().Record()
		r.Ending.States[record.Gateway] = taken(reason)
		r.Ending.Deaths = []record.Death{{
			At: trials.Start.Add(30 * time.Second), Elapsed: 30, Kind: record.DeathKilled, State: taken(reason),
		}}
		cutShort(r)
		v := verdict.Judge(r)
		if v.Outcome != verdict.Invalid ||
			!strings.Contains(v.Reason, "taken away by its place ("+reason+") at 0:30") {
			t.Errorf("%s: %s: %s, want invalid since it was taken away", reason, v.Outcome, v.Reason)
		}
		if h := verdict.HoldingOf(r); h.Result != search.Void {
			t.Errorf("%s: HoldingOf = %s, want void", reason, h.Result)
		}
	}
}

// A kill of its own before that stays one.
func TestKilledAndTakenAway(t *testing.T) {
	r := trials.Calm().Record()
	r.Ending.States[record.Gateway] = taken("preempted")
	r.Ending.Deaths = []record.Death{
		{
			Elapsed: 20, Kind: record.DeathOOM, Restarted: new(21.0),
			State: env.State{ExitCode: -1, Signal: "SIGKILL", OOMKilled: new(true)},
		},
		{Elapsed: 30, Kind: record.DeathKilled, State: taken("preempted")},
	}
	cutShort(r)
	v := verdict.Judge(r)
	if v.Outcome != verdict.Fail || !found(v, "gateway", verdict.Critical) ||
		!found(v, "gateway", verdict.Void) {
		t.Errorf("killed, then preempted: %s in\n%s", v.Outcome, list(v))
	}
}

// An end of ours that was taken away is told with why.
func TestEndTakenAway(t *testing.T) {
	r := trials.Calm().Record()
	r.Ending.States[record.Backend] = taken("evicted by kubelet: DiskPressure")
	const want = "the backend was taken away by its place (evicted by kubelet: DiskPressure)"
	if v := verdict.Judge(r); v.Reason != want {
		t.Errorf("Judge says %q, want %q", v.Reason, want)
	}
}

func taken(reason string) env.State {
	return env.State{
		ExitCode: -1, Signal: "SIGKILL", OOMKilled: new(false), Reason: reason,
		Ended: trials.Start.Add(30 * time.Second),
	}
}
