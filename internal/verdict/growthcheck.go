package verdict

import (
	"fmt"
	"math"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// growth asks whether the gateway uses more and more memory, or goroutines. A trial that is
// too short to tell says so.
func growth(s *subject) []Finding {
	if len(s.samples) == 0 {
		return nil
	}
	severity := Warning
	if s.r.Header.Scenario.Thresholds.Growth == scenario.GrowthCritical {
		severity = Critical
	}
	found := growthFinding(s.f.Growth.Memory, severity, perMinuteMiB)
	if g := s.f.Growth.Goroutines; g.Kind == GrowthContinue {
		found = append(found, growthFinding(g, severity, perMinuteNumber)...)
	}
	return append(found, s.endsGrow()...)
}

// endsGrow notes growth of the ends' own memory. It takes nothing from what the trial says
// of the gateway, and is no reservation: where it comes to make the machine short of memory
// the checks of the host say so.
func (s *subject) endsGrow() (found []Finding) {
	for _, of := range []struct {
		name string
		g    GrowthFigure
	}{{record.Loadgen, s.f.Growth.Loadgen}, {record.Backend, s.f.Growth.Backend}} {
		if of.g.Kind == GrowthContinue {
			found = append(found, one("growth", Note, "the %s's %s grows: %s", of.name, of.g.Of,
				of.g.text(perMinuteMiB))...)
		}
	}
	return found
}

// A perMinute writes a slope.
type perMinute func(float64) string

func perMinuteMiB(v float64) string    { return signed(v/(1<<20), "%+.2f") + " MiB/min" }
func perMinuteNumber(v float64) string { return signed(v, "%+.1f") + "/min" }

// signed is without a sign where it rounds to 0.
func signed(v float64, format string) string {
	if math.Abs(v) < 0.005 {
		return "0"
	}
	return fmt.Sprintf(format, v)
}

// text is the slope with its interval, and over what it was seen.
func (g GrowthFigure) text(unit perMinute) string {
	text := unit(*g.PerMinute)
	if g.Low != nil && g.High != nil {
		text += fmt.Sprintf(" (99.9 %%: %s to %s)", unit(*g.Low), unit(*g.High))
	}
	return text + fmt.Sprintf(", over %s and %s", Lasting(*g.To-*g.From), g.points())
}

// points are what the trend was taken from, in words.
func (g GrowthFigure) points() string {
	switch g.Of {
	case ofLiveHeap:
		return plural(g.Seen, "collection", "collections")
	case ofHeap:
		return plural(g.Seen, "trough", "troughs")
	}
	return plural(g.Seen, "look", "looks")
}

// outlook is when limits are met if it goes on.
func (g GrowthFigure) outlook() string {
	text := ""
	if g.ToGoMemLimit != nil {
		text += fmt.Sprintf("; if it goes on, what is in use is as large as GOMEMLIMIT in %s at "+
			"the latest", Lasting(*g.ToGoMemLimit))
	}
	if g.ToLimit != nil {
		text += fmt.Sprintf("; if it goes on, the memory limit is reached in %s", Lasting(*g.ToLimit))
	}
	return text
}

func growthFinding(g GrowthFigure, severity Severity, unit perMinute) []Finding {
	const check = "growth"
	source := record.SamplesFile + ": actors.gateway"
	tell := func(weight Severity, format string, args ...any) []Finding {
		f := with(one(check, weight, format, args...), g.PerMinute, nil, "bytes/min", source)
		if g.Of == ofRoutines {
			f[0].Unit = "goroutines/min"
		}
		f[0].From, f[0].To = g.From, g.To
		return f
	}
	switch g.Kind {
	case GrowthExempt:
		return one(check, Note, "whether memory grows by itself is not judged: the load is not "+
			"constant")
	case GrowthNone:
		text := fmt.Sprintf("the gateway's %s does not grow: %s", g.Of, g.text(unit))
		if g.High != nil {
			text += fmt.Sprintf("; more than %s is ruled out", unit(*g.High))
		}
		return tell(Held, "%s", text)
	case GrowthSettles:
		return tell(Note, "the gateway's %s grew and settles: %s, hardly any of it at the end; a "+
			"longer trial or warm-up shows whether it stays", g.Of, g.text(unit))
	case GrowthSlow:
		return tell(Note, "the gateway's %s grows: %s, too slowly to matter%s", g.Of, g.text(unit),
			g.outlook())
	case GrowthBacklog:
		return tell(Note, "the gateway's %s grows: %s, and so does the exporter's queue, which is "+
			"the cause%s", g.Of, g.text(unit), g.outlook())
	case GrowthContinue:
		return tell(severity, "the gateway's %s grows: %s%s", g.Of, g.text(unit), g.outlook())
	}
	switch {
	case g.Seen == 0 && (g.Of == ofAnon || g.Of == ofRoutines):
		return one(check, Note, "whether memory grows is not known: it was not seen")
	case g.Needed > 0:
		return one(check, Note, "whether memory grows is not known: the trial was too short to "+
			"tell (%s of the %s, at least %d are needed)", g.points(), g.Of, g.Needed)
	}
	return tell(Note, "whether memory grows is not known: the %s went up and down too slowly to "+
		"tell (%s)", g.Of, g.text(unit))
}

// Lasting is a length of time in hours and minutes, or in days.
func Lasting(s float64) string {
	switch whole := int(math.Round(s)); {
	case s > 100*365*86400:
		return "more than 100 years"
	case whole >= 2*86400:
		return fmt.Sprintf("%d days", whole/86400)
	case whole >= 3600:
		return fmt.Sprintf("%d h %d min", whole/3600, whole/60%60)
	case whole >= 120:
		return fmt.Sprintf("%d min", whole/60)
	default:
		return fmt.Sprintf("%d s", whole)
	}
}
