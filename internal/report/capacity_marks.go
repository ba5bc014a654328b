package report

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"

	"github.com/odigos-io/odigos-stress/internal/search"
)

// An axis is where one begins and ends, and what its ticks are.
type axis struct {
	from, to float64
	whole    bool // ticks are at whole numbers only
}

// ticks are about so many.
func (a axis) ticks(about int) (all []plot.Tick) {
	for _, t := range evenTicks(a.from, a.to, about) {
		switch {
		case !a.whole:
			all = append(all, t)
		case t.Value == math.Round(t.Value):
			all = append(all, plot.Tick{Value: t.Value, Label: decimal(t.Value)})
		}
	}
	return all
}

// Marks are what trials showed, one figure of each. How a trial ended is its shape, so that
// it is seen without colours, too.
type marks struct {
	name  string
	at    []trialMark
	color color.Color
}

type trialMark struct {
	xy
	result search.Result
	length search.Length
}

// grey is the colour of trials that show nothing.
var grey = color.RGBA{0x99, 0x99, 0x99, 0xFF}

// radius grows with the length of a trial.
func (m trialMark) radius() vg.Length {
	switch m.length {
	case search.Short:
		return 3
	case search.Long:
		return 5.8
	}
	return 4.3
}

// Plot draws them.
func (m marks) Plot(c vgdraw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	_, log := p.Y.Scale.(plot.LogScale)
	for _, onTop := range []bool{false, true} { // a cross would be hidden by what it was repeated as
		for _, at := range m.at {
			shows := at.result == search.Held || at.result == search.Broke
			if shows != onTop && (!log || at.y > 0) {
				drawResult(c, at.result, m.color, at.radius(), vg.Point{X: x(at.x), Y: y(at.y)})
			}
		}
	}
}

// drawResult draws a disc for what held, a hollow triangle for what broke and a cross for
// what shows neither.
func drawResult(c vgdraw.Canvas, r search.Result, col color.Color, size vg.Length, at vg.Point) {
	stroke := func(col color.Color, points ...vg.Point) {
		c.StrokeLines(vgdraw.LineStyle{Color: col, Width: 1.5}, points)
	}
	by := func(x, y vg.Length) vg.Point { return vg.Point{X: at.X + x, Y: at.Y + y} }
	switch r {
	case search.Held: // with a rim, so that two beside each other are two
		c.DrawGlyph(vgdraw.GlyphStyle{
			Color: color.White, Radius: size + 0.8, Shape: vgdraw.CircleGlyph{},
		}, at)
		c.DrawGlyph(vgdraw.GlyphStyle{Color: col, Radius: size, Shape: vgdraw.CircleGlyph{}}, at)
	case search.Broke:
		s := 1.15 * size
		corners := []vg.Point{by(0, s), by(0.87*s, -0.6*s), by(-0.87*s, -0.6*s)}
		c.FillPolygon(color.White, corners)
		stroke(col, append(corners, corners[0], corners[1])...)
	default:
		s := 0.75 * size
		stroke(grey, by(-s, -s), by(s, s))
		stroke(grey, by(-s, s), by(s, -s))
	}
}

// An upright is an interval of X, and the estimate in it.
type upright struct{ low, high, estimate float64 }

// Plot fills the interval over the whole height and draws the estimate.
func (u upright) Plot(c vgdraw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	if u.low > 0 && u.high > 0 {
		from, to := max(c.Min.X, x(u.low)), min(c.Max.X, x(u.high))
		c.FillPolygon(intervalColor, box(from, c.Min.Y, max(to, from+1), c.Max.Y))
	}
	if u.estimate > 0 {
		at := x(u.estimate)
		c.StrokeLine2(estimateStyle, at, c.Min.Y, at, c.Max.Y)
	}
}

var (
	intervalColor = color.RGBA{0xD3, 0xE6, 0xF4, 0xFF} // of the interval of an answer
	estimateStyle = vgdraw.LineStyle{Color: blue, Width: 1.2, Dashes: dash(true)}
	stairStyle    = vgdraw.LineStyle{Color: sky, Width: 1.2}
)

// Stairs are the intervals that were left after each trial, and the last of them across all;
// X is the number of the trial.
type stairs []search.Answer

// Plot draws them, one step a trial; an end that is not known is left out.
func (s stairs) Plot(c vgdraw.Canvas, p *plot.Plot) {
	if len(s) == 0 {
		return
	}
	x, y := p.Transforms(&c)
	if last := s[len(s)-1]; last.Low > 0 && last.High > 0 {
		low, high := max(c.Min.Y, y(last.Low)), min(c.Max.Y, y(last.High))
		c.FillPolygon(intervalColor, box(c.Min.X, low, c.Max.X, max(high, low+1)))
	}
	if e := s[len(s)-1].Estimate; e > 0 {
		c.StrokeLine2(estimateStyle, c.Min.X, y(e), c.Max.X, y(e))
	}
	for _, end := range []func(search.Answer) float64{
		func(a search.Answer) float64 { return a.Low }, func(a search.Answer) float64 { return a.High },
	} {
		var line []vg.Point
		for i, a := range s {
			v := end(a)
			if v <= 0 {
				continue
			}
			from, to := x(float64(i)+0.5), x(float64(i)+1.5)
			line = append(line, vg.Point{X: from, Y: y(v)}, vg.Point{X: to, Y: y(v)})
		}
		c.StrokeLines(stairStyle, c.ClipLinesXY(line)...)
	}
}
