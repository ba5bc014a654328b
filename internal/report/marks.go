package report

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// What is drawn within the axes; each is a plot.Plotter.

func box(x1, y1, x2, y2 vg.Length) []vg.Point {
	return []vg.Point{{X: x1, Y: y1}, {X: x2, Y: y1}, {X: x2, Y: y2}, {X: x1, Y: y2}}
}

func dash(yes bool) []vg.Length {
	if yes {
		return []vg.Length{5, 3}
	}
	return nil
}

// Plot fills the time that is not measured.
func (s shade) Plot(c vgdraw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	from, to := max(c.Min.X, x(s.from)), min(c.Max.X, x(s.to))
	c.FillPolygon(shadeColor, box(from, c.Min.Y, to, c.Max.Y))
}

// A grid is a soft line at each tick.
type grid struct{}

// Plot draws it.
func (grid) Plot(c vgdraw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := vgdraw.LineStyle{Color: gridColor, Width: 0.5}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		c.StrokeLine2(style, c.Min.X, y(t.Value), c.Max.X, y(t.Value))
	}
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		c.StrokeLine2(style, x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
	}
}

// Plot draws the line across, and its name in the margin beside it.
func (l limit) Plot(c vgdraw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	at := y(l.at)
	c.StrokeLine2(vgdraw.LineStyle{Color: limitColor, Width: 1, Dashes: dash(true)},
		c.Min.X, at, c.Max.X, at)
	style := text(9, limitColor)
	style.YAlign = vgdraw.YCenter
	c.FillText(style, vg.Point{X: c.Max.X + 5, Y: y(l.label) + 1.5}, l.name)
}

// A vertical is a moment that matters.
type vertical float64

// Plot draws it.
func (v vertical) Plot(c vgdraw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	at := x(float64(v))
	if at < c.Min.X || at > c.Max.X {
		return
	}
	c.StrokeLine2(vgdraw.LineStyle{Color: killColor, Width: 1.6}, at, c.Min.Y, at, c.Max.Y)
}

// A notice stands where lines would.
type notice string

// Plot writes it.
func (n notice) Plot(c vgdraw.Canvas, _ *plot.Plot) {
	style := text(13, soft)
	style.XAlign, style.YAlign = vgdraw.XCenter, vgdraw.YCenter
	c.FillText(style, c.Center(), string(n))
}

func (l line) style() vgdraw.LineStyle {
	s := vgdraw.LineStyle{Color: l.color, Width: 1.2, Dashes: dash(l.dashed)}
	if l.wide {
		s.Width = 2
	}
	return s
}

// gap is how long, in seconds, a line goes on without a point: two and a half times as
// long as its points usually are apart.
func (l line) gap() float64 {
	var apart []float64
	for i := 1; i < l.s.Len(); i++ {
		apart = append(apart, l.s.Elapsed[i]-l.s.Elapsed[i-1])
	}
	if len(apart) == 0 {
		return 0
	}
	slices.Sort(apart)
	return 2.5 * apart[len(apart)/2]
}

// Plot draws the series; where it was not known the line is broken.
func (l line) Plot(c vgdraw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var piece []vg.Point
	flush := func() {
		if len(piece) == 1 {
			c.DrawGlyph(vgdraw.GlyphStyle{
				Color: l.color, Radius: 1.5,
				Shape: vgdraw.CircleGlyph{},
			}, piece[0])
		}
		c.StrokeLines(l.style(), c.ClipLinesXY(piece)...)
		piece = nil
	}
	gap := l.gap()
	for i, v := range l.s.Values {
		if i > 0 && l.s.Elapsed[i]-l.s.Elapsed[i-1] > gap {
			flush()
		}
		if _, log := p.Y.Scale.(plot.LogScale); log && v <= 0 {
			flush()
			continue
		}
		piece = append(piece, vg.Point{X: x(l.s.Elapsed[i]), Y: y(v)})
	}
	flush()
}

// Plot draws a dot for each pair.
func (d dots) Plot(c vgdraw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := vgdraw.GlyphStyle{Color: d.color, Radius: 2, Shape: vgdraw.CircleGlyph{}}
	for _, at := range d.at {
		c.DrawGlyph(style, vg.Point{X: x(at.x), Y: y(at.y)})
	}
}

// Plot draws the curve.
func (cv curve) Plot(c vgdraw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var all []vg.Point
	for _, at := range cv.at {
		all = append(all, vg.Point{X: x(at.x), Y: y(at.y)})
	}
	c.StrokeLines(vgdraw.LineStyle{Color: cv.color, Width: 2}, c.ClipLinesXY(all)...)
}

// An entry is one name in a legend, and how its line looks.
type entry struct {
	name  string
	thumb func(c vgdraw.Canvas, from, to, y vg.Length)
}

// legend names what is drawn; what was not known has no name.
func (p panel) legend() (all []entry) {
	stroke := func(style vgdraw.LineStyle) func(vgdraw.Canvas, vg.Length, vg.Length, vg.Length) {
		return func(c vgdraw.Canvas, from, to, y vg.Length) { c.StrokeLine2(style, from, y, to, y) }
	}
	for _, l := range p.lines {
		if l.s.Len() > 0 {
			all = append(all, entry{l.name, stroke(l.style())})
		}
	}
	for _, d := range p.dots {
		if d.name != "" {
			all = append(all, entry{d.name, dot(d.color)})
		}
	}
	for _, cv := range p.curves {
		if len(cv.at) > 0 && cv.name != "" {
			all = append(all, entry{cv.name, stroke(vgdraw.LineStyle{Color: cv.color, Width: 2})})
		}
	}
	for _, m := range p.marks {
		if len(m.at) > 0 && m.name != "" {
			all = append(all, entry{m.name, stroke(vgdraw.LineStyle{Color: m.color, Width: 4})})
		}
	}
	return all
}

func dot(color color.Color) func(vgdraw.Canvas, vg.Length, vg.Length, vg.Length) {
	return func(c vgdraw.Canvas, _, to, y vg.Length) {
		c.DrawGlyph(vgdraw.GlyphStyle{Color: color, Radius: 3, Shape: vgdraw.CircleGlyph{}},
			vg.Point{X: to - 5, Y: y})
	}
}
