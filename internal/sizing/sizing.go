// Package sizing says what holds a wanted rate: from measured baselines, never from
// anything else, and with the source and the interval of every number.
package sizing

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// SchemaVersion of an answer as JSON. Within it fields are only added.
const SchemaVersion = 1

// A Wish is what has to be held.
type Wish struct {
	Rate float64 `json:"rate_spans_per_second"` // of all pods together
	// Headroom is spare rate: 0.25 wants pods that hold 1.25 times the rate together.
	Headroom float64 `json:"headroom_ratio"`
	// Survive is how many pods may be lost while the others hold the rate itself.
	Survive int `json:"survive_pods"`
	// Outage is how long the backend may be away before spans are lost; 0: not asked.
	Outage float64 `json:"outage_seconds"`
	// Replicas pins how many pods there are; 0: as many as it takes.
	Replicas int `json:"replicas,omitempty"`
	// QueuedSpan is what a span in the exporter's queue takes of the live heap, as its user
	// measured it; 0: what the baselines say.
	QueuedSpan float64 `json:"queued_span_bytes,omitempty"`
	Prices     *Prices `json:"prices,omitempty"`
}

// Check says what cannot be asked.
func (w Wish) Check() error {
	var errs []error
	wrong := func(bad bool, of string, found any, want string) {
		if bad {
			errs = append(errs, fmt.Errorf("check %s: found %v, want %s", of, found, want))
		}
	}
	wrong(!(w.Rate > 0) || math.IsInf(w.Rate, 0), "rate", w.Rate, "more than 0 spans/s")
	wrong(!(w.Headroom >= 0) || w.Headroom > mostHeadroom, "headroom", w.Headroom,
		"a share of the rate from 0 to 10, such as 0.25")
	wrong(w.Survive < 0 || w.Survive > mostPods, "survive", w.Survive, "0 to 10000 pods")
	wrong(!(w.Outage >= 0) || math.IsInf(w.Outage, 0), "outage", w.Outage, "0 seconds or more")
	wrong(w.Replicas < 0 || w.Replicas > mostPods, "replicas", w.Replicas,
		"1 to 10000 pods, or 0 for as many as it takes")
	wrong(!(w.QueuedSpan >= 0) || math.IsInf(w.QueuedSpan, 0), "queued span", w.QueuedSpan,
		"0 bytes or more")
	if w.Replicas > 0 && w.Survive >= w.Replicas {
		wrong(true, "survive", w.Survive, fmt.Sprintf("fewer pods than the %d there are", w.Replicas))
	}
	return errors.Join(append(errs, w.Prices.check())...)
}

// The bounds of a wish: beyond them a key slipped.
const (
	mostHeadroom = 10
	mostPods     = 10000
)

// An Interval is a measured figure with its ends.
type Interval struct {
	Low      float64 `json:"low"`
	Estimate float64 `json:"estimate"`
	High     float64 `json:"high"`
}

func (i Interval) times(f float64) Interval {
	return Interval{f * i.Low, f * i.Estimate, f * i.High}
}

// A Source is a measured capacity that a size rests on.
type Source struct {
	Baseline string `json:"baseline"`
	Record   string `json:"record"`
	// Capacity is that on the answer's host, Measured as it was found.
	Capacity   Interval `json:"capacity_spans_per_second"`
	Measured   Interval `json:"measured_capacity_spans_per_second"`
	Confidence float64  `json:"confidence_ratio"`
	CPULimit   float64  `json:"cpu_limit_cores"`
	Memory     float64  `json:"memory_limit_bytes"`
	BrokeFirst string   `json:"broke_first,omitempty"`
	Speed
}

// A Size is so many pods of one kind that hold the wish, each figure for one pod unless it
// says otherwise.
type Size struct {
	// Sources are one baseline, or the two that an interpolated size lies between.
	Sources      []Source `json:"sources"`
	Interpolated bool     `json:"interpolated"`

	Replicas int `json:"replicas"`
	// Capacity is of one pod. Sizes are reckoned from its low end.
	Capacity Interval `json:"capacity_spans_per_second"`
	// PerCore is Capacity by the cores of the CPU limit.
	PerCore Interval `json:"capacity_spans_per_second_per_core"`
	// PerPod is the rate of one pod while all are there, AfterLoss when Survive are lost.
	PerPod    float64 `json:"rate_spans_per_second"`
	AfterLoss float64 `json:"rate_after_loss_spans_per_second"`
	// Spare is what all pods hold beyond the wanted rate, as a share of it.
	Spare float64 `json:"spare_ratio"`

	Limits Limits  `json:"limits"`
	Memory Memory  `json:"memory"`
	Queue  Queue   `json:"queue"`
	Scaler Scaler  `json:"autoscaler"`
	Trials Trials  `json:"trials"`
	Cost   *Cost   `json:"cost,omitempty"`
	Cores  float64 `json:"all_cores"` // of all pods
	Bytes  float64 `json:"all_memory_bytes"`
}

// pods is how many hold the wish, when one holds low: enough for the headroom with all of
// them, and for the rate itself without those that may be lost.
func (w Wish) pods(low float64) int {
	return max(atLeast(w.Rate*(1+w.Headroom)/low), atLeast(w.Rate/low)+w.Survive)
}

// perPod is what one of n pods must hold.
func (w Wish) perPod(n int) float64 {
	return max(w.Rate*(1+w.Headroom)/float64(n), w.Rate/float64(n-w.Survive))
}

// atLeast is the whole number that is not below x, to a part in a thousand million.
func atLeast(x float64) int { return int(math.Ceil(x * (1 - 1e-9))) }

// An Answer is every size that holds a wish, the best first.
type Answer struct {
	SchemaVersion int      `json:"schema_version"`
	Wish          Wish     `json:"wish"`
	Workload      Workload `json:"workload"`
	// Host is whose cores all sizes are of.
	Host  Host   `json:"host_speed"`
	Sizes []Size `json:"sizes"`
	// Models are the memory models of the baselines that the sizes rest on.
	Models []Model `json:"memory_models"`
	// LeftOut are the baselines that say nothing here, and why.
	LeftOut []LeftOut `json:"left_out,omitempty"`
}

// A LeftOut is a baseline that was not used.
type LeftOut struct {
	Baseline string `json:"baseline"`
	Why      string `json:"why"`
}

// Beyond is the error of a wish that lies beyond what was measured.
type Beyond struct {
	Need     float64  // spans/s of one pod
	Largest  Source   // what holds the most
	Measure  []string // a command that would measure a larger one
	Replicas int      // pinned
	Enough   int      // how many of Largest would hold the wish
}

func (b *Beyond) Error() string {
	end := "low end"
	if b.Largest.Factor != 1 {
		end += fmt.Sprintf(" on the slowest host, %.0f as it was measured", b.Largest.Measured.Low)
	}
	return fmt.Sprintf("size %d pods: asked beyond what was measured: each pod must hold %.0f "+
		"spans/s, the largest measured holds %.0f (baseline %s, %s): ask for %d pods or more, or "+
		"measure a larger one: %s", b.Replicas, b.Need, b.Largest.Capacity.Low, b.Largest.Baseline, end,
		b.Enough, strings.Join(b.Measure, " "))
}

// Reckon answers w from baselines of one workload; see Select. Its error is a *Beyond where
// the baselines do not reach.
func Reckon(w Wish, all []baseline.Baseline) (Answer, error) {
	a := Answer{SchemaVersion: SchemaVersion, Wish: w}
	if err := w.Check(); err != nil {
		return a, err
	}
	if len(all) == 0 {
		return a, errors.New("size: no baseline to size from")
	}
	a.Workload = workloadOf(all[0])
	all = withQueuedSpans(all)
	a.Models = ModelsOf(all...)
	models := map[string]*Model{}
	for i := range a.Models {
		models[a.Models[i].Baseline] = &a.Models[i]
	}
	taken, host := bring(all)
	a.Host = host
	for _, b := range taken {
		n := w.Replicas
		if n == 0 {
			n = w.pods(b.Capacity.Low)
		}
		if n > mostPods || w.perPod(n) > b.Capacity.Low*(1+1e-9) {
			continue
		}
		a.Sizes = append(a.Sizes, w.size(n, b.pod(models)))
	}
	if w.Replicas > 0 {
		if low, high, ok := bracket(taken, w.perPod(w.Replicas)); ok {
			between := interpolated(low, high, w.perPod(w.Replicas), models)
			a.Sizes = append(a.Sizes, w.size(w.Replicas, between))
		}
	}
	if len(a.Sizes) == 0 {
		return a, w.beyond(taken)
	}
	slices.SortStableFunc(a.Sizes, cheaper)
	return a, nil
}

// withQueuedSpans gives what a queued span takes, where a baseline measured it, to all of the same
// workload: it is a matter of the span and of the collector, not of the limits. The largest
// is taken.
func withQueuedSpans(all []baseline.Baseline) []baseline.Baseline {
	var largest *float64
	for _, b := range all {
		if b.QueuedSpan != nil && (largest == nil || *b.QueuedSpan > *largest) {
			largest = b.QueuedSpan
		}
	}
	out := slices.Clone(all)
	for i := range out {
		if out[i].QueuedSpan == nil {
			out[i].QueuedSpan = largest
		}
	}
	return out
}

func (w Wish) beyond(all []brought) error {
	largest := slices.MaxFunc(all, func(a, b brought) int {
		return cmp.Compare(a.Capacity.Low, b.Capacity.Low)
	})
	n := w.Replicas
	if n == 0 {
		n = mostPods
	}
	return &Beyond{
		Need: w.perPod(n), Largest: sourceOf(largest), Replicas: n, Enough: w.pods(largest.Capacity.Low),
		Measure: measure(largest),
	}
}

// cheaper orders sizes by what they cost, or without prices by cores, then memory, then
// pods.
func cheaper(a, b Size) int {
	money := 0
	if a.Cost != nil && b.Cost != nil {
		money = cmp.Compare(a.Cost.Month, b.Cost.Month)
	}
	return cmp.Or(money, cmp.Compare(a.Cores, b.Cores), cmp.Compare(a.Bytes, b.Bytes),
		cmp.Compare(a.Replicas, b.Replicas), cmp.Compare(a.Sources[0].Baseline, b.Sources[0].Baseline))
}

// size is n pods of one kind.
func (w Wish) size(n int, p pod) Size {
	pods := float64(n)
	s := Size{
		Sources: p.sources, Interpolated: len(p.sources) > 1, Replicas: n, Capacity: p.capacity,
		PerPod: w.Rate / pods, AfterLoss: w.Rate / float64(n-w.Survive),
		Spare: pods*p.capacity.Low/w.Rate - 1,
	}
	s.Queue = p.queue(w, s.PerPod)
	s.Limits = p.limits(s.Queue)
	s.Memory = p.memory(s.AfterLoss, s.Limits)
	s.Scaler = p.scaler(w, n, s.Limits)
	s.Trials = p.trials(w.perPod(n))
	s.PerCore = s.Capacity.times(1 / s.Limits.CPU)
	s.Cores, s.Bytes = pods*s.Limits.CPU, pods*s.Limits.Memory
	s.Cost = w.Prices.cost(s.Cores, s.Bytes, w.Rate)
	return s
}

func sourceOf(b brought) Source {
	return Source{
		Baseline: b.Name, Record: b.Record, Capacity: intervalOf(b.Capacity),
		Measured: intervalOf(b.measured), Speed: b.speed,
		Confidence: b.Capacity.Confidence, CPULimit: float64(b.Gateway.CPULimit),
		Memory: float64(b.Gateway.MemoryLimit), BrokeFirst: b.Capacity.BrokeFirst,
	}
}

func intervalOf(c baseline.Capacity) Interval { return Interval{c.Low, c.Estimate, c.High} }

const mebi = float64(1 << 20)

// odigos is whether a gateway is sized by Odigos' chart.
func odigos(g scenario.Gateway) bool { return g.Kind == scenario.GatewayOdigos }
