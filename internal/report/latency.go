package report

import (
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

func (p *page) latency(l verdict.LatencyFigures) {
	p.line("## Latency")
	p.line("")
	columns := []*verdict.Spread{l.Total, l.Answer, l.FollowedAnswer, l.FollowedTransit}
	p.line("Every time counts from when a span was due by schedule. A span that was acknowledged "+
		"and not delivered is infinitely late: a percentile beyond those reads *lost*. A "+
		"percentile that the spans of fewer than five requests lie beyond is not said. "+
		"The followed spans are a "+
		"sample of those acknowledged and delivered. From `%s`; `summary.json`: "+
		"figures.latency.", record.EndingFile)
	p.line("")
	p.cells("", "due to delivery", "due to acknowledgement", "followed: due to acknowledgement",
		"followed: acknowledgement to delivery")
	p.line("|---|---:|---:|---:|---:|")
	for _, q := range percentiles {
		cells := []string{q.name}
		for _, c := range columns {
			cells = append(cells, quantileText(c, q.of))
		}
		p.cells(cells...)
	}
	cells := []string{"spans"}
	for _, c := range columns {
		if c == nil {
			cells = append(cells, "")
			continue
		}
		cells = append(cells, verdict.Count(c.Entries))
	}
	p.cells(cells...)
	p.line("")
	if n := l.Unacknowledged; n > 0 {
		p.line("- Of the spans in *due to delivery*, %s were delivered and not acknowledged.",
			verdict.Count(n))
	}
	if n := l.NeverCame; n > 0 {
		p.line("- Of the spans offered, %s never came; those of them that were not acknowledged are "+
			"in no column.", verdict.Count(n))
	}
	if e := clockErrorText(l); e != "" {
		p.line("- The ends have clocks of their own: as far as these could be measured, a time to "+
			"delivery can be wrong by %s.", e)
	}
	if l.Unacknowledged+l.NeverCame > 0 || clockErrorText(l) != "" {
		p.line("")
	}
}

// clockErrorText is by how much a latency can be wrong; empty where that is not worth
// saying.
func clockErrorText(l verdict.LatencyFigures) string {
	if l.ClockError == nil || *l.ClockError <= 0.001 {
		return ""
	}
	return verdict.Seconds(*l.ClockError)
}

var percentiles = []struct {
	name string
	of   func(*verdict.Spread) *verdict.Percentile
}{
	{"p50", func(s *verdict.Spread) *verdict.Percentile { return s.P50 }},
	{"p90", func(s *verdict.Spread) *verdict.Percentile { return s.P90 }},
	{"p95", func(s *verdict.Spread) *verdict.Percentile { return s.P95 }},
	{"p99", func(s *verdict.Spread) *verdict.Percentile { return s.P99 }},
	{"p99.9", func(s *verdict.Spread) *verdict.Percentile { return s.P999 }},
	{"max", func(s *verdict.Spread) *verdict.Percentile { return s.Max }},
}

func quantileText(s *verdict.Spread, of func(*verdict.Spread) *verdict.Percentile) string {
	if s == nil {
		return "not known"
	}
	switch q := of(s); {
	case q == nil:
		return "too few"
	case q.Lost:
		return "lost"
	default:
		return verdict.Seconds(*q.Seconds)
	}
}
