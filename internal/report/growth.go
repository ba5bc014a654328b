package report

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

func mibPerMinute(v float64) string { return fmt.Sprintf("%+.2f MiB/min", v/(1<<20)) }
func perMinute(v float64) string    { return fmt.Sprintf("%+.1f/min", v) }
func chance(v float64) string       { return verdict.Percent(max(1e-9, v)) }

// growthSection is the trend of what must not grow under a constant load.
func growthSection(f verdict.GrowthFigures) section {
	out := section{
		title: "Growth",
		of: "Sen's slope over the troughs of the measured time, and the interval that holds it " +
			"with 99.9 %. The chance is that of such a rise where nothing grows. From `" +
			record.SamplesFile + "`.",
	}
	for _, of := range []struct {
		name, path string
		g          verdict.GrowthFigure
		unit       unit
	}{
		{"Gateway's memory", "gateway_memory", f.Memory, mibPerMinute},
		{"Gateway's goroutines", "gateway_goroutines", f.Goroutines, perMinute},
		{"Load generator's memory", "loadgen_memory", f.Loadgen, mibPerMinute},
		{"Backend's memory", "backend_memory", f.Backend, mibPerMinute},
	} {
		name, path := of.name, "growth."+of.path+"."
		if of.g.Of != "" && of.unit(0) == mibPerMinute(0) {
			name += " (" + of.g.Of + ")"
		}
		if of.g.PerMinute == nil {
			out.rows = append(out.rows, row{name, nil, of.unit, path + "per_minute"})
			continue
		}
		out.rows = append(out.rows,
			row{name + ", a minute", of.g.PerMinute, of.unit, path + "per_minute"},
			row{name + ", at least", of.g.Low, of.unit, path + "per_minute_low"},
			row{name + ", at most", of.g.High, of.unit, path + "per_minute_high"},
			row{name + ", chance", of.g.Chance, chance, path + "chance"},
		)
	}
	if f.Memory.ToGoMemLimit == nil && f.Memory.ToLimit == nil {
		return out // it does not grow
	}
	out.rows = append(out.rows,
		row{
			"Until what is in use is as large as GOMEMLIMIT, if it goes on", f.Memory.ToGoMemLimit,
			verdict.Lasting, "growth.gateway_memory.seconds_to_gomemlimit",
		},
		row{
			"Until the memory limit, if it goes on", f.Memory.ToLimit, verdict.Lasting,
			"growth.gateway_memory.seconds_to_limit",
		})
	return out
}

// trendLine is the trend of the gateway's memory where it grows, in MiB.
func trendLine(r *record.Record) []line {
	g := verdict.Measure(r).Growth.Memory
	if !g.Grows() && g.Kind != verdict.GrowthBacklog {
		return nil
	}
	s := record.Series{Elapsed: []float64{*g.From, *g.To}, Values: []float64{*g.First, *g.Last}}
	return []line{{
		name: fmt.Sprintf("trend of the %s, %s", g.Of, mibPerMinute(*g.PerMinute)),
		s:    scaled(s, 1.0/(1<<20)), color: vermillion, dashed: true, wide: true,
	}}
}
