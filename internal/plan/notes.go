package plan

import (
	"fmt"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// notes are what is odd in the plan and yet may be meant.
func (p Plan) notes() []string {
	var out []string
	note := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	g, l, t := p.Scenario.Gateway, p.Scenario.Load, p.Scenario.Timing

	if g.GoMemLimit > 0 && g.MemoryLimit > 0 && g.GoMemLimit >= g.MemoryLimit {
		note("GOMEMLIMIT (%s) is not below the memory limit (%s): the kernel kills before the"+
			" runtime saves.", g.GoMemLimit, g.MemoryLimit)
	}
	if g.CPULimit == 0 {
		note("The gateway has no CPU limit: its CPU use is not judged.")
	}
	if g.MemoryLimit == 0 {
		note("The gateway has no memory limit: its memory is not judged.")
	}
	if g.Protection == scenario.ProtectionOdigos && l.Protocol == scenario.ProtocolHTTP {
		note("Odigos refuses requests at GOMEMLIMIT on gRPC alone: over HTTP nothing protects the" +
			" gateway.")
	}
	if l.Engine == scenario.EngineOTLP && l.Compression != scenario.CompressionNone &&
		!l.CompressOnline {
		note("Requests are compressed beforehand (%s): %s (docs/adr/0007).", l.Compression,
			packed[l.Compression])
	}
	if text := spread(l, g.Replicas); text != "" {
		note("%s", text)
	}
	if len(p.Sampling) > 0 {
		note("The configuration samples (%s): %s.", strings.Join(p.Sampling, ", "), p.predicted())
	}
	if least := requestsPerSecond(l, lowest(l)); least < evenRequests {
		requests := number(least) + " requests"
		if least == 1 {
			requests = "1 request"
		}
		note("At its lowest the load comes in steps: %s a second, of %d spans each.", requests,
			l.SpansPerRequest)
	}
	if d := time.Duration(p.Scenario.Backend.Delay); d >= exporterTimeout {
		note("The backend answers after %s, an OTLP exporter waits %s by default: what was received"+
			" is sent again, and counted as duplicates.", d, exporterTimeout)
	}
	if d := time.Duration(t.Drain); d < p.Quiet {
		note("The drain of %s is shorter than the %s of silence that tell an empty gateway: what has"+
			" not arrived by then may still be inside.", t.Drain, scenario.Duration(p.Quiet))
	}
	return out
}

// evenSpread is how much more than the mean a pod may get without a word: verdict judges
// the balance of a trial by the same.
const evenSpread = 1.5

// spread says how the load's connections must come to lie on several pods; empty where they
// can lie evenly, or nearly so. A pool of HTTP/1.1 has as many as there are requests in
// flight, so that there it is not known beforehand.
func spread(l scenario.Load, pods int) string {
	if pods < 2 || l.Protocol != scenario.ProtocolGRPC {
		return ""
	}
	most := (l.Connections + pods - 1) / pods
	over := float64(most*pods) / float64(l.Connections)
	switch {
	case l.Connections < pods:
		return fmt.Sprintf("%s of the load to %d gateway pods: gRPC sticks to a pod, so that at any"+
			" time %d of them get nothing. Want load.connections of %d or more.",
			counted(l.Connections, "connection"), pods, pods-l.Connections, pods)
	case over > evenSpread:
		return fmt.Sprintf("%d connections of the load to %d gateway pods: gRPC sticks to a pod, so"+
			" that one gets %s times the mean. Want load.connections of a multiple of %d.",
			l.Connections, pods, number(over), pods)
	}
	return ""
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// packed says what a request that was compressed beforehand is to a gateway, beside one
// that was compressed when it was sent; measured with the shapes that there are.
var packed = map[scenario.Compression]string{
	scenario.CompressionGzip: "spans of odigos-docs are 6 % longer than gzip makes them and cost" +
		" 1.3 times as much to inflate, small spans are twice as long and cost 0.85 times as much",
	scenario.CompressionZstd: "spans are about a third longer than zstd makes them and cost a" +
		" quarter to a half as much to decompress",
	scenario.CompressionSnappy: "spans are as long as snappy makes them and cost 0.6 to 1 times as" +
		" much to decompress",
}

// predicted says what becomes of traces that do not arrive.
func (p Plan) predicted() string {
	if p.Prediction == nil || p.Prediction.Unpredictable != "" {
		why := ""
		if p.Prediction != nil {
			why = ", which cannot be predicted (" + p.Prediction.Unpredictable + ")"
		}
		return "traces that do not arrive at all are put down to it" + why +
			", and are not judged as loss"
	}
	return "which traces it drops is predicted from their ids; any other that does not arrive is loss"
}

// evenRequests a second are the least that make a load even.
const evenRequests = 10

func requestsPerSecond(l scenario.Load, rate scenario.Rate) float64 {
	return float64(rate) / float64(max(1, l.SpansPerRequest))
}
