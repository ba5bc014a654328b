package report

import (
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	plottext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// The colours of lines can be told apart by those who do not see all colours (Okabe
// and Ito's palette).
var (
	blue       = color.RGBA{0x00, 0x72, 0xB2, 0xFF}
	vermillion = color.RGBA{0xD5, 0x5E, 0x00, 0xFF}
	green      = color.RGBA{0x00, 0x9E, 0x73, 0xFF}
	orange     = color.RGBA{0xE6, 0x9F, 0x00, 0xFF}
	sky        = color.RGBA{0x56, 0xB4, 0xE9, 0xFF}
	purple     = color.RGBA{0xCC, 0x79, 0xA7, 0xFF}
	black      = color.RGBA{0x00, 0x00, 0x00, 0xFF}

	ink        = color.RGBA{0x22, 0x22, 0x22, 0xFF}
	soft       = color.RGBA{0x66, 0x66, 0x66, 0xFF}
	gridColor  = color.RGBA{0xE3, 0xE3, 0xE3, 0xFF}
	shadeColor = color.RGBA{0xF0, 0xEC, 0xE2, 0xFF}
	// Bands of violations; they differ in lightness, too.
	warningColor  = color.RGBA{0xFB, 0xEC, 0xB8, 0xFF}
	criticalColor = color.RGBA{0xF7, 0xD3, 0xCB, 0xFF}

	killColor  = color.RGBA{0xC0, 0x00, 0x00, 0xFF}
	limitColor = color.RGBA{0x8A, 0x4B, 0x4B, 0xFF}
)

func text(size float64, c color.Color) plottext.Style {
	return plottext.Style{
		Color:   c,
		Font:    font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, font.Length(size)),
		Handler: plot.DefaultTextHandler,
	}
}

// axes sets scales, ranges, ticks and labels.
func (p panel) axes(pl *plot.Plot, fr frame) {
	for _, a := range []*plot.Axis{&pl.X, &pl.Y} {
		a.LineStyle = vgdraw.LineStyle{Color: soft, Width: 0.7}
		a.Tick.LineStyle = vgdraw.LineStyle{Color: soft, Width: 0.7}
		a.Tick.Length = 4
		a.Padding = 0
		label := a.Tick.Label
		a.Tick.Label = text(10, ink)
		a.Tick.Label.XAlign, a.Tick.Label.YAlign = label.XAlign, label.YAlign
		align := a.Label.TextStyle
		a.Label.TextStyle = text(10, ink)
		a.Label.TextStyle.Rotation = align.Rotation
		a.Label.TextStyle.XAlign, a.Label.TextStyle.YAlign = align.XAlign, align.YAlign
	}
	pl.Y.Label.Text = p.unit
	p.rangeY(pl)
	switch {
	case p.xAxis != nil:
		pl.X.Min, pl.X.Max = p.xAxis.from, p.xAxis.to
		pl.X.Tick.Marker = within(p.xAxis.ticks(8), pl.X.Norm)
	case p.xNines:
		p.rangeNines(pl)
	case p.xLabel != "":
		p.rangeX(pl)
	default:
		pl.X.Min, pl.X.Max = fr.from, fr.to
		pl.X.Tick.Marker = within(timeTicks(fr.from, fr.to), pl.X.Norm)
	}
}

func (p panel) rangeY(pl *plot.Plot) {
	if p.yAxis != nil {
		pl.Y.Min, pl.Y.Max = p.yAxis.from, p.yAxis.to
		pl.Y.Tick.Marker = ticks(p.yAxis.ticks(5))
		return
	}
	low, high := math.Inf(1), math.Inf(-1)
	p.each(func(v float64) {
		if !p.log || v > 0 {
			low, high = min(low, v), max(high, v)
		}
	})
	if p.log {
		if low > high {
			low, high = 0.001, 1
		}
		for _, l := range p.limits {
			low, high = min(low, l.at), max(high, l.at)
		}
		pl.Y.Scale = plot.LogScale{}
		pl.Y.Min, pl.Y.Max = floor125(low*0.9), ceil125(high*1.1)
		pl.Y.Tick.Marker = ticks(logTicks(pl.Y.Min, pl.Y.Max, p.format))
		return
	}
	for _, l := range p.limits {
		high = max(high, 1.04*l.at)
	}
	if low > high || high <= 0 {
		low, high = 0, 1
	}
	if p.zero {
		low = 0
	}
	pl.Y.Min, pl.Y.Max = low, low+1.05*(high-low)
	pl.Y.Tick.Marker = ticks(evenTicks(pl.Y.Min, pl.Y.Max, 5))
}

func (p panel) rangeX(pl *plot.Plot) {
	low, high := math.Inf(1), math.Inf(-1)
	p.eachX(func(v float64) { low, high = min(low, v), max(high, v) })
	if low > high {
		low, high = 0, 1
	}
	room := max(0.08*(high-low), 0.02*high, 1e-9)
	pl.X.Min, pl.X.Max = max(0, low-room), high+room
	pl.X.Tick.Marker = within(evenTicks(pl.X.Min, pl.X.Max, 8), pl.X.Norm)
}

func (p panel) rangeNines(pl *plot.Plot) {
	high := 100.0
	p.eachX(func(v float64) { high = max(high, v) })
	pl.X.Scale = plot.LogScale{}
	pl.X.Min, pl.X.Max = 1, 1.3*high
	var all []plot.Tick
	for _, at := range []struct {
		x    float64
		name string
	}{
		{1, "0 %"},
		{2, "50 %"},
		{4, "75 %"},
		{10, "90 %"},
		{20, "95 %"},
		{100, "99 %"},
		{1e3, "99.9 %"},
		{1e4, "99.99 %"},
		{1e5, "99.999 %"},
		{1e6, "99.9999 %"},
	} {
		if at.x <= pl.X.Max {
			all = append(all, plot.Tick{Value: at.x, Label: at.name})
		}
	}
	pl.X.Tick.Marker = within(all, pl.X.Norm)
}

// ticks are where they are.
type ticks []plot.Tick

// Ticks returns them.
func (t ticks) Ticks(_, _ float64) []plot.Tick { return t }

// evenTicks are about so many, at multiples of 1, 2 or 5, all with as many digits.
func evenTicks(low, high float64, about int) (all []plot.Tick) {
	step := ceil125((high - low) / float64(about))
	digits := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	for i := math.Ceil(low / step); i*step <= high*(1+1e-9); i++ {
		label := strconv.FormatFloat(i*step, 'f', digits, 64)
		if digits == 0 {
			label = verdict.Count(int64(math.Round(i * step)))
		}
		all = append(all, plot.Tick{Value: i * step, Label: label})
	}
	return all
}

// within drops the labels of X that would stick out of the axis on the right, which
// would make it shorter than those of other panels.
func within(all []plot.Tick, norm func(float64) float64) ticks {
	for i := range all {
		if norm(all[i].Value) > 0.97 {
			all[i].Label = ""
		}
	}
	return all
}

// timeTicks are about ten, at whole steps of a clock.
func timeTicks(from, to float64) (all []plot.Tick) {
	step := 1.0
	for _, s := range []float64{
		1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
		14400, 21600, 43200, 86400,
	} {
		if step = s; (to-from)/s <= 12 {
			break
		}
	}
	for v := math.Ceil(from/step) * step; v <= to; v += step {
		all = append(all, plot.Tick{Value: v, Label: verdict.Clock(v)})
	}
	return all
}

// logTicks are at 1, 2 and 5 times the powers of ten, or at these alone when that
// would be too many.
func logTicks(low, high float64, format func(float64) string) (all []plot.Tick) {
	of := []float64{1, 2, 5}
	if high/low > 3000 {
		of = of[:1]
	}
	for e := math.Floor(math.Log10(low)); e <= math.Ceil(math.Log10(high)); e++ {
		for _, m := range of {
			if v := m * math.Pow(10, e); v >= low*0.999 && v <= high*1.001 {
				label := strings.Replace(format(v), ".0 ", " ", 1)
				all = append(all, plot.Tick{Value: v, Label: label})
			}
		}
	}
	return all
}

// ceil125 is the next of 1, 2 and 5 times a power of ten.
func ceil125(v float64) float64 {
	if v <= 0 {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*base >= v*(1-1e-9) {
			return m * base
		}
	}
	return 10 * base
}

// floor125 is the one before.
func floor125(v float64) float64 { return 1 / ceil125(1/v) }

// yWidth is the room that the ticks and the label of Y take, left of the axis.
func (p panel) yWidth(pl *plot.Plot) vg.Length {
	widest := vg.Length(0)
	for _, t := range pl.Y.Tick.Marker.Ticks(pl.Y.Min, pl.Y.Max) {
		widest = max(widest, pl.Y.Tick.Label.Width(t.Label))
	}
	return widest
}

// footing is the label of X. It is not left to the axis, which would make room for it
// as if every scale were linear.
func (p panel) footing(tile, data vgdraw.Canvas) {
	label := p.xLabel
	if label == "" {
		label = "elapsed since the load began, min:s"
	}
	style := text(10, ink)
	style.XAlign = vgdraw.XCenter
	tile.FillText(style, vg.Point{X: data.Center().X, Y: tile.Min.Y + footHt - 0.13*vg.Inch}, label)
}

// heading is the panel's title and, right of it, its legend.
func (p panel) heading(tile vgdraw.Canvas, indent vg.Length) {
	y := tile.Max.Y - 0.24*vg.Inch
	title := text(11.5, ink)
	tile.FillText(title, vg.Point{X: tile.Min.X + indent + 0.32*vg.Inch, Y: y}, p.title)
	if p.nothing() != "" {
		return
	}
	label := text(10, ink)
	all := p.legend()
	widths := make([]vg.Length, len(all))
	for i, e := range all {
		widths[i] = label.Width(e.name) + legendThumb
	}
	right := tile.Max.X - limitsWd
	room := right - tile.Min.X - indent - 0.32*vg.Inch - title.Width(p.title)
	x, row := right, 0
	for i, of := range legendRows(widths, room) {
		e := all[len(all)-1-i]
		if of != row {
			x, row = right, of
			y += 0.17 * vg.Inch
		}
		x -= label.Width(e.name)
		tile.FillText(label, vg.Point{X: x, Y: y}, e.name)
		e.thumb(tile, x-24, x-4, y+3.5)
		x -= legendThumb
	}
}

// legendThumb is the room of a line's thumb and of the gaps beside it.
const legendThumb = 38

// legendRows are the rows of a legend's entries, the last entry first: a row above the
// first where there is no room left beside the title.
func legendRows(widths []vg.Length, room vg.Length) []int {
	rows := make([]int, 0, len(widths))
	row, left := 0, room
	for i := len(widths) - 1; i >= 0; i-- {
		if widths[i] > left && left < room {
			row, left = row+1, room
		}
		left -= widths[i]
		rows = append(rows, row)
	}
	return rows
}
