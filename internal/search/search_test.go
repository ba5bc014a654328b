package search

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var spec = Spec{From: 1000, UpTo: 1e6, Precision: 0.03, Budget: 10 * time.Minute}

// after is a search that has seen these trials.
func after(s Spec, trials ...Trial) *Search {
	out := New(s)
	for _, t := range trials {
		if t.Took == 0 {
			t.Took = lasts[t.Length]
		}
		out.Observe(t)
	}
	return out
}

func short(rate float64, r Result) Trial { return Trial{Rate: rate, Length: Short, Result: r} }

func full(rate float64, r Result) Trial { return Trial{Rate: rate, Length: Full, Result: r} }

func long(rate float64, r Result) Trial { return Trial{Rate: rate, Length: Long, Result: r} }

func tooShort(t Trial) Trial {
	t.TooShort = true
	return t
}

func guessing(guess float64, t Trial) Trial {
	t.Guess = guess
	return t
}

func TestNext(t *testing.T) {
	cases := []struct {
		name   string
		trials []Trial
		rate   float64
		length Length
		phase  Phase
	}{
		{"the first", nil, 1000, Short, Bracketing},
		{"held: twice as much", []Trial{short(1000, Held)}, 2000, Short, Bracketing},
		{"broke: half as much", []Trial{short(1000, Broke)}, 500, Short, Bracketing},
		{
			"broke twice: a quarter",
			[]Trial{short(1000, Broke), short(500, Broke)},
			125, Short, Bracketing,
		},
		{"at the floor: for longer", []Trial{short(10, Broke)}, 10, Full, Bracketing},
		{"a guess above", []Trial{guessing(5000, short(1000, Held))}, 4500, Short, Bracketing},
		{"a guess far above", []Trial{guessing(50000, short(1000, Held))}, 8000, Short, Bracketing},
		{"a guess near", []Trial{guessing(10800, short(10000, Held))}, 13000, Short, Bracketing},
		{"a guess that was wrong", []Trial{guessing(900, short(2000, Held))}, 4000, Short, Bracketing},
		{"between", []Trial{short(1000, Held), short(2000, Broke)}, 1410, Short, Bracketing},
		{"the highest held: for longer", []Trial{short(1e6, Held)}, 1e6, Full, Bracketing},
		{"a short one unclear: full", []Trial{short(1000, Unclear)}, 1000, Full, Bracketing},
		{"a full one unclear: again", []Trial{full(1000, Unclear)}, 1000, Full, Bracketing},
		{"a full one too short: long", []Trial{tooShort(full(1000, Unclear))}, 1000, Long, Bracketing},
		{"void: again", []Trial{short(1000, Void)}, 1000, Short, Bracketing},
		{
			"a gap: a rung",
			[]Trial{short(1000, Held), short(9000, Held), short(12000, Broke)},
			2600, Short, Laddering,
		},
		{"a rung that broke: for longer", []Trial{
			short(4000, Broke), full(9000, Held),
			short(12000, Broke),
		}, 4000, Full, Laddering},
	}
	for _, c := range cases {
		got, ok := after(spec, c.trials...).Next()
		want := Try{c.rate, c.length, c.phase, got.Why}
		if diff := cmp.Diff(want, got); diff != "" || !ok || got.Why == "" {
			t.Errorf("%s: after(%v).Next() = %v (-want +got):\n%s", c.name, c.trials, ok, diff)
		}
	}
}

func TestEndings(t *testing.T) {
	far := spec
	far.UpTo = 1000
	short3 := spec
	short3.Budget = 30 * time.Second
	cases := []struct {
		name   string
		spec   Spec
		trials []Trial
		want   Standing
		reason string
	}{
		{
			"nothing holds", spec,
			[]Trial{short(1000, Broke), short(10, Broke), full(10, Broke)},
			BelowAll, "10 spans/s broke",
		},
		{"everything holds", far, []Trial{
			short(200, Held), short(400, Held), short(600, Held),
			short(800, Held), full(1000, Held),
		}, BeyondAll, "up to 1k spans/s"},
		{
			"void twice", spec,
			[]Trial{short(1000, Held), short(2000, Void), short(2000, Void)},
			Stopped, "the tool or the host is the limit",
		},
		{"unclear in a row", spec, []Trial{
			full(1000, Unclear), full(1000, Unclear),
			full(1000, Unclear),
		}, Stopped, "the trials are disturbed"},
		{"too short in a row", spec, []Trial{
			tooShort(full(1000, Unclear)), tooShort(long(1000, Unclear)), tooShort(long(1000, Unclear)),
		}, Stopped, "want a longer search.duration"},
		{
			"no budget", short3,
			[]Trial{short(1000, Held), short(2000, Held), short(4000, Held)},
			BeyondAll, "the budget of 30s",
		},
		{
			"no budget before one held", short3,
			[]Trial{short(4000, Broke), short(2000, Broke), short(1000, Broke)},
			BelowAll, "the budget of 30s",
		},
		{
			"no budget for more", short3,
			[]Trial{short(1000, Held), short(2000, Held), short(4000, Broke)},
			Wide, "the budget of 30s",
		},
		{"it goes on", spec, []Trial{short(1000, Held)}, Underway, "twice as much"},
	}
	for _, c := range cases {
		s := after(c.spec, c.trials...)
		_, ok := s.Next()
		a := s.Answer()
		if a.Standing != c.want || ok != (c.want == Underway) || !strings.Contains(a.Reason, c.reason) {
			t.Errorf("%s: Answer() = %+v, Next() %v; want %s, %q", c.name, a, ok, c.want, c.reason)
		}
	}
}

func TestWhatIsNotKnownIsZero(t *testing.T) {
	none := New(spec).Answer()
	held := after(spec, short(1000, Held), short(2000, Void), short(2000, Void)).Answer()
	broke := after(spec, short(1000, Broke), short(10, Broke), full(10, Broke)).Answer()
	switch {
	case none.Low != 0 || none.Estimate != 0 || none.High != 0:
		t.Errorf("before any trial: %+v", none)
	case held.Low <= 0 || held.Low > 1000 || held.High != 0 || held.Estimate != held.Low:
		t.Errorf("all held: %+v, want at least something", held)
	case broke.Low != 0 || broke.Estimate != 0 || broke.High <= 0:
		t.Errorf("all broke: %+v, want at most something", broke)
	}
}

func TestDips(t *testing.T) {
	s := after(spec, short(1000, Held), short(4000, Broke), full(9000, Held), full(4000, Broke),
		short(12000, Broke))
	a := s.Answer()
	if diff := cmp.Diff([]float64{4000}, a.Dips); diff != "" || a.High > 6000 {
		t.Errorf("Answer() = %+v, want a dip at 4k and the edge below it:\n%s", a, diff)
	}
}

// A search that is fed the trials of another goes on where that one was.
func TestResume(t *testing.T) {
	g := like("", 3e3, 3e5, .03, nil).make(rand.New(rand.NewPCG(1, 2)))
	first := New(spec)
	_, trials := searchOf(first, g)
	for n := range trials {
		again, as := after(spec, trials[:n]...), New(spec)
		for _, t := range trials[:n] {
			as.Observe(t)
		}
		a, _ := again.Next()
		b, _ := as.Next()
		if a != b || a.Rate != trials[n].Rate || a.Length != trials[n].Length {
			t.Fatalf("after %d trials Next() = %v and %v, was %v", n, a, b, trials[n])
		}
	}
	if diff := cmp.Diff(first.Answer(), after(spec, trials...).Answer()); diff != "" {
		t.Errorf("Answer() (-first +again):\n%s", diff)
	}
}

// Whatever the trials say, a search ends, within its budget, and proposes nothing absurd.
func TestAnyTrialsEndIt(t *testing.T) {
	results := []Result{Held, Broke, Unclear, Void, Held, Broke}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		s := New(Spec{From: 1000, UpTo: 50000, Precision: 0.0001})
		if seed%2 == 0 {
			s.spec.Budget = 5 * time.Minute
		}
		n := 0
		var took time.Duration
		for try, ok := s.Next(); ok; try, ok = s.Next() {
			if try.Rate < 1 || try.Rate > 50000 || try.Why == "" || try.Length == "" {
				t.Fatalf("seed %d: Next() = %+v", seed, try)
			}
			if n++; n > 2*most {
				t.Fatalf("seed %d: no end after %d trials", seed, n)
			}
			took += lasts[try.Length]
			s.Observe(Trial{try.Rate, try.Length, results[r.IntN(len(results))], lasts[try.Length], 0, 0, false})
		}
		a := s.Answer()
		if a.High > 0 && (a.Low > a.Estimate || a.Estimate > a.High) && a.Estimate > 0 {
			t.Errorf("seed %d: Answer() = %+v: the estimate is not inside", seed, a)
		}
		if s.spec.Budget > 0 && took > s.spec.Budget {
			t.Errorf("seed %d: took %v of %v", seed, took, s.spec.Budget)
		}
	}
}

func TestTrialsWithoutARateSayNothing(t *testing.T) {
	a, b := New(spec), after(spec, short(0, Broke), short(-1, Held))
	if diff := cmp.Diff(a.Answer(), b.Answer()); diff != "" {
		t.Error(diff)
	}
}

func TestSpoken(t *testing.T) {
	for rate, want := range map[float64]string{
		950: "950", 12: "12", 999.6: "1k", 14800: "14.8k", 1.25e6: "1.25M", 999_600: "1M",
	} {
		if got := spoken(rate); got != want {
			t.Errorf("spoken(%v) = %q, want %q", rate, got, want)
		}
	}
}

// A trial of a length that was not made is expected to take as much beyond its usual time as
// others took: where actors start slowly, a budget holds fewer trials.
func TestCost(t *testing.T) {
	took := func(t Trial, seconds time.Duration) Trial {
		t.Took = seconds * time.Second
		return t
	}
	for _, c := range []struct {
		name   string
		trials []Trial
		want   time.Duration
	}{
		{"none", nil, 25},
		{"one that took its time", []Trial{took(short(1000, Held), 12)}, 25},
		{"one that took less", []Trial{took(short(1000, Held), 9)}, 25},
		{"two that took more", []Trial{took(short(1000, Held), 30), took(long(500, Held), 82)}, 45},
		{"one of its own", []Trial{took(short(1000, Held), 30), took(full(2000, Held), 31)}, 31},
	} {
		if got := after(spec, c.trials...).cost(Full); got != c.want*time.Second {
			t.Errorf("%s: cost(full) = %v, want %v", c.name, got, c.want*time.Second)
		}
	}
}
