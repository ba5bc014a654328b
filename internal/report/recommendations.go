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
		p.recommendation(a)
	}
	return p.to(w)
}

func (p *page) recommendation(a verdict.Advice) {
	p.line("")
	p.line("## %s", a.Name)
	p.line("")
	p.line("Symptom: %s.", a.Symptom)
	if a.When != nil {
		p.line("")
		p.line("When: from %s since the start of the load.", a.When)
	}
	p.line("")
	p.line("Evidence:")
	p.line("")
	for _, e := range a.Evidence {
		p.line("- %s (`%s`)", e.Text, e.Source)
	}
	p.line("")
	p.line("Change: %s", a.Change)
	for _, patch := range a.Patches {
		p.line("")
		p.line("In the %s:", patch.For)
		p.line("")
		p.line("```yaml\n%s\n```", strings.TrimRight(patch.YAML, "\n"))
	}
	p.line("")
	p.line("Expected: %s", a.Effect)
	if a.Promise != nil {
		p.line("")
		p.line("To be seen in the next run: `figures.%s` %s %s, now %s.", a.Promise.Figure,
			a.Promise.Sense, inUnit(a.Promise.After, a.Promise.Unit),
			inUnit(a.Promise.Before, a.Promise.Unit))
	}
}

// inUnit is a figure of a promise.
func inUnit(v float64, unit string) string {
	switch unit {
	case "ratio":
		return verdict.Percent(v)
	case "bytes":
		return mib(v)
	}
	return decimal(v) + " " + unit
}
