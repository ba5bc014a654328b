package report

import (
	"io"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// Recommendations is for those who want to change something: recommendations.md.
// Each stands on figures of this record; with none, the file says so.
func Recommendations(w io.Writer, s Summary) error {
	var p page
	p.line("# Recommendations: %s, scenario `%s`", s.Headline, s.Scenario.Name)
	p.line("")
	p.line("Outcome: **%s**. Validity: **%s**. %s.", s.Outcome, s.Validity,
		capital(s.Reason))
	p.line("")
	if s.Validity == verdict.Unusable {
		p.line("The trial is invalid: mend what made it so before anything else is changed.")
		p.line("")
	}
	if len(s.Advice) == 0 {
		p.line("Nothing was found: no figure of this trial gives reason to change a setting.")
		return p.to(w)
	}
	p.line("Each rests on figures of this one trial. Change one setting at a time, and run again.")
	for _, a := range s.Advice {
		p.line("")
		p.line("## %s", a.Name)
		p.line("")
		p.line("Symptom: %s.", a.Symptom)
		p.line("")
		p.line("Evidence:")
		p.line("")
		for _, e := range a.Evidence {
			p.line("- %s (`%s`)", e.Text, e.Source)
		}
		p.line("")
		p.line("Change: %s In the %s:", a.Change, a.Where)
		p.line("")
		p.line("```yaml\n%s\n```", strings.TrimRight(a.Setting, "\n"))
		p.line("")
		p.line("Expected: %s", a.Effect)
	}
	return p.to(w)
}
