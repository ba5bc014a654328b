package trial

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/odigos-io/odigos-stress/internal/admin"
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
