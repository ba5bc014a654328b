package trials

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// A Pod is one of several gateways of a trial.
type Pod struct {
	// Share of what flows through all of them.
	Share      float64
	CPU        float64                 // cores
	WorkingSet func(t float64) float64 // MiB
	// From and To are when it is there, in elapsed seconds; 0: from the start, to the end.
	From, To float64
}

func (p Pod) runs(e float64) bool {
	return e >= p.From && (p.To == 0 || e < p.To) || p.From == 0 && e < 0
}

// Split makes several of a record's gateway, each with the limits that the one has.
func Split(r *record.Record, pods ...Pod) {
	for i := range r.Header.Actors {
		if a := &r.Header.Actors[i]; a.Name == record.Gateway {
			a.Replicas = len(pods)
		}
	}
	r.Header.Scenario.Gateway.Replicas = len(pods)
	flowed := make([]map[record.Metric]float64, len(pods)) // through each, so far
	before := map[record.Metric]float64{}
	for i := range r.Samples {
		s := &r.Samples[i]
		all := s.Actors[record.Gateway]
		split(s, pods, flowed, before)
		for m, v := range all.Metrics {
			if m.IsCounter() {
				before[m] = v
			}
		}
	}
	if r.Ending == nil {
		return
	}
	for n, p := range pods {
		state := env.State{Ended: Start.Add(70 * time.Second), Stopped: true}
		if p.To > 0 {
			state = env.State{
				ExitCode: -1, Signal: "SIGTERM", Ended: Start.Add(time.Duration(p.To * float64(time.Second))),
				Reason: "evicted by kubelet: the node was low on memory",
			}
		}
		r.Ending.States[env.MemberName(record.Gateway, n)] = state
	}
}

// split shares out one look.
func split(s *record.Sample, pods []Pod, flowed []map[record.Metric]float64,
	before map[record.Metric]float64,
) {
	all := s.Actors[record.Gateway]
	shares := 0.0
	for _, p := range pods {
		if p.runs(s.Elapsed) {
			shares += p.Share
		}
	}
	var usages []env.Usage
	heap := 0.0
	for n, p := range pods {
		if flowed[n] == nil {
			flowed[n] = map[record.Metric]float64{}
		}
		if p.From > s.Elapsed && p.From > 0 {
			continue // it is not there yet
		}
		name := env.MemberName(record.Gateway, n)
		if !p.runs(s.Elapsed) || !all.Running {
			s.Actors[name] = record.ActorSample{}
			continue
		}
		metrics := map[record.Metric]float64{record.Uptime: s.Elapsed - p.From + 2}
		for m, v := range all.Metrics {
			if m.IsCounter() {
				flowed[n][m] += (v - before[m]) * p.Share / shares
				metrics[m] = flowed[n][m]
			} else {
				metrics[m] = v * p.Share / shares
			}
		}
		set := p.WorkingSet(s.Elapsed)
		metrics[record.HeapAlloc] = 0.5 * set * MiB
		metrics[record.ProcessCPU] = p.CPU * max(0, s.Elapsed-p.From)
		heap += metrics[record.HeapAlloc]
		u := usage(s.At, p.CPU*max(0, s.Elapsed-p.From), set, 14)
		u.Periods, u.ThrottledPeriods = new(uint64(10*max(0, s.Elapsed))), new(uint64(0))
		u.OOMKills = new(uint64(0))
		usages = append(usages, *u)
		s.Actors[name] = record.ActorSample{Running: true, Usage: u, Metrics: metrics}
	}
	if all.Usage != nil && len(usages) > 0 {
		all.Usage = new(env.UsageTogether(usages))
		all.Metrics[record.HeapAlloc] = heap
	}
	s.Actors[record.Gateway] = all
}

// Steady is a working set that stays.
func Steady(mib float64) func(float64) float64 { return func(float64) float64 { return mib } }
