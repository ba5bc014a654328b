package verdict

import (
	"fmt"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// killedAmong is killed by the deaths that were noted. A hang is no end.
func (m measure) killedAmong(deaths []record.Death) (killed bool, oom *bool, at *float64) {
	for _, d := range deaths {
		if d.Kind == record.DeathHang {
			continue
		}
		if at == nil && !m.ending.LoadStart.IsZero() {
			at = new(d.Elapsed)
		}
		if d.State.Taken() {
			continue
		}
		short := d.State.OOMKilled // of memory
		if d.Kind == record.DeathOOM || d.Kind == record.DeathKilled || short != nil && *short {
			killed = true
			if oom == nil || short != nil && *short {
				oom = short
			}
		}
	}
	return killed, oom, at
}

// deathChecks names the check of a kind of death that is no kill.
var deathChecks = map[record.DeathKind]string{
	record.DeathPanic: "crash", record.DeathFatal: "crash", record.DeathCrash: "crash",
	record.DeathHang: "hang", record.DeathStart: "restart",
}

// died makes a finding of each way in which the gateway died; a kill that repeats itself
// is one finding. None when it did not die, or died in a record of before deaths were noted.
func died(s *subject) (found []Finding) {
	var kills, crashes, hangs, starts, taken []DeathFigures
	for _, d := range s.f.Deaths {
		switch {
		case d.Kind == record.DeathHang:
			hangs = append(hangs, d)
		case d.State.Taken():
			taken = append(taken, d)
		case d.ForMemory() || d.Kind == record.DeathKilled:
			kills = append(kills, d)
		case d.Kind == record.DeathStart:
			starts = append(starts, d)
		default:
			crashes = append(crashes, d)
		}
	}
	for _, all := range [][]DeathFigures{kills, crashes, hangs, starts, taken} {
		if len(all) > 0 {
			found = append(found, s.deathFinding(all))
		}
	}
	return found
}

// deathFinding tells of deaths of one sort: the first, and how many there were.
func (s *subject) deathFinding(all []DeathFigures) Finding {
	first := all[0]
	f := Finding{
		Check: "gateway", Severity: Critical, From: new(first.Elapsed), Member: first.Member,
		Source: record.EndingFile + ": deaths",
	}
	switch {
	case first.Kind == record.DeathHang:
		f.Check, f.Text = deathChecks[first.Kind], hangText(first)
		f.From, f.To = first.Since, first.Until
	case first.State.Taken():
		f.Severity, f.Reason = Void, GatewayTaken
		f.Text = takenText(first.State) + s.whenDied(first) + takenWhy
	case first.ForMemory() || first.Kind == record.DeathKilled:
		f.Text = fmt.Sprintf("%s was killed%s%s%s", first.who(), forMemory(first.State.OOMKilled),
			s.whenDied(first), s.memoryThen())
	case first.Kind == record.DeathStart:
		f.Check = deathChecks[first.Kind]
		f.Text = first.who() + " did not start again" + s.whenDied(first) + ": " + firstLine(first.Text)
	default:
		f.Check = deathChecks[first.Kind]
		f.Text = fmt.Sprintf("%s ended by itself%s (%s)%s", first.who(), s.whenDied(first),
			first.State.End(), crashText(first.Death))
	}
	if n := len(all); n > 1 {
		f.Text += fmt.Sprintf("; %s died %d times", s.itOrThey(), n)
	}
	if cost := s.costOf(all); cost != "" {
		f.Text += "; " + cost
	}
	if f.Check == "gateway" || f.Check == "crash" {
		f.Text += s.diedWith()
	}
	return f
}

// who names the gateway that died.
func (f DeathFigures) who() string {
	if f.Member != "" {
		return f.Member
	}
	return "the gateway"
}

func (s *subject) itOrThey() string {
	if len(s.pods) > 0 {
		return "gateways"
	}
	return "it"
}

// takenText tells of a gateway that its place took away, and why.
func takenText(s env.State) string {
	return fmt.Sprintf("the gateway was taken away by its place (%s)", s.Reason)
}

const takenWhy = ", and not for anything that it did or for a limit of its own"

// whenDied is empty where the load had not begun.
func (s *subject) whenDied(d DeathFigures) string {
	if s.ending.LoadStart.IsZero() {
		return ""
	}
	return " at " + Clock(d.Elapsed)
}

func hangText(d DeathFigures) string {
	text := "the gateway hung: no metrics, no answer and nothing delivered"
	switch {
	case d.Since == nil:
		return text
	case d.Until != nil:
		return fmt.Sprintf("%s from %s to %s, %s", text, Clock(*d.Since), Clock(*d.Until),
			Seconds(*d.Until-*d.Since))
	case d.Restarted != nil:
		return fmt.Sprintf("%s from %s on; it was killed and ready again at %s", text,
			Clock(*d.Since), Clock(*d.Restarted))
	}
	return fmt.Sprintf("%s from %s on; it did not recover", text, Clock(*d.Since))
}

func crashText(d record.Death) string {
	text := ""
	if said := firstLine(d.Text); said != "" {
		text = ": " + said
	}
	if d.Component != "" {
		text += " (in " + d.Component + ")"
	}
	return text
}

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	const most = 200
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return strings.TrimSpace(text)
}

// costOf is what deaths cost together, where that is known.
func (s *subject) costOf(all []DeathFigures) string {
	var lost, refused, other uint64
	for _, d := range all {
		if d.Cost == nil {
			return ""
		}
		lost, refused = lost+d.Cost.Lost, refused+d.Cost.Refused
		other += d.Cost.Unknown + d.Cost.Unsent + d.Cost.Dropped
	}
	what := "what was due between the starts around it: "
	if len(all) > 1 {
		what = "what was due between the starts around them: "
	}
	lostOrSampled := "lost"
	p := s.r.Header.Prediction
	if len(s.r.Header.Sampling) > 0 && (p == nil || p.Unpredictable != "") {
		lostOrSampled = "lost or sampled"
	}
	return fmt.Sprintf("%s%s spans %s, %s refused, %s never answered or sent", what, Count(lost),
		lostOrSampled, Count(refused), Count(other))
}
