package gateway

import (
	"fmt"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Place is where a candidate is looked for.
type Place string

// The places.
const (
	AtPath     Place = "path"    // Name is a path, taken as it is
	OnPATH     Place = "PATH"    // Name is looked up among the directories of PATH
	BesideTool Place = "sibling" // Name is a file beside the tool's own
)

// A Candidate is a collector binary that may be there.
type Candidate struct {
	Name  string
	Place Place
	// Why it is tried: who named it, or that nobody did.
	Why string
}

func (c Candidate) String() string {
	switch c.Place {
	case AtPath:
		return fmt.Sprintf("%s (%s)", c.Name, c.Why)
	case BesideTool:
		return fmt.Sprintf("%s beside the tool (%s)", c.Name, c.Why)
	default:
		return fmt.Sprintf("%s on PATH (%s)", c.Name, c.Why)
	}
}

// Sibling is the collector that is built beside the tool.
const Sibling = "odigos-stress-otelcol"

// Candidates are the binaries to try, in this order. The first that is there is
// taken. One that somebody named is the only one: another in its place would
// answer another question.
//
// Named is what the command line or the environment says, and goes before g.Binary.
func Candidates(g scenario.Gateway, named string) []Candidate {
	if named != "" {
		return []Candidate{byName(named, "named by --collector-bin or ODIGOS_STRESS_COLLECTOR_BIN")}
	}
	if g.Binary != "" {
		return []Candidate{byName(g.Binary, "named by gateway.binary")}
	}
	var out []Candidate
	if g.Kind == scenario.GatewayOdigos {
		out = append(out, Candidate{Name: "odigosotelcol", Place: OnPATH, Why: "Odigos' own"})
	}
	return append(out,
		Candidate{Name: Sibling, Place: BesideTool, Why: "built by make"},
		Candidate{Name: "otelcol-contrib", Place: OnPATH, Why: "no other was found"},
		Candidate{Name: "otelcol", Place: OnPATH, Why: "no other was found"},
	)
}

func byName(name, why string) Candidate {
	place := OnPATH
	if strings.ContainsAny(name, `/\`) {
		place = AtPath
	}
	return Candidate{Name: name, Place: place, Why: why}
}

// A NotFoundError says that none of the candidates is there, and what to do.
type NotFoundError struct{ Tried []Candidate }

func (e NotFoundError) Error() string {
	var b strings.Builder
	b.WriteString("find collector: none is there; tried, in this order:")
	for _, c := range e.Tried {
		b.WriteString("\n  " + c.String())
	}
	b.WriteString("\nbuild one with: make build\nor name one with: --collector-bin PATH")
	return b.String()
}

// NotFound is the error when none of the candidates is there.
func NotFound(tried []Candidate) error { return NotFoundError{Tried: tried} }
