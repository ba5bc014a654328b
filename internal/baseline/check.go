package baseline

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Check says what cannot be true of a baseline, or is missing from it, field by field.
func (b Baseline) Check() error {
	var c checks
	if b.SchemaVersion != SchemaVersion {
		c.add("schema_version", b.SchemaVersion, fmt.Sprint(SchemaVersion,
			", the only one that this program knows"))
		return errors.Join(c...)
	}
	if err := CheckName(b.Name); err != nil {
		c = append(c, fmt.Errorf("name: %w", err))
	}
	if b.Measured.IsZero() {
		c.add("measured", "nothing", "the time at which it was measured")
	}
	for _, text := range []struct{ field, found string }{
		{"environment", b.Environment},
		{"host.os", b.Host.OS},
		{"host.arch", b.Host.Arch},
		{"collector.headline", b.Collector.Headline},
		{"scenario", b.Scenario},
		{"load.shape", string(b.Load.Shape)},
	} {
		if text.found == "" {
			c.add(text.field, "nothing", "a text")
		}
	}
	c.positive("host.cores", float64(b.Host.Cores))
	c.positive("gateway.cpu_limit_cores", float64(b.Gateway.CPULimit))
	c.positive("gateway.memory_limit_bytes", float64(b.Gateway.MemoryLimit))
	c.positive("load.spans_per_request", float64(b.Load.SpansPerRequest))
	c.notNegative("queued_span_bytes", b.QueuedSpan)
	c.capacity(b.Capacity)
	c.points(b.Points)
	return errors.Join(c...)
}

// checks gathers what is wrong.
type checks []error

func (c *checks) add(field string, found any, want string) {
	*c = append(*c, fmt.Errorf("%s: found %v, want %s", field, found, want))
}

func (c *checks) positive(field string, found float64) {
	if !(found > 0) || math.IsInf(found, 0) {
		c.add(field, found, "more than 0")
	}
}

func (c *checks) notNegative(field string, found *float64) {
	if found != nil && (!(*found >= 0) || math.IsInf(*found, 0)) {
		c.add(field, *found, "0 or more, or no such field where it is not known")
	}
}

func (c *checks) capacity(of Capacity) {
	c.positive("capacity.low_spans_per_second", of.Low)
	c.positive("capacity.encoded_bytes_per_span", of.EncodedPerSpan)
	c.notNegative("capacity.noise_ratio", &of.Noise)
	c.notNegative("capacity.host_cpu_seconds_per_million_spans", &of.HostCost)
	c.notNegative("capacity.host_cost_error_ratio", &of.HostCostError)
	c.notNegative("capacity.precision_ratio", &of.Precision)
	c.notNegative("capacity.took_seconds", &of.Took)
	if !(of.Low <= of.Estimate) {
		c.add("capacity.estimate_spans_per_second", of.Estimate,
			fmt.Sprint(of.Low, " or more, its own low end"))
	}
	if !(of.Estimate <= of.High) || math.IsInf(of.High, 0) {
		c.add("capacity.high_spans_per_second", of.High,
			fmt.Sprint(of.Estimate, " or more, its own estimate"))
	}
	if !(of.Confidence > 0 && of.Confidence <= 1) {
		c.add("capacity.confidence_ratio", of.Confidence, "more than 0 and at most 1")
	}
	if of.Trials < 1 {
		c.add("capacity.trials", of.Trials, "1 or more")
	}
}

func (c *checks) points(all []Point) {
	if len(all) == 0 {
		c.add("points", "none", "every trial that held or broke")
	}
	if !slices.IsSortedFunc(all, func(a, b Point) int { return cmp.Compare(a.Rate, b.Rate) }) {
		c.add("points", "another order", "the points by their rates")
	}
	for i, p := range all {
		at := fmt.Sprintf("points.%d.", i)
		c.positive(at+"rate_spans_per_second", p.Rate)
		c.positive(at+"measured_seconds", p.Measured)
		for _, f := range []struct {
			name string
			v    *float64
		}{
			{"cpu_average_cores", p.CPU},
			{"cpu_max_cores", p.CPUMax},
			{"working_set_peak_bytes", p.Memory},
			{"anon_and_kernel_peak_bytes", p.Anon},
			{"latency_p50_seconds", p.P50},
			{"latency_mean_seconds", p.Mean},
			{"latency_p99_seconds", p.P99},
			{"inside_mean_spans", p.Inside},
			{"inside_max_spans", p.InsideMax},
			{"queue_mean_requests", p.Queue},
			{"spans_per_export", p.BatchMean},
			{"exports_per_second", p.Exports},
			{"host_cpu_seconds_per_million_spans", p.HostCost},
		} {
			c.notNegative(at+f.name, f.v)
		}
	}
}
