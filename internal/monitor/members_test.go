package monitor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// served is what a backend serves of the spans that came to it.
type served struct {
	spans     int
	latencies []float64
}

var servedBounds = []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1}

func (s *served) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# TYPE odigos_stress_backend_spans_total counter\n"+
		"odigos_stress_backend_spans_total{result=\"unique\"} %d\n", s.spans)
	b.WriteString("# TYPE odigos_stress_backend_latency_seconds histogram\n")
	most := 0.0
	for _, l := range s.latencies {
		most = max(most, l)
	}
	for _, bound := range servedBounds {
		n := 0
		for _, l := range s.latencies {
			if l <= bound {
				n++
			}
		}
		fmt.Fprintf(&b, "odigos_stress_backend_latency_seconds_bucket{le=\"%g\"} %d\n", bound, n)
	}
	fmt.Fprintf(&b, "odigos_stress_backend_latency_seconds_bucket{le=\"+Inf\"} %d\n", len(s.latencies))
	fmt.Fprintf(&b, "odigos_stress_backend_latency_seconds_sum 1\n"+
		"odigos_stress_backend_latency_seconds_count %d\n", len(s.latencies))
	fmt.Fprintf(&b, "# TYPE odigos_stress_backend_latency_max_seconds gauge\n"+
		"odigos_stress_backend_latency_max_seconds %g\n", most)
	return b.String()
}

// A fleet is one backend that gets all spans and three that share the same; each look at
// the one has more come to all of them.
type fleet struct {
	mu     sync.Mutex
	rand   *rand.Rand
	one    served
	three  [3]served
	looks  int
	silent func(look, member int) bool // does not answer
}

func (f *fleet) answer(url string) (string, time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if url == "http://one" {
		return f.one.text(), 0, nil
	}
	member := int(url[len(url)-1] - '0')
	if f.silent != nil && f.silent(f.looks, member) {
		return "", 0, errors.New("connection refused")
	}
	return f.three[member].text(), 0, nil
}

func (f *fleet) more() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	for range 200 + f.rand.IntN(200) {
		latency := f.rand.ExpFloat64() * 0.1
		for _, s := range []*served{&f.one, &f.three[f.rand.IntN(3)]} {
			s.spans++
			s.latencies = append(s.latencies, latency)
		}
	}
}

// watch watches the fleet for so many seconds and returns the samples.
func (f *fleet) watch(t *testing.T, seconds int, instances [3]env.Instance) []record.Sample {
	t.Helper()
	group := Target{Name: "backend", Kind: Backend}
	for i, instance := range instances {
		group.Members = append(group.Members, Target{
			Name: env.MemberName("backend", i), Kind: Backend, Instance: instance,
			MetricsURL: fmt.Sprintf("http://member%d", i),
		})
	}
	m := New([]Target{group, {
		Name: "one", Kind: Backend, Instance: &instance{began: time.Now()}, MetricsURL: "http://one",
	}}, Options{Transport: network(f.answer)})
	return watch(t, m, time.Duration(seconds)*time.Second-1, func(record.Sample) { f.more() })
}

func threeInstances() (all [3]env.Instance) {
	for i := range all {
		all[i] = &instance{began: time.Now()}
	}
	return all
}

// What several tell together is what one tells to which everything came: counters,
// quantiles of the second, and the largest.
func TestMembersTogetherAreOne(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			f := &fleet{rand: rand.New(rand.NewPCG(seed, 5))}
			for i, s := range f.watch(t, 6, threeInstances()) {
				got, want := s.Actors["backend"], s.Actors["one"]
				diff := cmp.Diff(want.Metrics, got.Metrics, cmpopts.EquateApprox(1e-9, 0))
				if diff != "" || !got.Running || got.ScrapeError != "" {
					t.Errorf("seed %d, look %d, %+v (-one +together):\n%s", seed, i, got, diff)
				}
				if i > 0 && len(got.Metrics) < 5 { // the spans, three quantiles, the largest
					t.Errorf("look %d has %v", i, got.Metrics)
				}
				if got.Usage == nil || *got.Usage.CPUSeconds < 3**want.Usage.CPUSeconds-1e-6 {
					t.Errorf("look %d: usage %+v of three, %+v of one", i, got.Usage, want.Usage)
				}
				for n := range 3 {
					one := s.Actors[env.MemberName("backend", n)]
					if one.Usage == nil || one.Metrics == nil {
						t.Errorf("look %d at member %d: %+v", i, n, one)
					}
				}
			}
		})
	}
}

// Without an answer of one of them the sum is not known; it is never smaller. Quantiles are
// then of all that came since all of them were seen.
func TestSumWithoutAMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{rand: rand.New(rand.NewPCG(1, 6))}
		f.silent = func(look, member int) bool { return look == 2 && member == 1 }
		samples := f.watch(t, 5, threeInstances())
		for i, s := range samples {
			got := s.Actors["backend"]
			if missed := i == 2; missed != (got.Metrics == nil) || missed != (got.ScrapeError != "") ||
				!got.Running || got.Usage == nil {
				t.Errorf("look %d = %+v", i, got)
			}
			if a := s.Actors["backend/0"]; a.Metrics == nil {
				t.Errorf("look %d: a member that answered has no metrics", i)
			}
		}
		if text := samples[2].Actors["backend"].ScrapeError; !strings.Contains(text, "backend/1") {
			t.Errorf("the error %q does not name the member", text)
		}
		if _, known := samples[3].Actors["backend"].Metrics[record.BackendLatencyP50]; !known {
			t.Error("no quantile after a gap")
		}
	})
}

func TestSumWithAMemberThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{rand: rand.New(rand.NewPCG(1, 7))}
		all := threeInstances()
		all[2].(*instance).end()
		got := f.watch(t, 1, all)[0].Actors["backend"]
		if got.Running || got.Metrics != nil || got.Usage != nil {
			t.Errorf("look = %+v, want one at actors of which one is gone", got)
		}
	})
}

// Figures that one of them does not have are not there; those that make no sum are the
// least, or the largest.
func TestOfAll(t *testing.T) {
	of := func(all ...metrics) (each []record.ActorSample) {
		for _, m := range all {
			each = append(each, record.ActorSample{Metrics: m})
		}
		return each
	}
	each := of(
		metrics{record.Uptime: 9, record.QueueSize: 1, record.BackendLatencyMax: 0.1, record.GoHeapLive: 1},
		metrics{record.Uptime: 4, record.QueueSize: 5, record.BackendLatencyMax: 0.3},
		metrics{record.Uptime: 7, record.QueueSize: 0, record.BackendLatencyMax: 0.2, record.GoHeapLive: 1},
	)
	for metric, want := range map[record.Metric]float64{
		record.Uptime: 4, record.QueueSize: 6, record.BackendLatencyMax: 0.3,
	} {
		if got, ok := ofAll(metric, each); !ok || got != want {
			t.Errorf("%s of all = %v, %v; want %v", metric, got, ok, want)
		}
	}
	if v, ok := ofAll(record.GoHeapLive, each); ok {
		t.Errorf("%s of all = %v, though one has none", record.GoHeapLive, v)
	}
}

// A pulse has each member and, when all were read, their sum.
func TestPulsesOfMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		group := Target{Name: "loadgen", Kind: Loadgen}
		var all []*closeInstance
		for i := range 2 {
			one := &closeInstance{instance: instance{began: began}, every: PulseInterval}
			all = append(all, one)
			group.Members = append(group.Members, Target{Name: env.MemberName("loadgen", i), Instance: one})
		}
		seen := map[string]int{}
		looked := pulses(t, New([]Target{group}, Options{}), time.Second-1, notStarted,
			func(p record.Pulse) {
				for name := range p.Actors {
					seen[name]++
				}
				if p.At.Sub(began) >= 400*time.Millisecond {
					all[1].end()
				}
			})
		want := map[string]int{"loadgen": 5, "loadgen/0": 10, "loadgen/1": 5}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
		if sum := looked[3].Actors["loadgen"]; *sum.CPUSeconds != 0.6 {
			t.Errorf("two that use a core each used %v s together after 0.3 s, want 0.6", *sum.CPUSeconds)
		}
	})
}
