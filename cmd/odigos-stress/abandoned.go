package main

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/odigos-io/odigos-stress/internal/admin"
)

// An abandonment ends a load that nobody asks about any more: one that goes to a gateway that
// others use too must not outlive the tool, whatever becomes of that and of the network.
type abandonment struct {
	after time.Duration // 0: never
	heard atomic.Int64  // when somebody asked last, in nanoseconds
}

// anybodys are the pages that others than the tool ask for, such as kubelet and a Prometheus.
var anybodys = []string{"/healthz", "/readyz", "/metrics"}

// hearing notes who asks.
func (a *abandonment) hearing(h http.Handler) http.Handler {
	a.heard.Store(time.Now().UnixNano())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(anybodys, r.URL.Path) {
			a.heard.Store(time.Now().UnixNano())
		}
		h.ServeHTTP(w, r)
	})
}

// watch has the actor send nothing more once it runs and nobody has asked for too long. It
// returns when that is so, or ctx ends.
func (a *abandonment) watch(ctx context.Context, actor admin.Actor) (abandoned bool) {
	if a.after == 0 {
		return false
	}
	tick := time.NewTicker(a.after / 10)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		silence := time.Since(time.Unix(0, a.heard.Load()))
		if actor.Status().Phase == admin.PhaseRunning && silence >= a.after {
			_ = actor.Finish() // it runs, so that it can
			return true
		}
	}
}
