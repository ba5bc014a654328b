package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// plainEvery is how often progress is told where there is no terminal.
const plainEvery = 5 * time.Second

// A progress shows a trial while it runs: on a terminal one line that is written over
// and over, elsewhere a plain line every few seconds.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	plan  plan.Plan
	label string   // which of several trials; empty where it is the only one
	width int      // 0: no terminal
	tty   *os.File // nil: no terminal
	quiet bool
	// inside a search: only the live line is shown, and nothing of it stays.
	inside bool

	before record.Sample // the sample before, for rates
	told   time.Time
	open   []string // the thresholds and assertions that are violated now
	drawn  bool     // a line stands that is to be overwritten
	deaths int      // of the gateway so far
}

func newProgress(w io.Writer, p plan.Plan, quiet bool) *progress {
	v := &progress{w: w, plan: p, quiet: quiet}
	f, ok := w.(*os.File)
	if ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == "" {
		v.tty = f
		v.measure()
	}
	return v
}

// measure takes the terminal's width, which may change while the trial runs.
func (v *progress) measure() {
	v.width = 80
	if width, _, err := term.GetSize(int(v.tty.Fd())); err == nil && width > 0 {
		v.width = width
	}
}

// begin says what is about to run, and for how long.
func (v *progress) begin(dir string) {
	if v.quiet || v.inside {
		return
	}
	s, t := v.plan.Scenario, v.plan.Scenario.Timing
	if v.label != "" {
		fmt.Fprintf(v.w, "\n%s\n", v.label)
	}
	fmt.Fprintf(v.w, "%s: %s\n", s.Name, v.plan.Collector.Headline)
	fmt.Fprintf(v.w, "measuring %s, after %s of warm-up; then up to %s of drain\n",
		time.Duration(t.Duration), t.Total()-time.Duration(t.Duration), time.Duration(t.Drain))
	for _, note := range v.plan.Notes {
		fmt.Fprintf(v.w, "note: %s\n", note)
	}
	fmt.Fprintf(v.w, "record: %s\n", dir)
}

// sample shows one sample, and what was found with it.
func (v *progress) sample(s record.Sample, findings []verdict.Finding) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, f := range findings {
		if !v.inside {
			v.line(fmt.Sprintf("%s %s: %s", clock(s.Elapsed), f.Severity, f.Text))
		}
		v.violated(f)
	}
	if v.tty != nil {
		v.measure()
	}
	text := v.text(s)
	v.before = s
	switch {
	case v.quiet:
	case v.width > 0:
		v.draw(text)
	case !v.inside && s.At.Sub(v.told) >= plainEvery:
		v.told = s.At
		fmt.Fprintln(v.w, text)
	}
}

// died tells of a death of the gateway as it is noted.
func (v *progress) died(d record.Death, nth int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.deaths = nth
	if v.inside {
		return
	}
	text, _, _ := strings.Cut(d.Text, "\n")
	if text != "" {
		text = ": " + text
	}
	who := "the gateway"
	if d.Member != "" {
		who = d.Member
	}
	v.line(fmt.Sprintf("%s death %d of %s, %s%s", clock(d.Elapsed), nth, who, d.Kind, text))
}

// A part is one word of the progress line. Where the line is too long, those of the
// highest rank go first.
type part struct {
	rank int
	text string
}

// text is one look at the trial in one line.
func (v *progress) text(s record.Sample) string {
	t := v.plan.Scenario.Timing
	total := t.Total().Seconds()
	parts := []part{{7, string(s.Phase)}}
	if v.label != "" {
		parts = append([]part{{6, v.label}}, parts...)
	}
	if s.Phase == record.PhaseWarmUp || s.Phase == record.PhaseMeasuring {
		if v.width > 0 {
			parts = append(parts, part{9, bar(s.Elapsed/total, 10)})
		}
		parts = append(parts, part{1, clock(max(0, total-s.Elapsed)) + " left"})
	}
	if text := v.violations(); text != "" {
		parts = append(parts, part{2, text})
	}
	return fit(append(parts, v.figures(s)...), v.width-1)
}

// fit joins as many parts as there is room for; without a width all of them.
func fit(parts []part, width int) string {
	for {
		words := make([]string, len(parts))
		last := 0
		for i, p := range parts {
			words[i] = p.text
			if p.rank > parts[last].rank {
				last = i
			}
		}
		line := strings.Join(words, "  ")
		if width <= 0 || len([]rune(line)) <= width || len(parts) == 1 {
			return line
		}
		parts = slices.Delete(parts, last, last+1)
	}
}

// figures are the rate against its target, what failed, latency, and the gateway's CPU
// and memory against their limits; what is not known is left out. What is inside the
// gateway is a look at two counters that move: only the ledger tells what is lost.
func (v *progress) figures(s record.Sample) []part {
	var out []part
	add := func(rank int, format string, a ...any) {
		out = append(out, part{rank, fmt.Sprintf(format, a...)})
	}
	if v.deaths > 0 {
		add(1, "%s", deathsText(v.deaths, s.Actors[record.Gateway].Running))
	}
	load, back := s.Actors[record.Loadgen], s.Actors[record.Backend]
	target, asked := load.Metrics[record.LoadTarget]
	if rate, known := v.rate(s, record.Loadgen, record.LoadAcknowledged); known && asked {
		add(2, "%s/%s spans/s", short(rate), short(target))
	}
	inside := load.Metrics[record.LoadAcknowledged] - back.Metrics[record.BackendUnique]
	if inside > 0 {
		add(8, "~%s inside", short(inside))
	}
	refused := load.Metrics[record.LoadRefusedRetryable] + load.Metrics[record.LoadRefusedPermanent]
	for _, f := range []struct {
		what  string
		spans float64
	}{
		{"refused", refused},
		{"unanswered", load.Metrics[record.LoadUnknown]},
		{"unsent", load.Metrics[record.LoadUnsent]},
		{"dropped", load.Metrics[record.LoadDropped]},
	} {
		if f.spans > 0 {
			add(5, "%s %s", short(f.spans), f.what)
		}
	}
	if p99, ok := back.Metrics[record.BackendLatencyP99]; ok {
		add(6, "p99 %s", brief(p99))
	}
	limits := v.plan.Gateway.Limits
	if cores, ok := v.cores(s); ok {
		add(3, "cpu %s", against(fmt.Sprintf("%.2f cores", cores), cores, limits.CPUCores))
	}
	if b, ok := workingSet(s); ok {
		add(4, "mem %s", against(fmt.Sprintf("%.0fMi", b/(1<<20)), b, float64(limits.MemoryBytes)))
	}
	return out
}

// gateways are the names of several, or of the only one.
func gateways(s record.Sample) []string {
	if names := s.Members(record.Gateway); len(names) > 0 {
		return names
	}
	return []string{record.Gateway}
}

// workingSet is the gateway's; of several, each with its own limit, the largest.
func workingSet(s record.Sample) (bytes float64, known bool) {
	for _, name := range gateways(s) {
		if u := s.Actors[name].Usage; u != nil && u.MemoryWorkingSet != nil {
			bytes, known = max(bytes, float64(*u.MemoryWorkingSet)), true
		}
	}
	return bytes, known
}

// deathsText counts the gateway's deaths, and says when there is none just now.
func deathsText(n int, running bool) string {
	text := fmt.Sprintf("%d deaths", n)
	if n == 1 {
		text = "1 death"
	}
	if !running {
		text += ", down"
	}
	return text
}

// against is a value as the share of its limit; without one it is text.
func against(text string, value, limit float64) string {
	if limit <= 0 {
		return text
	}
	return fmt.Sprintf("%.0f%%", 100*value/limit)
}

// rate is the growth of a counter since the sample before, a second.
func (v *progress) rate(s record.Sample, actor string, m record.Metric) (float64, bool) {
	now, ok := s.Actors[actor].Metrics[m]
	before, had := v.before.Actors[actor].Metrics[m]
	seconds := s.At.Sub(v.before.At).Seconds()
	if !ok || !had || seconds <= 0 || now < before {
		return 0, false
	}
	return (now - before) / seconds, true
}

// cores are by the place's account, and by the gateway's own where that is not read at each
// look; of several gateways the most.
func (v *progress) cores(s record.Sample) (most float64, known bool) {
	for _, name := range gateways(s) {
		cores, ok := v.accounted(s, name)
		if !ok {
			cores, ok = v.rate(s, name, record.ProcessCPU)
		}
		if ok {
			most, known = max(most, cores), true
		}
	}
	return most, known
}

func (v *progress) accounted(s record.Sample, name string) (float64, bool) {
	now, before := s.Actors[name].Usage, v.before.Actors[name].Usage
	if now == nil || before == nil || now.CPUSeconds == nil || before.CPUSeconds == nil {
		return 0, false
	}
	seconds := now.At.Sub(before.At).Seconds()
	if seconds <= 0 || record.Coarse(seconds) {
		return 0, false
	}
	return (*now.CPUSeconds - *before.CPUSeconds) / seconds, true
}

// Write lets a logger write between the lines.
func (v *progress) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.line(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// line writes a line of its own; v.mu is held.
func (v *progress) line(text string) {
	if v.drawn {
		fmt.Fprint(v.w, "\r\x1b[K")
		v.drawn = false
	}
	fmt.Fprintln(v.w, text)
}

// draw writes over the line that stands; v.mu is held.
func (v *progress) draw(text string) {
	fmt.Fprintf(v.w, "\r%s\x1b[K", text)
	v.drawn = true
}

// end leaves the terminal's line; one inside a search goes with its trial.
func (v *progress) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case !v.drawn:
	case v.inside:
		fmt.Fprint(v.w, "\r\x1b[K")
		v.drawn = false
	default:
		fmt.Fprintln(v.w)
		v.drawn = false
	}
}

func bar(share float64, cells int) string {
	full := int(min(max(share, 0), 1) * float64(cells))
	return "[" + strings.Repeat("=", full) + strings.Repeat(" ", cells-full) + "]"
}

// clock prints seconds as m:ss.
func clock(seconds float64) string {
	sign := ""
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	s := int(seconds + 0.5)
	return fmt.Sprintf("%s%d:%02d", sign, s/60, s%60)
}

// brief prints seconds to three figures.
func brief(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	default:
		return d.Round(time.Millisecond).String()
	}
}

// short prints a count in at most four figures: 987, 12.3k, 4.56M.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.2fM", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.1fk", v/1e3)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}
