package verdict

import (
	"math"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A UsageSource is where figures of usage are from, where that is not an account of the
// place that is read at each look. It is empty then.
type UsageSource struct {
	// Source is BySelf, or the place that keeps the account.
	Source string `json:"source,omitempty"`
	// Resolution is how far apart readings are as a rule. CPU is over no less: its most is over
	// so many seconds, not over 5 s.
	Resolution *float64 `json:"resolution_seconds,omitempty"`
}

// BySelf is what an actor's process says of itself, once a second.
const BySelf = "own metrics"

// keepers are who keeps the account of usage, by environment, where it is read seldom and
// the account does not name him.
var keepers = map[string]string{"kubernetes": "kubelet"}

// KeeperOf names who keeps the account of an actor's usage: who told it last, or who always
// does in that environment.
func KeeperOf(r *record.Record, actor string) string {
	for i := range slices.Backward(r.Samples) {
		if u := r.Samples[i].Actors[actor].Usage; u != nil && u.Source != "" {
			return u.Source
		} else if u != nil {
			break
		}
	}
	if name, known := keepers[r.Header.Environment]; known {
		return name
	}
	return "the place"
}

// Every says in words how often it is read; empty where that is each second.
func (u UsageSource) Every() string {
	if u.Resolution == nil {
		return ""
	}
	return "every " + Seconds(math.Round(*u.Resolution))
}

// Told is the source and how often it is read; empty where that goes without saying.
func (u UsageSource) Told() string {
	if every := u.Every(); every != "" {
		return u.Source + ", " + every
	}
	return u.Source
}

// Over says in words over what time the most CPU is.
func (u UsageSource) Over() string {
	if u.Resolution == nil {
		return "over 5 s"
	}
	return "over " + Seconds(math.Round(*u.Resolution))
}

// placeSource is the place's account of an actor.
func (m measure) placeSource(actor string) (u UsageSource) {
	step, coarse := m.steps[actor]
	if !coarse {
		return u
	}
	u.Source, u.Resolution = KeeperOf(m.r, actor), &step
	return u
}

// cpuSource is where an actor's CPU time is from.
func (m measure) cpuSource(actor string, of record.CPUTime) UsageSource {
	if of.Own {
		return UsageSource{Source: BySelf}
	}
	return m.placeSource(actor)
}

// throttlingSource is where what the limit held back is from; nil where that goes without
// saying. A kubelet tells it in the longer of its two pages alone, which may be seldom where
// CPU is not.
func (m measure) throttlingSource(actor string) *UsageSource {
	var s record.Series
	for r := range record.Readings(m.samples, actor) {
		if r.Usage.Periods != nil && r.Usage.ThrottledPeriods != nil {
			s.Elapsed, s.Values = append(s.Elapsed, r.Elapsed), append(s.Values, 0)
		}
	}
	if !s.Coarse() {
		return nil
	}
	return &UsageSource{Source: KeeperOf(m.r, actor), Resolution: new(s.Resolution())}
}

// workingSet is an actor's in the measured time. Of an account that is read seldom one
// reading says nothing of it.
func (m measure) workingSet(actor string) record.Series {
	s := record.WorkingSet(m.samples, actor)
	if _, coarse := m.steps[actor]; coarse && s.Len() < 2 {
		return record.Series{}
	}
	return s
}
