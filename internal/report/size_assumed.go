package report

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/sizing"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// assumptions are what a size takes to be so, and no trial showed.
func assumptions(a sizing.Answer) []string {
	w, best := a.Workload, a.Sizes[0]
	out := []string{
		"Several pods hold what one holds, so many times: the load is spread evenly over them. gRPC " +
			"stays with one pod for as long as a connection lasts, so few senders, or senders that do not " +
			"balance, load them unevenly.",
		fmt.Sprintf("Spans are as they were measured: shape %s, %s each, %s, compression %s in and %s "+
			"out; the gateway is %s.", w.Shape, bytesASpan(w.EncodedPerSpan), w.Protocol, w.In,
			orDash(string(w.Out)), w.Collector),
		fmt.Sprintf("A core is one of %s, as fast as is said below.", orDash(w.Host)),
		"Low ends of intervals are used throughout: what a pod holds above its low end is spare.",
		fmt.Sprintf("At most %d pods is twice the least, a bound on cost and not a measurement.",
			best.Scaler.MaxReplicas),
	}
	if best.Interpolated {
		out = append(out, "Between two measured sizes capacity lies on a straight line, or above it, "+
			"and a span takes the CPU that it takes in the larger one at that rate.")
	}
	if best.Queue.Asked != nil {
		out = append(out, "At most 80 % of GOMEMLIMIT lives during the outage, so that the garbage "+
			"collector has room; refusals were seen to begin at 92 %.",
			"The exporter tries again until the backend is back. By default it gives up a request after "+
				"5 minutes: of longer outages what its consumers hold is lost, each time.")
	}
	return out
}

// notMeasured is what no baseline says.
func notMeasured(a sizing.Answer) []string {
	best := a.Sizes[0]
	out := []string{"More than one pod, a pod that is lost, and an autoscaler."}
	if best.Interpolated {
		out = append(out, "A pod of this size: it lies between two that were measured.")
	}
	if best.Limits.Raised > 0 {
		out = append(out, fmt.Sprintf("A pod with %s of memory: it was measured with %s. More memory "+
			"takes work from the garbage collector; it is not taken to hold more.",
			mib(best.Limits.Memory), mib(best.Limits.Raised)))
	}
	if o := best.Queue.Asked; o != nil {
		from := "what a queued span takes is extrapolated"
		if o.Times > 0 {
			from = fmt.Sprintf("memory is extrapolated %s times beyond what was inside",
				verdict.Number(round(o.Times, 1)))
		}
		out = append(out, "The outage: "+from+".")
	}
	if !best.Memory.Measured && best.Memory.Inside > 0 {
		out = append(out, fmt.Sprintf("Memory at %s a pod: no trial that held was there; spans are "+
			"taken to stay as long as at the nearest rate.", spansPerSecond(best.Memory.Rate)))
	}
	return out
}

// modelTexts are the models of the baselines that the first size rests on.
func modelTexts(a sizing.Answer) []string {
	var out []string
	for _, source := range a.Sizes[0].Sources {
		for _, m := range a.Models {
			if m.Baseline != source.Baseline {
				continue
			}
			out = append(out, fitText(m.Baseline+", anonymous and kernel", m.Anon),
				fitText(m.Baseline+", working set", m.WorkingSet))
		}
	}
	return out
}

// fitText is one line of a model, and how far it may be believed.
func fitText(of string, f sizing.Fit) string {
	if f.Of == 0 {
		return fmt.Sprintf("%s: none; %s.", of, f.Why)
	}
	text := fmt.Sprintf("%s: %s%s", of, mib(f.Base), termsText(f))
	if f.Ceiling > 0 {
		text += fmt.Sprintf(", at most %s", mib(f.Ceiling))
	}
	text += fmt.Sprintf("; of %d trials of all baselines. Held against %d of this one: R² %.2f, "+
		"errors %s", f.Of, f.Known.Trials, f.R2, errorsText(f.Known))
	if f.Unknown.Trials > 0 {
		text += fmt.Sprintf("; against %d whose rate it did not know %s, where a straight line "+
			"between their neighbours has %s", f.Unknown.Trials, errorsText(f.Unknown),
			errorsText(f.Between))
	}
	if !f.Holds {
		return text + fmt.Sprintf(". It does not hold: %s. What lies between the measured peaks, %s at "+
			"most, stands for it.", f.Why, mib(f.Most))
	}
	return text + "."
}

// termsText is what goes with the rate and with the spans inside, where it was told apart.
func termsText(f sizing.Fit) string {
	switch {
	case f.PerRate > 0 && f.PerSpan > 0:
		return fmt.Sprintf(" + %s × spans/s + %s × spans inside", bytesASpan(f.PerRate),
			bytesASpan(f.PerSpan))
	case f.PerRate > 0:
		return fmt.Sprintf(" + %s × spans/s (what a span inside takes beside that is not told apart)",
			bytesASpan(f.PerRate))
	case f.PerSpan > 0:
		return fmt.Sprintf(" + %s × spans inside (what goes with the rate beside that is not told "+
			"apart)", bytesASpan(f.PerSpan))
	}
	return ", whatever the rate"
}

func errorsText(e sizing.Errors) string {
	return fmt.Sprintf("%s at worst (%s of the limit), %s median", verdict.Percent(e.Worst),
		verdict.Percent(e.OfLimit), verdict.Percent(e.Median))
}
