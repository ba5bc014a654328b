package verdict

import (
	"fmt"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/search"
)

// A Break is one thing that did not hold.
type Break struct {
	Check string `json:"check"`
	// By is what the gateway ran out of, in a word or two: CPU, memory, queue, latency …
	By   string   `json:"by"`
	Text string   `json:"text"`
	At   *float64 `json:"at_seconds,omitempty"` // when it began, where that is known
}

// A Holding is what a trial says of the rate that it asked.
type Holding struct {
	Result search.Result `json:"result"`
	// Breaks are in the order in which they began; those of unknown time last.
	Breaks []Break `json:"breaks,omitempty"`
	// Why is a sentence: what it rests on.
	Why string `json:"why"`
	// Reasons are why it is not known, or was not asked.
	Reasons []Reason `json:"reasons,omitempty"`
	// Used is the largest share that was used of what a critical threshold allows, and
	// UsedOf which: of a trial whose rate is r the edge may be near r/Used.
	Used   *float64 `json:"used_ratio,omitempty"`
	UsedOf string   `json:"used_of,omitempty"`
	// LimitedBy is what kept the gateway from more, and LimitedText the sentence; both are
	// empty where nothing was seen of the load.
	LimitedBy   Limit  `json:"limited_by,omitempty"`
	LimitedText string `json:"limited_text,omitempty"`
}

// HoldingOf holds a trial against the question of a capacity: did the gateway hold this rate,
// so that it would hold it for ever? A queue that grows all the time does not hold,
// even before it loses.
//
// It goes by findings, severities and reasons. Docs/adr/0020 says why each weighs as it does.
func HoldingOf(r *record.Record) Holding {
	s := newSubject(r)
	v := s.judge()
	h := Holding{Breaks: s.breaks(v.Findings)}
	h.Used, h.UsedOf = s.used()
	if l := s.f.Limited; l != nil {
		h.LimitedBy, h.LimitedText = l.By, l.Text
	}
	charged := chargesOf(v)
	switch void, passing := charged[ofTool], charged[ofPassing]; {
	case len(void) > 0 && !s.diedAgainst(void, h.Breaks):
		h.is(search.Void, void, v.Findings, "")
	case len(h.Breaks) > 0 && len(passing) > 0 && !slices.ContainsFunc(h.Breaks, Break.stands):
		h.is(search.Unclear, passing, v.Findings,
			fmt.Sprintf("; and %s, which may be its doing", h.Breaks[0].Text))
	case len(h.Breaks) > 0:
		h.Result, h.Why = search.Broke, h.first()
	case len(passing) > 0 && !h.hadRoom(passing):
		h.is(search.Unclear, passing, v.Findings, "")
	default:
		s.unbroken(&h, v.Findings, charged)
	}
	return h
}

// is settles a holding that is none or unclear.
func (h *Holding) is(result search.Result, reasons []Reason, findings []Finding, more string) {
	h.Result, h.Reasons = result, reasons
	i := slices.IndexFunc(findings, func(f Finding) bool { return f.Reason == reasons[0] })
	if i >= 0 {
		h.Why = findings[i].Text
	}
	h.Why += more
}

// first says what broke first.
func (h *Holding) first() string {
	b := h.Breaks[0]
	if b.At == nil {
		return b.By + ": " + b.Text
	}
	return fmt.Sprintf("%s, from %s on: %s", b.By, Clock(*b.At), b.Text)
}

// unbroken settles a trial in which nothing broke and nothing was disturbed: it held,
// unless it was too short or too little was seen to say so.
func (s *subject) unbroken(h *Holding, findings []Finding, charged map[whose][]Reason) {
	if f, short := s.thresholdsTooShort(h.Used); short {
		h.Result, h.Reasons, h.Why = search.Unclear, []Reason{TooShortToHold}, f.Text
		return
	}
	var open []Reason
	for _, reason := range slices.Concat(charged[ofLength], charged[ofGateway]) {
		settled := reason == NotSettled && !s.stillRises()
		if !settled && reason != TooShortToHold { // of a warning: see above
			open = append(open, reason)
		}
	}
	if len(open) > 0 {
		h.is(search.Unclear, open, findings, "")
		return
	}
	h.Result, h.Why = search.Held, "every threshold held, and no backlog grew"
	if h.Used != nil {
		h.Why += fmt.Sprintf("; used: %s of %s", Percent(*h.Used), h.UsedOf)
	}
}

// thresholdsTooShort is whether usage came to a critical threshold in a trial shorter than
// the threshold must be reached for: a longer one may break by it. Above a warning only it
// holds however long it lasts. The few windows of such a trial may lie beside the average,
// so that what was used in all counts, too.
func (s *subject) thresholdsTooShort(used *float64) (f Finding, short bool) {
	for _, r := range s.judgedResources() {
		few, unread := r.tooFew(r.step)
		for _, h := range r.holds {
			switch {
			case h.severity != Critical:
			case unread:
				return few, true
			case r.unsure(h):
				return r.outcome(r.step), true
			}
			if h.severity == Critical && r.points > 0 && r.short(h) &&
				(r.max >= h.share*r.limit || r.check == "cpu" && used != nil && *used >= 1) {
				f, _ = r.tooShort()
				return f, true
			}
		}
	}
	return f, false
}

// stillRises is whether CPU, queue or latency rose for half of the measured time or more: a
// longer trial may end above what this one saw. Memory is left out: below its threshold
// a heap that grows to what the collector lets it grow to is no sign, and a leak is no matter
// of the rate.
func (s *subject) stillRises() bool {
	from := s.time.WarmUp
	for _, of := range s.settles() {
		blocks := inBlocks(of.series, from, from+s.time.Measured, of.block())
		if of.unit == "bytes" || len(blocks) < settleBlocks {
			continue
		}
		if st, moved := steady(blocks, of.floor); moved && st.late() && st.rest > st.head {
			return true
		}
	}
	return false
}
