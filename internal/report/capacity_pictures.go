package report

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"

	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A capacityPicture is one of the pictures of a capacity, in GraphsDir.
type capacityPicture struct {
	name string
	draw func(w io.Writer, c Capacity) error
}

// capacityPictures are all there are.
var capacityPictures = []capacityPicture{
	{"capacity", drawCapacity},
	{"search", drawSearch},
}

// drawCapacity draws what the gateway used over the rate, and where the edge is.
func drawCapacity(w io.Writer, c Capacity) error {
	x, left := c.rateAxis()
	label := "rate that was asked, spans/s"
	if left > 0 {
		label += fmt.Sprintf(" (not shown: %d at higher rates)", left)
	}
	panels := []panel{c.cpuPanel(), c.memoryPanel(), c.latencyPanel(), c.insidePanel()}
	for i := range panels {
		panels[i].xLabel, panels[i].xAxis = label, &x
		a := c.Answer
		panels[i].beneath = []plot.Plotter{upright{a.Low, a.High, a.Estimate}}
		for j := range panels[i].marks {
			panels[i].marks[j].at = slices.DeleteFunc(panels[i].marks[j].at,
				func(m trialMark) bool { return m.x > x.to })
		}
	}
	return drawPanels(w, panels, frame{}, func(canvas vgdraw.Canvas) {
		c.head(canvas, c.Name+": "+c.Sentence, orDash(c.Headline)+", "+c.limits())
	})
}

// farRates is how far above the edge a picture of the curve goes: what is told there is
// nothing of the edge, and the curve would be pressed into a corner.
const farRates = 1.6

// rateAxis is of the rates of all trials but those far above the edge; left is how many
// those are.
func (c Capacity) rateAxis() (x axis, left int) {
	edge, lowest, highest := c.nearest(), math.Inf(1), 0.0
	for _, t := range c.Trials {
		if edge > 0 && t.Rate > farRates*edge {
			left++
			continue
		}
		lowest, highest = min(lowest, t.Rate), max(highest, t.Rate)
	}
	if highest == 0 {
		return axis{from: 0, to: max(1, 1.1*edge)}, left
	}
	highest = max(highest, c.Answer.High)
	if lowest < highest && lowest > highest/2 { // all of them next to the edge
		room := max(0.1*(highest-lowest), 0.02*highest)
		return axis{from: max(0, lowest-room), to: highest + room}, left
	}
	return axis{from: 0, to: 1.04 * highest}, left
}

// marked are the figures of all trials by rate. Of those that show nothing there are marks
// all the same, in grey.
func (c Capacity) marked(
	name string, col color.Color, scale float64, of func(verdict.Point) *float64,
) marks {
	m := marks{name: name, color: col}
	trials := slices.Clone(c.Trials)
	slices.SortStableFunc(trials, byRate)
	for _, t := range trials {
		if v := of(t.Point); v != nil {
			m.at = append(m.at, trialMark{xy{t.Rate, scale * *v}, t.Holding.Result, t.Length})
		}
	}
	return m
}

func (c Capacity) cpuPanel() panel {
	limit := float64(c.Scenario.Gateway.CPULimit)
	return panel{
		title: "CPU of the gateway", unit: "cores", zero: true, empty: "CPU is not known",
		limits: thresholdLines(c.Scenario.Thresholds.CPU, limit, fmt.Sprintf("limit %.2f", limit)),
		marks: []marks{
			c.marked("average", sky, 1, func(p verdict.Point) *float64 { return p.CPU }),
			c.marked("most over 5 s (judged)", blue, 1,
				func(p verdict.Point) *float64 { return p.CPUMax }),
		},
	}
}

func (c Capacity) memoryPanel() panel {
	const mebi = 1.0 / (1 << 20)
	limit := float64(c.Scenario.Gateway.MemoryLimit) * mebi
	p := panel{
		title: "Memory of the gateway", unit: "MiB", zero: true, empty: "memory is not known",
		limits: thresholdLines(c.Scenario.Thresholds.Memory, limit, fmt.Sprintf("limit %.0f", limit)),
		marks: []marks{
			c.marked("working set, peak (judged)", orange, mebi,
				func(p verdict.Point) *float64 { return p.Memory }),
		},
	}
	if soft := float64(c.ran().Gateway.GoMemLimit) * mebi; soft > 0 {
		p.addLimit(soft, "GOMEMLIMIT")
	}
	return p
}

func (c Capacity) latencyPanel() panel {
	p := panel{
		title: "Latency, from due to delivery", unit: "time (log)", format: verdict.Seconds, log: true,
		empty: "latency is not known",
		marks: []marks{
			c.marked("p99", vermillion, 1, func(p verdict.Point) *float64 { return p.P99 }),
			c.marked("p50", orange, 1, func(p verdict.Point) *float64 { return p.P50 }),
		},
	}
	if most := time.Duration(c.Scenario.Thresholds.LatencyP99).Seconds(); most > 0 {
		p.limits = []limit{{at: most, name: "p99 < " + verdict.Seconds(most)}}
	}
	return p
}

// insidePanel is how many spans were in the gateway, or where that is not known, its queue.
func (c Capacity) insidePanel() panel {
	inside := c.marked("mean", green, 1, func(p verdict.Point) *float64 { return p.Inside })
	if len(inside.at) > 0 {
		return panel{
			title: "Spans inside: sent and not yet delivered", unit: "spans (log)", log: true,
			format: brief, marks: []marks{
				c.marked("most", purple, 1, func(p verdict.Point) *float64 { return p.InsideMax }), inside,
			},
		}
	}
	return panel{
		title: "Exporter queue", unit: "requests", zero: true, empty: "the queue is not known",
		marks: []marks{
			c.marked("most", purple, 1, func(p verdict.Point) *float64 { return p.QueueMax }),
			c.marked("mean", green, 1, func(p verdict.Point) *float64 { return p.Queue }),
		},
	}
}

// head is the title of a picture, what it is of, and the key of the shapes.
func (c Capacity) head(canvas vgdraw.Canvas, title, of string) {
	style, room := text(15, ink), canvas.Max.X-canvas.Min.X
	if wide := style.Width(title); wide > room {
		style = text(15*float64(room/wide), ink)
	}
	canvas.FillText(style, vg.Point{X: canvas.Min.X, Y: canvas.Max.Y - 0.32*vg.Inch}, title)
	y := canvas.Max.Y - 0.54*vg.Inch
	canvas.FillText(text(10, soft), vg.Point{X: canvas.Min.X, Y: y}, of)
	x := canvas.Max.X
	style = text(10, soft)
	style.XAlign = vgdraw.XRight
	key := func(name string, thumb func(at vg.Point)) {
		canvas.FillText(style, vg.Point{X: x, Y: y}, name)
		x -= style.Width(name) + 10
		thumb(vg.Point{X: x, Y: y + 3.5})
		x -= 18
	}
	for _, of := range []struct {
		result search.Result
		name   string
	}{{search.Unclear, "shows neither"}, {search.Broke, "broke"}, {search.Held, "held"}} {
		if of.result != search.Unclear || slices.ContainsFunc(c.Trials, func(t CapacityTrial) bool {
			return !t.shows()
		}) {
			key(of.name, func(at vg.Point) { drawResult(canvas, of.result, ink, 4.6, at) })
		}
	}
	if a := c.Answer; a.Low > 0 && a.High > 0 {
		key(c.interval(), func(at vg.Point) {
			canvas.FillPolygon(intervalColor, box(at.X-9, at.Y-5, at.X+4, at.Y+5))
		})
	}
}
