package verdict

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A Watch holds the samples of a trial against its resource thresholds and assertions as
// they come.
// Judge does the same with a finished record, so that what was said while the trial
// ran is what is said after it.
type Watch struct {
	header    record.Header
	tail      tail // of the measured time
	pace      pace
	from, to  float64 // of the measured time, as far as it was seen
	measured  bool
	resources []*resource
	asserted  []*asserted
	abort     string // the first reason for the load to end
	// pods are of several gateways each one's Watch, of what is of a process: this one is
	// then of what flows through all of them.
	pods []*podWatch
	of   string // which of several it is of; empty: the only one, or all
}

// NewWatch watches for the thresholds in the header's scenario.
func NewWatch(h record.Header) *Watch {
	w := &Watch{header: h, asserted: newAsserted(h)}
	gateway, thresholds := h.Scenario.Gateway, h.Scenario.Thresholds
	if gateway.CPULimit > 0 {
		w.resources = append(w.resources, &resource{
			check: "cpu", unit: "cores", called: cpuCalled, limit: float64(gateway.CPULimit), least: 1,
			source: record.SamplesFile + ": actors.gateway.usage.cpu_seconds",
			window: record.CPUWindow,
			show:   func(v float64) string { return fmt.Sprintf("%.2f cores", v) },
			value: func(s []record.Sample) record.Series {
				return record.CPU(s, record.Gateway, record.CPUWindow)
			},
			newest: newestCPU,
			holds:  holds(thresholds.CPU),
		})
	}
	if gateway.MemoryLimit > 0 {
		w.resources = append(w.resources, &resource{
			check: "memory", unit: "bytes", called: memoryCalled,
			limit: float64(gateway.MemoryLimit), least: 2,
			source: record.SamplesFile + ": actors.gateway.usage.memory_working_set_bytes",
			show:   func(v float64) string { return fmt.Sprintf("%.0f MiB", v/(1<<20)) },
			value: func(s []record.Sample) record.Series {
				return record.WorkingSet(s, record.Gateway)
			},
			newest: newestMemory,
			holds:  holds(thresholds.Memory),
		})
	}
	return w
}

// Add takes the next sample and returns the findings that begin or end with it. What the
// end of the measured time finds open ends with the first sample after it; where usage is
// told late, with the first reading that was made after it.
func (w *Watch) Add(s record.Sample) (news []Finding) {
	if w.of == "" {
		s, news = w.addPods(s)
	}
	measuring := s.Phase == record.PhaseMeasuring
	if measuring && !w.measured {
		w.measured, w.from = true, s.Elapsed
	}
	s, told := w.fresh(s)
	late := !measuring && told && w.within(s)
	switch {
	case measuring:
		w.to = s.Elapsed
	case late:
		s = usageAlone(s)
	case w.waits(s.Phase, told):
		return news
	default:
		return append(news, w.over()...)
	}
	w.tail.add(s)
	for _, r := range w.resources {
		l, ok := r.newest(w.tail.samples)
		if !ok || r.points > 0 && l.at <= r.last {
			continue // not known, or seen before
		}
		news = append(news, r.add(l)...)
	}
	for _, a := range w.asserted {
		if late && !a.ofUsage() || !w.asks(a) {
			continue
		}
		news = append(news, a.add(s, w.reach())...)
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

// Findings are what the samples so far come to: for each resource the heaviest of
// its thresholds that was reached, or that it held; of several gateways that of the worst.
func (w *Watch) Findings() []Finding {
	var out []Finding
	for i, r := range w.resources {
		if len(w.pods) > 0 {
			out = append(out, w.worstPod(i))
			continue
		}
		out = append(out, r.outcome(w.pace.step()))
	}
	return out
}
