package verdict

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// bridge is how many seconds without a figure a stretch survives when the figures on
// both sides hold.
const bridge = 5.0

// A Watch holds the samples of a trial against its resource thresholds and assertions as
// they come.
// Judge does the same with a finished record, so that what was said while the trial
// ran is what is said after it.
type Watch struct {
	tail      []record.Sample // of the measured time, as much as a CPU window needs
	resources []*resource
	asserted  []*asserted
	abort     string // the first reason for the load to end
}

// A resource is one usage and its thresholds.
type resource struct {
	check  string
	source string
	unit   string
	what   string
	limit  float64
	show   func(float64) string
	value  func([]record.Sample) record.Series
	window float64 // seconds before a figure that it is of
	first  float64 // elapsed of the first figure
	last   float64 // and of the last
	points int
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
}

// A stretch is a time during which a share of the limit was reached: from its first
// figure to its last, each of which is of the window before it.
type stretch struct {
	from, to float64
	max      float64
	counted  bool
}

// NewWatch watches for the thresholds in the header's scenario.
func NewWatch(h record.Header) *Watch {
	w := &Watch{asserted: newAsserted(h)}
	gateway, thresholds := h.Scenario.Gateway, h.Scenario.Thresholds
	if gateway.CPULimit > 0 {
		w.resources = append(w.resources, &resource{
			check: "cpu", unit: "cores", what: "CPU over 5 s", limit: float64(gateway.CPULimit),
			source: record.SamplesFile + ": actors.gateway.usage.cpu_seconds",
			window: record.CPUWindow,
			show:   func(v float64) string { return fmt.Sprintf("%.2f cores", v) },
			value: func(s []record.Sample) record.Series {
				return record.CPU(s, record.Gateway, record.CPUWindow)
			},
			holds: holds(thresholds.CPU),
		})
	}
	if gateway.MemoryLimit > 0 {
		w.resources = append(w.resources, &resource{
			check: "memory", unit: "bytes", what: "memory (working set)",
			limit:  float64(gateway.MemoryLimit),
			source: record.SamplesFile + ": actors.gateway.usage.memory_working_set_bytes",
			show:   func(v float64) string { return fmt.Sprintf("%.0f MiB", v/(1<<20)) },
			value: func(s []record.Sample) record.Series {
				return record.WorkingSet(s, record.Gateway)
			},
			holds: holds(thresholds.Memory),
		})
	}
	return w
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

// Add takes the next sample and returns the findings that begin or end with it. What the
// end of the measured time finds open ends with the first sample after it.
func (w *Watch) Add(s record.Sample) (news []Finding) {
	if s.Phase != record.PhaseMeasuring {
		return w.over()
	}
	w.tail = append(w.tail, s)
	for s.Elapsed-w.tail[0].Elapsed > 3*record.CPUWindow {
		w.tail = w.tail[1:]
	}
	for _, r := range w.resources {
		series := r.value(w.tail)
		last := series.Len() - 1
		if last < 0 || r.points > 0 && series.Elapsed[last] <= r.last {
			continue // not known, or seen before
		}
		news = append(news, r.add(series.Elapsed[last], series.Values[last])...)
	}
	for _, a := range w.asserted {
		news = append(news, a.add(s)...)
		if w.abort == "" {
			w.abort = a.abort
		}
	}
	return news
}

// over is the end of the measured time.
func (w *Watch) over() (news []Finding) {
	for _, r := range w.resources {
		for _, h := range r.holds {
			if ended := h.settle(); ended != nil {
				news = append(news, r.ended(h, *ended))
			}
		}
	}
	for _, a := range w.asserted {
		news = append(news, a.over()...)
	}
	return news
}

func (r *resource) add(at, value float64) (news []Finding) {
	if r.points == 0 {
		r.first, r.min, r.max = at, value, value
	}
	r.last, r.min, r.max = at, min(r.min, value), max(r.max, value)
	r.points++
	for _, h := range r.holds {
		begun, ended := h.add(at, value, r.limit)
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
func (h *hold) add(at, value, limit float64) (begun bool, ended *stretch) {
	if value < h.share*limit {
		return false, h.settle()
	}
	if h.current != nil && at-h.current.to > bridge {
		ended = h.settle()
	}
	if h.current == nil {
		h.current = &stretch{from: at, max: value}
	}
	c := h.current
	c.to, c.max = at, max(c.max, value)
	if c.counted || c.to-c.from < h.seconds {
		return false, ended
	}
	c.counted = true
	return true, ended
}

// settle ends the stretch of the moment, and returns it if it counts.
func (h *hold) settle() (ended *stretch) {
	if h.current != nil && h.current.counted {
		h.held = append(h.held, *h.current)
		ended = h.current
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

// Findings are what the samples so far come to: for each resource the heaviest of
// its thresholds that was reached, or that it held.
func (w *Watch) Findings() []Finding {
	var out []Finding
	for _, r := range w.resources {
		out = append(out, r.outcome())
	}
	return out
}

func (r *resource) outcome() Finding {
	f := Finding{Check: r.check, Severity: Held, Limit: &r.limit, Unit: r.unit, Source: r.source}
	if r.points == 0 {
		f.Severity, f.Reason = Reservation, UsageUnknown
		f.Text = fmt.Sprintf("%s of the gateway is not known: it could not be held against "+
			"its limit of %s", r.what, r.show(r.limit))
		return f
	}
	f.Value = &r.max
	for i := len(r.holds) - 1; i >= 0; i-- {
		if s := r.holds[i].stretches(); len(s) > 0 {
			f := r.finding(r.holds[i], s)
			f.Spans = r.spans()
			return f
		}
	}
	if short, ok := r.tooShort(); ok {
		return short
	}
	f.Text = fmt.Sprintf("%s at most %s, %s of its limit of %s", r.what, r.show(r.max),
		Percent(r.max/r.limit), r.show(r.limit))
	for _, h := range r.holds {
		f.Text += fmt.Sprintf("; %s (%s) not reached for %s", Percent(h.share), h.severity,
			Seconds(h.seconds))
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
		Source: r.source,
	}
	f.Text = fmt.Sprintf("%s at most %s, %s of its limit of %s", r.what, r.show(r.max),
		Percent(r.max/r.limit), r.show(r.limit))
	var shares []string
	for _, h := range r.holds {
		if r.last-r.first >= h.seconds {
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
			Seconds(math.Ceil(seconds+r.window+edges)),
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
		s.from -= r.window
		total += s.to - s.from
		if s.to-s.from > longest.to-longest.from {
			longest = s
		}
	}
	at := h.share * r.limit
	text := fmt.Sprintf("%s at or above %s (%s of the limit of %s) from %s to %s, at most %s",
		r.what, r.show(at), Percent(h.share), r.show(r.limit), Clock(longest.from),
		Clock(longest.to), r.show(longest.max))
	if len(all) > 1 {
		text += fmt.Sprintf("; %d such stretches, %s in all", len(all), Seconds(total))
	}
	return Finding{
		Check: r.check, Severity: h.severity, Text: text, Value: &longest.max, Limit: &at,
		Unit: r.unit, Source: r.source, From: &longest.from, To: &longest.to,
	}
}
