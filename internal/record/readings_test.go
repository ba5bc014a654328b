package record

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// toldLate are looks each second at an actor whose usage is read at these moments and told
// two seconds later, until the next is told.
func toldLate(looks int, moments ...float64) []Sample {
	var samples []Sample
	newest := -1
	for i := range looks {
		at := float64(i)
		for newest+1 < len(moments) && moments[newest+1]+2 <= at {
			newest++
		}
		s := Sample{
			At: began.Add(time.Duration(i) * time.Second), Elapsed: at, Phase: PhaseMeasuring,
			Actors: map[string]ActorSample{Gateway: {Running: true}},
		}
		if newest >= 0 {
			m := moments[newest]
			s.Actors[Gateway] = ActorSample{Running: true, Usage: &env.Usage{
				At: began.Add(time.Duration(m * float64(time.Second))), CPUSeconds: new(m / 2),
				MemoryWorkingSet: new(int64(m)),
			}}
		}
		samples = append(samples, s)
	}
	return samples
}

func TestReadingsAreDistinct(t *testing.T) {
	samples := toldLate(40, 1, 11.5, 21.25)
	if diff := cmp.Diff(points(1, .5, 11.5, 5.75, 21.25, 10.625), CPUSeconds(samples, Gateway)); diff != "" {
		t.Errorf("CPUSeconds (-want +got):\n%s", diff)
	}
	var looks []int
	for r := range Readings(samples, Gateway) {
		looks = append(looks, r.Look)
	}
	if diff := cmp.Diff([]int{3, 14, 24}, looks); diff != "" {
		t.Errorf("looks that were told them first (-want +got):\n%s", diff)
	}
}

// A measurement that is told to the second at first, and then exactly, is one.
func TestReadingToldMoreExactly(t *testing.T) {
	at := func(ms int, cpu float64) *env.Usage {
		return &env.Usage{At: began.Add(time.Duration(ms) * time.Millisecond), CPUSeconds: &cpu}
	}
	for _, c := range []struct {
		before, now *env.Usage
		want        bool
	}{
		{at(5000, 1), at(5432, 1), true},
		{at(5000, 1), at(5432, 1.1), false},
		{at(5000, 1), at(6001, 1), false},
		{at(5001, 1), at(5432, 1), false}, // two looks within a second
		{at(5432, 1), at(5432, 1), true},
		{&env.Usage{At: began}, &env.Usage{At: began.Add(time.Millisecond)}, false},
		{nil, at(5000, 1), false},
		{&env.Usage{}, &env.Usage{}, false}, // looks whose moment goes without saying
	} {
		if got := SameReading(c.before, c.now); got != c.want {
			t.Errorf("SameReading(%+v, %+v) = %t, want %t", c.before, c.now, got, c.want)
		}
	}
}

func TestResolution(t *testing.T) {
	for _, c := range []struct {
		name    string
		samples []Sample
		want    float64
	}{
		{"none", toldLate(9), 0},
		{"one, told seven times", toldLate(10, 1), 6},
		{"even", toldLate(50, 0, 10, 20, 30), 10},
		{"by chance", toldLate(90, 0, 10, 29, 41, 60), 12},
		{"each second", toldLate(9, 0, 1, 2, 3, 4, 5), 1},
		{"each second, then seldom", toldLate(60, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 23, 38, 48), 13},
		{"each second, then not at all", toldLate(20, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 7},
		{"each second, and looks that were missed", unlooked(toldLate(40, eachSecond(0, 37)...), 10, 20), 1},
	} {
		if got := Resolution(c.samples, Gateway); got != c.want {
			t.Errorf("Resolution(%s) = %v, want %v", c.name, got, c.want)
		}
	}
}

// eachSecond are moments from first to last, a second apart.
func eachSecond(first, last int) (moments []float64) {
	for i := first; i <= last; i++ {
		moments = append(moments, float64(i))
	}
	return moments
}

// unlooked are the samples without those from one moment to another: nobody looked.
func unlooked(samples []Sample, from, to float64) []Sample {
	return slices.DeleteFunc(samples, func(s Sample) bool { return s.Elapsed > from && s.Elapsed < to })
}

func TestCPUBetweenReadings(t *testing.T) {
	for _, c := range []struct {
		name          string
		counter, want Series
	}{
		{"even", points(0, 0, 10, 5, 20, 15), points(10, .5, 20, 1)},
		{"one missing", points(0, 0, 10, 5, 20, 10, 30, 15, 70, 35), points(10, .5, 20, .5, 30, .5)},
		{"a restart", points(0, 9, 10, 1, 20, 6), points(20, .5)},
		{"two near each other", points(0, 0, 10, 5, 11, 6, 21, 11), points(10, .5, 11, 6.0/11, 21, .5)},
		{"fine", points(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5), points(4, 1, 5, 1)},
	} {
		got := CPUTime{Series: c.counter}.Over(CPUWindow)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: Over(%v) (-want +got):\n%s", c.name, CPUWindow, diff)
		}
	}
}

// own adds to looks what the process says of itself, all but the given ones.
func own(samples []Sample, silent func(i int) bool) []Sample {
	for i := range samples {
		a := samples[i].Actors[Gateway]
		if !silent(i) {
			a.Metrics, a.ScrapeSeconds = map[Metric]float64{ProcessCPU: float64(i)}, 0.5
		}
		samples[i].Actors[Gateway] = a
	}
	return samples
}

func TestCPUTimeOf(t *testing.T) {
	never := func(int) bool { return false }
	for _, c := range []struct {
		name    string
		samples []Sample
		own     bool
		first   float64
	}{
		{"seldom", toldLate(40, 0, 10, 20), false, 0},
		{"seldom, and its own", own(toldLate(40, 0, 10, 20), never), true, 0.25},
		{"each second, and its own", own(toldLate(9, 0, 1, 2, 3, 4), never), false, 0},
		{"seldom, and silent for an eighth", own(toldLate(40, 0, 10, 20), func(i int) bool { return i < 5 }), false, 0},
		{"none, and its own", own(toldLate(9), never), true, 0.25},
		{"each second, then seldom, and its own", own(toldLate(60, append(eachSecond(0, 20), 33, 48)...), never), true, 0.25},
		{"each second, then not at all, and its own", own(toldLate(30, eachSecond(0, 20)...), never), true, 0.25},
	} {
		got := CPUTimeOf(c.samples, Gateway)
		if got.Own != c.own || got.Len() == 0 || got.Elapsed[0] != c.first {
			t.Errorf("CPUTimeOf(%s) is its own: %t, from %v on; want %t, %v", c.name, got.Own, got.Elapsed,
				c.own, c.first)
		}
	}
}

func TestPlaced(t *testing.T) {
	samples := toldLate(40, 1.2, 11.6, 21.4)
	for i, s := range Placed(samples) {
		usage := s.Actors[Gateway].Usage
		if want := i == 1 || i == 12 || i == 21; (usage != nil) != want {
			t.Errorf("look %d has a reading: %t, want %t", i, usage != nil, want)
		}
		if at, ok := s.ReadAt(Gateway); ok && math.Abs(at-s.Elapsed) > 0.5 {
			t.Errorf("look %d has what was read at %v", i, at)
		}
	}
	if samples[30].Actors[Gateway].Usage == nil {
		t.Error("Placed changed what it was given")
	}
	if diff := cmp.Diff(CPUSeconds(samples, Gateway), CPUSeconds(Placed(samples), Gateway),
		cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("CPUSeconds of what is placed (-want +got):\n%s", diff)
	}
	fine := toldLate(9, 0, 1, 2, 3, 4, 5, 6)
	if got := Placed(fine); &got[0] != &fine[0] {
		t.Error("Placed made other samples of usage that is read each second")
	}
}

// A cell says what its row was told first.
func TestRepeatedReadingIsAnEmptyCell(t *testing.T) {
	rows := table(t, &Record{Samples: toldLate(6, 1, 3)})
	var cells []string
	for _, row := range rows {
		cells = append(cells, row["gateway_memory_working_set_bytes"])
	}
	if diff := cmp.Diff([]string{"", "", "", "1", "", "3"}, cells); diff != "" {
		t.Errorf("working set, row by row (-want +got):\n%s", diff)
	}
}
