package verdict_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

func TestFigures(t *testing.T) {
	f := verdict.Measure(trials.Calm().Record())
	near := func(name string, got *float64, want, within float64) {
		t.Helper()
		if got == nil || math.Abs(*got-want) > within {
			t.Errorf("%s = %v, want %v ± %v", name, show(got), want, within)
		}
	}
	near("due", f.Rate.Due, 1000, 1e-9)
	near("delivered", f.Rate.Delivered, 1000, 1e-9)
	near("bytes a span", f.Rate.EncodedPerSpan, 1913, 1e-9)
	near("average cores", f.CPU.Average, 0.31, 0.02)
	near("max cores", f.CPU.Max, 0.35, 0.01)
	near("spans a core", f.CPU.SpansPerCore, 1000/0.31, 100)
	near("CPU a million", f.CPU.PerMillion, 310, 10)
	near("peak", f.Memory.Peak, 136*trials.MiB, 3*trials.MiB)
	near("distance", f.Memory.Distance, 600*trials.MiB-(*f.Memory.Peak-12*trials.MiB), 2)
	near("batch", f.Pipeline.BatchMean, 200, 2)
	near("processing", f.Pipeline.Processing, 0.0004, 1e-9)
	near("exports under way", f.Pipeline.ExportsUnder, 0.03, 1e-6)
	if f.CPU.P99 != nil {
		t.Errorf("p99 of %d windows = %v, want none", f.CPU.Windows, *f.CPU.P99)
	}
	near("p50", f.Latency.Total.P50.Seconds, 0.31, 0.01)
	near("p99", f.Latency.Total.P99.Seconds, 0.52, 0.02)
}

func show(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return fmt.Sprint(*v)
}

// One not delivered is infinitely late.
func TestPercentilesBeyondTheLoss(t *testing.T) {
	for _, c := range []struct {
		lost uint64
		want string
	}{
		{0, "p50 p90 p95 p99 - max"},
		{1, "p50 p90 p95 p99 - lost"},
		{60, "p50 p90 p95 p99 - lost"},
		{61, "p50 p90 p95 p99 lost lost"},
		{601, "p50 p90 p95 lost lost lost"},
		{30001, "lost lost lost lost lost lost"},
	} {
		trial := trials.Calm()
		trial.Lost = c.lost
		l := verdict.Measure(trial.Record()).Latency.Total
		var got []string
		for _, p := range []struct {
			name string
			p    *verdict.Percentile
		}{{"p50", l.P50}, {"p90", l.P90}, {"p95", l.P95}, {"p99", l.P99}, {"p99.9", l.P999}, {"max", l.Max}} {
			if p.p == nil {
				p.name = "-"
			} else if p.p.Lost {
				p.name = "lost"
			}
			got = append(got, p.name)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("with %d of 60,000 lost: %s, want %s", c.lost, s, c.want)
		}
	}
}
