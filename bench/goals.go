package main

import "strings"

// A goal is a bound of one figure of a run.
type goal struct {
	what   string
	bound  float64
	most   bool    // the bound is the most, not the least
	aim    float64 // what would be better still; 0: none
	scale  float64 // from the figure to the unit that is printed
	unit   string
	figure func(r results) (spread, bool)
}

// A judged is a goal beside what was measured.
type judged struct {
	What     string  `json:"what"`
	Bound    float64 `json:"bound"`
	AtMost   bool    `json:"at_most"` // else at least
	Aim      float64 `json:"aim,omitempty"`
	Unit     string  `json:"unit"`
	Measured *spread `json:"measured"` // nil: not measured
	Mark     string  `json:"mark"`
}

// The marks of a goal.
const (
	passed      = "pass"
	failed      = "FAIL"
	notMeasured = "not measured"
)

// judge holds the medians against the goals.
func judge(r results) []judged {
	var all []judged
	for _, g := range goals() {
		j := judged{
			What: g.what, Bound: g.bound, AtMost: g.most, Aim: g.aim, Unit: g.unit, Mark: notMeasured,
		}
		if got, ok := g.figure(r); ok {
			got.Median, got.Min, got.Max = got.Median*g.scale, got.Min*g.scale, got.Max*g.scale
			j.Measured, j.Mark = &got, failed
			if g.most == (got.Median <= g.bound) || got.Median == g.bound {
				j.Mark = passed
			}
		}
		all = append(all, j)
	}
	return all
}

func goals() []goal {
	times := func(what string, bound, aim float64, most bool, a string, fa figure, b string, fb figure) goal {
		return goal{what, bound, most, aim, 1, "×", func(r results) (spread, bool) {
			return r.ratio(a, fa, b, fb)
		}}
	}
	cheaper := func(than, name string, bound, aim float64) goal {
		return times("load generator cheaper than "+than, bound, aim, false, name, sending, loadgenCase, sending)
	}
	all := []goal{
		times("load generator against sending raw TCP", 1.8, 1.15, true, loadgenCase, sending, floorCase, sending),
		cheaper("pdata client", "pdata"+usual, 9, 13),
		cheaper("tuned SDK", "sdk"+usual, 90, 130),
		cheaper("telemetrygen, per delivered span", "telemetrygen", 150, 250),
		times("backend with full account against receiving raw TCP", 3.5, 1.9, true,
			backendCase, receiving, floorCase, receiving),
		times("backend cheaper than pdata server", 12, 20, false,
			"pdata server"+usual, receiving, backendCase, receiving),
	}
	for _, c := range []string{"none", "gzip"} {
		all = append(all, goal{
			"both ends, of the CPU of the collector between them, " + c, 20, true, 10, 100, "%",
			func(r results) (spread, bool) { return r.of("collector/"+c, endsShare) },
		}, times("both ends against each other, of the collector's rate on as many cores, "+c,
			5, 0, false, "collector/"+c, collecting, "direct/"+c, bothEnds))
	}
	for _, p := range paces {
		rate := strings.TrimPrefix(p.name, "pace/")
		all = append(all, goal{
			"error of the rate at " + rate + " spans/s", 0.05, true, 0.005, 100, "%",
			func(r results) (spread, bool) { return r.of(p.name, slopeError) },
		}, goal{
			"lateness p50 at " + rate + " spans/s", 50, true, 3, 1e6, "µs",
			func(r results) (spread, bool) { return r.of(p.name, lateP50) },
		})
	}
	return all
}
