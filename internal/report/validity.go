package report

import (
	"strings"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// consequences are what follows from a validity, in words.
var consequences = map[verdict.Validity]string{
	verdict.Valid:    "",
	verdict.Degraded: ": a result with the reservations below, no baseline and no capacity",
	verdict.Unusable: ": the figures below say nothing of the gateway unless a check says so; no " +
		"baseline and no capacity",
}

// validity says how far the trial may be believed and why: before any figure.
func (p *page) validity(s Summary) {
	p.line("- Validity: **%s**%s", s.Validity, consequences[s.Validity])
	for _, severity := range []verdict.Severity{verdict.Void, verdict.Reservation} {
		for _, f := range s.Findings {
			if f.Severity != severity {
				continue
			}
			p.line("  - `%s`: %s", f.Reason, f.Text)
			if do := f.Reason.Remedy(); do != "" {
				p.line("    What to do: %s.", do)
			}
		}
	}
}

// validityText is the same in a line of the terminal's.
func validityText(s Summary) string {
	if len(s.Reasons) == 0 {
		return string(s.Validity)
	}
	names := make([]string, len(s.Reasons))
	for i, r := range s.Reasons {
		names[i] = string(r)
	}
	return string(s.Validity) + " (" + strings.Join(names, ", ") + "): no baseline, no capacity"
}
