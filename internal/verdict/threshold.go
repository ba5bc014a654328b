package verdict

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A resource is one usage and its thresholds.
type resource struct {
	check  string
	of     string // which of several gateways; empty: the only one
	source string
	unit   string
	called func(own bool, step float64) string // in words; step is 0 where it is fine
	limit  float64
	show   func(float64) string
	// value is all of it over time, and newest its last level.
	value  func([]record.Sample) record.Series
	newest func([]record.Sample) (level, bool)
	window float64 // seconds before a figure that it is of
	least  int     // how many levels say something where readings are far apart
	first  float64 // elapsed of the first figure
	last   float64 // and of the last
	points int
	own    bool      // some are of the gateway's own metrics
	steps  []float64 // of the levels between readings that are far apart
	min    float64
	max    float64
	holds  []*hold // warning, critical
}

// A hold watches for one share of a limit that is reached for some time.
type hold struct {
	severity Severity
	share    float64
	seconds  float64
	current  *stretch
	held     []stretch // those that lasted long enough
	lone     int       // those that did not, as far as the place's account tells
}

// A stretch is a time during which a share of the limit was reached: from its first
// figure to its last, each of which is of the window before it. It begins with the window
// of the first.
type stretch struct {
	begins, from, to float64
	max              float64
	points           int
	own              bool // some of it is by the gateway's own metrics
	counted          bool
}

func holds(t scenario.ResourceThreshold) []*hold {
	var out []*hold
	seconds := time.Duration(t.For).Seconds()
	if t.Warning != nil {
		out = append(out, &hold{severity: Warning, share: float64(*t.Warning), seconds: seconds})
	}
	if t.Critical != nil {
		out = append(out, &hold{severity: Critical, share: float64(*t.Critical), seconds: seconds})
	}
	return out
}

func (r *resource) add(l level) (news []Finding) {
	if r.points == 0 {
		r.first, r.min, r.max = l.at, l.value, l.value
	}
	r.last, r.min, r.max = l.at, min(r.min, l.value), max(r.max, l.value)
	r.points++
	r.own = r.own || l.own
	if l.step > 0 {
		r.steps = append(r.steps, l.step)
	}
	for _, h := range r.holds {
		begun, ended := h.add(l, r.limit)
		if ended != nil {
			news = append(news, r.ended(h, *ended))
		}
		if begun {
			news = append(news, r.finding(h, []stretch{*h.current}))
		}
	}
	return news
}

// add returns whether a stretch has now lasted long enough, once for each stretch, and the
// stretch that did and is over.
func (h *hold) add(l level, limit float64) (begun bool, ended *stretch) {
	if l.value < h.share*limit {
		return false, h.settle()
	}
	if h.current != nil && l.at-h.current.to > l.bridge() {
		ended = h.settle()
	}
	if h.current == nil {
		h.current = &stretch{begins: l.at - l.window, from: l.at, max: l.value}
	}
	c := h.current
	c.to, c.max = l.at, max(c.max, l.value)
	c.points++
	c.own = c.own || l.own
	if c.counted || !h.lasted(c, l.step) {
		return false, ended
	}
	c.counted = true
	return true, ended
}

// lasted is whether a stretch was as long as is asked. Of readings that are far apart it
// takes two that follow each other, since one tells of a moment, or of a mean, and of no
// length of time. What lies between them is not known; a tenth of their distance is what
// their clocks are allowed.
func (h *hold) lasted(c *stretch, step float64) bool {
	if step == 0 {
		return c.to-c.from >= h.seconds
	}
	return h.seconds == 0 || c.points > 1 && c.to-c.from >= h.seconds-stepSlack*step
}

// settle ends the stretch of the moment, and returns it if it counts.
func (h *hold) settle() (ended *stretch) {
	switch c := h.current; {
	case c == nil:
	case c.counted:
		h.held = append(h.held, *c)
		ended = c
	case !c.own:
		h.lone++
	}
	h.current = nil
	return ended
}

// stretches are all that lasted long enough, the current one included.
func (h *hold) stretches() []stretch {
	if h.current != nil && h.current.counted {
		return append(h.held[:len(h.held):len(h.held)], *h.current)
	}
	return h.held
}

// outcome is what a resource comes to; step is how far apart the place reads usage, where
// that is coarse.
func (r *resource) outcome(step float64) Finding {
	f := Finding{Check: r.check, Severity: Held, Limit: &r.limit, Unit: r.unit, Source: r.from()}
	if few, ok := r.tooFew(step); ok {
		return few
	}
	if r.points == 0 {
		f.Severity, f.Reason = Reservation, UsageUnknown
		f.Text = fmt.Sprintf("%s of %s is not known: it could not be held against "+
			"its limit of %s", r.called(r.own, r.step()), r.whose(), r.show(r.limit))
		return f
	}
	f.Value = &r.max
	for i := len(r.holds) - 1; i >= 0; i-- {
		if s := r.holds[i].stretches(); len(s) > 0 {
			f := r.finding(r.holds[i], s)
			f.Spans = r.spans()
			for _, h := range r.holds[i+1:] {
				if r.unsure(h) {
					f.Text += "; " + h.unsureText()
				}
			}
			return f
		}
	}
	if short, ok := r.tooShort(); ok {
		return short
	}
	f.Text = fmt.Sprintf("%s at most %s, %s of its limit of %s", r.what(), r.show(r.max),
		Percent(r.max/r.limit), r.show(r.limit))
	for _, h := range r.holds {
		if !r.unsure(h) {
			f.Text += fmt.Sprintf("; %s (%s) not reached for %s", Percent(h.share), h.severity,
				Seconds(h.seconds))
			continue
		}
		f.Text += "; " + h.unsureText()
		f.Severity = Note
		if h.severity == Critical {
			f.Severity, f.Reason = Reservation, TooShortToHold
		}
	}
	if len(r.holds) == 0 {
		f.Severity = Note
		f.Text += "; no threshold is set"
	}
	return f
}

// tooShort tells of thresholds that could not have been reached in the time looked at;
// ok is false when all could. Usage that was that high all the time did not hold them.
func (r *resource) tooShort() (f Finding, ok bool) {
	f = Finding{
		Check: r.check, Severity: Note, Value: &r.max, Limit: &r.limit, Unit: r.unit,
		Source: r.from(),
	}
	f.Text = fmt.Sprintf("%s at most %s, %s of its limit of %s", r.what(), r.show(r.max),
		Percent(r.max/r.limit), r.show(r.limit))
	var shares []string
	for _, h := range r.holds {
		if !r.short(h) {
			continue
		}
		ok = true
		shares = append(shares, fmt.Sprintf("%s (%s)", Percent(h.share), h.severity))
		if r.min >= h.share*r.limit {
			f.Severity, f.Reason = Reservation, TooShortToHold
			shares[len(shares)-1] += ", reached all the time,"
		}
	}
	if ok {
		seconds := r.holds[0].seconds
		f.Text += fmt.Sprintf("; %s for %s: too short to judge: needs %s of measured time, looked "+
			"at %s", strings.Join(shares, " and "), Seconds(seconds),
			Seconds(math.Ceil(seconds+r.window+edges+r.step())),
			Seconds(math.Round(r.last-r.first+r.window)))
	}
	return f, ok
}

// edges is how much of the measured time lies before the first look and after the
// last, in seconds.
const edges = 2.0

func (r *resource) finding(h *hold, all []stretch) Finding {
	longest, total := stretch{}, 0.0
	for _, s := range all {
		total += s.to - s.begins
		if s.to-s.begins > longest.to-longest.begins {
			longest = s
		}
	}
	at := h.share * r.limit
	text := fmt.Sprintf("%s at or above %s (%s of the limit of %s) from %s to %s, at most %s",
		r.what(), r.show(at), Percent(h.share), r.show(r.limit), Clock(longest.begins),
		Clock(longest.to), r.show(longest.max))
	if len(all) > 1 {
		text += fmt.Sprintf("; %d such stretches, %s in all", len(all), Seconds(total))
	}
	return Finding{
		Check: r.check, Severity: h.severity, Text: text, Value: &longest.max, Limit: &at,
		Unit: r.unit, Source: r.from(), From: &longest.begins, To: &longest.to,
	}
}
