package verdict

import "github.com/odigos-io/odigos-stress/internal/record"

// ScaleFigures are how many gateways there were from the start of the load to the end of the
// drain, where the place may change their number.
type ScaleFigures struct {
	// Least and Most bound what the place may choose; 0 where it may not choose.
	Least int `json:"least,omitempty"`
	Most  int `json:"most,omitempty"`
	// Steps are how many there were at first, and each change of it.
	Steps []ScaleStep `json:"steps"`
	// Short is for how long fewer were ready than wanted.
	Short float64 `json:"seconds_with_fewer_ready_than_wanted"`
}

// A ScaleStep is how many there were from a look on.
type ScaleStep struct {
	Elapsed float64 `json:"elapsed_seconds"`
	Wanted  int     `json:"wanted"`
	Ready   int     `json:"ready"`
}

// Changed is whether another number was wanted at some time than at first, or not all were
// ready.
func (f *ScaleFigures) Changed() bool { return f != nil && (len(f.Steps) > 1 || f.Short > 0) }

func (m measure) scale() *ScaleFigures {
	var f *ScaleFigures
	short, since := false, 0.0
	for _, s := range record.During(m.r.Samples, record.PhaseWarmUp, record.PhaseMeasuring,
		record.PhaseDraining) {
		if short {
			f.Short += s.Elapsed - since
		}
		now := s.Actors[record.Gateway].Scale
		if short = now != nil && now.Ready < now.Wanted; now == nil {
			continue
		}
		since = s.Elapsed
		if f == nil {
			f = &ScaleFigures{}
		}
		f.Least, f.Most = now.Least, now.Most
		last := len(f.Steps) - 1
		if last < 0 || f.Steps[last].Wanted != now.Wanted || f.Steps[last].Ready != now.Ready {
			f.Steps = append(f.Steps, ScaleStep{s.Elapsed, now.Wanted, now.Ready})
		}
	}
	return f
}
