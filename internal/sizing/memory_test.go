package sizing_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

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
	m := sizing.ModelOf(b)
	if !m.Anon.Holds || !near(m.Anon.Base, 20*mebi, 1e-6) || !near(m.Anon.PerSpan, 20000, 1e-6) ||
		m.Anon.Worst > 1e-6 || m.Anon.R2 < 0.999 || m.Anon.LeftOutWorst > 1e-6 {
		t.Errorf("ModelOf(a line): %+v", m.Anon)
	}
}

// Noise of 5 % at the edge, where most trials are, does not turn the line.
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
		m := sizing.ModelOf(b)
		if !near(m.Anon.PerSpan, 20000, 0.15) || !m.Anon.Holds {
			t.Fatalf("5 %% of noise: %.0f bytes a span, worst %.2f, %s", m.Anon.PerSpan, m.Anon.Worst,
				m.Anon.Why)
		}
	}
}

// GOMEMLIMIT bends the line: trials that it holds down say nothing of the slope, and the
// forecast stays below it.
func TestModelUnderGoMemLimit(t *testing.T) {
	b := made("a", 1, 600, 20000)
	limit := 85.0 * mebi // 440 MiB are the chart's
	b.Gateway.GoMemLimit = 85 * mebi
	for i := range b.Points {
		memory := min(*b.Points[i].Anon, limit)
		b.Points[i].Anon, b.Points[i].Memory = &memory, &memory
	}
	m := sizing.ModelOf(b)
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

// A line that misses its own trials is not believed: the most that was measured stands for
// it.
func TestModelThatDoesNotHold(t *testing.T) {
	b := made("a", 1, 600, 20000)
	wild := 300.0 * mebi
	b.Points[2].Anon = &wild
	m := sizing.ModelOf(b)
	if m.Anon.Holds || !strings.Contains(m.Anon.Why, "misses a trial") || m.Anon.Most != wild {
		t.Errorf("one wild trial: holds %v, %q, most %v", m.Anon.Holds, m.Anon.Why, m.Anon.Most)
	}
	f := sizes(t, sizing.Wish{Rate: 1000}, b).Sizes[0].Memory.Anon
	if f.Model || f.Bytes != wild {
		t.Errorf("forecast %+v, want the most that was measured", f)
	}

	b = made("b", 1, 600, 20000)
	b.Points = b.Points[:2]
	if m := sizing.ModelOf(b); m.Anon.Holds || !strings.Contains(m.Anon.Why, "3 are needed") {
		t.Errorf("two trials: %+v", m.Anon)
	}
	b = made("c", 1, 600, 20000)
	for i := range b.Points {
		b.Points[i] = pointAt(20000 + float64(i))
	}
	if m := sizing.ModelOf(b); m.Anon.Holds || !strings.Contains(m.Anon.Why, "too much alike") {
		t.Errorf("trials at one rate: %+v", m.Anon)
	}
	b = made("d", 1, 600, 20000)
	for i := range b.Points {
		b.Points[i].Anon = nil
	}
	if m := sizing.ModelOf(b); m.Anon.Holds || m.Anon.Most != 0 {
		t.Errorf("memory is not known: %+v", m.Anon)
	}
	if f := sizes(t, sizing.Wish{Rate: 1000}, b).Sizes[0].Memory; f.Anon.Bytes != 0 || f.WorkingSet.Bytes == 0 {
		t.Errorf("memory is not known: %+v, want 0, and the working set", f)
	}
}

// A trial that broke says nothing.
func TestModelIgnoresWhatBroke(t *testing.T) {
	b := made("a", 1, 600, 20000)
	p := pointAt(30000)
	wild := 590.0 * mebi
	p.Held, p.Anon = false, &wild
	b.Points = append(b.Points, p)
	if m := sizing.ModelOf(b); !m.Anon.Holds || m.Anon.Most == wild || len(m.Anon.Trials) != 6 {
		t.Errorf("with a trial that broke: %+v", m.Anon)
	}
}

// The model against trials that ran: see testdata/measured.
func TestModelOfMeasuredTrials(t *testing.T) {
	for _, b := range measured(t) {
		m := sizing.ModelOf(b)
		t.Logf("%s: one residence %.3f s; base %.1f MiB, %.0f B a span, worst %.2f, median %.2f, left "+
			"out %.2f and %.2f, R² %.3f; %s", b.Name, m.Stay, m.Anon.Base/mebi, m.Anon.PerSpan, m.Anon.Worst,
			m.Anon.Median, m.Anon.LeftOutWorst, m.Anon.LeftOutMedian, m.Anon.R2, m.Anon.Why)
		if b.Name == "measured-1-600mi" && (!m.Anon.Holds || !m.WorkingSet.Holds ||
			!near(m.Anon.PerSpan, 22000, 0.1)) {
			t.Errorf("%s: %+v", b.Name, m)
		}
	}
}
