package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A page is text being written, line by line.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// cells is a line of a table. What would end a cell is escaped.
func (p *page) cells(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.NewReplacer("|", `\|`, "\n", " ").Replace(c)
	}
	p.line("| %s |", strings.Join(cells, " | "))
}

func (p *page) to(w io.Writer) error {
	if _, err := io.WriteString(w, p.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Markdown is for people: analysis-report.md. The answer comes first, then whether it
// may be believed, then the numbers.
func Markdown(w io.Writer, s Summary) error {
	if s.SchemaVersion == 0 {
		return errors.New("write report: the summary is empty")
	}
	var p page
	p.answer(s)
	p.limited(s.Figures.Limited)
	p.checks(s)
	p.violations(s)
	p.deaths(s)
	p.place(s)
	p.account(s)
	p.latency(s.Figures.Latency)
	p.pods(s.Figures.Pods)
	for _, of := range sections(s.Figures) {
		p.section(of)
	}
	p.pictures()
	p.advice(s)
	p.ran(s)
	p.unknown(s)
	return p.to(w)
}

var words = map[verdict.Outcome]string{
	verdict.Pass:    "the gateway held",
	verdict.Invalid: "no answer: the trial did not ask its question",
	verdict.Fail:    "the gateway did not hold",
}

// said is the answer in words. A gateway that fell as its scenario expects did not hold.
func said(s Summary) string {
	switch {
	case s.Outcome != verdict.Pass:
	case s.Expected == scenario.ExpectKilled:
		return "the gateway was killed, as expected"
	case s.Expected == scenario.ExpectCritical:
		return "a resource threshold became critical, as expected"
	}
	return words[s.Outcome]
}

func (p *page) answer(s Summary) {
	p.line("# %s: %s, %s", s.Headline, s.Outcome, said(s))
	p.line("")
	p.validity(s)
	p.line("- **%s**", capital(s.Reason))
	p.line("- Exit code: %d", s.ExitCode)
	p.line("- Ran: %s, scenario `%s`, environment %s", s.Headline, s.Scenario.Name,
		s.Run.Environment)
	t := s.Figures.Time
	p.line("- Asked: %s %s spans/s, warm-up %s, measured %s of %s", s.Scenario.Load.Pattern,
		decimal(float64(s.Scenario.Load.Rate)), verdict.Seconds(t.WarmUp),
		verdict.Seconds(t.Measured), verdict.Seconds(t.Planned))
	p.line("")
}

// capital begins a sentence; an expression stays as it is.
func capital(s string) string {
	if first, _, _ := strings.Cut(s, " "); strings.ContainsAny(first, "<>=(_") {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

func (p *page) checks(s Summary) {
	p.line("## Checks")
	p.line("")
	p.cells("", "check", "weight", "finding")
	p.line("|---|---|---|---|")
	for _, f := range s.Findings {
		p.cells(mark(f.Severity), f.Check, string(f.Severity), f.Text)
	}
	p.line("")
}

func mark(s verdict.Severity) string {
	switch s {
	case verdict.Held:
		return "✓"
	case verdict.Critical, verdict.Void:
		return "✗"
	case verdict.Warning, verdict.Reservation:
		return "!"
	}
	return "·"
}

// A class is one line of the account.
type class struct {
	name string
	fate ledger.Fate
}

func classes(a *ledger.Account) []class {
	return []class{
		{"acknowledged", a.Acknowledged},
		{"refused, may be tried again", a.RefusedRetryable},
		{"refused for good", a.RefusedPermanent},
		{"in requests rejected in part", a.RejectedInPart},
		{"unknown: nobody answered", a.Unknown},
		{"given up by the sending SDK", a.Dropped},
	}
}

func (p *page) account(s Summary) {
	p.line("## The account")
	p.line("")
	a := s.Account.Measured
	if a == nil {
		p.line("Not known: %s.", noAccount(s))
		p.line("")
		return
	}
	p.line("Spans due within the measured time, by identity, as the load generator's and the "+
		"backend's books say together. From `%s` (account_measured); `summary.json`: "+
		"ledger.measured.", record.EndingFile)
	p.line("")
	n := verdict.Count[uint64]
	p.cells("", "spans", "delivered once", "delivered more than once", "not delivered")
	p.line("|---|---:|---:|---:|---:|")
	var sum ledger.Fate
	for _, c := range classes(a) {
		p.cells(c.name, n(c.fate.Items), n(c.fate.Once), n(c.fate.Repeatedly),
			n(c.fate.NotDelivered))
		sum.Items += c.fate.Items
		sum.Once += c.fate.Once
		sum.Repeatedly += c.fate.Repeatedly
		sum.NotDelivered += c.fate.NotDelivered
	}
	p.cells("**offered** (sum)", n(sum.Items), n(sum.Once), n(sum.Repeatedly),
		n(sum.NotDelivered))
	p.cells("unsent: no worker was free", n(a.Unsent), "", "", n(a.Unsent))
	p.cells("**due** = offered + unsent", n(a.Due), n(sum.Once), n(sum.Repeatedly),
		n(sum.NotDelivered+a.Unsent))
	p.line("")
	d := s.Figures.Delivery
	p.loss(s)
	p.line("- Undelivered (offered and not delivered): %s spans%s", n(d.Undelivered),
		share(d.UndelRatio, "of the offered"))
	p.line("- Refused: %s spans%s", n(d.Refused), share(d.RefusedPart, "of the offered"))
	p.line("- Unanswered and not delivered: %s spans%s; unanswered and yet delivered: %s",
		n(d.Unanswered), share(d.UnansweredPart, "of the offered"), n(d.Unheard))
	if d.WhileStopping > 0 {
		p.line("- Delivered while the gateway was stopping, of the whole run: %s spans; they count as "+
			"delivered", n(d.WhileStopping))
	}
	if d.Inside != nil {
		p.line("- Still inside when the drain ended: a queue of %s requests", decimal(*d.Inside))
	}
	p.line("- Deliveries beyond the first: %s, of %s spans", n(d.Extra), n(d.Repeated))
	p.line("- Whole run, warm-up included: %s due, %s offered, %s acknowledged, %s of them not "+
		"delivered, %s impossible (`summary.json`: ledger.whole_run)", n(s.Account.All.Due),
		n(s.Account.All.Offered), n(s.Account.All.Acknowledged.Items),
		n(s.Account.All.Acknowledged.NotDelivered), n(s.Account.All.Impossible))
	p.explained(s.Figures.Explained)
	if t := a.Traces; t != nil {
		p.line("- Traces whose spans were all acknowledged: %s kept whole, %s kept in part (%s spans "+
			"missing), %s dropped whole (%s spans)", n(t.Whole), n(t.InPart), n(t.MissingSpans),
			n(t.Dropped), n(t.DroppedSpans))
	}
	for i, m := range s.Account.Missing {
		if i == mostMissing {
			p.line("- Missing: %d more ranges in `%s`", len(s.Account.Missing)-i, record.EndingFile)
			break
		}
		p.line("- Missing: stream %d, sequences %s to %s", m.Stream, n(m.First), n(m.First+m.Count-1))
	}
	p.line("")
}

// loss is what was acknowledged and not delivered, as far as it is told from sampling.
func (p *page) loss(s Summary) {
	d, n := s.Figures.Delivery, verdict.Count[uint64]
	loss, sampled := "**Loss** (acknowledged and not delivered)", ""
	switch {
	case d.Sampled != nil:
		loss = "Acknowledged and not delivered"
		sampled = fmt.Sprintf("; %s of them are of traces that %s was predicted to drop, %s are "+
			"**lost**", n(*d.Sampled), strings.Join(s.Sampling, ", "), n(d.Lost-*d.Sampled))
	case len(s.Sampling) > 0:
		loss = "Lost or sampled by the configuration (acknowledged and not delivered)"
	}
	p.line("- %s: %s spans%s%s", loss, n(d.Lost), share(d.LostRatio, "of the acknowledged"), sampled)
}

// explained is where the acknowledged spans are that were not delivered.
func (p *page) explained(f verdict.ExplainedFigures) {
	n := verdict.Count[uint64]
	if f.NotDelivered > 0 {
		p.line("- Of the %s acknowledged and not delivered in the whole run %s; **%s** "+
			"(`summary.json`: figures.explained)", n(f.NotDelivered), strings.Join(f.Terms(), ", "),
			unexplained(f))
	}
	if f.Contradicting != nil && *f.Contradicting > 0 {
		p.line("- Delivered though predicted to be dropped: %s spans, see predicted_dropped in `%s`",
			n(*f.Contradicting), record.EndingFile)
	}
}

// mostMissing is how many ranges of missing spans are told.
const mostMissing = 20

// noAccount says why there is no account.
func noAccount(s Summary) string {
	if s.Figures.Time.Measured <= 0 {
		return "the trial ended before its measured time"
	}
	return "one of the two books is missing"
}

func share(v *float64, of string) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf(", %s %s", verdict.Percent(*v), of)
}

// section writes what is known; what is not is named at the end of the report.
func (p *page) section(of section) {
	p.line("## %s", of.title)
	p.line("")
	p.line("%s", of.of)
	p.line("")
	if !slices.ContainsFunc(of.rows, func(r row) bool { return r.v != nil }) {
		p.line("None of these figures is known.")
		p.line("")
		return
	}
	p.cells("", "", "`summary.json`: figures.")
	p.line("|---|---:|---|")
	for _, r := range of.rows {
		if r.v != nil {
			p.cells(r.what, r.unit(*r.v), "`"+r.path+"`")
		}
	}
	p.line("")
}

func (p *page) pictures() {
	p.line("## Pictures")
	p.line("")
	for _, name := range pictureOrder {
		p.line("![%s](%s/%s.png)", pictures[name].title, GraphsDir, name)
		p.line("")
	}
}

func (p *page) advice(s Summary) {
	p.line("## Recommendations")
	p.line("")
	if len(s.Advice) == 0 {
		p.line("Nothing was found that the figures give reason to change.")
	}
	for _, a := range s.Advice {
		p.line("- %s: see [%s](%s)", a.Symptom, a.Name, RecommendationsFile)
	}
	p.line("")
}

// programText says which program of an image or of the machine the collector was.
func programText(c record.Collector) string {
	if c.Program == "" {
		return "the entry point"
	}
	return "program `" + c.Program + "`"
}

func (p *page) ran(s Summary) {
	m, l := s.Machine, s.Scenario.Load
	p.line("## What ran")
	p.line("")
	p.line("- Record `%s`, run %s, begun %s", s.Run.Record, s.Run.ID,
		s.Run.Created.UTC().Format(time.RFC3339))
	p.line("- Command: `%s`", strings.Join(s.Run.Command, " "))
	p.line("- Tool: odigos-stress %s, built with %s", s.Tool.Version, s.Tool.Go)
	p.line("- Collector: %s, %s%s", s.Headline, programText(s.Collector), ofImage(s.Collector))
	p.line("- Limits of the gateway: %s, enforced by %s", limits(s), s.Enforcement.Method)
	p.line("- Load: engine %s, shape %s, %d spans a request, %s, compression %s, %s, "+
		"at most %d requests in flight, retry %s, seed %d", l.Engine, l.Shape, l.SpansPerRequest,
		l.Protocol, l.Compression, connections(l.Connections), l.InFlight, l.Retry, l.Seed)
	if len(s.Pods) > 0 {
		p.line("- Pods as a file asks (--pods): %s; whole in `%s`: pods", PodsAsked(s.Pods),
			record.HeaderFile)
	}
	if m.Name != "" {
		p.line("- Gateway on %s", nodesText([]record.Machine{m}))
	} else {
		p.line("- Machine: %s/%s, %s, %d cores, %s, cgroup %s, load average before %.2f", m.OS,
			m.Arch, m.CPUModel, m.Cores, mib(float64(m.MemoryBytes)), m.Cgroup, m.Load1)
	}
	p.line("")
}

func connections(n int) string {
	if n == 1 {
		return "1 connection"
	}
	return fmt.Sprintf("%d connections", n)
}

func limits(s Summary) string {
	cpu, memory := "no CPU limit", "no memory limit"
	if c := s.Scenario.Gateway.CPULimit; c > 0 {
		cpu = cores(float64(c))
	}
	if b := s.Scenario.Gateway.MemoryLimit; b > 0 {
		memory = mib(float64(b))
	}
	return cpu + ", " + memory
}

// unknown names every figure that is not there.
func (p *page) unknown(s Summary) {
	p.line("## What is not known")
	p.line("")
	any := false
	for _, of := range sections(s.Figures) {
		var names []string
		for _, r := range of.rows {
			if r.v == nil {
				names = append(names, r.what)
			}
		}
		if len(names) > 0 {
			any = true
			p.line("- %s: %s", of.title, strings.Join(names, "; "))
		}
	}
	if f := s.Figures.Failures; f.Killed && f.OOMKilled == nil {
		any = true
		p.line("- Whether the gateway was killed for want of memory")
	}
	if !any {
		p.line("Every figure of this report was measured.")
		return
	}
	p.line("")
	p.line("A figure is not known when its source did not offer it, or when there were too few " +
		"looks to say it. It is never 0 for that.")
}
