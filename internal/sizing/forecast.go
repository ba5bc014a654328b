package sizing

// Memory is what one pod would take, against its limit.
type Memory struct {
	// Rate is that after the loss of pods, at which a pod takes the most.
	Rate   float64 `json:"rate_spans_per_second"`
	Inside float64 `json:"inside_mean_spans,omitempty"` // 0: not known
	Stay   float64 `json:"residence_seconds,omitempty"` // Inside by Rate
	// Measured is whether Rate lies within the rates that were measured; else spans are
	// taken to stay as long as at the nearest.
	Measured   bool     `json:"within_measured_rates"`
	Anon       Forecast `json:"anon_and_kernel"`
	WorkingSet Forecast `json:"working_set"`
}

// A Forecast is a peak of memory.
type Forecast struct {
	Bytes float64 `json:"bytes,omitempty"` // 0: not known
	// Model is whether it is the law's; else it lies between what was measured.
	Model bool    `json:"by_model"`
	Share float64 `json:"ratio_of_limit,omitempty"`
	// Error is the worst, as a share of what was measured. High is the peak if it lies above
	// the forecast as far as the trial that did so the most, below GOMEMLIMIT.
	Error float64 `json:"worst_error_ratio,omitempty"`
	High  float64 `json:"high_bytes,omitempty"`
	// AtCeiling is whether GOMEMLIMIT keeps it there, which costs CPU.
	AtCeiling bool `json:"at_gomemlimit,omitempty"`
}

// memory is the forecast at a rate, against limits.
func (p pod) memory(rate float64, l Limits) Memory {
	m := Memory{Rate: rate}
	stay, known := p.between(rate, func(m *Model) curve { return m.stays })
	if known {
		m.Stay, m.Inside = stay, rate*stay
	}
	for i, model := range p.models {
		_, within := model.stays.at(p.rateOf(i, rate))
		m.Measured = m.Measured || within
	}
	m.Anon = p.forecast(m, l, func(m *Model) *Fit { return &m.Anon })
	m.WorkingSet = p.forecast(m, l, func(m *Model) *Fit { return &m.WorkingSet })
	return m
}

// rateOf is the rate of the i-th source at the share of its capacity that rate is of the
// pod's.
func (p pod) rateOf(i int, rate float64) float64 {
	return rate * p.sources[i].Capacity.Low / p.capacity.Low
}

// between is a figure at a rate from the curves of the sources: of one at that rate, of two
// at the same share of what each holds, and as far from the one to the other as the pod lies.
// Beyond what was measured it is that at the nearest end.
func (p pod) between(rate float64, of func(*Model) curve) (value float64, ok bool) {
	weights := []float64{1}
	if len(p.models) == 2 {
		weights = []float64{1 - p.along, p.along}
	}
	for i, model := range p.models {
		v, known := of(model).near(p.rateOf(i, rate))
		if !known {
			return 0, false
		}
		value += weights[i] * v
	}
	return value, true
}

// forecast is the peak that the law says of a pod within limits, or where it is not used what
// lies between the measured. A GOMEMLIMIT that differs from the measured ends both.
func (p pod) forecast(m Memory, l Limits, of func(*Model) *Fit) Forecast {
	var f Forecast
	var errs Errors
	f.Model = m.Inside > 0
	ceiling, measured := l.GoMemLimit, 0.0
	for _, model := range p.models {
		fit := of(model)
		f.Model = f.Model && fit.Holds
		if fit.goMemLimit == l.GoMemLimit {
			measured = max(measured, fit.Ceiling)
		}
	}
	if measured > 0 {
		ceiling = measured
	}
	for _, model := range p.models {
		fit := of(model)
		e := fit.Between
		if f.Model {
			e, f.Bytes = fit.Known, fit.at(m.Rate, m.Inside)
		}
		errs.Worst, errs.Above = max(errs.Worst, e.Worst), max(errs.Above, e.Above)
	}
	if !f.Model {
		f.Bytes, _ = p.between(m.Rate, func(m *Model) curve { return of(m).peaks })
	}
	f.High = f.Bytes * (1 + errs.Above)
	if ceiling > 0 {
		f.AtCeiling = f.Model && f.Bytes >= ceiling
		f.Bytes, f.High = min(f.Bytes, ceiling), min(f.High, ceiling)
	}
	f.Share, f.Error = f.Bytes/l.Memory, errs.Worst
	return f
}
