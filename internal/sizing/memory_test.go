package sizing_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/sizing"
)

func near(got, want, share float64) bool { return math.Abs(got-want) <= share*math.Abs(want) }

// What lies on a line is found again, however many trials crowd at the edge.
func TestModelOfALine(t *testing.T) {
	b := made("a", 1, 600, 20000)
	for range 10 {
		p := pointAt(20000)
		b.Points = append(b.Points, p)
	}
	m := sizing.ModelsOf(b)[0]
	if !m.Anon.Holds || !near(m.Anon.Base, 20*mebi, 1e-6) || !near(m.Anon.PerSpan, 20000, 1e-6) ||
		m.Anon.Known.Worst > 1e-6 || m.Anon.R2 < 0.999 || m.Anon.Unknown.Worst > 1e-6 ||
		m.Anon.PerRate != 0 {
		t.Errorf("ModelsOf(a line): %+v", m.Anon)
	}
}

// Noise of 5 %, with most trials at the edge, does not turn the line; and where what lies
// beside a trial says more of it than the line, by chance, the forecast is as near.
func TestModelOfANoisyLine(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		b := made("a", 1, 600, 20000)
		for range 10 {
			b.Points = append(b.Points, pointAt(20000*(1+0.02*r.NormFloat64())))
		}
		for i := range b.Points {
			memory := *b.Points[i].Anon * (1 + 0.05*r.NormFloat64())
			b.Points[i].Anon = &memory
		}
		m := sizing.ModelsOf(b)[0]
		f := sizes(t, sizing.Wish{Rate: 13000}, b).Sizes[0].Memory.Anon
		if !near(m.Anon.PerSpan, 20000, 0.15) || !near(f.Bytes, 20*mebi+20000*0.3*13000, 0.15) {
			t.Fatalf("5 %% of noise: %.0f bytes a span, worst %.2f, %s", m.Anon.PerSpan, m.Anon.Known.Worst,
				m.Anon.Why)
		}
	}
}

// GOMEMLIMIT bends the line: trials that it holds down say nothing of the slope, and the
// forecast stays below it.
func TestModelUnderGoMemLimit(t *testing.T) {
	b := made("a", 1, 600, 20000)
	limit := 90.0 * mebi // 440 MiB are the chart's
	b.Gateway.GoMemLimit = 90 * mebi
	for i := range b.Points {
		memory := min(*b.Points[i].Anon, limit)
		b.Points[i].Anon, b.Points[i].Memory = &memory, &memory
	}
	m := sizing.ModelsOf(b)[0]
	if !m.Anon.Holds || !near(m.Anon.PerSpan, 20000, 0.01) || m.Anon.Ceiling != limit {
		t.Fatalf("below GOMEMLIMIT: %+v", m.Anon)
	}
	f := sizes(t, sizing.Wish{Rate: 20000}, b).Sizes[0].Memory.Anon
	if !f.AtCeiling || f.Bytes != limit {
		t.Errorf("at 20,000 spans/s: %+v, want GOMEMLIMIT", f)
	}
	f = sizes(t, sizing.Wish{Rate: 4000}, b).Sizes[0].Memory.Anon
	if f.AtCeiling || !near(f.Bytes, 20*mebi+4000*0.3*20000, 0.01) {
		t.Errorf("at 4,000 spans/s: %+v, want the line", f)
	}
}

// Between two sizes it is the GOMEMLIMIT of the size between that ends the line.
func TestForecastUnderAnotherGoMemLimit(t *testing.T) {
	small, large := made("small", 0.5, 160, 10000), made("large", 1, 200, 20000)
	s := sizes(t, sizing.Wish{Rate: 60000, Replicas: 4}, small, large).Sizes[0]
	if m := s.Memory.Anon; s.Limits.GoMemLimit != 104*mebi || m.Bytes != 104*mebi || !m.AtCeiling {
		t.Errorf("GOMEMLIMIT %v, forecast %+v, want it at 104 MiB", s.Limits.GoMemLimit, m)
	}
}

// A law that says less of a trial it did not know than the trials beside it do is not used:
// what lies between the measured peaks stands for it.
func TestModelThatDoesNotHold(t *testing.T) {
	b := made("a", 1, 600, 20000)
	b.Points = nil
	hump := func(rate float64) float64 { return (100 + 300*math.Sin(rate/20000*math.Pi)) * mebi }
	for rate := 1000.0; rate <= 20000; rate += 1000 {
		p := pointAt(rate)
		p.Anon = new(hump(rate))
		b.Points = append(b.Points, p)
	}
	m := sizing.ModelsOf(b)[0]
	if m.Anon.Holds || !strings.Contains(m.Anon.Why, "between their neighbours") {
		t.Errorf("a hump: holds %v, %q", m.Anon.Holds, m.Anon.Why)
	}
	f := sizes(t, sizing.Wish{Rate: 17500}, b).Sizes[0].Memory.Anon
	if want := (hump(17000) + hump(18000)) / 2; f.Model || !near(f.Bytes, want, 1e-9) ||
		f.High < f.Bytes || f.Error <= 0 {
		t.Errorf("forecast %+v, want %v as it lies between the trials, and its error", f, want)
	}
	if f = sizes(t, sizing.Wish{Rate: 500}, b).Sizes[0].Memory.Anon; f.Bytes != hump(1000) {
		t.Errorf("below all trials %+v, want the peak of the lowest", f)
	}
}

// Between two baselines a law that does not hold is replaced by what lies between both, at
// the same share of what each holds; never by the larger one's peak.
func TestPeaksBetweenTwoBaselines(t *testing.T) {
	small, large := made("small", 0.5, 300, 10000), made("large", 1, 600, 20000)
	for _, b := range []*baseline.Baseline{&small, &large} {
		b.Points = nil
		for share := 0.05; share < 1.01; share += 0.05 {
			p := pointAt(share * b.Capacity.Low)
			p.Anon = new((100 + 80*math.Sin(share*math.Pi)) * mebi * p.Rate / (share * 10000))
			b.Points = append(b.Points, p)
		}
	}
	s := sizes(t, sizing.Wish{Rate: 15000, Replicas: 1}, small, large).Sizes[0]
	if m := s.Memory.Anon; !s.Interpolated || m.Model || !near(m.Bytes, 150*mebi, 1e-6) {
		t.Errorf("half-way at the low ends, 100 and 200 MiB: %+v, want 150 MiB", m)
	}
}

// One wild trial is not followed, and is told as an error.
func TestModelWithAWildTrial(t *testing.T) {
	b := made("a", 1, 600, 20000)
	wild := 300.0 * mebi
	b.Points[2].Anon = &wild
	m := sizing.ModelsOf(b)[0]
	if !m.Anon.Holds || m.Anon.Known.Worst < 0.5 || m.Anon.Most != wild {
		t.Errorf("one wild trial: holds %v, %+v, most %v", m.Anon.Holds, m.Anon.Known, m.Anon.Most)
	}
	f := sizes(t, sizing.Wish{Rate: 10000}, b).Sizes[0].Memory.Anon
	if !f.Model || f.Bytes > 130*mebi || f.High < 290*mebi {
		t.Errorf("forecast %+v, want the law, and how far above it that trial was", f)
	}
}

// Where rate and residence did not move together both terms are found again.
func TestModelOfRateAndSpansInside(t *testing.T) {
	var all []baseline.Baseline
	for i, stay := range []float64{0.1, 0.4} {
		b := made(fmt.Sprint("b", i), 1, 2000, 20000)
		for j, p := range b.Points {
			b.Points[j].Mean = &stay
			b.Points[j].Anon = new(10*mebi + 5000*p.Rate + 8000*p.Rate*stay)
		}
		all = append(all, b)
	}
	for _, m := range sizing.ModelsOf(all...) {
		if f := m.Anon; !near(f.Base, 10*mebi, 1e-6) || !near(f.PerRate, 5000, 1e-6) ||
			!near(f.PerSpan, 8000, 1e-6) || f.Of != 12 || !f.Holds {
			t.Errorf("%s: %+v", m.Baseline, f)
		}
	}
	// Memory that goes with the rate alone is not said to go with the spans inside.
	for i := range all {
		for j, p := range all[i].Points {
			all[i].Points[j].Anon = new(10*mebi + 5000*p.Rate)
		}
	}
	if f := sizing.ModelsOf(all...)[0].Anon; !near(f.PerRate, 5000, 1e-6) || f.PerSpan > 1e-3 {
		t.Errorf("by the rate alone: %+v", f)
	}
}

// No law has a negative term, and no forecast is below nothing, whatever was measured.
func TestModelIsNeverNegative(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		b := made("a", 1, 600, 20000)
		for i := range b.Points {
			b.Points[i].Anon = new(math.Exp(12 + 6*r.Float64()))
			b.Points[i].Mean = new(r.Float64())
		}
		f := sizing.ModelsOf(b)[0].Anon
		if f.Base < 0 || f.PerRate < 0 || f.PerSpan < 0 || math.IsNaN(f.Known.RMS) {
			t.Fatalf("%+v", f)
		}
		m := sizes(t, sizing.Wish{Rate: 20000 * r.Float64()}, b).Sizes[0].Memory.Anon
		if !(m.Bytes > 0) || m.High < m.Bytes {
			t.Fatalf("forecast %+v", m)
		}
	}
}

func TestModelOfTooLittle(t *testing.T) {
	b := made("b", 1, 600, 20000)
	b.Points = b.Points[:2]
	if m := sizing.ModelsOf(b)[0]; m.Anon.Holds || !strings.Contains(m.Anon.Why, "3 are needed") {
		t.Errorf("two trials: %+v", m.Anon)
	}
	// What another baseline of the workload knows is used.
	if m := sizing.ModelsOf(b, made("a", 1, 600, 20000))[0]; !m.Anon.Holds || m.Anon.Of != 8 {
		t.Errorf("two trials, beside a baseline with six: %+v", m.Anon)
	}
	b = made("c", 1, 600, 20000)
	for i := range b.Points {
		b.Points[i] = pointAt(20000 + float64(i))
	}
	if m := sizing.ModelsOf(b)[0]; m.Anon.Holds || !strings.Contains(m.Anon.Why, "too much alike") {
		t.Errorf("trials at one rate: %+v", m.Anon)
	}
	b = made("d", 1, 600, 20000)
	for i := range b.Points {
		b.Points[i].Anon = nil
	}
	if m := sizing.ModelsOf(b)[0]; m.Anon.Holds || m.Anon.Most != 0 {
		t.Errorf("memory is not known: %+v", m.Anon)
	}
	if f := sizes(t, sizing.Wish{Rate: 1000}, b).Sizes[0].Memory; f.Anon.Bytes != 0 || f.WorkingSet.Bytes == 0 {
		t.Errorf("memory is not known: %+v, want 0, and the working set", f)
	}
}

// Trials at one rate count as one, however many there are.
func TestModelOfACrowd(t *testing.T) {
	b := made("a", 1, 600, 20000)
	for i, p := range b.Points {
		b.Points[i].Anon = new((20 + 100*math.Sqrt(p.Rate/20000)) * mebi) // no line
	}
	want := sizing.ModelsOf(b)[0].Anon
	for range 20 {
		b.Points = append(b.Points, b.Points[5])
	}
	if got := sizing.ModelsOf(b)[0].Anon; !near(got.PerSpan, want.PerSpan, 1e-6) {
		t.Errorf("with 20 more trials at the edge %v bytes a span, want %v", got.PerSpan, want.PerSpan)
	}
}

// A trial that broke says nothing.
func TestModelIgnoresWhatBroke(t *testing.T) {
	b := made("a", 1, 600, 20000)
	p := pointAt(30000)
	wild := 590.0 * mebi
	p.Held, p.Anon = false, &wild
	b.Points = append(b.Points, p)
	if m := sizing.ModelsOf(b)[0]; !m.Anon.Holds || m.Anon.Most == wild || len(m.Anon.Trials) != 6 {
		t.Errorf("with a trial that broke: %+v", m.Anon)
	}
}

// The model against trials that ran: see testdata/measured.
func TestModelOfMeasuredTrials(t *testing.T) {
	for _, m := range sizing.ModelsOf(measured(t)...) {
		f := m.Anon
		t.Logf("%s: %.1f MiB + %.0f B × spans/s + %.0f B × spans inside (%.0f alone), R² %.3f; known %+v, "+
			"unknown %+v, between %+v; %s", m.Baseline, f.Base/mebi, f.PerRate, f.PerSpan, f.PerSpanAlone,
			f.R2, f.Known, f.Unknown, f.Between, f.Why)
		if !f.Holds || !m.WorkingSet.Holds || f.Known.Worst > 0.2 || f.PerSpan < 5000 {
			t.Errorf("%s: %+v", m.Baseline, m)
		}
	}
}
