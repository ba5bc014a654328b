package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// Exit codes of a trial that was judged.
const (
	ExitPass       = 0
	ExitInvalid    = 4
	ExitFail       = 99
	ExitInterrupt  = 130 // SIGINT
	ExitTerminated = 143 // SIGTERM
)

// A Check makes findings: one limit held against one record. It is pure.
type Check struct {
	Name string
	Find func(*subject) []Finding
}

// checks are all there are, in the order of a report: first whether the trial may be
// believed, then what the gateway did.
var checks = []Check{
	{"completed", completed},
	{"schedule", schedule},
	{"pacing", generatorLate},
	{"backend", backendSlow},
	{"paused", paused},
	{"looks", looked},
	{"clock", clockSteady},
	{"clocks", clocksAgree},
	{"ledger", balanced},
	{"limits", enforced},
	{"host", hostPressed},
	{"ceiling", ceiling},
	{"notes", noted},
	{"drain", drained},
	{"gateway", survived},
	{checkBalance, balance},
	{checkBalance, gatewaysTaken},
	{"cpu/memory", resourcesHeld},
	{"loss", lost},
	{"refused", refused},
	{"unanswered", unheard},
	{"unsent", pushedBack},
	{"backlog", backlog},
	{"settled", settled},
	{"growth", growth},
	{"latency", late},
	{checkAssert, assertionsHeld},
	{"counters", counted},
}

// A subject is what the checks look at.
type subject struct {
	measure
	f     Figures
	watch *Watch
}

func newSubject(r *record.Record) *subject {
	s := &subject{measure: newMeasure(r), f: Measure(r), watch: NewWatch(r.Header)}
	for _, sample := range r.Samples {
		s.watch.Add(sample)
	}
	return s
}

// Judge holds a record against every check.
func Judge(r *record.Record) Verdict { return newSubject(r).judge() }

func (s *subject) judge() Verdict {
	var v Verdict
	for _, c := range checks {
		v.Findings = append(v.Findings, c.Find(s)...)
	}
	v.Expected = s.expect(v.Findings)
	v.settle(s.ending.Interrupted)
	return v
}

// settle draws the conclusion from the findings.
func (v *Verdict) settle(interrupted string) {
	count := func(severity Severity) (n int, first string) {
		for _, f := range slices.Backward(v.Findings) {
			if f.Severity == severity {
				n, first = n+1, f.Text
			}
		}
		return n, first
	}
	critical, why := count(Critical)
	voids, whyVoid := count(Void)
	warnings, _ := count(Warning)
	reservations, _ := count(Reservation)
	held, _ := count(Held)

	v.Validity, v.Reasons = Valid, v.reasons()
	switch {
	case voids > 0:
		v.Validity = Unusable
	case reservations > 0:
		v.Validity = Degraded
	}
	switch {
	case critical > 0:
		v.Outcome, v.ExitCode = Fail, ExitFail
		v.Reason = others(why, critical-1, "finding fails", "findings fail")
	case voids > 0:
		v.Outcome, v.ExitCode = Invalid, ExitInvalid
		v.Reason = others(whyVoid, voids-1, "reason", "reasons")
	default:
		v.Outcome, v.ExitCode = Pass, ExitPass
		v.Reason = "no limit was broken"
		if i := slices.IndexFunc(v.Findings, func(f Finding) bool { return f.Expected }); i >= 0 {
			v.Reason = v.Findings[i].Text
		}
		v.Reason += fmt.Sprintf(": %s, %s, %s", plural(held, "check held",
			"checks held"), plural(warnings, "warning", "warnings"),
			plural(reservations, "reservation", "reservations"))
	}
	switch interrupted {
	case "":
	case "SIGTERM", "terminated":
		v.ExitCode = ExitTerminated
	default:
		v.ExitCode = ExitInterrupt
	}
}

func others(first string, more int, one, many string) string {
	if more == 0 {
		return first
	}
	return fmt.Sprintf("%s (and %s)", first, plural(more, "other "+one, "other "+many))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// one is a list of one finding.
func one(check string, severity Severity, format string, args ...any) []Finding {
	return []Finding{{Check: check, Severity: severity, Text: fmt.Sprintf(format, args...)}}
}

// with puts the two numbers of a finding beside its text.
func with(fs []Finding, value, limit *float64, unit, source string) []Finding {
	fs[0].Value, fs[0].Limit, fs[0].Unit, fs[0].Source = value, limit, unit, source
	return fs
}

func sentence(s string) string { return strings.TrimRight(strings.TrimSpace(s), ".") }
