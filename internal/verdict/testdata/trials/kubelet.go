package trials

import (
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// told is how many looks later a kubelet tells what it read.
const told = 3

// Kubelet makes a record one of a cluster: usage is read so many looks apart, over and over
// in this order, is told late and at every look until the next is told, and is CPU time and
// the working set alone. The machine is not one.
func Kubelet(r *record.Record, apart ...int) {
	r.Header.Environment = "kubernetes"
	for _, actor := range []string{record.Gateway, record.Loadgen, record.Backend} {
		before := make([]*env.Usage, len(r.Samples))
		for i := range r.Samples {
			before[i] = r.Samples[i].Actors[actor].Usage
		}
		reading, next := 0, 0
		for i := range r.Samples {
			for reading+apart[next%len(apart)]+told <= i {
				reading += apart[next%len(apart)]
				next++
			}
			a := r.Samples[i].Actors[actor]
			a.Usage = nil
			if u := before[reading]; u != nil && a.Running {
				a.Usage = &env.Usage{
					At: u.At, CPUSeconds: u.CPUSeconds, MemoryWorkingSet: u.MemoryWorkingSet,
				}
			}
			r.Samples[i].Actors[actor] = a
		}
	}
}

// Once leaves each reading of usage at the first look that was told it.
func Once(r *record.Record) {
	for _, actor := range []string{record.Gateway, record.Loadgen, record.Backend} {
		var last *env.Usage
		for i := range r.Samples {
			a := r.Samples[i].Actors[actor]
			if record.SameReading(last, a.Usage) {
				a.Usage = nil
			} else if a.Usage != nil {
				last = a.Usage
			}
			r.Samples[i].Actors[actor] = a
		}
	}
}

// OwnCPU has the gateway tell its CPU time itself, too.
func OwnCPU(r *record.Record) {
	for i := range r.Samples {
		if a := r.Samples[i].Actors[record.Gateway]; a.Usage != nil && a.Metrics != nil {
			a.Metrics[record.ProcessCPU] = *a.Usage.CPUSeconds
		}
	}
}
