package trial

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func TestWindowsOfDeaths(t *testing.T) {
	at := func(elapsed float64, restarted ...float64) record.Death {
		d := record.Death{Elapsed: elapsed}
		if len(restarted) > 0 {
			d.Restarted = &restarted[0]
		}
		return d
	}
	hang := func(since, noticed, until float64) record.Death {
		d := record.Death{Kind: record.DeathHang, Elapsed: noticed, Since: &since}
		if until > 0 {
			d.Until = &until
		}
		return d
	}
	for name, c := range map[string]struct {
		deaths []record.Death
		want   []window
	}{
		"none":            {nil, []window{}},
		"one":             {[]record.Death{at(5)}, []window{{0, 30}}},
		"restarts":        {[]record.Death{at(5, 6), at(9, 10), at(20)}, []window{{0, 6}, {6, 10}, {10, 30}}},
		"a failed start":  {[]record.Death{at(5), at(7, 9)}, []window{{0, 7}, {7, 9}}},
		"a hang":          {[]record.Death{hang(4, 14, 16)}, []window{{4, 16}}},
		"a hang for good": {[]record.Death{hang(4, 14, 0)}, []window{{4, 30}}},
		"a hang and then a death": {
			[]record.Death{at(2, 3), hang(4, 14, 0), at(16, 17)}, []window{{0, 3}, {4, 16}, {16, 17}},
		},
		"while it drains": {[]record.Death{at(5, 6), at(31)}, []window{{0, 6}, {6, 30}}},
	} {
		got := windows(c.deaths, 30)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(window{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The edges of windows are slots of the schedule: 100 spans each 100 ms.
func TestStretchesOfWindows(t *testing.T) {
	load := scenario.Load{Rate: 1000, SpansPerRequest: 100, Pattern: scenario.PatternConstant}
	warmUp := scenario.Duration(10 * time.Second)
	timing := scenario.Timing{WarmUp: &warmUp, Duration: scenario.Duration(20 * time.Second)}
	cut, err := stretches([]window{{0, 6}, {6, 6.05}, {6.05, 6.1}, {9, 30}}, load, timing, 30, 1)
	if err != nil {
		t.Fatal(err)
	}
	got := cut(0)
	want := []ledger.Stretch{
		{From: 0, To: 6000},
		{From: 6000, To: 6100},
		{From: 6100, To: 6100},
		{From: 9000, To: ledger.MaxSequence + 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// However many generators share the load, as many slots of all of them were due between two
// moments as of one that had it all, and those of each are its own.
func TestStretchesOfSeveralGenerators(t *testing.T) {
	load := scenario.Load{Rate: 777, SpansPerRequest: 10, Pattern: scenario.PatternConstant}
	timing := scenario.Timing{Duration: scenario.Duration(30 * time.Second)}
	all := []window{{0, 3.3}, {3.3, 7.7}, {9.99, 10}, {12, 20}}
	one, err := stretches(all, load, timing, 30, 1)
	if err != nil {
		t.Fatal(err)
	}
	for of := 2; of <= 7; of++ {
		cut, err := stretches(all, load, timing, 30, of)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range one(0) {
			slots := uint64(0)
			for stream := range uint16(of) {
				s := cut(stream)[i]
				for n := s.From / 10; n < s.To/10; n++ {
					k := n*uint64(of) + uint64(stream) // of the whole schedule
					if k < want.From/10 || k >= want.To/10 {
						t.Errorf("window %d of stream %d of %d: slot %d is not in it", i, stream, of, k)
					}
					slots++
				}
			}
			if slots != (want.To-want.From)/10 {
				t.Errorf("window %d of %d generators has %d slots, want %d", i, of, slots,
					(want.To-want.From)/10)
			}
		}
	}
}
