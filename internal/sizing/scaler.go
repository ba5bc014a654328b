package sizing

// A Scaler is what an autoscaler of pods is told. Its targets are averages of one pod.
type Scaler struct {
	MinReplicas int `json:"min_replicas"`
	// MaxReplicas is twice the least: a bound on what a load that grows may cost, and no
	// measurement.
	MaxReplicas int `json:"max_replicas"`
	// Rate is where a pod should be joined by another: what leaves the headroom.
	Rate float64 `json:"rate_spans_per_second"`
	// CPU and Memory are what a pod uses there; 0: not known.
	CPU    float64 `json:"cpu_target_cores,omitempty"`
	Memory float64 `json:"working_set_bytes,omitempty"`
	// Odigos sets its own targets; nil for other gateways.
	Odigos *OdigosScaler `json:"odigos,omitempty"`
}

// An OdigosScaler is what Odigos' autoscaler does by itself: 75 % of the CPU limit and of
// GOMEMLIMIT.
type OdigosScaler struct {
	CPU    float64 `json:"cpu_target_cores"`
	Memory float64 `json:"memory_target_bytes"`
	// CPUAt is the rate at which a pod uses so much CPU; 0: at none that it holds.
	CPUAt float64 `json:"cpu_at_spans_per_second,omitempty"`
	// Known is whether the curve of CPU is known.
	Known bool `json:"cpu_curve_known"`
	// Early is whether it would add pods at the wanted rate already.
	Early bool `json:"scales_at_the_wanted_rate"`
}

// odigosTarget is the share of both limits at which Odigos' autoscaler adds pods.
const odigosTarget = 0.75

// scaler is what n of the pod need.
func (p pod) scaler(w Wish, n int, l Limits) Scaler {
	s := Scaler{
		MinReplicas: n, MaxReplicas: 2 * n, Rate: p.capacity.Low / (1 + w.Headroom),
	}
	s.CPU, _ = p.cpu.at(s.Rate)
	s.Memory = p.memory(s.Rate, l).WorkingSet.Bytes
	if !odigos(p.gateway) {
		return s
	}
	o := &OdigosScaler{CPU: odigosTarget * l.CPU, Memory: odigosTarget * l.GoMemLimit}
	o.Known = len(p.cpu) > 0
	o.CPUAt, _ = p.cpu.reaches(o.CPU)
	perPod := w.Rate / float64(n)
	o.Early = p.memory(perPod, l).WorkingSet.Bytes > o.Memory || o.CPUAt > 0 && o.CPUAt < perPod
	s.Odigos = o
	return s
}
