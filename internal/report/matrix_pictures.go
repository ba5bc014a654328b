package report

import (
	"cmp"
	"fmt"
	"image/color"
	"io"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// DrawMatrix draws the capacities of a matrix by CPU limit, one line a memory limit, each
// with its interval; of presets what was published beside what was measured.
func DrawMatrix(w io.Writer, m Matrix) error {
	p := panel{
		title: "Capacity by CPU limit", unit: "spans/s", zero: true, tall: true,
		xLabel: "CPU limit, cores", empty: "no capacity has been found",
	}
	if m.Kind == PresetsKind {
		p.presets(m)
	} else {
		p.memories(m)
	}
	return drawPanels(w, []panel{p}, frame{}, func(c vgdraw.Canvas) {
		c.FillText(text(15, ink), vg.Point{X: c.Min.X, Y: c.Max.Y - 0.32*vg.Inch},
			m.Name+": "+m.title())
		c.FillText(text(10, soft), vg.Point{X: c.Min.X, Y: c.Max.Y - 0.54*vg.Inch},
			fmt.Sprintf("%s; upright lines are the intervals", orDash(m.Headline)))
	})
}

// memories adds a line a memory limit.
func (p *panel) memories(m Matrix) {
	_, memories := m.axes()
	for i, memory := range memories {
		name := memory.String()
		if memory == 0 {
			name = "no memory limit"
		}
		p.capacities(name, i, byCPU(m.Cells, func(c MatrixCell) bool { return c.Memory == memory }))
	}
}

// presets adds one line of what was measured, and one of what was published.
func (p *panel) presets(m Matrix) {
	p.capacities("measured", 1, byCPU(m.Cells, func(MatrixCell) bool { return true }))
	d := dots{name: "published", color: partColor(0)}
	for _, c := range m.Cells {
		if c.Published != nil {
			d.at = append(d.at, xy{float64(c.CPU), c.Published.Rate})
		}
	}
	p.dots = append(p.dots, d)
}

// byCPU are the cells with an interval, in the order of the axis.
func byCPU(cells []MatrixCell, fits func(MatrixCell) bool) (all []MatrixCell) {
	for _, c := range cells {
		if c.between() && fits(c) {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b MatrixCell) int { return cmp.Compare(a.CPU, b.CPU) })
	return all
}

// capacities adds one line with its intervals, and a dot for each estimate: a line of one
// point would not be seen. Lines stand a little apart, so that intervals of equal limits
// do not hide each other.
func (p *panel) capacities(name string, i int, cells []MatrixCell) {
	apart := scenario.CPU(0.006 * float64(i))
	line := curve{name: name, color: partColor(i)}
	d := dots{color: partColor(i)}
	for _, c := range cells {
		x := float64(c.CPU + apart)
		line.at = append(line.at, xy{x, c.Found.Estimate})
		d.at = append(d.at, xy{x, c.Found.Estimate})
		p.curves = append(p.curves, curve{
			color: partColor(i), at: []xy{{x, c.Found.Low}, {x, c.Found.High}},
		})
		p.beneath = append(p.beneath, caps{x, c.Found.Low, c.Found.High, partColor(i)})
	}
	p.curves = append(p.curves, line)
	p.dots = append(p.dots, d)
}

// Caps are the short lines across both ends of an interval.
type caps struct {
	x, low, high float64
	color        color.Color
}

// Plot draws them.
func (e caps) Plot(c vgdraw.Canvas, p *plot.Plot) {
	const half = 5
	x, y := p.Transforms(&c)
	style := vgdraw.LineStyle{Color: e.color, Width: 1.2}
	for _, end := range []float64{e.low, e.high} {
		c.StrokeLine2(style, x(e.x)-half, y(end), x(e.x)+half, y(end))
	}
}
