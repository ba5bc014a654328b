package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A BaselineFormat writes baselines for one kind of reader.
type BaselineFormat func(w io.Writer, all []baseline.Baseline) error

// BaselineFormats are the kinds of readers of baselines.
var BaselineFormats = map[string]BaselineFormat{
	"text": BaselinesText, "json": BaselinesJSON, "markdown": BaselinesMarkdown,
}

// A kin is baselines whose figures may stand in one table: of one collector, on one
// host, under one workload.
type kin struct {
	host      baseline.Host
	collector baseline.Collector
	workload  string // for people
	key       string // equal where the workloads are
	all       []baseline.Baseline
}

// kindred puts each baseline beside those that it can be compared with: by collector and
// host, within them by limits, the oldest first.
func kindred(all []baseline.Baseline) (out []kin) {
	for _, b := range all {
		of := kin{b.Host, b.Collector, baselineWorkload(b), workloadKey(b), nil}
		i := slices.IndexFunc(out, func(c kin) bool {
			return c.host == of.host && c.collector == of.collector && c.key == of.key
		})
		if i < 0 {
			i = len(out)
			out = append(out, of)
		}
		out[i].all = append(out[i].all, b)
	}
	for _, c := range out {
		slices.SortStableFunc(c.all, compareLimits)
	}
	slices.SortStableFunc(out, func(a, b kin) int {
		return cmp.Or(strings.Compare(a.title(), b.title()), strings.Compare(a.workload, b.workload))
	})
	return out
}

// workloadKey is all that must be equal before two capacities can be compared, limits and
// what follows from them and from the rate apart.
func workloadKey(b baseline.Baseline) string {
	g, l := b.Gateway, b.Load
	g.Preset, g.CPULimit, g.MemoryLimit, g.GoMemLimit, g.GoMaxProcs = "", 0, 0, 0, 0
	g.Binary, g.Image = "", ""
	l.Rate, l.InFlight, l.Seed = 0, 0, 0
	key, _ := json.Marshal([]any{g, l, b.Backend, b.Thresholds, runtimeText(b.Gateway)}) // plain data
	return string(key)
}

// runtimeText is how Go's runtime was set where that does not follow from the limits.
func runtimeText(g scenario.Gateway) string {
	usual, err := scenario.Scenario{Name: "usual", Gateway: scenario.Gateway{
		Kind: g.Kind, CPULimit: g.CPULimit, MemoryLimit: g.MemoryLimit, Config: g.Config,
		Exporter: g.Exporter,
	}}.Resolved()
	if err != nil || usual.Gateway.GoMemLimit == g.GoMemLimit &&
		usual.Gateway.GoMaxProcs == g.GoMaxProcs {
		return ""
	}
	return fmt.Sprintf("GOMEMLIMIT %v, GOMAXPROCS %d", g.GoMemLimit, g.GoMaxProcs)
}

func compareLimits(a, b baseline.Baseline) int {
	for _, d := range []float64{
		float64(a.Gateway.CPULimit - b.Gateway.CPULimit),
		float64(a.Gateway.MemoryLimit - b.Gateway.MemoryLimit), float64(a.Measured.Sub(b.Measured)),
	} {
		if d != 0 {
			return int(math.Copysign(1, d))
		}
	}
	return strings.Compare(a.Name, b.Name)
}

// title names the collector and the host.
func (c kin) title() string { return collectorText(c.collector) + " on " + hostText(c.host) }

func collectorText(c baseline.Collector) string {
	if len(c.SHA256) < 12 {
		return c.Headline
	}
	return c.Headline + " (sha256 " + c.SHA256[:12] + "…)"
}

func hostText(h baseline.Host) string {
	text := fmt.Sprintf("%d cores", h.Cores)
	if h.CPUModel != "" {
		text += " of " + h.CPUModel
	}
	if h.MemoryBytes > 0 {
		text += fmt.Sprintf(", %.1f GiB", float64(h.MemoryBytes)/(1<<30))
	}
	text += ", " + h.OS + "/" + h.Arch
	if h.Kernel != "" {
		text += " " + h.Kernel
	}
	if h.Cgroup != "" {
		text += ", cgroup " + h.Cgroup
	}
	return text
}

// workloadText is what was sent, what it was sent through, and what counted as holding.
func workloadText(
	g scenario.Gateway, l scenario.Load, back scenario.Backend, t scenario.Thresholds,
) string {
	parts := []string{
		"shape " + string(l.Shape),
		fmt.Sprintf("%d spans a request", l.SpansPerRequest),
		fmt.Sprintf("%s, compression %s", l.Protocol, l.Compression),
		"backend " + backendText(back),
	}
	add := func(yes bool, format string, args ...any) {
		if yes {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(l.Engine == scenario.EngineSDK, "sent by the SDK")
	add(l.Connections > 1, "%d connections", l.Connections)
	add(l.Retry != "" && l.Retry != scenario.RetryNone, "retries as %s", l.Retry)
	add(len(l.SpanAttributes)+len(l.ResourceAttributes) > 0, "further attributes")
	add(g.Config != "", "configuration %s", g.Config)
	add(g.Protection != "", "protection %s", g.Protection)
	add(runtimeText(g) != "", "%s", runtimeText(g))
	for _, p := range g.Processors {
		add(true, "with %s", p.ID)
	}
	return strings.Join(append(parts, thresholdText(t)), "; ")
}

func baselineWorkload(b baseline.Baseline) string {
	return workloadText(b.Gateway, b.Load, b.Backend, b.Thresholds)
}

// thresholdText is what was allowed at most.
func thresholdText(t scenario.Thresholds) string {
	ratio := func(r *scenario.Ratio) string {
		if r == nil {
			return "?"
		}
		return verdict.Percent(float64(*r))
	}
	text := fmt.Sprintf("holds: loss %s, refused %s, CPU below %s, memory below %s", ratio(t.Loss),
		ratio(t.Refused), ratio(t.CPU.Critical), ratio(t.Memory.Critical))
	if t.LatencyP99 > 0 {
		text += ", p99 below " + verdict.Seconds(time.Duration(t.LatencyP99).Seconds())
	}
	return text
}

// limitsText is the limits of a gateway; 0 is none.
func limitsText(cpu scenario.CPU, memory scenario.Bytes) string {
	text := "no CPU limit"
	if cpu > 0 {
		text = cpu.String() + " CPU"
	}
	if memory > 0 {
		return text + ", " + memory.String()
	}
	return text + ", no memory limit"
}

func betweenText(low, high, confidence float64) string {
	return fmt.Sprintf("%s–%s (%s)", brief(low), brief(high), verdict.Percent(confidence))
}

// baselineColumns are the columns of a table of baselines that can be compared.
var baselineColumns = []struct {
	head string
	of   func(b baseline.Baseline) string
}{
	{"baseline", func(b baseline.Baseline) string { return b.Name }},
	{"limits", func(b baseline.Baseline) string {
		return limitsText(b.Gateway.CPULimit, b.Gateway.MemoryLimit)
	}},
	{"spans/s", func(b baseline.Baseline) string { return brief(b.Capacity.Estimate) }},
	{"from–to", func(b baseline.Baseline) string {
		return betweenText(b.Capacity.Low, b.Capacity.High, b.Capacity.Confidence)
	}},
	{"MB/s", func(b baseline.Baseline) string {
		return digits3(b.Capacity.Estimate * b.Capacity.EncodedPerSpan / 1e6)
	}},
	{"spans/s a core", func(b baseline.Baseline) string {
		return brief(b.Capacity.Estimate / float64(b.Gateway.CPULimit))
	}},
	{"host", func(b baseline.Baseline) string {
		if !(b.Capacity.HostCost > 0) {
			return "not known"
		}
		return microseconds(b.Capacity.HostCost/1e6) + " a span"
	}},
	{"measured", func(b baseline.Baseline) string { return b.Measured.UTC().Format(time.DateOnly) }},
	{"broke first", func(b baseline.Baseline) string { return orDash(b.Capacity.BrokeFirst) }},
}

func (c kin) table() [][]string {
	table := [][]string{nil}
	for _, col := range baselineColumns {
		table[0] = append(table[0], col.head)
	}
	for _, b := range c.all {
		var row []string
		for _, col := range baselineColumns {
			row = append(row, col.of(b))
		}
		table = append(table, row)
	}
	return table
}

// BaselinesText is for a terminal.
func BaselinesText(w io.Writer, all []baseline.Baseline) error {
	var p page
	for i, c := range kindred(all) {
		if i > 0 {
			p.line("")
		}
		p.line("%s", c.title())
		p.line("  %s", c.workload)
		p.columns(c.table())
	}
	if len(all) == 0 {
		p.line("no baseline has been measured: odigos-stress capacity --save-baseline NAME makes one")
	}
	return p.to(w)
}

// BaselinesJSON is for programs: the baselines as they are in their files.
func BaselinesJSON(w io.Writer, all []baseline.Baseline) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if all == nil {
		all = []baseline.Baseline{}
	}
	if err := e.Encode(all); err != nil {
		return fmt.Errorf("write baselines: %w", err)
	}
	return nil
}

// WorkloadText tells what a resolved scenario sends, through what, and what counts as
// holding; the limits are not told.
func WorkloadText(s scenario.Scenario) string {
	return workloadText(s.Gateway, s.Load, s.Backend, s.Thresholds)
}
