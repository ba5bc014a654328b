package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/profile"
	"github.com/odigos-io/odigos-stress/internal/record"
)

const (
	// profileSeconds is how long a CPU profile is of: at 100 samples a second, 1,000 of one
	// core. A short trial has a third of its measured time.
	profileSeconds = 10
	// urgentSeconds is for a profile of what may be over soon.
	urgentSeconds = 5
	// profilePatience is how long an answer may take beyond that.
	profilePatience = 5 * time.Second
	// maxProfile is how large an answer may be. A collector's are some 50 KB.
	maxProfile = 16 << 20
	// nearLimit is the share of a memory limit that counts as near.
	nearLimit = 0.9
	// growthStep is by which share of its limit memory grows from one heap profile to the
	// next, and growths how many of these are taken.
	growthStep = 0.1
	growths    = 10
)

// A job is one profile to be taken.
type job struct {
	kind    string
	moment  record.Moment
	seconds int
	of      string // which of several gateways; empty: the only one
}

// A taken profile is a job done, with its bytes or why there are none.
type taken struct {
	job
	at   time.Time
	data []byte
	err  error
}

// A profiler takes profiles of the gateway when they tell most. It never makes a trial wait:
// what it was asked for meanwhile is left out, and what is under way when the trial ends is
// given up.
type profiler struct {
	transport     http.RoundTripper
	done          func(taken)
	cpus, heaps   chan job // at most one CPU profile can be taken at a time
	limit         float64  // of memory, in bytes; 0: none
	steady, end   float64  // elapsed seconds: when the steady one begins, and the load ends
	steadySeconds int

	mu      sync.Mutex
	urls    map[string]string // by name; those that serve profiles
	begun   map[record.Moment]bool
	grown   int
	base    map[string]float64 // working set at the last heap profile, by name
	failing bool
}

func newProfiler(p plan.Plan, transport http.RoundTripper, done func(taken)) *profiler {
	t := p.Scenario.Timing
	third := time.Duration(t.Duration).Seconds() / 3
	end := t.Total().Seconds()
	return &profiler{
		transport: transport, done: done, cpus: make(chan job, 1), heaps: make(chan job, 2),
		limit: float64(p.Scenario.Gateway.MemoryLimit), begun: map[record.Moment]bool{},
		urls: map[string]string{}, base: map[string]float64{},
		steady: end - 2*third, end: end, steadySeconds: min(profileSeconds, int(third)),
	}
}

// aim says where a gateway serves its profiles, from now on.
func (p *profiler) aim(name, addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	url := "http://" + addr + "/debug/pprof/"
	if p.urls[name] != url {
		p.urls[name] = url
		delete(p.base, name)
	}
}

// run takes profiles until ctx ends.
func (p *profiler) run(ctx context.Context) {
	var group sync.WaitGroup
	for _, jobs := range []chan job{p.cpus, p.heaps} {
		group.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case j := <-jobs:
					p.take(ctx, j)
				}
			}
		})
	}
	group.Wait()
}

func (p *profiler) take(ctx context.Context, j job) {
	p.mu.Lock()
	url := p.urls[cmp.Or(j.of, record.Gateway)]
	p.mu.Unlock()
	if j.kind == record.ProfileCPU {
		url = fmt.Sprintf("%sprofile?seconds=%d", url, j.seconds)
	} else {
		url += "heap"
	}
	t := taken{job: j, at: time.Now()}
	patience := time.Duration(j.seconds)*time.Second + profilePatience
	limited, cancel := context.WithTimeoutCause(ctx, patience,
		fmt.Errorf("no answer within %s", patience))
	defer cancel()
	t.data, t.err = fetchProfile(limited, p.transport, url)
	if ctx.Err() != nil && t.err != nil {
		t.err = errors.New("the trial ended before it was taken")
	}
	p.done(t)
}

// fetchProfile gets a profile that can be read.
func fetchProfile(ctx context.Context, transport http.RoundTripper, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("GET %s: %w", url, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxProfile+1))
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", url, err)
	}
	if len(data) > maxProfile {
		return nil, fmt.Errorf("GET %s: answer is larger than %d MiB", url, maxProfile>>20)
	}
	if _, err := profile.Parse(data); err != nil {
		return nil, fmt.Errorf("GET %s: %w", url, err)
	}
	return data, nil
}

// profiled notes a profile, or once why there is none.
func (r *run) profiled(t taken) {
	p := record.Profile{
		At: t.at.UTC(), Actor: cmp.Or(t.of, record.Gateway), Kind: t.kind, Moment: t.moment,
	}
	if start, ok := r.loadStart(); ok {
		p.Elapsed = t.at.Sub(start).Seconds()
	}
	if t.err != nil {
		p.Error = t.err.Error()
		if r.profiles.firstFailure() {
			r.event(record.EventNote, p.Actor, fmt.Sprintf("no %s profile (%s): %s",
				t.kind, t.moment, p.Error))
		}
	} else {
		p.Seconds = float64(t.seconds)
		r.event(record.EventNote, p.Actor, fmt.Sprintf("%s profile taken (%s)",
			t.kind, t.moment))
	}
	if err := r.log.Profile(p, t.data); err != nil {
		r.options.Logger.Error("cannot write profile", "error", err)
	}
}

// firstFailure is true once.
func (p *profiler) firstFailure() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := !p.failing
	p.failing = true
	return first
}
