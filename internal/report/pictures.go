package report

import (
	"fmt"
	"io"
	"math"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// GraphsDir holds the pictures of a record.
const GraphsDir = "graphs"

// A picture is some panels below each other.
type picture struct {
	title  string
	panels func(*record.Record) []panel
}

// pictures are all there are, by the name of their file.
var pictures = map[string]picture{
	"resource-usage":    {"Gateway: CPU and memory", resourcePanels},
	"throughput":        {"Throughput", throughputPanels},
	"latency":           {"Latency, from when a span was due", latencyPanels},
	"errors":            {"Failures per second", errorPanels},
	"collector-metrics": {"What the collector says of itself", collectorPanels},
}

// pictureOrder is the order of a report.
var pictureOrder = []string{
	"resource-usage", "throughput", "latency", "errors", "collector-metrics",
}

// Draw draws one of the pictures of a record as PNG.
func Draw(w io.Writer, name string, r *record.Record) error {
	of, ok := pictures[name]
	if !ok {
		return fmt.Errorf("draw %s: there is no such picture", name)
	}
	if err := draw(w, of, placed(r)); err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	return nil
}

// placed is a record whose readings are where they belong.
func placed(r *record.Record) *record.Record {
	out := *r
	out.Samples = record.Placed(r.Samples)
	return &out
}

// resourcePanels are of several gateways of the one that used most CPU, and of the one that
// had most memory: each has its own limit.
func resourcePanels(r *record.Record) []panel {
	hot, hottest := verdict.Hottest(r)
	full, fullest := verdict.Fullest(r)
	cpu := cpuPanel(hot)
	cpu.title += whose(r, hottest, "used most")
	cpuOf := func(s []record.Sample, name string) record.Series {
		return record.CPU(s, name, record.CPUWindow)
	}
	cpu.lines = append(cpu.lines, othersLines(r, hottest, 1, cpuOf)...)
	memory := memoryPanel(full)
	memory.title += whose(r, fullest, "had most")
	memory.lines = append(memory.lines, othersLines(r, fullest, 1.0/(1<<20), record.WorkingSet)...)
	usage := usagePanel(hot)
	usage.title += whose(r, hottest, "used most CPU")
	return []panel{cpu, memory, usage}
}

func cpuPanel(r *record.Record) panel {
	samples := fromWarmUp(r.Samples)
	g := r.Header.Scenario.Gateway
	return panel{
		title: "CPU", unit: "cores", zero: true,
		empty: "CPU is not known",
		limits: thresholdLines(r.Header.Scenario.Thresholds.CPU, float64(g.CPULimit),
			fmt.Sprintf("limit %.2f", float64(g.CPULimit))),
		of: append(shaded("cpu", string(scenario.Throttled), string(scenario.GCCPU)),
			subject{string(scenario.CPUPeak), 1, float64(g.CPULimit)},
			subject{string(scenario.CPUAvg), 1, float64(g.CPULimit)}),
		lines: cpuLines(samples, verdict.KeeperOf(r, record.Gateway)),
	}
}

// cpuLines are the gateway's CPU from where it is judged, and the place's account, which
// somebody keeps, beside it where that is read too seldom.
func cpuLines(samples []record.Sample, keeper string) []line {
	cpu := record.CPUTimeOf(samples, record.Gateway)
	judged := line{
		name: "over 5 s (judged)", s: cpu.Over(record.CPUWindow), color: blue, wide: true,
	}
	if !cpu.Own && cpu.Coarse() {
		judged.name = keeper + ", between readings (judged)"
		return []line{judged}
	}
	lines := []line{{name: "over 1 s", s: record.Rate(cpu.Series), color: sky}, judged}
	if cpu.Own {
		lines[0].name, lines[1].name = "own metrics, over 1 s", "own metrics, over 5 s (judged)"
		place := record.CPUTime{Series: record.CPUSeconds(samples, record.Gateway)}
		if between := place.Over(record.CPUWindow); between.Len() > 0 {
			lines = append(lines, line{name: keeper, s: between, color: orange, dashed: true})
		}
	}
	return lines
}

// usagePanel is utilisation against throughput: a dot for each measured look.
func usagePanel(r *record.Record) panel {
	samples := record.Measured(r.Samples)
	g := r.Header.Scenario.Gateway
	p := panel{
		title: "Utilisation against throughput, measured time", unit: "% of limit", zero: true,
		xLabel: "acknowledged spans/s", tall: true,
		empty: "no limit is set, or the usage is not known",
	}
	rate := record.Rate(
		record.MetricSeries(samples, record.Loadgen, record.LoadAcknowledged))
	if limit := float64(g.CPULimit); limit > 0 {
		cpu, name := record.CPU(samples, record.Gateway, record.CPUWindow), "CPU over 5 s"
		if cpu.Coarse() {
			name = "CPU between readings"
		}
		p.dots = append(p.dots, dots{name, against(rate, scaled(cpu, 100/limit)), blue})
	}
	if limit := float64(g.MemoryLimit); limit > 0 {
		set := record.WorkingSet(samples, record.Gateway)
		p.dots = append(p.dots, dots{
			"working set", against(rate, scaled(set, 100/limit)),
			orange,
		})
	}
	p.limits = shareLines(r.Header.Scenario.Thresholds)
	return p
}

func throughputPanels(r *record.Record) []panel {
	load := func(m record.Metric) record.Series {
		return record.Rate(record.MetricSeries(r.Samples, record.Loadgen, m))
	}
	back := func(m record.Metric) record.Series {
		return record.Rate(record.MetricSeries(r.Samples, record.Backend, m))
	}
	panels := []panel{
		{title: "Spans", unit: "spans/s", zero: true, tall: true, of: about(scenario.Throughput,
			scenario.Offered), lines: []line{
			{
				name: "target", s: record.MetricSeries(r.Samples, record.Loadgen, record.LoadTarget),
				color: black, dashed: true,
			},
			{name: "due", s: load(record.LoadDue), color: orange},
			{name: "acknowledged", s: load(record.LoadAcknowledged), color: blue},
			{name: "delivered", s: back(record.BackendUnique), color: green, wide: true},
		}},
		{title: "Bytes of request bodies", unit: "MB/s", zero: true, lines: []line{
			{name: "sent, encoded", s: scaled(load(record.LoadEncodedBytes), 1e-6), color: blue},
			{
				name: "sent, on the wire", s: scaled(load(record.LoadWireBytes), 1e-6),
				color: vermillion, dashed: true,
			},
			{
				name: "received, on the wire", s: scaled(back(record.BackendWire), 1e-6),
				color: green,
			},
		}},
	}
	return append(panels, acceptedPanels(r)...)
}

func latencyPanels(r *record.Record) []panel {
	load := func(m record.Metric) record.Series {
		return record.MetricSeries(r.Samples, record.Loadgen, m)
	}
	back := func(m record.Metric) record.Series {
		return record.MetricSeries(r.Samples, record.Backend, m)
	}
	over := panel{
		title: "Over time, of the last second", unit: "time (log)", format: verdict.Seconds,
		log: true, tall: true, of: about(scenario.Latency, scenario.Acknowledgement), lines: []line{
			{name: "delivery p99", s: back(record.BackendLatencyP99), color: vermillion},
			{name: "delivery p50", s: back(record.BackendLatencyP50), color: orange, wide: true},
			{name: "acknowledgement p99", s: load(record.LoadAnswerP99), color: sky},
			{name: "acknowledgement p50", s: load(record.LoadAnswerP50), color: blue, wide: true},
		},
	}
	whole := panel{
		title: "Distribution, measured time", unit: "time (log)", format: verdict.Seconds,
		log: true, tall: true, xLabel: "share of the spans that were at most as late",
		xNines: true, empty: "too few spans for a distribution",
	}
	if e := r.Ending; e != nil && e.Received != nil {
		lost, name := uint64(0), "delivery"
		if e.Sent != nil && e.Measured.Acknowledged.NotDelivered > 0 {
			lost = e.Measured.Acknowledged.NotDelivered
			name += fmt.Sprintf(" (%s spans lost, beyond its end)", verdict.Count(lost))
		}
		whole.curves = append(whole.curves,
			curve{name, distribution(e.Received.Latency, lost), vermillion})
	}
	if e := r.Ending; e != nil && e.Sent != nil {
		whole.curves = append(whole.curves,
			curve{"acknowledgement", distribution(e.Sent.Answer, 0), blue})
	}
	return []panel{over, whole}
}

func errorPanels(r *record.Record) []panel {
	rate := func(actor string, m record.Metric) record.Series {
		return record.Rate(record.MetricSeries(r.Samples, actor, m))
	}
	load := panel{
		title: "Seen by the load generator", unit: "spans/s", zero: true,
		of:   shaded(scenario.Refused, scenario.Unsent),
		none: "none occurred", lines: []line{
			{
				name: "refused, retryable", s: rate(record.Loadgen, record.LoadRefusedRetryable),
				color: vermillion,
			},
			{
				name: "refused for good", s: rate(record.Loadgen, record.LoadRefusedPermanent),
				color: purple,
			},
			{name: "unknown", s: rate(record.Loadgen, record.LoadUnknown), color: orange},
			{name: "unsent", s: rate(record.Loadgen, record.LoadUnsent), color: blue},
		},
	}
	gateway := panel{
		title: "Counted by the collector", unit: "spans/s", zero: true,
		of:   shaded(scenario.Dropped, scenario.AdmissionRejections, scenario.Restarts),
		none: "none occurred", empty: "the collector offered no counters of failures",
		lines: []line{
			{
				name: "queue full", s: rate(record.Gateway, record.ExporterEnqueueFailed),
				color: vermillion,
			},
			{
				name: "exports failed", s: rate(record.Gateway, record.ExporterSendFailed),
				color: purple,
			},
			{
				name: "receiver refused", s: rate(record.Gateway, record.ReceiverRefused),
				color: orange,
			},
			{
				name: "processors refused", s: rate(record.Gateway, record.ProcessorRefused),
				color: blue,
			},
		},
	}
	backend := panel{
		title: "Counted by the backend", unit: "spans/s", zero: true,
		of:   shaded(scenario.Duplicated),
		none: "none occurred", lines: []line{
			{
				name: "answered with failure", s: rate(record.Backend, record.BackendFailed),
				color: vermillion,
			},
			{
				name: "delivered again", s: rate(record.Backend, record.BackendDuplicate),
				color: blue,
			},
			{name: "foreign", s: rate(record.Backend, record.BackendForeign), color: green},
		},
	}
	return []panel{load, gateway, backend}
}

func collectorPanels(r *record.Record) []panel {
	metric := func(m record.Metric) record.Series {
		return record.MetricSeries(r.Samples, record.Gateway, m)
	}
	queue := panel{
		title: "Exporter queue", unit: "requests", zero: true, of: shaded(scenario.Queue),
		lines: []line{{name: "size", s: metric(record.QueueSize), color: blue, wide: true}},
	}
	if capacity, _, ok := metric(record.QueueCapacity).Max(); ok {
		queue.of[0].whole = capacity
		// A capacity far above the queue would press it flat.
		if top, _, _ := metric(record.QueueSize).Max(); top >= capacity/5 {
			queue.limits = []limit{{at: capacity, name: "capacity"}}
		} else {
			queue.title += fmt.Sprintf(" (capacity %s)", decimal(capacity))
		}
	}
	batch := ratio(metric(record.BatchSizeSum), metric(record.BatchSizeCount))
	full, fullest := verdict.Fullest(r)
	heap := scaled(record.MetricSeries(full.Samples, record.Gateway, record.HeapAlloc), 1.0/(1<<20))
	return []panel{
		queue,
		{
			title: "Batch size, mean since the look before", unit: "spans",
			zero: true, lines: []line{{name: "spans a batch", s: batch, color: blue}},
		},
		{
			title: "Heap" + whose(r, fullest, "had most memory"), unit: "MiB", zero: true,
			of:    shaded(scenario.GoMemory),
			lines: []line{{name: "allocated", s: heap, color: blue}},
		},
		{title: "Through the collector", unit: "spans/s", zero: true, lines: []line{
			{name: "received", s: record.Rate(metric(record.ReceiverAccepted)), color: blue},
			{name: "sent", s: record.Rate(metric(record.ExporterSent)), color: green, wide: true},
		}},
	}
}

func fromWarmUp(samples []record.Sample) []record.Sample {
	return record.During(samples, record.PhaseWarmUp, record.PhaseMeasuring,
		record.PhaseDraining)
}

func scaled(s record.Series, by float64) record.Series {
	out := record.Series{Elapsed: s.Elapsed}
	for _, v := range s.Values {
		out.Values = append(out.Values, by*v)
	}
	return out
}

// ratio is how much one counter rose for each that the other did, look by look.
func ratio(sum, count record.Series) record.Series {
	var out record.Series
	for i := 1; i < sum.Len() && sum.Len() == count.Len(); i++ {
		if n := count.Values[i] - count.Values[i-1]; n > 0 {
			out.Elapsed = append(out.Elapsed, sum.Elapsed[i])
			out.Values = append(out.Values, (sum.Values[i]-sum.Values[i-1])/n)
		}
	}
	return out
}

// against pairs the values of two series that were taken within half a second of each
// other.
func against(x, y record.Series) (pairs []xy) {
	j := 0
	for i, at := range x.Elapsed {
		for j+1 < y.Len() && math.Abs(y.Elapsed[j+1]-at) <= math.Abs(y.Elapsed[j]-at) {
			j++
		}
		if y.Len() > 0 && math.Abs(y.Elapsed[j]-at) <= 0.5 {
			pairs = append(pairs, xy{x.Values[i], y.Values[j]})
		}
	}
	return pairs
}
