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
	head := []string{"one pod", "pods", "spans/s a pod", "cores", "memory", "spans/s a core", "if one is lost"}
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
	if len(a.Sizes) == 1 {
		return append(out, "It is the only size that was measured and holds it: whether larger or "+
			"smaller pods are cheaper is not known.")
	}
	other := a.Sizes[1]
	out = append(out, fmt.Sprintf("It is the first of %d by %s: %s, where %s.", len(a.Sizes), orderText(a),
		allText(best), otherText(other)))
	out = append(out, upOrOut(best, a.Sizes[1:])...)
	return out
}

// whyPods is which of the two conditions the number of pods follows from.
func whyPods(w sizing.Wish, s sizing.Size) string {
	low := s.Capacity.Low
	spare := fmt.Sprintf("%s × %s ÷ %s spans/s, the low end, is %s", decimal(w.Rate),
		verdict.Number(1+w.Headroom), decimal(low), verdict.Number(round(w.Rate*(1+w.Headroom)/low, 2)))
	if w.Replicas > 0 {
		return fmt.Sprintf("%s were asked for: each must hold %s.", several(w.Replicas, "pod"),
			spansPerSecond(max(w.Rate*(1+w.Headroom)/float64(w.Replicas), s.AfterLoss)))
	}
	if w.Survive == 0 {
		return fmt.Sprintf("%s: %s.", several(s.Replicas, "pod"), spare)
	}
	return fmt.Sprintf("%s: %s; and without %s those that are left must hold %s ÷ %s, which is %s.",
		several(s.Replicas, "pod"), spare, several(w.Survive, "pod"), decimal(w.Rate), decimal(low),
		verdict.Number(round(w.Rate/low, 2)))
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
	return fmt.Sprintf("%s of %s take %s", several(s.Replicas, "pod"), podText(s), allText(s))
}

// upOrOut compares the best size with the largest and the smallest pods of the others.
func upOrOut(best sizing.Size, others []sizing.Size) []string {
	var out []string
	for _, o := range others {
		if o.Interpolated || best.Interpolated || o.Limits.CPU == best.Limits.CPU {
			continue
		}
		direction, pods := "Out", "smaller"
		if o.Limits.CPU > best.Limits.CPU {
			direction, pods = "Up", "larger"
		}
		out = append(out, fmt.Sprintf("%s, to %s of %s: %s; a lost pod takes %s of what is held, "+
			"and %s of %s with %s pods.", direction, several(o.Replicas, "pod"), podText(o),
			perCoreText(best, o), verdict.Percent(1/float64(best.Replicas)),
			verdict.Percent(1/float64(o.Replicas)), podText(o), pods))
	}
	return out
}

// perCoreText compares what a core holds; where the intervals overlap nothing is shown.
func perCoreText(best, o sizing.Size) string {
	a, b := best.PerCore, o.PerCore
	text := fmt.Sprintf("a core holds %s to %s spans/s there, %s to %s here", decimal(b.Low),
		decimal(b.High), decimal(a.Low), decimal(a.High))
	switch {
	case a.Low <= b.High && b.Low <= a.High:
		return text + ", which is no difference that was shown"
	case a.Low > b.High:
		return text + fmt.Sprintf(", %s less there", verdict.Percent(1-b.Estimate/a.Estimate))
	}
	return text + fmt.Sprintf(", %s more there, which whole pods use up",
		verdict.Percent(b.Estimate/a.Estimate-1))
}

// queueTexts is how long a pod rides out a backend that is away.
func queueTexts(q sizing.Queue) []string {
	places := "places, of which it is not known how fast they fill"
	if q.Lasts > 0 {
		places = fmt.Sprintf("places, %s a second: full after %s without a backend",
			verdict.Number(round(q.Exports, 2)), verdict.Seconds(q.Lasts))
	}
	out := []string{decimal(q.Requests) + " " + places}
	if q.Span == 0 {
		return append(out, "what a queued span takes of memory is not known: give --queued-span")
	}
	return append(out, fmt.Sprintf("memory is full after %s: %s of live heap a queued span (%s)",
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
		out = append(out, fmt.Sprintf("%s spans of them are lost: the queue is full after %s, and Odigos "+
			"has no setting for its size", decimal(math.Round(o.Spans-o.Held)), verdict.Seconds(q.Lasts)))
	case o.Size > 0 && !q.Fixed:
		out = append(out, fmt.Sprintf("exporter: sending_queue.queue_size %.0f (requests), "+
			"retry_on_failure.max_elapsed_time 0", max(o.Size, q.Requests)))
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
	out := []string{text, fmt.Sprintf("and %s of memory; a pod takes %s at %s", mib(o.Memory),
		memoryThere(s.Scaler), spansPerSecond(s.Scaler.Rate))}
	if o.Early {
		out = append(out, "with these targets it adds pods at the wanted rate already")
	}
	return out
}

func memoryThere(s sizing.Scaler) string {
	if s.Memory == 0 {
		return "it is not known how much"
	}
	return mib(s.Memory)
}
