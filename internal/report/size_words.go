package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/sizing"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// sizeTable is the sizes beside each other, the best first.
func sizeTable(a sizing.Answer) [][]string {
	head := []string{
		"one pod", "pods", "spans/s a pod", "cores", "memory", "spans/s a core", "if one is lost",
	}
	if a.Wish.Prices != nil {
		head = append(head, "a month", "per billion")
	}
	table := [][]string{append(head, "baseline")}
	for _, s := range a.Sizes {
		row := []string{
			podText(s), fmt.Sprint(s.Replicas),
			decimal(s.Capacity.Low) + "–" + decimal(s.Capacity.High),
			scenario.CPU(round(s.Cores, 3)).String(), mib(s.Bytes),
			decimal(s.PerCore.Low) + "–" + decimal(s.PerCore.High), lostText(s.Replicas),
		}
		if s.Cost != nil {
			row = append(row, money(s.Cost.Month, ""), money(s.Cost.Billion, ""))
		}
		table = append(table, append(row, sourcesText(s)))
	}
	return table
}

func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}

func lostText(n int) string { return "−" + verdict.Percent(1/float64(n)) }

func sourcesText(s sizing.Size) string {
	names := make([]string, len(s.Sources))
	for i, source := range s.Sources {
		names[i] = source.Baseline
	}
	if s.Interpolated {
		return "between " + strings.Join(names, " and ")
	}
	return strings.Join(names, ", ")
}

// whySize is why the first size is the first, in sentences.
func whySize(a sizing.Answer) []string {
	best, w := a.Sizes[0], a.Wish
	out := []string{whyPods(w, best)}
	if best.Limits.Raised > 0 {
		out = append(out, whyRaised(best))
	}
	if len(a.Sizes) == 1 {
		return append(out, "It is the only size that was measured and holds it: whether larger or "+
			"smaller pods are cheaper is not known.")
	}
	other := a.Sizes[1]
	out = append(out, fmt.Sprintf("It is the first of %d by %s: %s, where %s.", len(a.Sizes),
		orderText(a), allText(best), otherText(other)))
	out = append(out, upOrOut(best, a.Sizes[1:])...)
	return out
}

// whyPods is which of the two conditions the number of pods follows from.
func whyPods(w sizing.Wish, s sizing.Size) string {
	low := s.Capacity.Low
	spare := fmt.Sprintf("%s × %s ÷ %s spans/s, the low end, is %s", decimal(w.Rate),
		verdict.Number(1+w.Headroom), decimal(low), verdict.Number(round(w.Rate*(1+w.Headroom)/low, 2)))
	if w.Replicas > 0 {
		were := "were"
		if w.Replicas == 1 {
			were = "was"
		}
		return fmt.Sprintf("%s %s asked for: each must hold %s.", pods(w.Replicas), were,
			spansPerSecond(max(w.Rate*(1+w.Headroom)/float64(w.Replicas), s.AfterLoss)))
	}
	if w.Survive == 0 {
		return fmt.Sprintf("%s: %s.", pods(s.Replicas), spare)
	}
	return fmt.Sprintf("%s: %s; and without %s those that are left must hold %s ÷ %s, which is %s.",
		pods(s.Replicas), spare, pods(w.Survive), decimal(w.Rate), decimal(low),
		verdict.Number(round(w.Rate/low, 2)))
}

// whyRaised is what the outage costs, and what would be without it.
func whyRaised(s sizing.Size) string {
	text := fmt.Sprintf("The outage takes %s of the %s of a pod. With the %s that it was measured "+
		"with it holds the rate too; when the backend is away its memory is full after %s",
		mib(s.Limits.Memory-s.Limits.Raised), mib(s.Limits.Memory), mib(s.Limits.Raised),
		verdict.Seconds(s.Queue.MemoryLasts))
	if s.Queue.Fixed {
		return text + ", and it refuses: senders that try again keep what it does not take."
	}
	return text + "."
}

func orderText(a sizing.Answer) string {
	if a.Wish.Prices != nil {
		return "cost"
	}
	return "cores, then memory (no prices were given)"
}

func allText(s sizing.Size) string {
	text := fmt.Sprintf("%v cores and %s in all", scenario.CPU(round(s.Cores, 3)), mib(s.Bytes))
	if s.Cost != nil {
		text += ", " + money(s.Cost.Month, s.Cost.Currency) + " a month"
	}
	return text
}

func otherText(s sizing.Size) string {
	return fmt.Sprintf("%s of %s take %s", pods(s.Replicas), podText(s), allText(s))
}

// upOrOut compares the best size with the others that were measured.
func upOrOut(best sizing.Size, others []sizing.Size) []string {
	var out []string
	for _, o := range others {
		if !o.Interpolated && len(out) < mostCompared {
			out = append(out, fmt.Sprintf("%s, to %s of %s: a core holds %s to %s spans/s there and %s to "+
				"%s here, %s; a lost pod takes %s of what all hold there and %s here.", direction(best, o),
				pods(o.Replicas), podText(o), decimal(o.PerCore.Low), decimal(o.PerCore.High),
				decimal(best.PerCore.Low), decimal(best.PerCore.High), perCoreText(best, o),
				verdict.Percent(1/float64(o.Replicas)), verdict.Percent(1/float64(best.Replicas))))
		}
	}
	return out
}

// mostCompared is how many sizes are compared in sentences; the table has all.
const mostCompared = 4

// direction is where from goes to become to.
func direction(from, to sizing.Size) string {
	a, b := from.Limits, to.Limits
	switch {
	case b.CPU > a.CPU:
		return "Up"
	case b.CPU < a.CPU:
		return "Out"
	case b.Memory > a.Memory:
		return "Up in memory alone"
	}
	return "Down in memory alone"
}

// perCoreText compares what a core holds; where the intervals overlap nothing is shown.
func perCoreText(best, o sizing.Size) string {
	a, b := best.PerCore, o.PerCore
	switch {
	case a.Low <= b.High && b.Low <= a.High:
		return "which is no difference that was shown"
	case a.Low > b.High:
		return verdict.Percent(1-b.Estimate/a.Estimate) + " less"
	}
	return verdict.Percent(b.Estimate/a.Estimate-1) + " more"
}

// queueTexts is how long a pod rides out a backend that is away.
func queueTexts(s sizing.Size) []string {
	q := s.Queue
	places := "places, of which it is not known how fast they fill"
	if q.Lasts > 0 {
		places = fmt.Sprintf("places, %s a second: full after %s without a backend",
			verdict.Number(round(q.Exports, 2)), verdict.Seconds(q.Lasts))
	}
	out := []string{decimal(q.Requests) + " " + places}
	if q.Span == 0 {
		return append(out, "what a queued span takes of memory is not known: give --queued-span")
	}
	of := ""
	if s.Limits.Raised > 0 {
		of = fmt.Sprintf(" of %s, as it was measured,", mib(s.Limits.Raised))
	}
	return append(out, fmt.Sprintf("memory%s is full after %s: %s of live heap a queued span (%s)", of,
		verdict.Seconds(q.MemoryLasts), bytesASpan(math.Round(q.Span)), spanFrom[q.SpanFrom]))
}

var spanFrom = map[sizing.SpanFrom]string{
	sizing.SpanGiven:    "as given",
	sizing.SpanMeasured: "measured in a queue",
	sizing.SpanSlope:    "no queue was measured: the live part of the slope, which is too much",
}

// outageTexts is what the asked outage takes of one pod.
func outageTexts(s sizing.Size) []string {
	q, o := s.Queue, s.Queue.Asked
	out := []string{fmt.Sprintf("%s: %s spans come to a pod", verdict.Seconds(o.Seconds),
		decimal(math.Round(o.Spans)))}
	switch {
	case q.Fixed && o.Held < o.Spans:
		out = append(out, fmt.Sprintf("%s spans of them are lost: the queue is full after %s, and "+
			"Odigos has no setting for its size", decimal(math.Round(o.Spans-o.Held)),
			verdict.Seconds(q.Lasts)))
	case q.Fixed:
	case o.Size > q.Requests:
		out = append(out, fmt.Sprintf("the exporter needs sending_queue.queue_size %.0f, in requests, "+
			"and retry_on_failure.max_elapsed_time 0", o.Size))
	case o.Size > 0:
		out = append(out, fmt.Sprintf("the exporter needs %.0f places, the usual %s are enough; and "+
			"retry_on_failure.max_elapsed_time 0", o.Size, decimal(q.Requests)))
	}
	if o.Live > 0 {
		text := fmt.Sprintf("live heap %s", mib(o.Live))
		if o.GoMemLimit > 0 {
			text += fmt.Sprintf(", so GOMEMLIMIT of %s", mib(o.GoMemLimit))
		}
		text += fmt.Sprintf(" and a limit of %s", mib(o.MemoryLimit))
		if s.Limits.Raised > 0 {
			text += fmt.Sprintf(" in place of %s", mib(s.Limits.Raised))
		}
		out = append(out, text)
	}
	if o.Times > 0 {
		out = append(out, fmt.Sprintf("%s times as many spans as were inside when it was measured",
			verdict.Number(round(o.Times, 1))))
	}
	if o.CatchUp > 0 {
		return append(out, fmt.Sprintf("the queue is empty %s after the backend is back",
			verdict.Seconds(o.CatchUp)))
	}
	return append(out, "the queue does not empty while the load goes on: there is no spare rate")
}

// odigosTexts is where Odigos' own autoscaler differs.
func odigosTexts(s sizing.Size) []string {
	o := s.Scaler.Odigos
	if o == nil {
		return nil
	}
	text := fmt.Sprintf("Odigos' own targets are 75 %%: %dm CPU", milli(o.CPU))
	switch {
	case !o.Known:
		text += ", of which the rate is not known"
	case o.CPUAt == 0:
		text += ", which a pod reaches at no rate that it was seen to hold"
	case o.CPUAt > s.Scaler.Rate:
		text += fmt.Sprintf(", reached at %s: later than the headroom asks", spansPerSecond(o.CPUAt))
	default:
		text += fmt.Sprintf(", reached at %s: sooner than the headroom asks", spansPerSecond(o.CPUAt))
	}
	out := []string{text, fmt.Sprintf("and %s of memory%s", mib(o.Memory), memoryThere(s.Scaler))}
	if o.Early {
		out = append(out, "with these targets it adds pods at the wanted rate already")
	}
	return out
}

func memoryThere(s sizing.Scaler) string {
	if s.Memory == 0 {
		return ""
	}
	return fmt.Sprintf("; a pod takes %s at %s", mib(s.Memory), spansPerSecond(s.Rate))
}
