package record

import "slices"

// PulseSamples are the pulses as samples, so that CPU, WorkingSet, Unreclaimable and the
// other series can be made of them. They have no phase, no metrics and no host. A record
// without pulses has none: its samples are then what there is.
func (r *Record) PulseSamples() []Sample {
	samples := make([]Sample, len(r.Pulses))
	for i, p := range r.Pulses {
		actors := make(map[string]ActorSample, len(p.Actors))
		for name, usage := range p.Actors {
			actors[name] = ActorSample{Running: true, Usage: usage}
		}
		samples[i] = Sample{At: p.At, Elapsed: p.Elapsed, Actors: actors}
	}
	return samples
}

// orderPulses puts those in their place that were held back when they were read, and
// written when they turned out to matter.
func (r *Record) orderPulses() {
	slices.SortStableFunc(r.Pulses, func(a, b Pulse) int { return a.At.Compare(b.At) })
}
