package verdict_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

func ExampleAdvise() {
	trial := trials.Calm()
	trial.WorkingSet = func(float64) float64 { return 500 }
	for _, a := range verdict.Advise(trial.Record()) {
		fmt.Println(a.Symptom)
		fmt.Println(a.Evidence[0].Text)
		fmt.Print(a.Setting)
	}
	// Output:
	// the working set came to 83 % of the memory limit
	// largest working set 500 MiB
	// gateway:
	//   memory_limit: 750Mi
}

func TestAdvise(t *testing.T) {
	hot := func(t *trials.Trial) {
		t.CPU = func(float64) float64 { return 0.95 }
		t.Throttled = 0.4
	}
	env := func(value string) func(*record.Record) {
		return func(r *record.Record) { r.Header.Actors[2].Env["GOMEMLIMIT"] = value }
	}
	slow := func(r *record.Record) {
		r.Ending.Sent.Answer = ledger.NewHistogram()
		r.Ending.Sent.Answer.Record(12*time.Second, 54000)
	}
	fills := func(t *trials.Trial) { t.Queue = func(e float64) float64 { return 10 * e } }
	for _, c := range []struct {
		name   string
		trial  func(*trials.Trial)
		record func(*record.Record)
		want   string
	}{
		{name: "calm", want: ""},
		{name: "hot", trial: hot, want: "cpu-held-back gzip-costs-cpu"},
		{name: "hot, but not held back nor compressing", trial: hot, record: func(r *record.Record) {
			plain(r)
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
				a.Usage.ThrottledPeriods = new(uint64(0))
				a.Metrics[record.BatchBySize] = a.Metrics[record.BatchByTimeout]
			})
		}, want: ""},
		{
			name: "killed", trial: func(t *trials.Trial) { t.KilledAt = 42 }, record: cutShort,
			want: "memory-limit-too-small",
		},
		{
			name: "killed without GOMEMLIMIT", trial: func(t *trials.Trial) { t.KilledAt = 42 },
			record: func(r *record.Record) { cutShort(r); env("")(r) },
			want:   "gomemlimit",
		},
		{name: "full, GOMEMLIMIT too near", trial: func(t *trials.Trial) {
			t.WorkingSet = func(float64) float64 { return 550 }
		}, record: env("580MiB"), want: "gomemlimit"},
		{name: "calm without GOMEMLIMIT", record: env("off"), want: ""},
		{name: "growing", trial: func(t *trials.Trial) {
			t.WorkingSet = func(e float64) float64 { return 100 + 2*e }
		}, want: "memory-grows"},
		{name: "rising, but in waves", trial: func(t *trials.Trial) {
			t.WorkingSet = func(e float64) float64 { return 100 + e + 90*step(math.Mod(e, 10), 0, 5) }
		}, want: ""},
		{name: "refusing", trial: func(t *trials.Trial) { t.Refused = 700 }, want: "admission-refuses"},
		{name: "limiter", record: func(r *record.Record) {
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
				a.Metrics[record.ProcessorRefused] = 12
			})
		}, want: "memory-limiter-refuses"},
		{name: "queue, without a reason", trial: fills, want: ""},
		{name: "queue, exports slow", trial: fills, record: func(r *record.Record) {
			waiting(r, 10, 2, 100)
		}, want: "too-few-consumers"},
		{
			name: "queue, backend failing", trial: fills,
			record: func(r *record.Record) { r.Ending.Received.Failed = 9000 }, want: "queue-fills",
		},
		{name: "unsent", trial: func(t *trials.Trial) { t.Unsent = 6000 }, record: slow, want: "in-flight-limit"},
		{
			name: "unsent over one connection", trial: func(t *trials.Trial) { t.Unsent = 6000 },
			record: func(r *record.Record) {
				slow(r)
				r.Header.Scenario.Load.Connections = 1
				r.Header.Scenario.Gateway.CPULimit = 2
			}, want: "in-flight-limit one-connection",
		},
		{
			name: "unsent by a gateway without CPU to spare", trial: func(t *trials.Trial) { hot(t); t.Unsent = 6000 },
			record: func(r *record.Record) { slow(r); plain(r) }, want: "cpu-held-back",
		},
		{name: "backend slower than the exporter waits", record: func(r *record.Record) {
			r.Header.Scenario.Backend.Delay = scenario.Duration(10 * time.Second)
			r.Ending.Received.Duplicate = 4000
		}, want: "exports-time-out"},
		{name: "backend slow, exporter patient", record: func(r *record.Record) {
			r.Header.Scenario.Backend.Delay = scenario.Duration(10 * time.Second)
		}, want: ""},
		{name: "backend failing, drain short", record: func(r *record.Record) {
			r.Header.Scenario.Backend.SuccessRate = new(scenario.Ratio(0.5))
			r.Ending.Received.Failed = 9000
			r.Ending.Drained = record.Drain{Seconds: 30, Reason: "not drained after 30s"}
		}, want: "drain-too-short"},
	} {
		trial := trials.Calm()
		if c.trial != nil {
			c.trial(&trial)
		}
		r := trial.Record()
		if c.record != nil {
			c.record(r)
		}
		var names []string
		for _, a := range verdict.Advise(r) {
			names = append(names, a.Name)
			complete(t, a)
		}
		if diff := cmp.Diff(c.want, strings.Join(names, " ")); diff != "" {
			t.Errorf("Advise(%s):\n%s", c.name, diff)
		}
	}
}

// plain lets the gateway send uncompressed.
func plain(r *record.Record) {
	r.Header.Scenario.Gateway.Compression = "none"
	for _, a := range r.Header.Actors {
		for name, text := range a.Files {
			a.Files[name] = strings.ReplaceAll(text, "gzip", "none")
		}
	}
}

// waiting lets so many requests be in the backend's hands, each of them for as long as
// there are that many, with so many spans.
func waiting(r *record.Record, requests, stay, spans float64) {
	each(r, record.Backend, func(s *record.Sample, a *record.ActorSample) {
		n := requests / stay * max(0, s.Elapsed)
		a.Metrics[record.BackendInFlight] = requests
		a.Metrics[record.BackendRequests] = n
		a.Metrics[record.BackendUnique] = n * spans
	})
}

// complete asks for numbers in every piece of evidence, and YAML in every setting.
func complete(t *testing.T, a verdict.Advice) {
	t.Helper()
	digit := regexp.MustCompile(`[0-9]`)
	for _, e := range a.Evidence {
		if !digit.MatchString(e.Text) || e.Source == "" {
			t.Errorf("%s: evidence %+v has no number or no source", a.Name, e)
		}
	}
	for _, p := range a.Patches {
		var patch map[string]any
		if err := yaml.Unmarshal([]byte(p.YAML), &patch); err != nil || len(patch) == 0 {
			t.Errorf("%s: patch %q is no YAML: %v", a.Name, p.YAML, err)
		}
		if p.For.String() == "" {
			t.Errorf("%s: patch for %q, which is no kind of file", a.Name, string(p.For))
		}
	}
	if len(a.Patches) == 0 || a.Patches[0].YAML != a.Setting {
		t.Errorf("%s: setting %q, patches %+v", a.Name, a.Setting, a.Patches)
	}
	if p := a.Promise; p != nil && (p.Figure == "" || p.Sense == "" || !digit.MatchString(a.Effect)) {
		t.Errorf("%s: promise %+v with effect %q", a.Name, p, a.Effect)
	}
	if a.Symptom == "" || len(a.Evidence) == 0 || a.Change == "" || a.Effect == "" || a.Where == "" {
		t.Errorf("%s is incomplete: %+v", a.Name, a)
	}
}
