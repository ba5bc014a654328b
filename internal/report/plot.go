package report

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A panel is one pair of axes. X is elapsed time unless xLabel says otherwise.
type panel struct {
	title, unit string
	format      func(float64) string // of a logarithmic Y
	zero        bool                 // Y begins at 0
	log         bool                 // Y is logarithmic
	tall        bool
	lines       []line
	dots        []dots
	curves      []curve
	marks       []marks
	limits      []limit
	of          []subject // whose violations are shown
	bands       []band
	xLabel      string
	xNines      bool  // X is a share, stretched towards 1
	xAxis       *axis // of X, where it is not over time and is given
	yAxis       *axis // of Y, where it is not drawn from the values
	beneath     []plot.Plotter
	empty       string // said when nothing is known
	none        string // said when all that is known is 0
}

// A line is a series over time.
type line struct {
	name         string
	s            record.Series
	color        color.Color
	wide, dashed bool
}

// Dots are pairs without an order.
type dots struct {
	name  string
	at    []xy
	color color.Color
}

// A curve is a line that is not over time.
type curve struct {
	name  string
	at    []xy
	color color.Color
}

// A limit is a line across, named in the margin.
type limit struct {
	at    float64
	name  string
	label float64 // where the name stands
}

type xy struct{ x, y float64 }

const (
	pictureWd = 1600 * vg.Inch / 144
	headHt    = 0.62 * vg.Inch
	panelHt   = 2.3 * vg.Inch
	tallHt    = 3.2 * vg.Inch
	marginX   = 0.15 * vg.Inch
	limitsWd  = 0.95 * vg.Inch // right of the axes, for the names of limits
	footHt    = 0.28 * vg.Inch // below them, for the label of X
	titleHt   = 0.34 * vg.Inch // above the axes, for the title and the legend
)

// dpi makes a picture 1,600 pixels wide. Tests draw smaller ones.
var dpi = 144

// frame is what all panels over time share.
type frame struct {
	from, to float64 // elapsed
	shades   []shade
	ended    []float64 // when the gateway ended without being asked to
}

type shade struct{ from, to float64 }

func newFrame(r *record.Record) frame {
	var f frame
	samples := fromWarmUp(r.Samples)
	if len(samples) == 0 {
		f.to = 60
		return f
	}
	f.to = samples[len(samples)-1].Elapsed
	for _, p := range record.Phases(samples) {
		switch p.Phase {
		case record.PhaseWarmUp:
			f.shades = append(f.shades, shade{0, p.To})
		case record.PhaseDraining:
			f.shades = append(f.shades, shade{p.From, f.to})
		}
	}
	f.to = max(f.to, f.from+10)
	f.ended = ended(verdict.Measure(r))
	return f
}

// ended are the moments at which the gateway ended: with restarts there may be many. One
// that hung ran on.
func ended(f verdict.Figures) (at []float64) {
	for _, d := range f.Deaths {
		if d.Kind != record.DeathHang && d.Kind != record.DeathStart {
			at = append(at, d.Elapsed)
		}
	}
	if at == nil && f.Failures.KilledAt != nil {
		at = []float64{*f.Failures.KilledAt}
	}
	return at
}

// endedText tells the red lines of a picture; empty where there are none.
func (fr frame) endedText() string {
	switch n := len(fr.ended); n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("; gateway ended at %s (red line)", verdict.Clock(fr.ended[0]))
	default:
		return fmt.Sprintf("; gateway ended %d times from %s on (red lines)", n,
			verdict.Clock(fr.ended[0]))
	}
}

func draw(w io.Writer, of picture, r *record.Record) error {
	panels, fr := thinned(of.panels(r)), newFrame(r)
	findings := verdict.Judge(r).Findings
	for i, p := range panels {
		panels[i] = p.marked(findings)
	}
	return drawPanels(w, panels, fr, func(c vgdraw.Canvas) {
		head(c, of.title, r, fr)
		bandKey(c, panels, c.Max.Y-0.32*vg.Inch)
	})
}

// drawPanels draws the panels below each other, and above them a head.
func drawPanels(w io.Writer, panels []panel, fr frame, head func(vgdraw.Canvas)) error {
	height := headHt
	for _, p := range panels {
		height += p.height()
	}
	c := vgimg.NewWith(vgimg.UseWH(pictureWd, height), vgimg.UseDPI(dpi),
		vgimg.UseBackgroundColor(color.White))
	whole := vgdraw.New(c)
	head(vgdraw.Crop(whole, marginX, -marginX, height-headHt, 0))

	plots := make([]*plot.Plot, len(panels))
	widest := vg.Length(0)
	for i := range panels {
		plots[i] = panels[i].plot(fr)
		widest = max(widest, panels[i].yWidth(plots[i]))
	}
	y := height - headHt
	for i, p := range panels {
		tile := vgdraw.Crop(whole, marginX, -marginX, y-p.height(), y-height)
		p.heading(tile, widest)
		// Axes begin at the same X in every panel, however wide their labels are.
		indent := widest - p.yWidth(plots[i])
		axes := vgdraw.Crop(tile, indent, -limitsWd, footHt, -titleHt)
		plots[i].Draw(axes)
		p.footing(tile, plots[i].DataCanvas(axes))
		y -= p.height()
	}
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

func (p panel) height() vg.Length {
	if p.tall {
		return tallHt
	}
	return panelHt
}

// plot makes the axes and all that is within them.
func (p panel) plot(fr frame) *plot.Plot {
	pl := plot.New()
	pl.BackgroundColor = color.White
	p.axes(pl, fr)
	if p.xLabel == "" {
		for _, s := range fr.shades {
			pl.Add(s)
		}
		for _, b := range p.bands {
			pl.Add(b)
		}
	}
	if text := p.nothing(); text != "" {
		pl.Add(notice(text))
		// One tick stays, so that the axes begin where those of the others do.
		first := plot.Tick{Value: pl.Y.Min, Label: " "}
		if p.zero {
			first.Label = "0"
		}
		pl.Y.Tick.Marker = ticks{first}
		if p.xLabel != "" {
			pl.X.Tick.Marker = ticks(nil)
		}
		return pl
	}
	pl.Add(p.beneath...)
	pl.Add(grid{})
	height := pl.Y.Max - pl.Y.Min
	if p.log {
		height = 0
	}
	for _, l := range apart(p.limits, height) {
		pl.Add(l)
	}
	for _, d := range p.dots {
		pl.Add(d)
	}
	for _, cv := range p.curves {
		pl.Add(cv)
	}
	for _, m := range p.marks {
		pl.Add(m)
	}
	for _, l := range p.lines {
		pl.Add(l)
	}
	if p.xLabel == "" {
		for _, at := range fr.ended {
			pl.Add(vertical(at))
		}
	}
	return pl
}

// nothing is what is said instead of lines; empty when there is something to see.
func (p panel) nothing() string {
	points, other := 0, false
	for _, l := range p.lines {
		points += l.s.Len()
		for _, v := range l.s.Values {
			other = other || v != 0
		}
	}
	for _, d := range p.dots {
		points, other = points+len(d.at), true
	}
	for _, c := range p.curves {
		points, other = points+len(c.at), true
	}
	for _, m := range p.marks {
		points, other = points+len(m.at), true
	}
	switch {
	case points == 0 && p.empty != "":
		return p.empty
	case points == 0:
		return "not known"
	case !other && p.none != "":
		return p.none
	}
	return ""
}

// each calls f with every value of Y.
func (p panel) each(f func(float64)) {
	for _, l := range p.lines {
		for _, v := range l.s.Values {
			f(v)
		}
	}
	for _, d := range p.dots {
		for _, at := range d.at {
			f(at.y)
		}
	}
	for _, c := range p.curves {
		for _, at := range c.at {
			f(at.y)
		}
	}
	for _, m := range p.marks {
		for _, at := range m.at {
			f(at.y)
		}
	}
}

// eachX calls f with every value of X of dots and curves.
func (p panel) eachX(f func(float64)) {
	for _, d := range p.dots {
		for _, at := range d.at {
			f(at.x)
		}
	}
	for _, c := range p.curves {
		for _, at := range c.at {
			f(at.x)
		}
	}
}

// distribution is the time at each share of the entries. X is 1/(1−share), so that
// each further nine has the same room on a logarithmic axis. The lost come last, and
// the curve ends before them; it ends, too, where fewer than ten entries lie beyond.
func distribution(h *ledger.Histogram, lost uint64) (at []xy) {
	if h == nil || h.Count() == 0 {
		return nil
	}
	there := float64(h.Count())
	entries := there + float64(lost)
	for i := range 400 {
		x := math.Pow(10, float64(i)/50)
		rank := math.Ceil(entries * (1 - 1/x))
		if rank > there || entries/x < 10 {
			break
		}
		at = append(at, xy{x, h.Quantile(max(rank, 1) / there).Seconds()})
	}
	return at
}

// head is the title of a picture, and what it is of.
func head(c vgdraw.Canvas, title string, r *record.Record, fr frame) {
	h := r.Header
	c.FillText(text(15, ink), vg.Point{X: c.Min.X, Y: c.Max.Y - 0.32*vg.Inch}, title)
	of := fmt.Sprintf("%s, %s %s spans/s on %s", h.Scenario.Name, h.Scenario.Load.Pattern,
		decimal(float64(h.Scenario.Load.Rate)), h.Collector.Headline)
	of += fr.endedText()
	c.FillText(text(10, soft), vg.Point{X: c.Min.X, Y: c.Max.Y - 0.54*vg.Inch}, of)
	if len(fr.shades) == 0 {
		return
	}
	style := text(10, soft)
	style.XAlign = vgdraw.XRight
	at := vg.Point{X: c.Max.X, Y: c.Max.Y - 0.54*vg.Inch}
	const name = "warm-up, drain"
	c.FillText(style, at, name)
	right := at.X - style.Width(name) - 5
	c.FillPolygon(shadeColor, box(right-14, at.Y-1, right, at.Y+8))
}
