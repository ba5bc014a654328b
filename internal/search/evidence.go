package search

import "slices"

// evidence is what the trials are worth: those that count, and what they show at a glance.
type evidence struct {
	counted []Trial // that held or broke, at or below the lowest dip, in their order
	dips    []float64
	// top is the highest rate that held, bottom the lowest that broke, over the lowest that
	// broke at or above top. 0: none.
	top, bottom, over float64
	confirmed         float64 // the highest that held in a long trial
}

// nearEdge is how far below a rate that held one that broke must lie to be more than
// noise: as a share of it. A short trial may hold well above the edge, so it shows a dip
// only far below it.
const (
	nearEdge      = 0.87
	nearEdgeShort = 0.65
)

func evidenceOf(trials []Trial) evidence {
	e := evidence{dips: dipsOf(trials)}
	for _, t := range trials {
		if t.Result != Held && t.Result != Broke {
			continue
		}
		if d := e.dip(); d > 0 && t.Rate > d && !same(t.Rate, d) {
			continue
		}
		e.counted = append(e.counted, t)
		switch {
		case t.Result == Broke && (e.bottom == 0 || t.Rate < e.bottom):
			e.bottom = t.Rate
		case t.Result == Held:
			e.top = max(e.top, t.Rate)
			if t.Length == Long {
				e.confirmed = max(e.confirmed, t.Rate)
			}
		}
	}
	for _, t := range e.counted {
		if t.Result == Broke && t.Rate >= e.top && (e.over == 0 || t.Rate < e.over) {
			e.over = t.Rate
		}
	}
	return e
}

func (e evidence) held() bool { return e.top > 0 }

func (e evidence) broke() bool { return e.bottom > 0 }

// dip is the lowest dip; 0: none.
func (e evidence) dip() float64 {
	if len(e.dips) == 0 {
		return 0
	}
	return e.dips[0]
}

// surest is the highest rate that held in a trial that was not short.
func (e evidence) surest() float64 {
	rate := 0.0
	for _, t := range e.counted {
		if t.Result == Held && t.Length != Short {
			rate = max(rate, t.Rate)
		}
	}
	return rate
}

// dipsOf are the rates that broke twice, and once in a trial that was not short, and that
// lie too far below one that held to be noise. In rising order.
func dipsOf(trials []Trial) []float64 {
	var dips []float64
	for _, t := range trials {
		if t.Result != Broke || !outdone(t.Rate, trials) {
			continue
		}
		known := func(d float64) bool { return same(d, t.Rate) }
		if broke, whole := breaksAt(t.Rate, trials); broke < 2 || whole < 1 ||
			slices.ContainsFunc(dips, known) {
			continue
		}
		dips = append(dips, t.Rate)
	}
	slices.Sort(dips)
	return dips
}

// breaksAt counts how often a rate broke, and how much oftener it broke than it held in
// trials that were not short.
func breaksAt(rate float64, trials []Trial) (broke, whole int) {
	for _, t := range trials {
		if !same(t.Rate, rate) {
			continue
		}
		if t.Result == Broke {
			broke++
		}
		if t.Length != Short {
			switch t.Result {
			case Broke:
				whole++
			case Held:
				whole--
			}
		}
	}
	return broke, whole
}

// outdone says whether a rate held that lies so far above this one that noise cannot be
// why this one broke.
func outdone(rate float64, trials []Trial) bool {
	return slices.ContainsFunc(trials, func(t Trial) bool {
		share := nearEdge
		if t.Length == Short {
			share = nearEdgeShort
		}
		return t.Result == Held && rate < share*t.Rate
	})
}

// suspect is the lowest rate that broke in a short trial, far below one that held, and was
// not tried for longer yet; 0: none.
func (e evidence) suspect() float64 {
	rate := 0.0
	for _, t := range e.counted {
		if t.Result != Broke || t.Length != Short || rate > 0 && t.Rate >= rate {
			continue
		}
		again := func(o Trial) bool { return o.Length != Short && same(o.Rate, t.Rate) }
		if outdone(t.Rate, e.counted) && !slices.ContainsFunc(e.counted, again) {
			rate = t.Rate
		}
	}
	return rate
}

// guess is where the highest rate that held says that the edge may be; 0: it does not.
func (e evidence) guess() float64 {
	rate, guess := 0.0, 0.0
	for _, t := range e.counted {
		if t.Result == Held && t.Rate >= rate && t.Guess > 0 {
			rate, guess = t.Rate, t.Guess
		}
	}
	return guess
}
