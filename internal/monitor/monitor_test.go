package monitor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// instance is an actor that uses one core, until it is gone.
type instance struct {
	env.Instance
	began time.Time
	mu    sync.Mutex
	gone  bool
}

func (i *instance) State() env.State {
	i.mu.Lock()
	defer i.mu.Unlock()
	return env.State{Running: !i.gone}
}

func (i *instance) Usage(context.Context) (env.Usage, error) {
	if !i.State().Running {
		return env.Usage{}, errors.New("process is gone")
	}
	return env.Usage{At: time.Now(), CPUSeconds: new(time.Since(i.began).Seconds())}, nil
}

func (i *instance) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.gone = true
}

// network answers scrapes in memory: what a function says, after a while.
type network func(url string) (body string, after time.Duration, err error)

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	body, after, err := n(r.URL.String())
	select {
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	case <-time.After(after):
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func notStarted() (time.Time, bool) { return time.Time{}, false }
func starting() record.Phase        { return record.PhaseStarting }

const sent = `otelcol_exporter_sent_spans{exporter="otlp"} 7` + "\n"

// watch runs m for a while of fake time and returns its samples.
func watch(t *testing.T, m *Monitor, d time.Duration, sink func(record.Sample)) []record.Sample {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var samples []record.Sample
	m.Run(ctx, notStarted, starting, func(s record.Sample) {
		samples = append(samples, s)
		if sink != nil {
			sink(s)
		}
	})
	return samples
}

// An hour of looks, each of which takes a different time, is an hour of whole seconds.
func TestRunDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		slow := network(func(string) (string, time.Duration, error) {
			n++
			return sent, time.Duration(n%700) * time.Millisecond, nil
		})
		began := time.Now()
		m := New([]Target{{
			Name: "gateway", Kind: Collector, MetricsURL: "http://g/metrics",
			Instance: &instance{began: began},
		}}, Options{Transport: slow})
		samples := watch(t, m, time.Hour-time.Millisecond, nil)
		if len(samples) != 3600 {
			t.Fatalf("%d samples in an hour, want 3600", len(samples))
		}
		for i, s := range samples {
			if off := s.At.Sub(began); off != time.Duration(i)*time.Second {
				t.Fatalf("sample %d was taken at %v", i, off)
			}
		}
	})
}

// A sink that blocks costs the looks it covers, and shifts none.
func TestRunLeavesOutWhatItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		m := New(nil, Options{})
		samples := watch(t, m, 6*time.Second-1, func(s record.Sample) {
			if s.At.Sub(began) == time.Second {
				time.Sleep(2500 * time.Millisecond)
			}
		})
		var at []time.Duration
		for _, s := range samples {
			at = append(at, s.At.Sub(began))
		}
		want := []time.Duration{0, time.Second, 4 * time.Second, 5 * time.Second}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("samples taken at (-want +got):\n%s", diff)
		}
	})
}

// A scrape that is not answered is a gap: no zero, no value of before.
func TestMissedScrapeIsAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scrapes := 0
		network := network(func(string) (string, time.Duration, error) {
			switch scrapes++; scrapes {
			case 2:
				return sent, time.Minute, nil
			case 3:
				return "", 0, errors.New("connection refused")
			case 4:
				return "what is this", 0, nil
			}
			return sent, 0, nil
		})
		m := New([]Target{{
			Name: "gateway", Kind: Collector, MetricsURL: "http://g/metrics",
			Instance: &instance{began: time.Now()},
		}}, Options{Transport: network})
		samples := watch(t, m, 5*time.Second-1, nil)
		wantErrors := []string{"", "deadline exceeded", "connection refused", "parse metrics", ""}
		if len(samples) != len(wantErrors) {
			t.Fatalf("%d samples, want %d", len(samples), len(wantErrors))
		}
		for i, s := range samples {
			a := s.Actors["gateway"]
			got, known := a.Metrics[record.ExporterSent]
			if missed := wantErrors[i] != ""; known == missed || !missed && got != 7 ||
				!strings.Contains(a.ScrapeError, wantErrors[i]) || (a.ScrapeError == "") == missed {
				t.Errorf("sample %d: metrics %v, error %q; want an error with %q",
					i, a.Metrics, a.ScrapeError, wantErrors[i])
			}
			if !a.Running || a.Usage == nil {
				t.Errorf("sample %d: running %v, usage %v; want both known", i, a.Running, a.Usage)
			}
		}
		if late := samples[1].Actors["gateway"].ScrapeSeconds; late != 0.8 {
			t.Errorf("a silent actor was waited for %v s, want 0.8", late)
		}
	})
}

func TestActorsAreAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := network(func(string) (string, time.Duration, error) {
			return sent, 500 * time.Millisecond, nil
		})
		var targets []Target
		for _, name := range []string{"a", "b", "c"} {
			targets = append(targets, Target{
				Name: name, Kind: Collector, MetricsURL: "http://x",
				Instance: &instance{began: time.Now()},
			})
		}
		samples := watch(t, New(targets, Options{Transport: slow}), time.Second-1, nil)
		for name, a := range samples[0].Actors {
			if a.ScrapeError != "" {
				t.Errorf("%s: %s", name, a.ScrapeError)
			}
		}
	})
}

func TestAddedAndEndedActors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(nil, Options{Transport: network(func(string) (string, time.Duration, error) {
			return sent, 0, nil
		})})
		gateway := &instance{began: time.Now()}
		samples := watch(t, m, 3*time.Second-1, func(s record.Sample) {
			if len(s.Actors) == 0 {
				m.Add(Target{Name: "gateway", Kind: Collector, Instance: gateway, MetricsURL: "http://g"})
			} else {
				gateway.end()
			}
		})
		want := []map[string]bool{{}, {"gateway": true}, {"gateway": false}}
		for i, s := range samples {
			got := map[string]bool{}
			for name, a := range s.Actors {
				got[name] = a.Running
			}
			if diff := cmp.Diff(want[i], got); diff != "" {
				t.Errorf("sample %d, who runs (-want +got):\n%s", i, diff)
			}
		}
		last := samples[2].Actors["gateway"]
		if diff := cmp.Diff(record.ActorSample{}, last); diff != "" {
			t.Errorf("an actor that is gone (-want +got):\n%s", diff)
		}
	})
}

// Who dies while being asked is gone, and not a running actor that keeps silent.
func TestActorThatDiesUnderTheLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gateway := &instance{began: time.Now()}
		m := New([]Target{{Name: "gateway", Kind: Collector, Instance: gateway, MetricsURL: "http://g"}},
			Options{Transport: network(func(string) (string, time.Duration, error) {
				gateway.end()
				return "", 0, errors.New("connection reset")
			})})
		a := watch(t, m, time.Second-1, nil)[0].Actors["gateway"]
		if a.Running || !strings.Contains(a.ScrapeError, "connection reset") {
			t.Errorf("look = %+v, want one at an actor that is gone", a)
		}
	})
}

func TestElapsedAndPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second-1)
		defer cancel()
		began := time.Now()
		start := func() (time.Time, bool) {
			return began.Add(1500 * time.Millisecond), time.Since(began) >= time.Second
		}
		phase := func() record.Phase {
			if time.Since(began) < 2*time.Second {
				return record.PhaseStarting
			}
			return record.PhaseWarmUp
		}
		type look struct {
			Elapsed float64
			Phase   record.Phase
		}
		var got []look
		New(nil, Options{}).Run(ctx, start, phase, func(s record.Sample) {
			got = append(got, look{s.Elapsed, s.Phase})
		})
		want := []look{{0, record.PhaseStarting}, {-0.5, record.PhaseStarting}, {0.5, record.PhaseWarmUp}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
	})
}

// Over a real socket, and nothing is left of it afterwards (see TestMain).
func TestRunOverHTTP(t *testing.T) {
	var accepted string
	hungUp := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			accepted = r.Header.Get("Accept-Encoding")
			_, _ = io.WriteString(w, sent)
		}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(hungUp)
		}
	}
	server.Start()
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m := New([]Target{{
		Name: "gateway", Kind: Collector, MetricsURL: server.URL,
		Instance: &instance{began: time.Now()},
	}}, Options{Interval: 30 * time.Second})
	m.Run(ctx, notStarted, starting, func(s record.Sample) {
		if a := s.Actors["gateway"]; a.Metrics[record.ExporterSent] != 7 {
			t.Errorf("sample = %+v, want 7 spans sent", a)
		}
		cancel() // after a whole look, so that its connection is idle
	})
	select {
	case <-hungUp:
	case <-time.After(30 * time.Second):
		t.Error("Run left a connection open")
	}
	if accepted != "" {
		t.Errorf("the scrape accepts encoding %q: the gateway would pay for it", accepted)
	}
}

func TestGetRefuses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			_, _ = w.Write(make([]byte, maxScrape+1))
			return
		}
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for path, want := range map[string]string{
		"/large": "larger than 16 MiB", "/": "503 Service Unavailable",
	} {
		if _, err := get(t.Context(), transport, server.URL+path); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("get(%s): %v, want %q in it", path, err, want)
		}
	}
}

func TestNewKeepsTimeoutBelowInterval(t *testing.T) {
	for _, o := range []Options{{}, {Timeout: time.Minute}, {Interval: time.Hour, Timeout: -1}} {
		if m := New(nil, o); m.timeout <= 0 || m.timeout >= m.interval {
			t.Errorf("New(%+v) waits %v of every %v", o, m.timeout, m.interval)
		}
	}
}
