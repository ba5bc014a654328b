package gateway

import (
	"fmt"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Candidate is a collector binary that may be there.
type Candidate struct {
	// Name is looked up on PATH; with a slash in it, it is a path.
	Name string
	// Sibling is set where Name is a file beside the tool's own.
	Sibling bool
	// Required is set where somebody named it: nothing else will do.
	Required bool
	// Why it is tried: who named it, or what it is.
	Why string
}

func (c Candidate) String() string {
	switch {
	case c.Sibling:
		return fmt.Sprintf("%s beside the tool (%s)", c.Name, c.Why)
	case strings.ContainsAny(c.Name, `/\`):
		return fmt.Sprintf("%s (%s)", c.Name, c.Why)
	default:
		return fmt.Sprintf("%s on PATH (%s)", c.Name, c.Why)
	}
}

// BuildCommand builds a collector beside the tool.
const BuildCommand = "make build"

// Sibling is the collector that is built beside the tool.
const Sibling = "odigos-stress-otelcol"

// Candidates are the binaries to try, in this order. The first that is there is
// taken. One that somebody named is the only one: another in its place would
// answer another question.
//
// Named is what the command line or the environment says, and goes before g.Binary.
func Candidates(g scenario.Gateway, named string) []Candidate {
	if named != "" {
		return []Candidate{{
			Name: named, Required: true,
			Why: "named by --collector-bin or ODIGOS_STRESS_COLLECTOR_BIN",
		}}
	}
	if g.Binary != "" {
		return []Candidate{{Name: g.Binary, Required: true, Why: "named by gateway.binary"}}
	}
	var out []Candidate
	if g.Kind == scenario.GatewayOdigos {
		out = append(out, Candidate{Name: "odigosotelcol", Why: "Odigos' own"})
	}
	return append(out,
		Candidate{Name: Sibling, Sibling: true, Why: "built by make"},
		Candidate{Name: "otelcol-contrib", Why: "no other was found"},
		Candidate{Name: "otelcol", Why: "no other was found"},
	)
}

// A NotFoundError says that none of the candidates is there, and what to do.
type NotFoundError struct{ Tried []Candidate }

func (e NotFoundError) Error() string {
	var b strings.Builder
	b.WriteString("find collector: none is there; tried, in this order:")
	for _, c := range e.Tried {
		b.WriteString("\n  " + c.String())
	}
	b.WriteString("\nbuild one with: " + BuildCommand +
		"\nor name one with: --collector-bin PATH, or --collector-image NAME")
	return b.String()
}

// NotFound is the error when none of the candidates is there.
func NotFound(tried []Candidate) error { return NotFoundError{Tried: tried} }
