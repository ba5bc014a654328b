package record

import "math"

// A Clock is how an actor's clock stood to the tool's, by which all times of the record
// are. Figures are in seconds; ahead is positive.
type Clock struct {
	Actor string `json:"actor"`
	// Ahead and Uncertainty were measured before the load: the truth is between Ahead less
	// and Ahead plus Uncertainty.
	Ahead       float64 `json:"ahead_seconds"`
	Uncertainty float64 `json:"uncertainty_seconds"`
	// Corrected is what the actor took off its times: Ahead, or 0 where the uncertainty
	// covers it.
	Corrected float64 `json:"corrected_seconds"`
	// The same, measured after the drain; nil where it was not.
	AheadAfter       *float64 `json:"ahead_after_seconds,omitempty"`
	UncertaintyAfter *float64 `json:"uncertainty_after_seconds,omitempty"`
}

// Off is by how many seconds a time that the actor told can be wrong, at the worst of both
// measurements.
func (c Clock) Off() float64 {
	off := math.Abs(c.Ahead-c.Corrected) + c.Uncertainty
	if c.AheadAfter != nil && c.UncertaintyAfter != nil {
		off = max(off, math.Abs(*c.AheadAfter-c.Corrected)+*c.UncertaintyAfter)
	}
	return off
}
