package report

import (
	"fmt"
	"image/color"
	"io"
	"slices"

	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A comparisonPicture is one of the pictures of a comparison, in GraphsDir.
type comparisonPicture struct {
	name, title string
	draw        func(w io.Writer, c Comparison) error
}

// comparisonPictures are all there are, in the order of a report.
var comparisonPictures = []comparisonPicture{
	{"memory-compared", "Memory and delivery over time", drawComparedMemory},
	{"spans-compared", "What became of the spans", drawFates},
}

// partColors are the parts' own, in their order, and then again.
var partColors = []color.Color{vermillion, blue, green, purple, orange, sky, black}

func partColor(i int) color.Color { return partColors[i%len(partColors)] }

func drawComparedMemory(w io.Writer, c Comparison) error {
	parts := c.drawn()
	fr := frame{to: 10}
	for _, p := range parts {
		if samples := fromWarmUp(p.record.Samples); len(samples) > 0 {
			fr.to = max(fr.to, samples[len(samples)-1].Elapsed)
		}
	}
	fates := func(title string, of func(*record.Record) record.Series) panel {
		out := panel{title: title, unit: "spans/s", zero: true, none: "none occurred"}
		for i, p := range parts {
			out.lines = append(out.lines, line{
				name: p.Name, s: of(p.record), color: partColor(i),
				wide: true,
			})
		}
		return out
	}
	over := func(r *record.Record, actor string, m record.Metric) record.Series {
		return record.RateOver(record.MetricSeries(r.Samples, actor, m), record.CPUWindow)
	}
	panels := []panel{
		comparedMemory("Anonymous and kernel: at the limit the kernel kills", parts,
			record.Unreclaimable, true),
		comparedMemory("Working set (judged)", parts, record.WorkingSet, false),
		fates("Arrived at the backend, over 5 s", func(r *record.Record) record.Series {
			return over(r, record.Backend, record.BackendUnique)
		}),
		fates("Refused, over 5 s", func(r *record.Record) record.Series {
			return over(r, record.Loadgen, record.LoadRefusedRetryable)
		}),
	}
	return drawPanels(w, panels, fr, func(canvas vgdraw.Canvas) {
		comparisonHead(canvas, "Memory and delivery over time", c)
	})
}

// drawn are the parts of which there is anything to draw.
func (c Comparison) drawn() []Compared {
	return slices.DeleteFunc(slices.Clone(c.Parts), func(p Compared) bool { return p.record == nil })
}

// comparedMemory is one size of every part, the limits, and the moments at which a
// gateway ended: an upright line in the part's colour.
func comparedMemory(
	title string, parts []Compared, of func([]record.Sample, string) record.Series, tall bool,
) panel {
	const mebi = 1.0 / (1 << 20)
	p := panel{title: title, unit: "MiB", zero: true, tall: tall, empty: "memory is not known"}
	highest := 0.0
	for i, part := range parts {
		s := scaled(of(closest(part.record), record.Gateway), mebi)
		if v, _, ok := s.Max(); ok {
			highest = max(highest, v)
		}
		p.lines = append(p.lines, line{name: part.Name, s: s, color: partColor(i), wide: true})
		if part.Memory.Limit != nil {
			p.addLimit(*part.Memory.Limit*mebi, part.Name)
			highest = max(highest, *part.Memory.Limit*mebi)
		}
	}
	if len(p.limits) == 1 {
		p.limits[0].name = fmt.Sprintf("limit %.0f", p.limits[0].at)
	}
	for i, part := range parts {
		if part.Ended == nil {
			continue
		}
		word := "ended"
		if part.OOM != nil {
			word = "OOM"
		}
		p.lines = append(p.lines, line{
			name: fmt.Sprintf("%s: %s at %s", part.Name, word, verdict.Clock(*part.Ended)),
			s: record.Series{
				Elapsed: []float64{*part.Ended, *part.Ended}, Values: []float64{0, highest},
			},
			color: partColor(i), dashed: true,
		})
	}
	return p
}

// addLimit adds a limit that is not there yet.
func (p *panel) addLimit(at float64, of string) {
	for _, l := range p.limits {
		if l.at == at {
			return
		}
	}
	p.limits = append(p.limits, limit{at: at, name: of})
}

// comparisonHead is the title of a picture, and what it is of.
func comparisonHead(c vgdraw.Canvas, title string, of Comparison) {
	c.FillText(text(15, ink), vg.Point{X: c.Min.X, Y: c.Max.Y - 0.32*vg.Inch}, title)
	c.FillText(text(10, soft), vg.Point{X: c.Min.X, Y: c.Max.Y - 0.54*vg.Inch},
		fmt.Sprintf("%s, %s on %s", of.Name, of.title(), orDash(of.Headline)))
}

// fateColors are those of the fates, in the order of SpanFates.fates.
var fateColors = []color.Color{green, sky, vermillion, purple, orange, black, unsentColor}

var unsentColor = color.RGBA{0xBB, 0xBB, 0xBB, 0xFF}

const (
	fateNames = 1.7 * vg.Inch // left of the bars
	fateRoom  = 2.3 * vg.Inch // right of them, for what they are of
	fateRow   = 0.62 * vg.Inch
	fateBar   = 0.36 * vg.Inch
)

// drawFates draws a bar a part: all that was due in it, by what became of it.
func drawFates(w io.Writer, c Comparison) error {
	const legendHt = 0.4 * vg.Inch
	parts := c.drawn()
	height := max(headHt+legendHt+fateRow*vg.Length(len(parts))+0.2*vg.Inch, 2*vg.Inch)
	canvas := vgimg.NewWith(vgimg.UseWH(pictureWd, height), vgimg.UseDPI(dpi),
		vgimg.UseBackgroundColor(color.White))
	whole := vgdraw.New(canvas)
	comparisonHead(vgdraw.Crop(whole, marginX, -marginX, height-headHt, 0),
		"What became of the spans that were due", c)
	fateLegend(vgdraw.Crop(whole, marginX, -marginX, height-headHt-legendHt, -headHt), parts)
	top := height - headHt - legendHt
	for _, p := range parts {
		p.drawBar(vgdraw.Crop(whole, marginX, -marginX, top-fateRow, top-height))
		top -= fateRow
	}
	_, err := vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
	return err
}

// fateLegend names the fates that any span had.
func fateLegend(c vgdraw.Canvas, parts []Compared) {
	style := text(10, ink)
	x, y := c.Min.X+fateNames, c.Min.Y+0.14*vg.Inch
	for i, of := range (SpanFates{}).fates() {
		if !slices.ContainsFunc(parts, func(p Compared) bool {
			return p.Spans != nil && p.Spans.fates()[i].spans > 0
		}) {
			continue
		}
		c.FillPolygon(fateColors[i], box(x, y-1, x+12, y+9))
		c.FillText(style, vg.Point{X: x + 16, Y: y}, of.name)
		x += 16 + style.Width(of.name) + 20
	}
}

// drawBar draws one part's bar, shares within it where there is room.
func (c Compared) drawBar(canvas vgdraw.Canvas) {
	bottom := canvas.Min.Y + (fateRow-fateBar)/2
	base := bottom + fateBar/2 - 4
	canvas.FillText(text(11.5, ink), vg.Point{X: canvas.Min.X, Y: base}, c.Name)
	left, right := canvas.Min.X+fateNames, canvas.Max.X-fateRoom
	if c.Spans == nil || c.Spans.Due == 0 {
		canvas.FillText(text(10, soft), vg.Point{X: left, Y: base}, c.Spans.sentence(false))
		return
	}
	x := left
	for i, f := range c.Spans.fates() {
		share := float64(f.spans) / float64(c.Spans.Due)
		wide := vg.Length(share) * (right - left)
		canvas.FillPolygon(fateColors[i], box(x, bottom, x+wide, bottom+fateBar))
		label := verdict.Percent(share)
		style := text(10, color.White)
		if style.Width(label)+6 < wide {
			style.XAlign = vgdraw.XCenter
			canvas.FillText(style, vg.Point{X: x + wide/2, Y: base}, label)
		}
		x += wide
	}
	of := fmt.Sprintf("%s due in %s", verdict.Count(c.Spans.Due), verdict.Seconds(c.Measured))
	canvas.FillText(text(10, ink), vg.Point{X: right + 8, Y: base + 6}, of)
	how := "the gateway lived"
	switch {
	case c.OOM != nil:
		how = "killed for want of memory at " + verdict.Clock(*c.OOM)
	case c.Ended != nil:
		how = "the gateway ended at " + verdict.Clock(*c.Ended)
	}
	canvas.FillText(text(9, soft), vg.Point{X: right + 8, Y: base - 7}, how)
}
