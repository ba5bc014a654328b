package search

import (
	"math"
	"math/rand/v2"
	"time"
)

// A gateway is what a search asks: something whose trials hold or break.
type gateway interface {
	// ask makes the nth trial, and says what it showed and where the edge may be.
	ask(t Try, n int) (r Result, guess float64)
	// wandering says that the edge goes with the cost of work, so that the truth is of one at
	// which work costs 1.
	wandering() bool
	// cost is that of work in the trial that was made last; 0: not known.
	cost() float64
	// truth is the highest rate that holds, of the lowest range that all holds; more says
	// that there is none within reach, or that the tool cannot go there.
	truth() (edge float64, more bool)
}

// A synthetic gateway holds up to its knee, as its noise has it.
type synthetic struct {
	rand       *rand.Rand
	knee       float64
	noise      float64 // standard deviation of ln knee from trial to trial
	heavy      bool    // Laplace's distribution in place of the normal one
	drift      float64 // ln knee goes from −drift to +drift over 25 trials
	late       float64 // so far above the edge a short trial holds
	dip        [2]float64
	unclear    float64 // how often a trial shows neither
	voidAbove  float64
	upTo       float64
	guess      float64 // a guess is so many times the knee; 0: none
	guessNoise float64
	guessMoves float64 // a guess moves with the trial's edge: this share of it
	wander     float64 // ln of the cost of work takes a step of this deviation each trial
	workNoise  float64 // and is told with this much noise; both 0: it is not told
	work       float64 // ln of it, now
}

func (g *synthetic) ask(t Try, n int) (Result, float64) {
	guess := g.guess * g.knee * math.Exp(g.guessNoise*g.rand.NormFloat64())
	e := g.rand.NormFloat64()
	if g.heavy {
		e = (g.rand.ExpFloat64() - g.rand.ExpFloat64()) / math.Sqrt2 // its variance is 1
	}
	shift := g.noise*e + g.drift*(2*float64(n)/25-1)
	if t.Length == Short {
		shift += math.Log1p(g.late)
	}
	if g.wander > 0 {
		g.work = 0.8*g.work + g.wander*g.rand.NormFloat64()
		shift -= g.work
		guess *= math.Exp(-g.work)
	}
	guess *= math.Exp(g.guessMoves * g.noise * e)
	unclear := g.rand.Float64() < g.unclear
	at := t.Rate / math.Exp(shift) // as if the edge stood still
	switch {
	case g.voidAbove > 0 && t.Rate > g.voidAbove:
		return Void, 0
	case unclear:
		return Unclear, 0
	case at > g.knee, at > g.dip[0] && at < g.dip[1]:
		return Broke, guess
	}
	return Held, guess
}

func (g *synthetic) wandering() bool { return g.wander > 0 }

func (g *synthetic) cost() float64 {
	if g.workNoise == 0 {
		return 0
	}
	return math.Exp(g.work + g.workNoise*g.rand.NormFloat64())
}

func (g *synthetic) truth() (float64, bool) {
	switch {
	case g.dip[0] > 0:
		return g.dip[0], false
	case g.voidAbove > 0 && g.voidAbove < g.knee, g.knee > g.upTo:
		return g.knee, true
	}
	return g.knee, false
}

// lasts is what the trials of a real gateway take on average, with all that goes with them.
var lasts = map[Length]time.Duration{
	Short: 10 * time.Second, Full: 24 * time.Second, Long: 45 * time.Second,
}

// searchOf runs a search to its end.
func searchOf(s *Search, g gateway) (Answer, []Trial) {
	for n := 0; ; n++ {
		t, ok := s.Next()
		if !ok {
			return s.Answer(), s.trials
		}
		r, guess := g.ask(t, n)
		s.Observe(Trial{t.Rate, t.Length, r, lasts[t.Length], guess, g.cost(), false})
	}
}

// A family is a kind of gateway.
type family struct {
	name string
	make func(r *rand.Rand) *synthetic
}

// anywhere is a knee between two rates, every order of magnitude being as likely.
func anywhere(r *rand.Rand, from, to float64) float64 {
	return from * math.Pow(to/from, r.Float64())
}

// like makes a family of a gateway and what is special about it.
func like(name string, from, to, noise float64, special func(g *synthetic)) family {
	return family{name, func(r *rand.Rand) *synthetic {
		g := &synthetic{rand: r, knee: anywhere(r, from, to), noise: noise, upTo: 1e6}
		if special != nil {
			special(g)
		}
		return g
	}}
}

// families are all kinds of gateways. A search begins at 1,000 spans/s.
func families() []family {
	all := []family{}
	for _, n := range []struct {
		name  string
		noise float64
	}{{"1 %", .01}, {"2 %", .02}, {"3 %", .03}, {"5 %", .05}} {
		all = append(all,
			like("noise "+n.name+", knee 100–3k", 100, 3e3, n.noise, nil),
			like("noise "+n.name+", knee 3k–300k", 3e3, 3e5, n.noise, nil),
			like("noise "+n.name+", heavy tails", 1e3, 1e5, n.noise, func(g *synthetic) {
				g.heavy = true
			}),
			like("noise "+n.name+", drift ±1.5 %", 1e3, 1e5, n.noise, func(g *synthetic) {
				g.drift = .015
			}),
			like("noise "+n.name+", short trials hold 15 % above", 1e3, 1e5, n.noise,
				func(g *synthetic) { g.late = .15 }),
			like("noise "+n.name+", guess exact", 3e3, 3e5, n.noise, func(g *synthetic) {
				g.guess, g.guessNoise = 1, .02
			}),
			like("noise "+n.name+", guess of the trial's own edge", 3e3, 3e5, n.noise,
				func(g *synthetic) { g.guess, g.guessNoise, g.guessMoves = 1, .005, 1 }),
			like("noise "+n.name+", guess that moves half as far", 3e3, 3e5, n.noise,
				func(g *synthetic) { g.guess, g.guessNoise, g.guessMoves = 1, .005, .5 }),
			like("noise "+n.name+", guess of its own edge, 1 % low", 3e3, 3e5, n.noise,
				func(g *synthetic) { g.guess, g.guessNoise, g.guessMoves = .99, .005, 1 }),
			like("noise "+n.name+", guess of its own edge, 10 % low", 3e3, 3e5, n.noise,
				func(g *synthetic) { g.guess, g.guessNoise, g.guessMoves = .9, .005, 1 }),
			like("noise "+n.name+", guess of its own edge, drift ±1.5 %", 3e3, 3e5, n.noise,
				func(g *synthetic) { g.guess, g.guessMoves, g.drift = 1, 1, .015 }))
	}
	return append(all, special()...)
}

func special() []family {
	guess := func(share float64) func(*synthetic) {
		return func(g *synthetic) { g.guess, g.guessNoise = share, .1 }
	}
	wanders := func(step, noise float64) func(*synthetic) {
		return func(g *synthetic) {
			g.guess, g.guessMoves, g.wander, g.workNoise = 1, 1, step, noise
		}
	}
	dip := func(from, to float64) func(*synthetic) {
		return func(g *synthetic) { g.dip = [2]float64{from * g.knee, to * g.knee} }
	}
	return []family{
		like("guess 30 % too high", 3e3, 3e5, .02, guess(1.3)),
		like("guess 30 % too low", 3e3, 3e5, .02, guess(.7)),
		like("guess 3 times too high", 3e3, 3e5, .02, guess(3)),
		like("guess 3 times too low", 3e3, 3e5, .02, guess(1./3)),
		like("dip at 0.3–0.5 of the knee", 3e3, 3e5, .02, dip(.3, .5)),
		like("dip at 0.55–0.75 of the knee", 3e3, 3e5, .02, dip(.55, .75)),
		like("dip, with guesses", 3e3, 3e5, .02, func(g *synthetic) {
			dip(.4, .6)(g)
			g.guess = 1
		}),
		like("cliff at a third, then all holds", 3e3, 3e5, .02, dip(.33, .6)),
		like("knee 10 times below the first", 80, 120, .02, nil),
		like("knee 50 times below the first", 18, 22, .02, nil),
		like("knee beyond the highest", 1.1e6, 5e6, .02, nil),
		like("knee at the highest", .97e6, 1.03e6, .02, nil),
		like("a host whose speed wanders, told", 3e3, 3e5, .02, wanders(.05, .01)),
		like("a host whose speed wanders, told roughly", 3e3, 3e5, .02, wanders(.05, .03)),
		like("a host whose speed stands, told roughly", 3e3, 3e5, .02, wanders(0, .03)),
		like("15 % unclear", 1e3, 1e5, .02, func(g *synthetic) { g.unclear = .15 }),
		like("void above half the knee", 3e3, 3e5, .02, func(g *synthetic) {
			g.voidAbove = g.knee / 2
		}),
		like("void above twice the knee", 3e3, 3e5, .02, func(g *synthetic) {
			g.voidAbove = 2 * g.knee
		}),
	}
}
