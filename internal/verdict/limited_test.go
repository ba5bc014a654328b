package verdict_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// Compression's share of the CPU is that of the exporter alone.
func TestComponents(t *testing.T) {
	for _, s := range seeds() {
		if s.name != "gzip" {
			continue
		}
		r := s.made()
		c := verdict.Measure(r).Limited.Components
		if c == nil || len(c.Parts) != 3 || c.Seconds != 9 || c.Moment != "steady" {
			t.Fatalf("components are %+v", c)
		}
		for _, a := range verdict.Advise(r) {
			if a.Name != "gzip-costs-cpu" {
				continue
			}
			if a.Promise == nil || a.Promise.After/a.Promise.Before < 0.599 ||
				a.Promise.After/a.Promise.Before > 0.601 {
				t.Errorf("promises %+v, want 60 %% of what it was", a.Promise)
			}
			return
		}
	}
	t.Error("no record had gzip-costs-cpu")
}

// What limits is the cause, before what follows from it.
func TestLimited(t *testing.T) {
	for _, c := range []struct {
		name  string
		trial func(*trials.Trial)
		made  func(*record.Record)
		want  verdict.Limit
	}{
		{"calm", nil, nil, verdict.ByNothing},
		{"CPU full", busy(0.97, 0.4), nil, verdict.ByCPU},
		{"held back though half used", busy(0.6, 0.5), nil, verdict.ByCPU},
		{"held back a little", busy(0.6, 0.1), nil, verdict.ByNothing},
		{"collecting all the time", busy(0.97, 0), func(r *record.Record) { gcShare(r, 0.5) }, verdict.ByGC},
		{"collecting with CPU to spare", busy(0.4, 0), func(r *record.Record) { gcShare(r, 0.5) }, verdict.ByNothing},
		{"collecting at GOMEMLIMIT", busy(0.97, 0), func(r *record.Record) {
			gcShare(r, 0.5)
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
				a.Metrics[record.GoMemory], a.Metrics[record.GoMemLimit] = 438*trials.MiB, 440*trials.MiB
			})
		}, verdict.ByMemory},
		{"refusing", func(t *trials.Trial) { t.Refused = 700 }, nil, verdict.ByMemory},
		{"late by its own fault", nil, starve, verdict.ByLoadgen},
		{"backend of one request at a time", func(t *trials.Trial) {
			t.Queue = func(e float64) float64 { return 10 * max(0, e) }
		}, func(r *record.Record) {
			r.Header.Scenario.Backend.MaxConcurrent = 1
			r.Header.Scenario.Backend.Delay = scenario.Duration(time.Second)
			waiting(r, 1, 1, 200)
		}, verdict.ByBackend},
		{"no CPU seen", nil, func(r *record.Record) {
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) { a.Usage = nil })
		}, verdict.ByUnknown},
	} {
		trial := trials.Calm()
		if c.trial != nil {
			c.trial(&trial)
		}
		r := trial.Record()
		if c.made != nil {
			c.made(r)
		}
		if l := verdict.Measure(r).Limited; l.By != c.want || l.Text == "" {
			t.Errorf("%s is limited by %s (%s), want %s", c.name, l.By, l.Text, c.want)
		}
	}
	r := trials.Calm()
	empty := r.Record()
	empty.Samples = nil
	if l := verdict.Measure(empty).Limited; l != nil {
		t.Errorf("nothing was seen, and yet it is limited by %+v", l)
	}
}

// Odigos' four sizes, and a good configuration of one's own, get no advice under a load
// that they hold.
func TestNoAdviceWhereNoneIsNeeded(t *testing.T) {
	for _, preset := range []scenario.Preset{
		scenario.PresetSizeS, scenario.PresetSizeM, scenario.PresetSizeL, scenario.PresetSizeXL,
	} {
		asked, err := scenario.Scenario{
			Name: "x", Gateway: scenario.Gateway{Preset: preset},
		}.Resolved()
		if err != nil {
			t.Fatal(err)
		}
		g := asked.Gateway
		trial := trials.Calm()
		trial.CPU = func(float64) float64 { return 0.55 * float64(g.CPULimit) }
		trial.WorkingSet = func(float64) float64 { return 0.5 * float64(g.MemoryLimit) / trials.MiB }
		trial.Throttled = 0.1
		r := trial.Record()
		r.Header.Scenario.Gateway = g
		setEnv(r, "GOMEMLIMIT", fmt.Sprintf("%dB", int64(g.GoMemLimit)))
		setEnv(r, "GOMAXPROCS", fmt.Sprint(g.GoMaxProcs))
		plain(r)
		noAdvice(t, string(preset), r)
	}
	trial := trials.Calm()
	r := trial.Record()
	trials.Collector(r, trials.Config("memory_limiter, batch", plainExporter))
	noAdvice(t, "a good configuration", r)
}

func noAdvice(t *testing.T, name string, r *record.Record) {
	t.Helper()
	for _, a := range verdict.Advise(r) {
		t.Errorf("%s gets advice %s: %s", name, a.Name, a.Symptom)
	}
	if l := verdict.Measure(r).Limited; l.By != verdict.ByNothing {
		t.Errorf("%s is limited by %s: %s", name, l.By, l.Text)
	}
}
