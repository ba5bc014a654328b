// Package sampler predicts which traces the samplers of a collector keep. It is pure:
// a configuration and a trace id in, yes or no out.
package sampler

// A Prediction says which traces a gateway keeps, by their id alone.
type Prediction struct {
	// Unpredictable says why nothing can be predicted; empty where it can.
	Unpredictable string `json:"unpredictable,omitempty"`
	// Paths are the ways of a span to the backend, each the samplers on it in order. A
	// trace is kept that passes any of them.
	Paths [][]Sampler `json:"paths,omitempty"`
}

// A Sampler is one processor that keeps or drops by trace id. It has one kind.
type Sampler struct {
	ID            string         `json:"id"`
	Probabilistic *Probabilistic `json:"probabilistic_sampler,omitempty"`
	Tail          *Tail          `json:"tail_sampling,omitempty"`
}

// Keeps returns the prediction as a function, nil where nothing can be predicted. The
// trace is taken to come in without a tracestate and without sampling.priority.
func (p *Prediction) Keeps() func(traceID [16]byte) bool {
	if p == nil || p.Unpredictable != "" {
		return nil
	}
	paths := make([][]step, len(p.Paths))
	for i, samplers := range p.Paths {
		for _, s := range samplers {
			paths[i] = append(paths[i], s.step())
		}
	}
	return func(traceID [16]byte) bool {
		for _, steps := range paths {
			if passes(steps, traceID) {
				return true
			}
		}
		return false
	}
}

// A step is a sampler that is ready to decide.
type step func(traceID [16]byte, s *state) bool

// A state is what samplers write into a span's tracestate for those after them: a
// randomness and a threshold, both of 56 bits.
type state struct {
	randomness, threshold       uint64
	hasRandomness, hasThreshold bool
}

func passes(steps []step, traceID [16]byte) bool {
	var s state
	for _, keeps := range steps {
		if !keeps(traceID, &s) {
			return false
		}
	}
	return true
}

func (s Sampler) step() step {
	switch {
	case s.Probabilistic != nil:
		return s.Probabilistic.step()
	case s.Tail != nil:
		keeps := s.Tail.keeps()
		return func(traceID [16]byte, _ *state) bool { return keeps(traceID) }
	}
	return func([16]byte, *state) bool { return true }
}
