package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/sizing"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// SizeFormats are the kinds of readers of a size.
var SizeFormats = map[string]func(w io.Writer, a sizing.Answer) error{
	"text": SizeText,
	"json": SizeJSON,
	"helm": SizeHelm,
}

// SizeText is for people at a terminal: the size to take, the others beside it, why, what is
// assumed, and what was not measured.
func SizeText(w io.Writer, a sizing.Answer) error {
	if len(a.Sizes) == 0 {
		return errors.New("write size: there is none")
	}
	var p page
	best := a.Sizes[0]
	p.line("%s: %s", wishText(a.Wish), podsText(best))
	p.sizeCapacity(a, best)
	p.sizeMemory(best)
	p.sizeQueue(best)
	p.sizeScaler(best)
	if c := best.Cost; c != nil {
		p.line("  cost        %s a month (730 h), %s per billion spans at the asked rate, at your prices",
			money(c.Month, c.Currency), money(c.Billion, c.Currency))
	}
	p.line("")
	p.line("sizes that hold it")
	p.columns(sizeTable(a))
	p.list("why", whySize(a))
	p.list("assumed", assumptions(a))
	p.list("how fast a core is", hostTexts(a))
	p.list("not measured", notMeasured(a))
	p.list("memory models, held against their trials", modelTexts(a))
	if len(a.LeftOut) > 0 {
		var left []string
		for _, l := range a.LeftOut {
			left = append(left, l.Baseline+": "+l.Why)
		}
		p.list("left out", left)
	}
	p.line("")
	p.line("held against the truth: one pod at what it must hold, and at what should break it")
	p.line("  %s", shell(best.Trials.Holds))
	p.line("  %s", shell(best.Trials.Breaks))
	return p.to(w)
}

func (p *page) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.line("")
	p.line("%s", title)
	for _, l := range lines {
		p.line("  - %s", l)
	}
}

func wishText(w sizing.Wish) string {
	text := spansPerSecond(w.Rate)
	if w.Headroom > 0 {
		text += fmt.Sprintf(" with %s headroom", verdict.Percent(w.Headroom))
	}
	if w.Survive > 0 {
		text += ", " + pods(w.Survive) + " may be lost"
	}
	if w.Outage > 0 {
		text += fmt.Sprintf(", the backend away for %s", verdict.Seconds(w.Outage))
	}
	return text
}

func podsText(s sizing.Size) string {
	text := fmt.Sprintf("%s of %s", pods(s.Replicas), podText(s))
	if s.Interpolated {
		text += ", interpolated"
	}
	return text
}

// podText is the limits of one pod.
func podText(s sizing.Size) string {
	text := fmt.Sprintf("%v CPU, %v", scenario.CPU(s.Limits.CPU), scenario.Bytes(s.Limits.Memory))
	if s.Limits.Preset != "" {
		text += " (" + string(s.Limits.Preset) + ")"
	}
	return text
}

// pods is a number of them.
func pods(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return verdict.Count(int64(n)) + " pods"
}

func (p *page) sizeCapacity(a sizing.Answer, s sizing.Size) {
	p.line("  each holds  %s", capacityText(s))
	if text := speedText(a.Host); text != "" {
		p.line("              on %s", text)
	}
	loss := ""
	if a.Wish.Survive > 0 {
		loss = fmt.Sprintf(", %s when %s lost", decimal(s.AfterLoss), isAre(a.Wish.Survive))
	}
	p.line("  gets        %s%s; all together hold %s more than is asked",
		spansPerSecond(s.PerPod), loss, verdict.Percent(s.Spare))
	l := s.Limits
	runtime := "GOMEMLIMIT not set"
	if l.GoMemLimit > 0 {
		runtime = fmt.Sprintf("GOMEMLIMIT %.0fMiB", l.GoMemLimit/(1<<20))
	}
	if l.GoMaxProcs > 0 {
		runtime += fmt.Sprintf(", GOMAXPROCS %d", l.GoMaxProcs)
	}
	p.line("  go runtime  %s", runtime)
}

func isAre(n int) string {
	if n == 1 {
		return "1 is"
	}
	return verdict.Count(int64(n)) + " are"
}

// capacityText is what one pod holds, and who says so.
func capacityText(s sizing.Size) string {
	c := s.Capacity
	text := fmt.Sprintf("%s to %s spans/s", decimal(c.Low), decimal(c.High))
	var from []string
	for _, source := range s.Sources {
		from = append(from, fmt.Sprintf("baseline %s: %s to %s (%s%s), record %s", source.Baseline,
			decimal(source.Capacity.Low), decimal(source.Capacity.High),
			verdict.Percent(source.Confidence), broughtText(source), orDash(source.Record)))
	}
	if s.Interpolated {
		return text + ", on the line between " + strings.Join(from, " and ")
	}
	source := s.Sources[0]
	return fmt.Sprintf("%s (%s%s; baseline %s, record %s)", text, verdict.Percent(source.Confidence),
		broughtText(source), source.Baseline, orDash(source.Record))
}

func (p *page) sizeMemory(s sizing.Size) {
	m := s.Memory
	if m.Anon.Bytes == 0 {
		p.line("  memory      not known: the baseline has no figure of it")
		return
	}
	text := fmt.Sprintf("peak %s anonymous and kernel, %s of the limit%s", mib(m.Anon.Bytes),
		verdict.Percent(m.Anon.Share), fromText(m.Anon))
	if m.Inside > 0 {
		text += fmt.Sprintf("; at %s a pod, where %s spans are inside for %s", spansPerSecond(m.Rate),
			decimal(float64(int64(m.Inside))), verdict.Seconds(m.Stay))
	}
	p.line("  memory      %s", text)
	if w := m.WorkingSet; w.Bytes > 0 {
		p.line("              working set %s, %s of the limit%s", mib(w.Bytes),
			verdict.Percent(w.Share), fromText(w))
	}
}

func fromText(f sizing.Forecast) string {
	by := "between the measured peaks"
	if f.Model {
		by = "by the model"
	}
	text := fmt.Sprintf(" (%s; %s if as far above it as a trial was)", by, mib(f.High))
	if f.AtCeiling {
		text = " (by the model), kept there by GOMEMLIMIT at the price of CPU"
	}
	return text
}

func (p *page) sizeQueue(s sizing.Size) {
	q := s.Queue
	for i, line := range queueTexts(s) {
		if i == 0 {
			p.line("  queue       %s", line)
			continue
		}
		p.line("              %s", line)
	}
	if q.Asked != nil {
		for i, line := range outageTexts(s) {
			if i == 0 {
				p.line("  outage      %s", line)
				continue
			}
			p.line("              %s", line)
		}
	}
}

func (p *page) sizeScaler(s sizing.Size) {
	c := s.Scaler
	target := "CPU target not known: no trial that held was there"
	if c.CPU > 0 {
		target = fmt.Sprintf("CPU target %sm a pod", decimal(float64(milli(c.CPU))))
	}
	p.line("  autoscaler  %d to %d pods; %s (%s, which leaves the headroom)", c.MinReplicas,
		c.MaxReplicas, target, spansPerSecond(c.Rate))
	for _, line := range odigosTexts(s) {
		p.line("              %s", line)
	}
}

func money(v float64, currency string) string {
	text := fmt.Sprintf("%.2f", v)
	if v < 1 {
		text = fmt.Sprintf("%.4f", v)
	}
	if v >= 1000 {
		text = decimal(v)
	}
	return strings.TrimSpace(text + " " + currency)
}

func milli(cores float64) int { return int(1000*cores + 0.5) }

// shell is a command line as a shell reads it back.
func shell(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if strings.ContainsAny(a, " \"'{}[]$&*?;<>|\\") {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// toldSize is an answer with the sentences that go with it.
type toldSize struct {
	sizing.Answer
	Why         []string `json:"why"`
	Assumed     []string `json:"assumed"`
	HostSpeed   []string `json:"host_speed_in_words"`
	NotMeasured []string `json:"not_measured"`
}

// SizeJSON is for programs: every figure in base units, with the sentences of the text.
func SizeJSON(w io.Writer, a sizing.Answer) error {
	if len(a.Sizes) == 0 {
		return errors.New("write size: there is none")
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	err := e.Encode(toldSize{a, whySize(a), assumptions(a), hostTexts(a), notMeasured(a)})
	if err != nil {
		return fmt.Errorf("write size: %w", err)
	}
	return nil
}
