package report

import (
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	vgdraw "gonum.org/v1/plot/vg/draw"

	"github.com/odigos-io/odigos-stress/internal/search"
)

// drawSearch draws the trials in their order, and how the interval closed in.
func drawSearch(w io.Writer, c Capacity) error {
	all := c.searchPanel("All trials")
	all.log, all.format = true, brief
	all.unit = "spans/s (log)"
	panels := []panel{all}
	if y := c.zoom(); y != nil {
		near := c.searchPanel("Next to the edge")
		near.tall, near.yAxis = true, y
		for i := range near.marks {
			near.marks[i].at = slices.DeleteFunc(near.marks[i].at, func(m trialMark) bool {
				return m.y < y.from || m.y > y.to
			})
		}
		panels = append(panels, near)
	}
	return drawPanels(w, panels, frame{}, func(canvas vgdraw.Canvas) {
		c.head(canvas, "How the search closed in: "+c.Sentence,
			"lines: the interval after each trial; small marks are short trials, large ones long")
	})
}

func (c Capacity) searchPanel(title string) panel {
	p := panel{
		title: title, unit: "spans/s", xLabel: "trial", empty: "no trial was made",
		xAxis:   &axis{from: 0.5, to: float64(max(1, len(c.Trials))) + 0.5, whole: true},
		beneath: []plot.Plotter{c.closing()},
	}
	for _, of := range []struct {
		result search.Result
		marks  marks
	}{
		{search.Held, marks{color: green}},
		{search.Broke, marks{color: vermillion}},
		{search.Unclear, marks{color: grey}},
	} {
		for i, t := range c.Trials {
			if t.Holding.Result == of.result || of.result == search.Unclear && !t.shows() {
				of.marks.at = append(of.marks.at,
					trialMark{xy{float64(i + 1), t.Rate}, t.Holding.Result, t.Length})
			}
		}
		p.marks = append(p.marks, of.marks)
	}
	return p
}

// closing is what the search would have answered after each trial: it does not depend on
// when it was asked.
func (c Capacity) closing() stairs {
	s := search.New(c.Spec)
	var all stairs
	for _, t := range c.Trials {
		if t.Error == "" {
			s.Observe(t.Observed())
		}
		all = append(all, s.Answer())
	}
	if len(all) > 0 {
		all[len(all)-1] = c.Answer
	}
	return all
}

// zoom is the part of Y next to the edge: the interval with room for the trials that closed
// it in. nil where there is no interval.
func (c Capacity) zoom() *axis {
	a := c.Answer
	if a.Estimate <= 0 || a.Low <= 0 || a.High <= 0 {
		return nil
	}
	room := max(2*(a.High-a.Low), 0.08*a.Estimate)
	low, high := math.Inf(1), 0.0
	for _, t := range c.Trials {
		if math.Abs(t.Rate-a.Estimate) <= room {
			low, high = min(low, t.Rate), max(high, t.Rate)
		}
	}
	low, high = min(low, a.Low), max(high, a.High)
	edge := 0.1 * (high - low)
	return &axis{from: low - edge, to: high + edge}
}
