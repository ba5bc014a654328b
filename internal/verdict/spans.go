package verdict

import (
	"fmt"
	"slices"
)

// spans are all times at each of the resource's thresholds, in the order of their
// beginning.
func (r *resource) spans() (all []Span) {
	for _, h := range r.holds {
		for _, s := range h.stretches() {
			all = append(all, Span{h.severity, s.begins, s.to, &s.max})
		}
	}
	slices.SortStableFunc(all, func(a, b Span) int {
		switch {
		case a.From < b.From:
			return -1
		case a.From > b.From:
			return 1
		}
		return 0
	})
	return all
}

// ended says that a threshold is no more reached.
func (r *resource) ended(h *hold, s stretch) Finding {
	at, from := h.share*r.limit, s.begins
	return Finding{
		Check: r.check, Severity: Note, Limit: &at, Value: &s.max, Unit: r.unit, Source: r.from(),
		From: &from, To: &s.to, Ended: true, Text: fmt.Sprintf("%s was at or above %s (%s of the "+
			"limit of %s, %s) from %s to %s, at most %s", r.what(), r.show(at), Percent(h.share),
			r.show(r.limit), h.severity, Clock(from), Clock(s.to), r.show(s.max)),
	}
}

// longest is the longest of some spans, and how long they are together.
func longest(spans []Span) (of Span, total float64) {
	for _, s := range spans {
		total += s.To - s.From
		if s.To-s.From >= of.To-of.From {
			of = s
		}
	}
	return of, total
}
