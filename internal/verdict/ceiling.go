package verdict

import (
	"fmt"
	"math"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const (
	// ceilingShare is the share of the ceiling of our own ends from which a target is
	// near it: a gateway takes CPU on the same cores, and the ends want room for
	// catching up.
	ceilingShare = 0.70
	// sameBytes is how far bytes per span may differ and nothing is scaled by them.
	sameBytes = 0.10
	// nearRequest is how many times larger or smaller a request may be and be held
	// against a ceiling by its bytes alone.
	nearRequest = 2.0
	// nearConnections is how many times more connections may be used.
	nearConnections = 4
)

// ceiling holds the highest rate that is asked for against what this host's own ends
// could do without a gateway.
func ceiling(s *subject) []Finding {
	const check = "ceiling"
	kept, load := s.r.Header.Selftest, s.r.Header.Scenario.Load
	if kept == nil {
		return nil // the header's notes say so
	}
	by := "selftest of " + kept.Finished.Format(time.DateOnly)
	if kept.Quick {
		by = "quick " + by
	}
	if v := kept.Tool.Version; v != s.r.Header.Tool.Version {
		by += " by version " + v
	}
	c, why := nearestCeiling(kept.Ceilings, load, s.f.Rate.EncodedPerSpan)
	if c == nil {
		return one(check, Note, "the target is not comparable with what this host's own ends can "+
			"do: %s (%s)", why, by)
	}
	low, high, how := c.bounds(load, s.f.Rate.EncodedPerSpan)
	target := float64(peakRate(load))
	severity, share, words, then := Held, target/low, "", ""
	switch {
	case target > ceilingShare*high:
		severity, share = Reservation, target/high
		then = ": the tool, not the gateway, may be the limit"
		if low < high {
			words = "at least "
		}
	case target > ceilingShare*low:
		severity, share, words = Note, target/c.Rate, "roughly "
		then = ": how near it is to their limit is not known"
	case low < high:
		words = "at most "
	}
	text := fmt.Sprintf("the target of %s spans/s is %s%s of what this host's own ends can do (%s: "+
		"%s spans/s of %s%s; no gateway took CPU on the same cores)%s", Number(target), words,
		Percent(share), by, Number(c.Rate), c.name(), how, then)
	return because(NearCeiling, with(one(check, severity, "%s", text), &share, new(ceilingShare),
		"ratio", record.HeaderFile+": selftest"))
}

// peakRate is the highest rate of a load.
func peakRate(l scenario.Load) scenario.Rate {
	switch {
	case l.Burst != nil:
		return max(l.Rate, l.Burst.Rate)
	case l.Ramp != nil:
		return max(l.Rate, l.Ramp.From)
	}
	return l.Rate
}

// A measuredCeiling is one that a load can be held against.
type measuredCeiling struct{ record.Ceiling }

func (c *measuredCeiling) name() string {
	return fmt.Sprintf("%s, %d a request, compression %s", c.Shape, c.SpansPerRequest, c.Compression)
}

// nearestCeiling is the one whose requests are nearest in size among those of the same
// shape, or of any shape where there is none. Nil: none compares, and why.
func nearestCeiling(
	all []record.Ceiling, l scenario.Load, encodedPerSpan *float64,
) (nearest *measuredCeiling, why string) {
	switch {
	case l.Engine == scenario.EngineSDK:
		return nil, "they were measured with engine otlp, not sdk"
	case l.CPULimit > 0:
		return nil, "they were measured without a CPU limit of the load generator"
	}
	best, sameShape, sameWay := math.Inf(1), false, false
	for _, measured := range all {
		c := &measuredCeiling{measured}
		if c.Protocol != string(l.Protocol) || c.Compression != string(l.Compression) {
			continue
		}
		sameWay = true
		same := c.Shape == string(l.Shape)
		unknown := encodedPerSpan == nil && (!same || len(l.ResourceAttributes)+len(l.SpanAttributes) > 0)
		if unknown || sameShape && !same || c.Rate <= 0 || c.EncodedPerSpan <= 0 {
			continue
		}
		away := math.Abs(math.Log(c.requestSize(l, encodedPerSpan)))
		if same && !sameShape || away < best {
			nearest, best, sameShape = c, away, same
		}
	}
	if nearest == nil && sameWay {
		why = "how large its spans are is not known"
	} else if nearest == nil {
		why = fmt.Sprintf("they were not measured over %s with compression %s", l.Protocol,
			l.Compression)
	}
	return nearest, why
}

// spanSize is how many times larger a span of the load is than one of the ceiling.
func (c *measuredCeiling) spanSize(encodedPerSpan *float64) float64 {
	if encodedPerSpan == nil || math.Abs(*encodedPerSpan/c.EncodedPerSpan-1) <= sameBytes {
		return 1
	}
	return *encodedPerSpan / c.EncodedPerSpan
}

// requestSize is how many times larger a request of the load is.
func (c *measuredCeiling) requestSize(l scenario.Load, encodedPerSpan *float64) float64 {
	return c.spanSize(encodedPerSpan) * float64(l.SpansPerRequest) / float64(c.SpansPerRequest)
}

// bounds are between which rates the ceiling of the load lies. A request costs something
// for itself and something for each byte: as many bytes a second as were measured, and
// as many requests a second, bound it from both sides.
func (c *measuredCeiling) bounds(
	l scenario.Load, encodedPerSpan *float64,
) (low, high float64, how string) {
	larger := c.spanSize(encodedPerSpan)
	byBytes := c.Rate / larger
	byRequests := c.Rate * float64(l.SpansPerRequest) / float64(c.SpansPerRequest)
	low, high = byBytes, byBytes
	if larger != 1 {
		how = fmt.Sprintf(", scaled by bytes per span to %s", Number(byBytes))
	}
	if size := c.requestSize(l, encodedPerSpan); size < 1/nearRequest || size > nearRequest {
		low, high = min(byBytes, byRequests), max(byBytes, byRequests)
		how = fmt.Sprintf(", between %s and %s for spans and requests of this size", Number(low),
			Number(high))
	}
	if l.Connections > nearConnections*c.Connections {
		low, how = 0, how+fmt.Sprintf(", over %s and not %d", plural(c.Connections, "connection",
			"connections"), l.Connections)
	}
	if !c.Reached {
		high, how = math.Inf(1), how+", where they were not at their limit yet"
	}
	return low, high, how
}
