package report

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// textFindings is how many findings the ending on a terminal tells in full.
const textFindings = 4

// Text is the ending on a terminal: ten to fifteen lines, the last of which names the
// outcome and the exit code.
func Text(w io.Writer, s Summary) error {
	var p page
	p.line("%s: %s", s.Scenario.Name, said(s))
	p.line("  ran       %s; the trial is %s", s.Headline, validityText(s))
	p.limitedText(s.Figures.Limited)
	p.findings(s.Findings)
	p.accountText(s)
	if l := s.Figures.Latency.Total; l != nil {
		clocks := clockErrorText(s.Figures.Latency)
		if clocks != "" {
			clocks = " (± " + clocks + ", by the clocks)"
		}
		p.line("  latency   due to delivery: p50 %s, p99 %s, max %s%s",
			quantileText(l, percentiles[0].of), quantileText(l, percentiles[3].of),
			quantileText(l, percentiles[5].of), clocks)
	}
	p.usageText(s.Figures)
	p.placeText(s)
	p.podsText(s.Figures.Pods)
	if n := len(s.Advice); n > 0 {
		p.line("  advice    %d, see %s", n, RecommendationsFile)
	}
	p.line("  report    %s", filepath.Join(s.Run.Dir, AnalysisFile))
	p.line("outcome: %s, exit code %d", s.Outcome, s.ExitCode)
	return p.to(w)
}

// findings tells the heaviest in full, and names the checks that held.
func (p *page) findings(all []verdict.Finding) {
	told, left := 0, 0
	if i := slices.IndexFunc(all, func(f verdict.Finding) bool { return f.Expected }); i >= 0 {
		told++
		p.line("  %s %-7s %s", mark(all[i].Severity), all[i].Check, all[i].Text)
	}
	for _, severity := range []verdict.Severity{
		verdict.Critical, verdict.Void, verdict.Warning, verdict.Reservation,
	} {
		for _, f := range all {
			switch {
			case f.Severity != severity:
			case told == textFindings:
				left++
			default:
				told++
				p.line("  %s %-7s %s", mark(severity), f.Check, f.Text)
			}
		}
	}
	var held []string
	for _, f := range all {
		if f.Severity == verdict.Held && (len(held) == 0 || held[len(held)-1] != f.Check) {
			held = append(held, f.Check)
		}
	}
	rest := ""
	if left > 0 {
		rest = fmt.Sprintf("; %d more findings in the report", left)
	}
	if len(held) > 0 || left > 0 {
		p.line("  ✓ held    %s%s", strings.Join(held, ", "), rest)
	}
}

func (p *page) accountText(s Summary) {
	a := s.Account.Measured
	if a == nil {
		p.line("  account   not known: %s", noAccount(s))
		return
	}
	d, n := s.Figures.Delivery, verdict.Count[uint64]
	p.line("  account   %s due = %s offered + %s unsent; offered = %s", n(a.Due), n(a.Offered),
		n(a.Unsent), terms(a))
	lost := "lost"
	switch {
	case d.Sampled != nil:
		lost = fmt.Sprintf("not delivered (%s sampled as predicted, %s lost)",
			n(*d.Sampled), n(d.Lost-*d.Sampled))
	case len(s.Sampling) > 0:
		lost = "lost or sampled"
	}
	p.line("            %s delivered, %s undelivered; %s %s%s; %s delivered more than once",
		n(d.Delivered), n(d.Undelivered), n(d.Lost), lost, share(d.LostRatio, "of the acknowledged"),
		n(d.Repeated))
	if d.WhileStopping > 0 || d.Inside != nil {
		p.line("            %s", late(d))
	}
	if f := s.Figures.Explained; f.NotDelivered > 0 {
		p.line("            whole run: %s acknowledged and not delivered, %s", n(f.NotDelivered),
			unexplained(f))
	}
	if r := s.Figures.Rate; r.Target != nil && r.Delivered != nil && r.Encoded != nil {
		arrived := "not known how many"
		if r.Arrived != nil {
			arrived = spansPerSecond(*r.Arrived)
		}
		p.line("  rate      %s arrived while measured, %s delivered at last; target %s, %s encoded",
			arrived, spansPerSecond(*r.Delivered), spansPerSecond(*r.Target), megabytes(*r.Encoded))
	}
}

// unexplained is the rest of the account that nothing explains.
func unexplained(f verdict.ExplainedFigures) string {
	if f.Unexplained == nil {
		return "how many unexplained cannot be told"
	}
	return "unexplained: " + verdict.Count(*f.Unexplained) + " spans"
}

// late is what came after the drain, or had not come by its end.
func late(d verdict.DeliveryFigures) string {
	var parts []string
	if d.WhileStopping > 0 {
		parts = append(parts, fmt.Sprintf("%s of the whole run delivered while the gateway stopped",
			verdict.Count(d.WhileStopping)))
	}
	if d.Inside != nil {
		parts = append(parts, fmt.Sprintf("a queue of %s requests when the drain ended",
			decimal(*d.Inside)))
	}
	return strings.Join(parts, "; ")
}

// terms are the classes of an account that sum to the offered; the two rare ones only
// where there are any.
func terms(a *ledger.Account) string {
	n := verdict.Count[uint64]
	sum := fmt.Sprintf("%s acknowledged + %s refused + %s unanswered", n(a.Acknowledged.Items),
		n(a.RefusedRetryable.Items+a.RefusedPermanent.Items), n(a.Unknown.Items))
	if a.RejectedInPart.Items > 0 {
		sum += fmt.Sprintf(" + %s in requests rejected in part", n(a.RejectedInPart.Items))
	}
	if a.Dropped.Items > 0 {
		sum += fmt.Sprintf(" + %s given up by the SDK", n(a.Dropped.Items))
	}
	return sum
}

func (p *page) usageText(f verdict.Figures) {
	var parts []string
	add := func(name string, most, limit, share *float64, unit unit, from verdict.UsageSource) {
		text := ""
		switch {
		case most == nil:
			text = name + " not known"
		case limit == nil || share == nil:
			text = fmt.Sprintf("%s at most %s, no limit", name, unit(*most))
		default:
			text = fmt.Sprintf("%s at most %s, %s of the limit", name, unit(*most), verdict.Percent(*share))
		}
		parts = append(parts, text+bracketed(from))
	}
	add("CPU"+ofPod(f.CPU.Pod), f.CPU.Max, f.CPU.Limit, f.CPU.Share, cores, f.CPU.UsageSource)
	m := f.Memory
	add("memory"+ofPod(m.Pod), m.Peak, m.Limit, m.Share, mib, m.UsageSource)
	p.line("  gateway   %s", strings.Join(parts, "; "))
}
