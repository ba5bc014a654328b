package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/odigos-io/odigos-stress/internal/admin"
)

// A heldLoad is an actor of which only the end matters.
type heldLoad struct {
	admin.Actor
	phase    admin.Phase
	finished time.Duration // since the start
	began    time.Time
}

func (l *heldLoad) Status() admin.Status { return admin.Status{Phase: l.phase} }

func (l *heldLoad) Finish() error { l.finished = time.Since(l.began); return nil }

// A load ends once nobody has asked about it for a while, whatever kubelet asks; one that is
// asked about goes on, and so does one that has not begun.
func TestAbandonedLoadEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		phase admin.Phase
		path  string
		until time.Duration // asked every second
		want  time.Duration // 0: never
	}{
		{"asked about all the time", admin.PhaseRunning, "/status", time.Hour, 0},
		{"asked about for ten minutes", admin.PhaseRunning, "/status", 10 * time.Minute, 11 * time.Minute},
		{"asked by kubelet alone", admin.PhaseRunning, "/readyz", time.Hour, time.Minute},
		{"not begun", admin.PhaseHeld, "/readyz", time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				a := &abandonment{after: time.Minute}
				h := a.hearing(http.NotFoundHandler())
				load := &heldLoad{phase: c.phase, began: time.Now()}
				go func() {
					for tick := time.NewTicker(time.Second); ; {
						select {
						case <-ctx.Done():
							return
						case <-tick.C:
						}
						if time.Since(load.began) <= c.until {
							h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, c.path, nil))
						}
					}
				}()
				abandoned := a.watch(ctx, load)
				if abandoned != (c.want > 0) || load.finished < c.want || load.finished > c.want+10*time.Second {
					t.Errorf("abandoned: %v, after %s; want it after %s", abandoned, load.finished, c.want)
				}
				cancel()
			})
		})
	}
}
