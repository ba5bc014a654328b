package verdict

import (
	"fmt"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// counted compares the collector's own counters with the ledger, over the whole run:
// they agree, or the counter and the amount are named. The ledger is right either
// way: it counts at the border.
func counted(s *subject) []Finding {
	if s.account() == nil {
		return nil
	}
	if s.gone() {
		return one("counters", Note, "the collector's counters ended with it and cannot be compared "+
			"with the ledger")
	}
	var found []Finding
	for _, metric := range []record.Metric{record.ReceiverAccepted, record.ExporterSent} {
		if s.total(metric) == nil {
			found = append(found, one("counters", Note, "%s is not known: the ledger cannot be "+
				"compared with it", metric)...)
		}
	}
	for _, b := range s.f.Explained.Books {
		found = append(found, b.finding())
	}
	return append(found, s.explains()...)
}

// finding tells one book.
func (b Book) finding() Finding {
	f := Finding{
		Check: "counters", Severity: Held, Value: new(float64(b.Says)),
		Limit: new(float64(b.Least)), Unit: "spans", Source: record.SamplesFile + ": ",
	}
	for i, metric := range b.metrics {
		if i > 0 {
			f.Source += ", "
		}
		f.Source += "actors.gateway.metrics." + string(metric)
	}
	switch {
	case b.Says == b.Least || b.Says == b.Most:
		f.Text = fmt.Sprintf("%s agrees with the ledger: %s %s", b.Counter, Count(b.Says), b.of)
	case b.Unexplained == 0:
		f.Text = fmt.Sprintf("%s says %s, the ledger %s %s, up to %s: %s", b.Counter, Count(b.Says),
			Count(b.Least), b.of, Count(b.Most), b.room)
	default:
		f.Severity = Note
		f.Text = fmt.Sprintf("%s says %s, the ledger %s %s: %s; unexplained: %s spans", b.Counter,
			Count(b.Says), Count(b.Least), b.of, more(b), Count(b.Unexplained))
		if b.room != "" {
			f.Text += "; " + b.room
		}
	}
	return f
}

func more(b Book) string {
	if b.Says > b.Most {
		return Count(b.Says-b.Most) + " more"
	}
	return Count(b.Least-b.Says) + " fewer"
}

// explains tells where the acknowledged spans are that were not delivered.
func (s *subject) explains() []Finding {
	const check = "explained"
	f := s.f.Explained
	if !f.Known || f.NotDelivered == 0 && (f.Contradicting == nil || *f.Contradicting == 0) {
		return nil
	}
	text := fmt.Sprintf("of %s acknowledged spans that were not delivered in the whole run, %s",
		Count(f.NotDelivered), strings.Join(f.Terms(), ", "))
	severity := Held
	switch {
	case f.Unexplained == nil:
		severity = Note
		text += "; whether anything is unexplained cannot be told"
	case *f.Unexplained > 0:
		severity = Note
		text += fmt.Sprintf("; unexplained: %s spans", Count(*f.Unexplained))
		if m := s.ending.Missing; len(m) > 0 {
			text += fmt.Sprintf(" (first measured one missing: stream %d, sequence %d)", m[0].Stream,
				m[0].First)
		}
	default:
		text += "; unexplained: 0 spans"
	}
	if f.Contradicting != nil && *f.Contradicting > 0 {
		severity = Reservation
		text += fmt.Sprintf("; %s spans were delivered though their traces were predicted to be "+
			"dropped%s: the prediction does not hold for this collector", Count(*f.Contradicting),
			s.firstAgainst())
	}
	finding := one(check, severity, "%s", text)
	if f.Unexplained != nil {
		finding = with(finding, new(float64(*f.Unexplained)), new(0.0), "spans",
			record.EndingFile+": account_all, predicted_dropped; "+record.SamplesFile)
	}
	return because(WrongPrediction, finding)
}

// Terms are the explanations that there are, in words.
func (f ExplainedFigures) Terms() (terms []string) {
	sampled := "were predicted to be dropped by the sampler"
	if f.Assumed {
		sampled = "are put down to the sampler, which cannot be predicted"
	}
	for _, t := range []struct {
		n    uint64
		what string
	}{
		{f.Sampled, sampled},
		{f.GivenUp, fmt.Sprintf("were given up by the exporter (%s of them answered with failure by "+
			"the backend)", Count(f.TurnedAway))},
		{f.NotQueued, "were not taken by a sending queue"},
		{f.RefusedInside, "were refused by a memory_limiter behind the acknowledgement"},
		{f.Evicted, "were dropped by a tail_sampling before it decided"},
		{f.Inside, "were still inside the gateway, or died with it"},
	} {
		if t.n > 0 {
			terms = append(terms, Count(t.n)+" "+t.what)
		}
	}
	if terms == nil {
		terms = []string{"none has an explanation"}
	}
	return terms
}

// firstAgainst names the first range that came against the prediction.
func (s *subject) firstAgainst() string {
	came := s.ending.Predicted.Came
	if len(came) == 0 {
		return ""
	}
	return fmt.Sprintf(" (first: stream %d, sequences %d to %d, trace %s)", came[0].Stream,
		came[0].First, came[0].First+came[0].Count-1, came[0].TraceID)
}
