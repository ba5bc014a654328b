package verdict

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A resident is a bound on the gateway's working set for where the place reads that too
// seldom. All anonymous memory is part of the resident memory that the process tells of at each
// look. What the working set has beside it, file cache in use and the kernel's part, is in each
// reading of the place, at whatever moment of the load that was made. Both at their most are
// more than the working set: the process counts its own program's text too.
type resident struct {
	looks, told int     // of the measured time; those at which the process told of itself
	most        float64 // that it told
	readings    int     // of the load
	beside      float64 // the most of them
}

// look takes a sample of the measured time.
func (m *resident) look(s record.Sample) {
	a := s.Actors[record.Gateway]
	if !a.Running {
		return
	}
	m.looks++
	if rss, ok := a.Metrics[record.ProcessRSS]; ok {
		m.told, m.most = m.told+1, max(m.most, rss)
	}
}

// read takes a sample with a reading that was not told before.
func (m *resident) read(s record.Sample) {
	at, _ := s.ReadAt(record.Gateway)
	u := s.Actors[record.Gateway].Usage
	if at < 0 || u.MemoryWorkingSet == nil || u.MemoryAnon == nil {
		return
	}
	m.readings++
	m.beside = max(m.beside, float64(*u.MemoryWorkingSet-*u.MemoryAnon))
}

// bound is not known where nine looks of ten did not tell, or the place never read under load.
func (m *resident) bound() (bytes float64, known bool) {
	known = m.told > 1 && 10*m.told >= 9*m.looks && m.readings > 0
	return m.most + m.beside, known
}

const ownRSSSource = record.SamplesFile + ": actors.gateway.metrics." + string(record.ProcessRSS)

// bounded tells of memory that was read too seldom, but cannot have come to what is critical.
// A bound above that says nothing: the working set may have been far below it.
func (r *resource) bounded(step float64) (f Finding, ok bool) {
	if r.resident == nil || !record.Coarse(step) || r.points >= r.least {
		return f, false
	}
	most, known := r.resident.bound()
	if most = max(most, r.max); !known {
		return f, false
	}
	f = Finding{
		Check: r.check, Severity: Held, Value: &most, Limit: &r.limit, Unit: r.unit,
		Source: ownRSSSource,
		Text: fmt.Sprintf("%s at most %s, %s of its limit of %s: so much are its own resident memory "+
			"and the %s beside anonymous memory, for it was read %s in the measured time",
			r.what(), r.show(most), Percent(most/r.limit), r.show(r.limit),
			r.show(r.resident.beside), plural(r.points, "time", "times")),
	}
	for _, h := range r.holds {
		switch {
		case most < h.share*r.limit:
			f.Text += fmt.Sprintf("; %s (%s) not reached", Percent(h.share), h.severity)
		case h.severity == Critical: // it may have been
			return f, false
		default:
			f.Severity = Note
			f.Text += fmt.Sprintf("; whether %s (%s) was reached is not known", Percent(h.share),
				h.severity)
		}
	}
	return f, true
}
