package verdict

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// What the percentiles of single seconds say of all spans so far is true of them: whenever
// a times says that p(N) is beyond a bound, or within it, that is so.
func TestTimesSayNothingWrong(t *testing.T) {
	said := map[bool]int{}
	for seed := range uint64(100) {
		draw := rand.New(rand.NewPCG(seed, 1))
		c, err := scenario.ParseCondition([]string{
			"p(99)<500ms", "p(50)<=300ms", "p(95)<450ms", "p(99.9)<900ms", "max<1s", "med<200ms",
		}[seed%6])
		if err != nil {
			t.Fatal(err)
		}
		f := newTimes(c)
		add := func(at, count float64, quantiles map[record.Metric]float64) reading {
			if quantiles == nil {
				quantiles = map[record.Metric]float64{}
			}
			quantiles[record.BackendUnique] = count
			_, soFar := f.add(record.Sample{Elapsed: at, Actors: map[string]record.ActorSample{
				record.Backend: {Metrics: quantiles},
			}})
			return soFar
		}
		add(0, 0, nil)
		var all []float64
		slow := draw.Float64()
		for look := range 30 {
			var now []float64
			for range 1 + draw.IntN(400) {
				now = append(now, draw.ExpFloat64()*(0.05+0.3*slow*draw.Float64()))
			}
			slices.Sort(now)
			all = merged(all, now)
			at := func(of []float64, q float64) float64 {
				return of[max(0, int(math.Ceil(q*float64(len(of))-1e-9))-1)]
			}
			q := map[record.Metric]float64{record.BackendLatencyMax: at(now, 1)}
			for name, share := range map[record.Metric]float64{
				record.BackendLatencyP50: .5, record.BackendLatencyP90: .9, record.BackendLatencyP99: .99,
			} {
				if float64(len(now))*(1-share) >= 1 { // fewer do not bear it
					q[name] = at(now, share)
				}
			}
			soFar := add(float64(look+1), float64(len(all)), q)
			exact := at(all, rankShare(c))
			if soFar.known && soFar.violated == c.Holds(exact) {
				t.Fatalf("seed %d, look %d: violated %v, and %s of all is %v", seed, look,
					soFar.violated, c.Aggregation, exact)
			}
			if soFar.known {
				said[soFar.violated]++
			}
		}
	}
	if said[true] < 150 || said[false] < 150 {
		t.Errorf("said %v of 3,000 looks: too little to be of use", said)
	}
}

// merged are the values of two sorted lists, sorted.
func merged(a, b []float64) []float64 {
	all := make([]float64, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0] <= b[0] {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}
