package verdict_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

const (
	perSpan  = 8 << 10 // bytes of memory that a span held takes
	heldMore = 2000    // spans a second that are held more
	baseMiB  = 20 - 14 // without the file cache, see trials
	kernel   = 2 * 1 << 20
)

// dying is a trial whose gateway takes in 2,000 spans/s more than it gives: it is killed at
// 0:40, started again a second later, and lives to the end.
func dying() *record.Record {
	trial := trials.Calm()
	trial.Rate = 4000
	trial.WorkingSet = func(float64) float64 { return 20 }
	trial.Queue = func(e float64) float64 { return heldMore * math.Mod(max(0, e), 41) / 200 }
	r := trial.Record()
	r.Header.Scenario.Gateway.OnDeath = scenario.DeathRestart
	for i := range r.Samples {
		s := &r.Samples[i]
		life := math.Mod(max(0, s.Elapsed), 41)
		held := heldMore * life
		before := 0.0
		if s.Elapsed >= 41 {
			before = heldMore * 40
		}
		due := s.Actors[record.Loadgen].Metrics[record.LoadAcknowledged]
		s.Actors[record.Loadgen].Metrics[record.LoadInFlight] = 0
		s.Actors[record.Backend].Metrics[record.BackendUnique] = due - held - before
		g := s.Actors[record.Gateway]
		if s.Elapsed >= 40 && s.Elapsed < 41 {
			s.Actors[record.Gateway] = record.ActorSample{}
			s.Actors[record.Backend].Metrics[record.BackendUnique] = due - heldMore*40
			continue
		}
		g.Usage.MemoryAnon = new(int64(baseMiB<<20 + held*perSpan))
	}
	r.Ending.Deaths = []record.Death{{
		At: trials.Start.Add(40 * time.Second), Elapsed: 40, Kind: record.DeathOOM, Uptime: 40.5,
		State:     env.State{ExitCode: -1, Signal: "SIGKILL", OOMKilled: new(true)},
		Restarted: new(41.0),
		Cost: &record.Cost{
			To: 41, Due: 164_000, Acknowledged: 160_000, Lost: 80_000, Unknown: 4000,
		},
	}}
	return r
}

func finding(t *testing.T, v verdict.Verdict, check string) verdict.Finding {
	t.Helper()
	for _, f := range v.Findings {
		if f.Check == check {
			return f
		}
	}
	t.Fatalf("no finding of %s among %+v", check, v.Findings)
	return verdict.Finding{}
}

// What is known of a death: the memory before, how it grew, and where the spans were.
func TestDeathFigures(t *testing.T) {
	all := verdict.Measure(dying()).Deaths
	if len(all) != 1 {
		t.Fatalf("%d deaths, want 1", len(all))
	}
	d := all[0]
	near := func(what string, got *float64, want float64) {
		t.Helper()
		if got == nil || math.Abs(*got-want) > 0.02*want {
			t.Errorf("%s is %v, want about %g", what, got, want)
		}
	}
	last := 39.2
	near("the last look", d.LastAt, last)
	near("memory then", d.Last, baseMiB<<20+kernel+heldMore*last*perSpan)
	near("growth", d.Growth, heldMore*perSpan)
	near("the limit", d.Limit, 600<<20)
	if d.Held == nil {
		t.Fatal("what it held is not known")
	}
	near("a span", &d.Held.PerSpan, perSpan)
	near("without any", &d.Held.Base, baseMiB<<20+kernel)
	near("held more", &d.Held.Growth, heldMore)
	near("held", &d.Held.Spans, heldMore*last)
	if d.Held.Fit < 0.99 || d.Grew != "sending queue" || !strings.Contains(d.Where(), "requests of 200 spans") {
		t.Errorf("held %+v; grew %q: %s", d.Held, d.Grew, d.Where())
	}
	if len(d.Buffers) == 0 || d.Buffers[0].Share < 0.99 {
		t.Errorf("buffers are %+v", d.Buffers)
	}
	near("the queue", d.Buffers[0].Spans, heldMore*last)
}

// What does not follow is not said.
func TestDeathFiguresThatAreNotKnown(t *testing.T) {
	r := dying()
	for i := range r.Samples {
		r.Samples[i].Actors[record.Gateway] = record.ActorSample{Running: true}
	}
	d := verdict.Measure(r).Deaths[0]
	if d.Held != nil || d.Last != nil || d.Growth != nil || d.Grew != "" || d.Room() != nil ||
		!strings.HasPrefix(d.Where(), "not known") {
		t.Errorf("of a gateway that told nothing is known: %+v", d)
	}
	r = dying()
	r.Header.Sampling = []string{"tail_sampling"}
	if h := verdict.Measure(r).Deaths[0].Held; h == nil || !strings.Contains(h.By, "queue") {
		t.Errorf("what a sampler drops is taken for held: %+v", h)
	}
}

// The close looks are taken for the growth where there are any.
func TestGrowthByPulses(t *testing.T) {
	r := dying()
	for i := range 400 {
		at := float64(i) / 10
		r.Pulses = append(r.Pulses, record.Pulse{Elapsed: at, Actors: map[string]*env.Usage{
			record.Gateway: {MemoryAnon: new(int64(3e6 * at)), MemoryKernel: new(int64(0))},
		}})
	}
	// At a look that counts the kill the kernel takes the memory back already.
	r.Pulses = append(r.Pulses, record.Pulse{Elapsed: 39.95, Actors: map[string]*env.Usage{
		record.Gateway: {MemoryAnon: new(int64(1e6)), MemoryKernel: new(int64(0)), OOMKills: new(uint64(1))},
	}})
	d := verdict.Measure(r).Deaths[0]
	if d.Growth == nil || math.Abs(*d.Growth-3e6) > 1 || d.GrowthOf != record.PulsesFile ||
		*d.LastAt != 39.9 {
		t.Errorf("growth by pulses is %+v", d)
	}
}

func TestDeathsAreFindings(t *testing.T) {
	at := func(kind record.DeathKind, elapsed float64, s env.State) record.Death {
		return record.Death{Elapsed: elapsed, Kind: kind, State: s, Cost: &record.Cost{Lost: 7, Unsent: 5}}
	}
	oom := env.State{ExitCode: -1, Signal: "SIGKILL", OOMKilled: new(true)}
	hang := at(record.DeathHang, 22, env.State{Running: true})
	hang.Since = new(12.0)
	ended := hang
	ended.Until = new(25.0)
	panicked := at(record.DeathPanic, 30, env.State{ExitCode: 2})
	panicked.Text, panicked.Component = "panic: boom\n  frame", "processor/batch"
	start := at(record.DeathStart, 33, env.State{ExitCode: 1})
	start.Text = "it ended before it was ready\nno such file"
	for name, c := range map[string]struct {
		deaths []record.Death
		check  string
		want   []string
	}{
		"one kill": {[]record.Death{at(record.DeathOOM, 42, oom)}, "gateway", []string{
			"killed for want of memory at 0:42", "7 spans lost, 0 refused, 5 never answered or sent",
		}},
		"a loop": {
			[]record.Death{at(record.DeathOOM, 12, oom), at(record.DeathStart, 14, oom), at(record.DeathOOM, 30, oom)},
			"gateway",
			[]string{"at 0:12", "; it died 3 times", "21 spans lost"},
		},
		"a hang": {[]record.Death{hang}, "hang", []string{"from 0:12 on; it did not recover"}},
		"an end": {[]record.Death{ended}, "hang", []string{"from 0:12 to 0:25, 13 s"}},
		"a panic": {[]record.Death{panicked}, "crash", []string{
			"at 0:30 (exited with code 2): panic: boom (in processor/batch)",
		}},
		"no start": {[]record.Death{panicked, start}, "restart", []string{
			"did not start again at 0:33: it ended before it was ready;",
		}},
	} {
		r := trials.Calm().Record()
		r.Ending.Deaths = c.deaths
		v := verdict.Judge(r)
		f := finding(t, v, c.check)
		for _, want := range c.want {
			if !strings.Contains(f.Text, want) {
				t.Errorf("%s: %s\nwant %q in it", name, f.Text, want)
			}
		}
		if v.Outcome != verdict.Fail || f.Severity != verdict.Critical {
			t.Errorf("%s: %s, %s", name, v.Outcome, f.Severity)
		}
	}
}

// A loop of kills for want of memory is what was expected; a crash among them is not.
func TestExpectedDeaths(t *testing.T) {
	r := dying()
	r.Header.Scenario.Expect = scenario.ExpectKilled
	if v := verdict.Judge(r); v.Outcome != verdict.Pass || v.Expected != scenario.ExpectKilled {
		t.Errorf("an expected kill with a restart: %s: %s", v.Outcome, v.Reason)
	}
	r.Ending.Deaths = append(r.Ending.Deaths, record.Death{
		Elapsed: 60, Kind: record.DeathPanic, State: env.State{ExitCode: 2}, Text: "panic: boom",
	})
	if v := verdict.Judge(r); v.Outcome != verdict.Fail || !strings.Contains(v.Reason, "panic: boom") {
		t.Errorf("and a panic: %s: %s", v.Outcome, v.Reason)
	}
	hang := trials.Calm().Record()
	hang.Ending.Deaths = []record.Death{{Kind: record.DeathHang, Elapsed: 30, Since: new(20.0)}}
	if f := verdict.Measure(hang).Failures; f.Killed || f.KilledAt != nil {
		t.Errorf("a hang is no end: %+v", f)
	}
}

// dyingOwn is dying with a configuration of the user's own: Odigos' queue cannot be
// configured.
func dyingOwn() *record.Record {
	r := dying()
	trials.Collector(r, trials.Config("batch", "{endpoint: x:1}"))
	return r
}

// The setting that would have held, with its arithmetic.
func TestAdviceOfADeath(t *testing.T) {
	advices := map[string]verdict.Advice{}
	for _, a := range verdict.Advise(dyingOwn()) {
		advices[a.Name] = a
	}
	// 8 MiB + 2,000 spans/s × 70 s × 8 KiB is 1,102 MiB, and a sixth on top of it.
	for name, want := range map[string][]string{
		"memory-limit-too-small": {
			"memory_limit: 1300Mi", "2,000 spans/s more held × 70 s of load = 140,000 spans",
			"(8 MiB + 140,000 spans × 8.0 KiB) ÷ 0.85 = 1296 MiB",
		},
		// (0.85 × 600 MiB - 8 MiB) ÷ (200 × 8 KiB) is 321.28.
		"queue-larger-than-memory": {"queue_size: 321", "(0.85 × 600 MiB - 8 MiB) ÷ (200 spans a request × 8.0 KiB)"},
	} {
		a, ok := advices[name]
		if !ok {
			t.Errorf("no advice %s", name)
		}
		for _, text := range want {
			if !strings.Contains(a.Setting+a.Effect, text) {
				t.Errorf("%s: %s\n%s\nwant %q", name, a.Setting, a.Effect, text)
			}
		}
	}
	if _, ok := advices["more-consumers-than-the-queue-has"]; ok {
		t.Error("exports that take 6 ms need no more consumers")
	}
	slow := dyingOwn()
	slow.Header.Scenario.Backend.Delay = scenario.Duration(2 * time.Second)
	for _, a := range verdict.Advise(slow) {
		if a.Name == "more-consumers-than-the-queue-has" && !strings.Contains(a.Setting, "num_consumers: 48") {
			t.Errorf("4,000 spans/s × 2 s ÷ 200 are 40, and a fifth more: %s", a.Setting)
		}
		delete(advices, a.Name)
	}
	if len(advices) > 0 {
		t.Errorf("missing with a slow backend: %v", advices)
	}
}

// Where the collector lets the heap grow to twice what is live, that is what counts: a
// queue that only fits the mean would be killed.
func TestAdviceReckonsWithGarbage(t *testing.T) {
	r := dyingOwn()
	for i := range r.Samples {
		s := r.Samples[i]
		if g := s.Actors[record.Gateway]; g.Running && s.Elapsed < 40 {
			g.Metrics[record.GoHeapLive] = heldMore * max(0, s.Elapsed) * (6 << 10)
		}
	}
	for i := range r.Header.Actors {
		delete(r.Header.Actors[i].Env, "GOMEMLIMIT")
	}
	said := func() string {
		var text strings.Builder
		for _, a := range verdict.Advise(r) {
			text.WriteString(a.Setting + a.Effect)
			for _, e := range a.Evidence {
				text.WriteString(e.Text)
			}
		}
		return text.String()
	}
	for _, want := range []string{
		// (8 MiB + 140,000 × 12 KiB) ÷ 0.85 is 1,940 MiB.
		"memory_limit: 1950Mi", "6.0 KiB of live heap × 2 for what is not collected yet",
		// (510 MiB - 8 MiB) ÷ (200 × 12 KiB) is 214.2.
		"queue_size: 214",
	} {
		if !strings.Contains(said(), want) {
			t.Errorf("no advice says %q", want)
		}
	}
	setEnv(r, "GOGC", "off") // and nothing bounds the garbage
	if want := "8.0 KiB a span reckoned: as memory rose"; !strings.Contains(said(), want) {
		t.Errorf("with GOGC off no advice says %q", want)
	}
}
