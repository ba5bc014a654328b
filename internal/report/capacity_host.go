package report

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/search"
)

// HostSpeed is how fast the host was, by what a span cost our own backend, which does the
// same with each: CPU seconds per million spans, over the trials that were not short.
type HostSpeed struct {
	Trials int     `json:"trials"`
	Median float64 `json:"median_cpu_seconds_per_million_spans"`
	Least  float64 `json:"least_cpu_seconds_per_million_spans"`
	Most   float64 `json:"most_cpu_seconds_per_million_spans"`
	// Brought is whether each trial's edge was brought to the median: the answer is that of a
	// host on which a span costs so much.
	Brought bool `json:"brought"`
}

// host is how fast the host was; nil where that is not known.
func (c Capacity) host() *HostSpeed {
	var h HostSpeed
	for _, t := range c.Trials {
		v := t.Point.BackendPerMillion
		if v == nil || *v <= 0 || t.Length == search.Short {
			continue
		}
		if h.Trials++; h.Trials == 1 {
			h.Least, h.Most = *v, *v
		}
		h.Least, h.Most = min(h.Least, *v), max(h.Most, *v)
	}
	if c.Answer.Work <= 0 || h.Trials == 0 {
		return nil
	}
	h.Median, h.Brought = c.Answer.Work, c.Answer.Brought
	return &h
}

func (h *HostSpeed) text() string {
	if h == nil {
		return "how fast it was is not known"
	}
	text := fmt.Sprintf("a span cost our backend %s of CPU, %s to %s in the trials",
		microseconds(h.Median/1e6), microseconds(h.Least/1e6), microseconds(h.Most/1e6))
	if h.Brought {
		return text + "; the edge is that of a host at the first of these"
	}
	return text + "; that does not explain how the edge moved"
}
