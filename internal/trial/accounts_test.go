package trial

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// A gatekeeper answers each request with its host, once it is let through.
type gatekeeper struct {
	asking atomic.Int32
	gate   chan struct{}
}

func (g *gatekeeper) RoundTrip(r *http.Request) (*http.Response, error) {
	g.asking.Add(1)
	<-g.gate
	g.asking.Add(-1)
	return &http.Response{
		StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(r.URL.Host)), Request: r,
	}, nil
}

// Of many ends a few accounts are fetched at a time, and all of them in the end.
func TestAccountsAreFetchedSomeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, err := record.Create(t.TempDir(), record.Header{RunID: "1"}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		const ends = 3*accountsAtOnce + 1
		keeper := &gatekeeper{gate: make(chan struct{})}
		r := &run{log: log, wire: map[string][]*end{}}
		for i := range ends {
			r.wire[record.Loadgen] = append(r.wire[record.Loadgen], &end{
				name:   fmt.Sprintf("loadgen/%d", i),
				client: admin.NewClient(fmt.Sprintf("http://end-%d", i), keeper),
			})
		}
		done := make(chan error, 1)
		go func() { done <- r.accounts(t.Context(), record.Loadgen) }()
		for left := ends; left > 0; left-- {
			synctest.Wait()
			if got, want := int(keeper.asking.Load()), min(left, accountsAtOnce); got != want {
				t.Errorf("with %d to come %d are fetched at once, want %d", left, got, want)
			}
			keeper.gate <- struct{}{}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for i, name := range r.accountFiles(record.Loadgen) {
			text, err := os.ReadFile(filepath.Join(log.Dir(), name))
			if want := fmt.Sprintf("end-%d", i); err != nil || string(text) != want {
				t.Errorf("%s has %q, %v; want %q", name, text, err, want)
			}
		}
	})
}

// A cutter answers half, once for each host, and then the whole.
type cutter struct {
	mu  sync.Mutex
	cut map[string]bool
}

func (c *cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body := io.Reader(strings.NewReader(r.URL.Host))
	if !c.cut[r.URL.Host] {
		c.cut[r.URL.Host] = true
		body = io.MultiReader(strings.NewReader(r.URL.Host[:3]), iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(body), Request: r}, nil
}

// An account whose way is cut is fetched again, from its beginning; that of an end that is
// gone is not.
func TestAccountIsFetchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, err := record.Create(t.TempDir(), record.Header{RunID: "1"}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		fetch := func(name, host string, c *cutter, running bool) error {
			r := &run{
				log: log, states: map[string]env.State{}, options: Options{Logger: slog.New(slog.DiscardHandler)},
				wire: map[string][]*end{record.Backend: {{
					name: name, client: admin.NewClient("http://"+host, c), instance: ending{running: running},
				}}},
			}
			r.pulses = newPulses(time.Minute, log.Pulse)
			return r.accounts(t.Context(), record.Backend)
		}
		if err := fetch(record.Backend, "backend", &cutter{cut: map[string]bool{}}, true); err != nil {
			t.Errorf("of an end whose way was cut: %v", err)
		}
		text, err := os.ReadFile(filepath.Join(log.Dir(), record.AccountFile(record.Backend)))
		if err != nil || string(text) != "backend" {
			t.Errorf("its account is %q, %v", text, err)
		}
		began := time.Now()
		err = fetch("backend/1", "gone", &cutter{cut: map[string]bool{}}, false)
		if err == nil || time.Since(began) > 0 {
			t.Errorf("of an end that is gone: %v, after %v; want an error at once", err, time.Since(began))
		}
	})
}

// An ending instance runs, or does not any more.
type ending struct {
	env.Instance
	running bool
}

func (e ending) State() env.State { return env.State{Running: e.running} }
