package gateway

import (
	"fmt"

	"github.com/goccy/go-yaml"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const (
	// idAdmission refuses gRPC requests before decoding; it is a part of the collector in
	// collector/ and of no other.
	idAdmission = "memory_admission"
	// nameLimiter is appended to what the collector calls its memory_limiter.
	nameLimiter = "/protection"
)

// limiterInterval is ten times less than the collector's documentation recommends: what
// comes in between two looks must fit into the spike limit.
const limiterInterval = "100ms"

// spikePercent of the limit is the spike limit, as in the collector's documentation, and
// in Odigos' chart when its gateway had a limiter.
const spikePercent = 20

// A limiter is a memory_limiter processor, derived from GOMEMLIMIT.
type limiter struct {
	id                 string
	limitMiB, spikeMiB int64
}

// newLimiter has the hard limit at GOMEMLIMIT, and so the soft limit, from which on it
// refuses, a fifth below. Above GOMEMLIMIT it would never refuse: the runtime keeps the
// heap below and spends CPU instead.
func newLimiter(g scenario.Gateway, c Collector) (*limiter, error) {
	typ, err := c.component("processors", "memory_limiter", "memorylimiter")
	if err != nil {
		return nil, err
	}
	limit := int64(g.GoMemLimit) >> 20
	if limit < 1 {
		return nil, fmt.Errorf("its limits are derived from GOMEMLIMIT, which is %s: set"+
			" gateway.gomemlimit to 1Mi or more", g.GoMemLimit)
	}
	return &limiter{typ + nameLimiter, limit, limit * spikePercent / 100}, nil
}

func (l *limiter) config() yaml.MapSlice {
	return m(
		"check_interval", limiterInterval,
		"limit_mib", l.limitMiB,
		"spike_limit_mib", l.spikeMiB,
	)
}

// protect settles what protects the gateway's memory, and with it GOMEMLIMIT.
func (r *rendering) protect() error {
	admits := r.c.has("extensions", idAdmission)
	var err error
	switch r.g.Protection {
	case "":
		r.g.Protection = scenario.ProtectionOdigos
		if !admits && !r.c.Odigos() {
			r.g.Protection, r.unasked = scenario.ProtectionNone, true
		}
	case scenario.ProtectionOdigos:
		if !admits && !r.c.Odigos() {
			err = fmt.Errorf("%w; build a collector that has it with: %s, or set gateway.protection"+
				" to limiter or none", r.c.missing("extensions", idAdmission), BuildCommand)
		}
	case scenario.ProtectionLimiter:
		r.limiter, err = newLimiter(r.g, r.c)
	}
	if err != nil {
		return fmt.Errorf("protection %s: %w", r.g.Protection, err)
	}
	// Odigos' own check is a part of its gRPC server and goes by GOMEMLIMIT: without that
	// it is off.
	if r.c.Odigos() && r.g.Protection != scenario.ProtectionOdigos {
		r.g.GoMemLimit = 0
	}
	return nil
}

// admission is whether our extension is rendered: a real odigosotelcol has its own check.
func (r *rendering) admission() bool {
	return r.g.Protection == scenario.ProtectionOdigos && !r.c.Odigos()
}

// protectionNotes say what the protection is, where it is not Odigos'.
func (r *rendering) protectionNotes() (notes []string) {
	switch r.g.Protection {
	case scenario.ProtectionLimiter:
		notes = append(notes, fmt.Sprintf("A stock memory_limiter protects the gateway, which Odigos'"+
			" does not have: it refuses after decoding, from %d MiB of heap on.",
			r.limiter.limitMiB-r.limiter.spikeMiB))
	case scenario.ProtectionNone:
		why := ""
		if r.unasked {
			why = ", for " + r.c.Name + " has no extension " + idAdmission
		}
		notes = append(notes, "Nothing protects the gateway's memory"+why+": it takes in whatever"+
			" comes, until the kernel kills it. Odigos refuses requests before decoding them when its"+
			" heap is at GOMEMLIMIT.")
	default:
		if r.admission() {
			notes = append(notes, "Requests over gRPC are refused before decoding when the heap is at"+
				" GOMEMLIMIT, on Odigos' conditions, though not by Odigos' code (docs/adr/0013).")
		}
	}
	if r.c.Odigos() && r.g.Protection != scenario.ProtectionOdigos {
		notes = append(notes, "GOMEMLIMIT is not set: Odigos' own check goes by it, and nothing else"+
			" turns it off.")
	}
	return notes
}
