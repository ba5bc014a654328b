package report

import (
	"fmt"
	"io"
	"time"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// BaselineText tells one baseline on a terminal, with its points.
func BaselineText(w io.Writer, b baseline.Baseline) error {
	var p page
	of := b.Capacity
	p.line("%s: %s spans/s, %s MB/s (%s: %s–%s)", b.Name, brief(of.Estimate),
		digits3(of.Estimate*of.EncodedPerSpan/1e6), verdict.Percent(of.Confidence),
		brief(of.Low), brief(of.High))
	p.line("  limits       %s", limitsText(b.Gateway.CPULimit, b.Gateway.MemoryLimit))
	p.line("  a core       %s spans/s", brief(of.Estimate/float64(b.Gateway.CPULimit)))
	p.line("  broke first  %s%s", orDash(of.BrokeFirst), prefixed("; limited by ", of.Limited))
	p.line("  collector    %s", collectorText(b.Collector))
	p.line("  host         %s", hostText(b.Host))
	p.line("  workload     %s", baselineWorkload(b))
	p.line("  a span       %.0f bytes, encoded", of.EncodedPerSpan)
	p.line("  measured     %s, scenario %s, environment %s, odigos-stress %s",
		b.Measured.UTC().Format(time.RFC3339), b.Scenario, b.Environment, orDash(b.Tool))
	p.line("  from         %d trials in %s, noise %s from trial to trial, record %s", of.Trials,
		verdict.Seconds(of.Took), verdict.Percent(of.Noise), orDash(b.Record))
	p.columns(pointTable(b.Points))
	return p.to(w)
}

// pointTable is the points by rate; CPU is in cores and its share of the limit is not
// told, since the limit stands above.
func pointTable(points []baseline.Point) [][]string {
	table := [][]string{{
		"spans/s", "result", "measured", "CPU", "CPU most", "memory peak", "anon+kernel", "p50", "p99",
		"inside", "queue",
	}}
	for _, p := range points {
		result := "broke"
		if p.Held {
			result = "held"
		}
		table = append(table, []string{
			decimal(p.Rate), result, fmt.Sprintf("%.0f s", p.Measured), short(p.CPU, times),
			short(p.CPUMax, times), short(p.Memory, mib), short(p.Anon, mib),
			short(p.P50, verdict.Seconds), short(p.P99, verdict.Seconds), short(p.Inside, whole),
			short(p.Queue, items),
		})
	}
	return table
}
