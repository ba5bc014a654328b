package trials

import (
	"time"

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

// Told has a cluster tell what happened to the gateway, of which there come to be three.
func Told(r *record.Record) {
	for i := range r.Samples {
		s := &r.Samples[i]
		scale := env.Scale{Wanted: 1, Ready: 1, Least: 1, Most: 3}
		if s.Elapsed >= 30 {
			scale.Wanted = 3
		}
		if s.Elapsed >= 36 {
			scale.Ready = 3
		}
		a := s.Actors[record.Gateway]
		a.Scale = &scale
		s.Actors[record.Gateway] = a
	}
	say := func(e float64, actor, text string) {
		r.Events = append(r.Events, record.Event{
			At: Start.Add(time.Duration(e * float64(time.Second))), Elapsed: e,
			Kind: record.EventPlace, Actor: actor, Text: text,
		})
	}
	say(44, record.Gateway, "kubelet started the container again, restart 1: the one before ended "+
		"at 09:27:35, OOMKilled, exit code 137 (Pod gateway-bcdfg-bcdfg)")
	say(30, record.Gateway, "SuccessfulRescale: New size: 3; reason: cpu resource utilization "+
		"(percentage of request) above target (HorizontalPodAutoscaler gateway)")
	say(41, "", "node a: MemoryPressure is True: KubeletHasInsufficientMemory: kubelet has "+
		"insufficient memory available")
}
