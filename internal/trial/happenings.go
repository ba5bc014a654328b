package trial

import (
	"context"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// witness notes what the place tells of itself, until ctx ends; a place may tell nothing.
func (r *run) witness(ctx context.Context) {
	if t, ok := r.place.(env.Teller); ok {
		t.Tell(ctx, r.happened)
	}
}

// happened notes a happening at the time of the place's clock.
func (r *run) happened(h env.Happening) {
	r.note(record.Event{At: h.At, Kind: record.EventPlace, Actor: h.Actor, Text: h.Text})
}

// placeNotes notes what the place found wrong meanwhile, without being in the way.
func (r *run) placeNotes() {
	p, ok := r.place.(interface{ Notes() []string })
	if !ok {
		return
	}
	for _, n := range p.Notes() {
		if !slices.Contains(r.notes, n) {
			r.event(record.EventNote, "", n)
		}
	}
}
