package trial_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// A telling place has something to say of itself, by a clock that is an hour ahead, and again
// when nobody listens any more.
type telling struct{ *place }

func (telling) Tell(ctx context.Context, tell func(env.Happening)) {
	tell(env.Happening{At: time.Now().Add(time.Hour), Actor: record.Gateway, Text: "BackOff"})
	<-ctx.Done()
	tell(env.Happening{Text: "node a is gone"})
}

func (telling) Notes() []string { return []string{"no right to watch events"} }

// What a place tells is in the record, at its own time, to the end of the trial.
func TestTrialHearsItsPlace(t *testing.T) {
	t.Parallel()
	q := question{in: func(p *place) env.Environment { return telling{p} }}
	r := q.finished(t, t.Context())
	want := []string{"gateway: BackOff", "node a is gone"}
	if diff := cmp.Diff(want, said(r, record.EventPlace)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	for _, e := range r.Events {
		if e.Kind != record.EventPlace {
			continue
		}
		if ahead := e.At.After(r.Ending.Finished); ahead != (e.Actor != "") {
			t.Errorf("%s at %s, the trial was finished at %s", e.Text, e.At, r.Ending.Finished)
		}
		if off := e.At.Sub(r.Ending.LoadStart).Seconds() - e.Elapsed; off > 0.001 || off < -0.001 {
			t.Errorf("%s at %s, which is not %v s after %s", e.Text, e.At, e.Elapsed, r.Ending.LoadStart)
		}
	}
	notes := said(r, record.EventNote)
	if notes[len(notes)-1] != "no right to watch events" {
		t.Errorf("notes %q, want that of the place at the end", notes)
	}
}
