package verdict

import "github.com/odigos-io/odigos-stress/internal/record"

// Components are where the gateway's CPU went, by component of the collector, from one
// profile.
type Components struct {
	// File is the profile in the record; Seconds is how much CPU time it saw.
	File    string      `json:"profile"`
	Moment  string      `json:"moment"`
	Elapsed float64     `json:"elapsed_seconds"`
	Seconds float64     `json:"cpu_seconds"`
	Parts   []Component `json:"parts"`
}

// A Component is one part of the collector, or of the runtime below it.
type Component struct {
	Name    string  `json:"component"`
	Seconds float64 `json:"cpu_seconds"`
	Share   float64 `json:"ratio"`
}

func components(*record.Record) *Components { return nil }

// share of a component; 0 where it is not among the parts.
func (c *Components) share(name string) float64 {
	for _, p := range c.Parts {
		if p.Name == name {
			return p.Share
		}
	}
	return 0
}
