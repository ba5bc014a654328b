package sizing_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/sizing"
)

const mebi = 1 << 20

// made is a baseline that nobody measured: a gateway that takes 30 µs of CPU, 0.3 s and
// 20 kB for each span, and holds low to 1.1 × low.
func made(name string, cores, mib, low float64) baseline.Baseline {
	s, err := scenario.Scenario{Name: "made", Gateway: scenario.Gateway{
		CPULimit: scenario.CPU(cores), MemoryLimit: scenario.Bytes(mib * mebi),
	}}.Resolved()
	if err != nil {
		panic(err)
	}
	b := baseline.Baseline{
		SchemaVersion: baseline.SchemaVersion, Name: name, Record: "20260101-000000_" + name,
		Host:      baseline.Host{CPUModel: "Made-up CPU", Cores: 8, OS: "linux", Arch: "amd64"},
		Collector: baseline.Collector{Headline: "made-up 1.0"},
		Scenario:  "custom", Gateway: s.Gateway, Load: s.Load, Backend: s.Backend,
		Thresholds: s.Thresholds,
		Capacity: baseline.Capacity{
			Low: low, Estimate: 1.05 * low, High: 1.1 * low, Confidence: 0.95, EncodedPerSpan: 1900,
		},
	}
	for _, share := range []float64{0.1, 0.3, 0.5, 0.7, 0.9, 1} {
		b.Points = append(b.Points, pointAt(share*low))
	}
	return b
}

func pointAt(rate float64) baseline.Point {
	cpu, stay, exports := 30e-6*rate, 0.3, 4.5
	memory := 20*mebi + 20000*rate*stay
	return baseline.Point{
		Rate: rate, Held: true, CPU: &cpu, Anon: &memory, Memory: &memory, P50: &stay,
		Exports: &exports,
	}
}

func sizes(t *testing.T, w sizing.Wish, all ...baseline.Baseline) sizing.Answer {
	t.Helper()
	a, err := sizing.Reckon(w, all)
	if err != nil {
		t.Fatalf("Reckon(%+v): %v", w, err)
	}
	return a
}

func ExampleReckon() {
	b := made("one-core", 1, 600, 20000)
	a, err := sizing.Reckon(sizing.Wish{Rate: 60000, Headroom: 0.25, Survive: 1}, []baseline.Baseline{b})
	if err != nil {
		fmt.Println(err)
	}
	s := a.Sizes[0]
	fmt.Printf("%d pods, %v spans/s each, %v when one is lost\n", s.Replicas, s.PerPod, s.AfterLoss)
	// Output: 4 pods, 15000 spans/s each, 20000 when one is lost
}

func TestPods(t *testing.T) {
	for _, c := range []struct {
		rate, headroom float64
		survive, want  int
	}{
		{20000, 0, 0, 1},
		{20001, 0, 0, 2},
		{20000, 0.25, 0, 2},
		{60000, 0, 0, 3},
		{60000, 0.25, 0, 4}, // 75,000 of 20,000
		{60000, 0.25, 1, 4}, // 3 that hold the rate, and the one that may go
		{60000, 0, 2, 5},
		{60000, 1, 1, 6}, // the headroom asks more than the loss
		{1, 0, 0, 1},
		{1, 0, 3, 4},
	} {
		w := sizing.Wish{Rate: c.rate, Headroom: c.headroom, Survive: c.survive}
		if got := sizes(t, w, made("a", 1, 600, 20000)).Sizes[0].Replicas; got != c.want {
			t.Errorf("Reckon(%+v) takes %d pods, want %d", w, got, c.want)
		}
	}
}

// More rate never takes fewer cores, more pods to lose never fewer pods, and what comes out
// holds the wish by its own low ends.
func TestSizesHoldTheirWish(t *testing.T) {
	all := []baseline.Baseline{
		made("s", 0.3, 300, 5000), made("m", 1, 600, 19000), made("xl", 1.5, 2000, 27000),
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		w := sizing.Wish{
			Rate: math.Exp(r.Float64()*9 + 3), Headroom: r.Float64(), Survive: r.IntN(4),
			Outage: 60 * r.Float64(),
		}
		first := sizes(t, w, all...)
		for _, s := range first.Sizes {
			n := float64(s.Replicas)
			switch low := s.Capacity.Low * (1 + 1e-6); {
			case n*low < w.Rate*(1+w.Headroom), (n-float64(w.Survive))*low < w.Rate:
				t.Fatalf("%+v: %d pods that hold %v do not hold it", w, s.Replicas, s.Capacity.Low)
			case s.AfterLoss > low:
				t.Fatalf("%+v: a pod gets %v after the loss, and holds %v", w, s.AfterLoss, low)
			case s.Memory.Anon.Share > 1 || s.Memory.Anon.Bytes <= 0:
				t.Fatalf("%+v: memory %+v", w, s.Memory)
			}
		}
		more := w
		more.Rate *= 1 + r.Float64()
		if a := sizes(t, more, all...); a.Sizes[0].Cores < first.Sizes[0].Cores {
			t.Fatalf("%+v takes %v cores, %+v %v", w, first.Sizes[0].Cores, more, a.Sizes[0].Cores)
		}
		more = w
		more.Survive++
		for i, s := range byName(sizes(t, more, all...)) {
			if was := byName(first)[i]; s.Replicas < was.Replicas {
				t.Fatalf("%+v takes %d pods, %+v %d", w, was.Replicas, more, s.Replicas)
			}
		}
	}
}

func byName(a sizing.Answer) map[string]sizing.Size {
	out := map[string]sizing.Size{}
	for _, s := range a.Sizes {
		out[s.Sources[0].Baseline] = s
	}
	return out
}

func TestOrder(t *testing.T) {
	lean, rich := made("lean", 1, 600, 20000), made("rich", 0.9, 8192, 20000)
	w := sizing.Wish{Rate: 60000}
	if got := sizes(t, w, lean, rich).Sizes[0].Sources[0].Baseline; got != "rich" {
		t.Errorf("without prices the first is %s, want rich, which has fewer cores", got)
	}
	w.Prices = &sizing.Prices{CPUHour: 0.03, GiBHour: 0.004}
	a := sizes(t, w, lean, rich)
	if got := a.Sizes[0].Sources[0].Baseline; got != "lean" {
		t.Errorf("with prices the first is %s, want lean, whose memory costs less", got)
	}
	// 730 h × (3 × 0.03 + 3 × 600/1024 × 0.004), and by 60,000 × 3,600 × 730 spans.
	want := &sizing.Cost{Month: 70.833, Billion: 0.44921}
	round := cmp.Transformer("round", func(v float64) int { return int(math.Round(1000 * v)) })
	if diff := cmp.Diff(want, a.Sizes[0].Cost, round); diff != "" {
		t.Errorf("cost (-want +got):\n%s", diff)
	}
}

func TestPinned(t *testing.T) {
	small, large := made("small", 0.5, 300, 10000), made("large", 1, 600, 20000)
	other := made("other", 2, 100, 18000) // nearer, but with less memory: not along the line
	a := sizes(t, sizing.Wish{Rate: 60000, Headroom: 0.25, Replicas: 5}, small, large, other)
	s := a.Sizes[0]
	if !s.Interpolated || s.Replicas != 5 {
		t.Fatalf("the first size is %+v, want one between small and large", s)
	}
	want := sizing.Limits{CPU: 0.75, Memory: 450 * mebi, GoMemLimit: 320 * mebi, GoMaxProcs: 1}
	if diff := cmp.Diff(want, s.Limits); diff != "" {
		t.Errorf("limits half-way (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sizing.Interval{Low: 15000, Estimate: 15750, High: 16500}, s.Capacity); diff != "" {
		t.Errorf("capacity half-way (-want +got):\n%s", diff)
	}
	if got := []string{s.Sources[0].Baseline, s.Sources[1].Baseline}; !cmp.Equal(got, []string{"small", "large"}) {
		t.Errorf("between %v, want small and large", got)
	}
	// Below the smallest it is the smallest, as it was measured.
	for _, s := range sizes(t, sizing.Wish{Rate: 1000, Replicas: 1}, small, large).Sizes {
		if s.Interpolated {
			t.Errorf("1,000 spans/s: %+v, want what was measured", s)
		}
	}
}

func TestBeyond(t *testing.T) {
	_, err := sizing.Reckon(sizing.Wish{Rate: 60000, Headroom: 0.25, Replicas: 3},
		[]baseline.Baseline{made("small", 0.5, 300, 10000), made("large", 1, 600, 20000)})
	var beyond *sizing.Beyond
	if !errors.As(err, &beyond) {
		t.Fatalf("3 pods of 25,000 spans/s: %v, want a *Beyond", err)
	}
	if beyond.Need != 25000 || beyond.Largest.Baseline != "large" || beyond.Enough != 4 {
		t.Errorf("beyond: %+v, want 25,000 of large, and 4 pods that are enough", beyond)
	}
	for _, word := range []string{"holds 20000", "odigos-stress capacity custom --cpu-limit 2"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

func TestWishCheck(t *testing.T) {
	good := sizing.Wish{Rate: 1, Headroom: 0.25, Survive: 1, Outage: 300}
	if err := good.Check(); err != nil {
		t.Errorf("%+v: %v", good, err)
	}
	for _, c := range []struct {
		w    sizing.Wish
		want string
	}{
		{sizing.Wish{}, "rate: found 0, want more than 0"},
		{sizing.Wish{Rate: math.NaN()}, "rate"},
		{sizing.Wish{Rate: 1, Headroom: -1}, "headroom: found -1"},
		{sizing.Wish{Rate: 1, Headroom: 25}, "headroom: found 25"},
		{sizing.Wish{Rate: 1, Survive: -1}, "survive: found -1"},
		{sizing.Wish{Rate: 1, Survive: 2, Replicas: 2}, "fewer pods than the 2"},
		{sizing.Wish{Rate: 1, Outage: -1}, "outage: found -1"},
		{sizing.Wish{Rate: 1, Replicas: -1}, "replicas: found -1"},
		{sizing.Wish{Rate: 1, QueuedSpan: -1}, "queued span: found -1"},
		{sizing.Wish{Rate: 1, Prices: &sizing.Prices{CPUHour: -1}}, "price of a CPU hour: found -1"},
		{sizing.Wish{Rate: 1, Prices: &sizing.Prices{GiBHour: math.Inf(1)}}, "price of a GiB hour"},
	} {
		if err := c.w.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Check(%+v) = %v, want %q", c.w, err, c.want)
		}
	}
}

// The baselines of real trials, as they lie in testdata.
func measured(t *testing.T) []baseline.Baseline {
	t.Helper()
	all, err := baseline.List("testdata/measured")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d baselines, %v", len(all), err)
	}
	return all
}
