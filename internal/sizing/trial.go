package sizing

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// Trials are command lines that hold a size against the truth: one pod, as it would be.
type Trials struct {
	// Holds is at what one pod must hold, which should hold; Breaks at a rate that should
	// not.
	Holds  []string `json:"holds"`
	Breaks []string `json:"breaks"`
}

// A trial that should break is a tenth above the high end of the capacity as it was measured,
// as the host may be that fast again, and three tenths above what the pod must hold.
const (
	beyondHigh = 1.1
	beyondNeed = 1.3
)

// trials are those of a pod that must hold need spans/s. They run without the memory for an
// outage, which they do not have.
func (p pod) trials(need float64) Trials {
	l := p.limits(Queue{})
	breaks := max(beyondHigh*p.highest, beyondNeed*need)
	return Trials{Holds: p.command(need, l), Breaks: p.command(breaks, l)}
}

// command runs one pod at a rate, with all that its baseline sets and a plain scenario does
// not.
func (p pod) command(rate float64, l Limits) []string {
	args := []string{
		"odigos-stress", "run", "custom",
		"--rate", strconv.FormatFloat(math.Ceil(rate-1e-6), 'f', -1, 64),
		"--cpu-limit", scenario.CPU(l.CPU).String(),
		"--memory-limit", scenario.Bytes(l.Memory).String(), "--duration", "2m",
	}
	args = append(args, p.runtime(l)...)
	return append(args, p.workload()...)
}

// runtime sets what is told to the Go runtime, where a scenario would derive another.
func (p pod) runtime(l Limits) []string {
	var args []string
	g := p.gateway
	g.CPULimit, g.MemoryLimit = scenario.CPU(l.CPU), scenario.Bytes(l.Memory)
	plain := derive(g)
	if l.GoMemLimit != float64(plain.GoMemLimit) && l.GoMemLimit > 0 {
		args = append(args, "--set", "gateway.gomemlimit="+scenario.Bytes(l.GoMemLimit).String())
	}
	if l.GoMaxProcs != plain.GoMaxProcs && l.GoMaxProcs > 0 {
		args = append(args, "--set", fmt.Sprint("gateway.gomaxprocs=", l.GoMaxProcs))
	}
	return args
}

// workload sets what was measured, where a plain scenario would ask something else.
func (p pod) workload() []string {
	plain, err := scenario.Scenario{Name: "size", Load: scenario.Load{Rate: p.load.Rate}}.Resolved()
	if err != nil {
		return nil // the rate of a baseline that was checked is one
	}
	var args []string
	set := func(path string, found, usual any) {
		if f, u := asJSON(found), asJSON(usual); f != u {
			value, _ := json.Marshal(found) // texts, numbers, lists and maps: JSON is YAML
			text := string(value)
			if plain, ok := found.(string); ok {
				text = plain
			}
			args = append(args, "--set", path+"="+text)
		}
	}
	g, l, b := p.gateway, p.load, p.backend
	if g.Kind != scenario.GatewayOtelcol {
		set("gateway.processors", g.Processors, plain.Gateway.Processors)
		set("gateway.compression", string(g.Compression), string(plain.Gateway.Compression))
	} else {
		set("gateway.kind", string(g.Kind), "")
		set("gateway.config", g.Config, "")
		set("gateway.exporter", g.Exporter, "")
	}
	set("gateway.env", g.Env, plain.Gateway.Env)
	set("load.shape", string(l.Shape), string(plain.Load.Shape))
	set("load.protocol", string(l.Protocol), string(plain.Load.Protocol))
	set("load.compression", string(l.Compression), string(plain.Load.Compression))
	set("load.spans_per_request", l.SpansPerRequest, plain.Load.SpansPerRequest)
	set("load.resource_attributes", l.ResourceAttributes, plain.Load.ResourceAttributes)
	set("load.span_attributes", l.SpanAttributes, plain.Load.SpanAttributes)
	set("backend.delay", time.Duration(b.Delay).String(), "0s")
	return args
}

// measure is the command line that would measure a larger pod than any so far: twice the
// largest.
func measure(largest brought) []string {
	p := largest.pod(nil)
	args := []string{
		"odigos-stress", "capacity", "custom",
		"--cpu-limit", scenario.CPU(2 * float64(largest.Gateway.CPULimit)).String(),
		"--memory-limit", scenario.Bytes(2 * int64(largest.Gateway.MemoryLimit)).String(),
		"--save-baseline", "NAME",
	}
	return append(args, p.workload()...)
}
