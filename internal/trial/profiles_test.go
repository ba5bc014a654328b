package trial

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// ofMinute is a profiler of a trial of 10 s and a minute, with a limit of 1,000 bytes.
func ofMinute(done func(taken)) *profiler {
	warmUp := scenario.Duration(10 * time.Second)
	p := newProfiler(plan.Plan{Scenario: scenario.Scenario{
		Gateway: scenario.Gateway{MemoryLimit: 1000},
		Timing:  scenario.Timing{WarmUp: &warmUp, Duration: scenario.Duration(time.Minute)},
	}}, &http.Transport{}, done)
	p.aim(record.Gateway, "127.0.0.1:1")
	return p
}

// asked are the jobs that wait.
func asked(p *profiler) (all []job) {
	for {
		select {
		case j := <-p.heaps:
			all = append(all, j)
		case j := <-p.cpus:
			all = append(all, j)
		default:
			return all
		}
	}
}

func using(elapsed float64, phase record.Phase, bytes int64,
	metrics map[record.Metric]float64,
) record.Sample {
	return record.Sample{Elapsed: elapsed, Phase: phase, Actors: map[string]record.ActorSample{
		record.Gateway: {Usage: &env.Usage{MemoryWorkingSet: &bytes}, Metrics: metrics},
	}}
}

func TestMoments(t *testing.T) {
	type step struct {
		sample   record.Sample
		findings []verdict.Finding
		want     []job
	}
	heap := func(m record.Moment) job { return job{kind: record.ProfileHeap, moment: m} }
	cpu := func(m record.Moment, seconds int) job {
		return job{kind: record.ProfileCPU, moment: m, seconds: seconds}
	}
	finding := func(s verdict.Severity) []verdict.Finding { return []verdict.Finding{{Severity: s}} }
	const measuring = record.PhaseMeasuring
	for name, steps := range map[string][]step{
		"steady, in the middle third, once": {
			{using(29.9, measuring, 1, nil), nil, nil},
			{using(30, measuring, 1, nil), nil, []job{
				heap(record.MomentSteady), cpu(record.MomentSteady, 10),
			}},
			{using(31, measuring, 1, nil), nil, nil},
		},
		"the first warning, and what is left of the load": {
			{using(15, measuring, 1, nil), finding(verdict.Warning), []job{
				heap(record.MomentWarning), cpu(record.MomentWarning, 5),
			}},
			{using(16, measuring, 1, nil), finding(verdict.Warning), nil},
			{using(20, measuring, 1, nil), finding(verdict.Critical), []job{
				heap(record.MomentLimit), cpu(record.MomentLimit, 5),
			}},
		},
		"no CPU profile that outlasts the load": {
			{using(67.5, record.PhaseDraining, 1, nil), finding(verdict.Critical), []job{
				heap(record.MomentLimit), cpu(record.MomentLimit, 2),
			}},
		},
		"near the limit of the kernel": {
			{using(12, measuring, 899, nil), nil, nil},
			{using(13, measuring, 900, nil), nil, []job{
				heap(record.MomentLimit), cpu(record.MomentLimit, 5),
			}},
		},
		"near GOMEMLIMIT": {
			{using(12, measuring, 1, map[record.Metric]float64{
				record.GoMemLimit: 100, record.GoMemory: 90,
			}), nil, []job{heap(record.MomentLimit), cpu(record.MomentLimit, 5)}},
		},
		"growth, by a tenth of the limit each": {
			{using(-1, record.PhaseStarting, 100, nil), nil, nil},
			{using(1, record.PhaseWarmUp, 300, nil), nil, nil},
			{using(2, record.PhaseWarmUp, 399, nil), nil, nil},
			{using(3, record.PhaseWarmUp, 400, nil), nil, []job{heap(record.MomentGrowth)}},
			{using(4, record.PhaseWarmUp, 499, nil), nil, nil},
			{using(5, record.PhaseWarmUp, 750, nil), nil, []job{heap(record.MomentGrowth)}},
		},
	} {
		p := ofMinute(nil)
		for i, s := range steps {
			p.sample(s.sample, s.findings)
			got := asked(p)
			if diff := cmp.Diff(s.want, got, cmp.AllowUnexported(job{}), unordered); diff != "" {
				t.Errorf("%s, step %d (-want +got):\n%s", name, i, diff)
			}
		}
	}
}

// unordered compares jobs without their order: they are of two queues.
var unordered = cmp.Transformer("set", func(jobs []job) map[job]bool {
	set := map[job]bool{}
	for _, j := range jobs {
		set[j] = true
	}
	return set
})

// Memory that grows without end has ten profiles taken, by pulses too, and none of a
// gateway that serves none.
func TestGrowthIsBounded(t *testing.T) {
	for url, want := range map[string]int{"": 0, "http://g/": growths} {
		p := ofMinute(nil)
		p.limit, p.urls = 1e6, map[string]string{record.Gateway: url}
		if url == "" {
			clear(p.urls)
		}
		p.begun[record.MomentLimit] = true
		n := 0
		for i := range int64(30) {
			bytes := 1 + i*1e5
			p.pulse(record.Pulse{Elapsed: 1, Actors: map[string]*env.Usage{
				record.Gateway: {MemoryWorkingSet: &bytes},
			}})
			n += len(asked(p))
		}
		if n != want {
			t.Errorf("profiles from %q: %d heap profiles of growth, want %d", url, n, want)
		}
	}
}

// Profiles are taken over a socket; what is none, or does not come, says why.
func TestProfilerTakes(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "profile", "testdata", "heap-grpc.pb.gz"))
	if err != nil {
		t.Fatal(err)
	}
	stuck := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.String() {
		case "/debug/pprof/heap":
			_, _ = w.Write(data)
		case "/debug/pprof/profile?seconds=1":
			http.Error(w, "cpu profiling already in use", http.StatusInternalServerError)
		case "/debug/pprof/profile?seconds=2":
			_, _ = w.Write([]byte("no profile"))
		default:
			close(stuck)
			<-r.Context().Done()
		}
	}))
	defer server.Close()
	results := make(chan taken, 4)
	p := ofMinute(func(t taken) { results <- t })
	p.aim(record.Gateway, server.Listener.Addr().String())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() { defer close(ended); p.run(ctx) }()

	p.heaps <- job{kind: record.ProfileHeap}
	if got := <-results; got.err != nil || string(got.data) != string(data) {
		t.Errorf("heap profile: %d bytes, %v", len(got.data), got.err)
	}
	for seconds, want := range map[int]string{1: "500 Internal Server Error", 2: "parse profile"} {
		p.cpus <- job{kind: record.ProfileCPU, seconds: seconds}
		got := <-results
		if got.err == nil || !strings.Contains(got.err.Error(), want) || got.data != nil {
			t.Errorf("profile of %d s: %v, want %q", seconds, got.err, want)
		}
	}
	// The end of the trial does not wait for one.
	p.cpus <- job{kind: record.ProfileCPU, seconds: 3600}
	<-stuck
	cancel()
	<-ended
	if got := <-results; got.err == nil || !strings.Contains(got.err.Error(), "trial ended") {
		t.Errorf("profile at the end: %v", got.err)
	}
}
