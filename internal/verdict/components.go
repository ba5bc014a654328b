package verdict

import (
	"fmt"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// Components are where the gateway's CPU went, by component of the collector, from one
// profile.
type Components struct {
	// File is the profile in the record; Seconds is how much CPU time it saw.
	File    string      `json:"profile"`
	Moment  string      `json:"moment"`
	Elapsed float64     `json:"elapsed_seconds"`
	Seconds float64     `json:"cpu_seconds"`
	Parts   []Component `json:"parts"` // the largest first
}

// A Component is one part of the collector, or of the runtime below it.
type Component struct {
	Name    string  `json:"component"`
	Seconds float64 `json:"cpu_seconds"`
	Share   float64 `json:"ratio"`
}

// components is of the CPU profile that was taken when a threshold became critical, or
// a warning began, or in the steady state: the first of these that there is.
func components(r *record.Record) *Components {
	for _, moment := range []record.Moment{
		record.MomentLimit, record.MomentWarning, record.MomentSteady,
	} {
		for _, p := range r.Profiles {
			if !isGateway(p.Actor) || p.Kind != record.ProfileCPU || p.Moment != moment ||
				p.Parsed == nil || p.Parsed.Total <= 0 {
				continue
			}
			c := &Components{
				File: p.File, Moment: string(p.Moment), Elapsed: p.Elapsed, Seconds: p.Parsed.Total,
			}
			for _, part := range p.Parsed.Parts {
				c.Parts = append(c.Parts, Component{part.Component, part.Value, part.Share})
			}
			return c
		}
	}
	return nil
}

// noProfile says why the first CPU profile that was asked for is not there; empty where none
// was asked for, or nothing is told.
func noProfile(r *record.Record) string {
	for _, p := range r.Profiles {
		if isGateway(p.Actor) && p.Kind == record.ProfileCPU && p.Error != "" {
			return fmt.Sprintf("the one of %s (moment %s) could not be taken or read: %s",
				Clock(p.Elapsed), p.Moment, p.Error)
		}
	}
	return ""
}

// exporting is the share of some work that was the exporters', or nobody's in
// particular.
func (c *Components) exporting(work string) float64 {
	sum := 0.0
	for _, p := range c.Parts {
		owner, does, owned := strings.Cut(p.Name, ": ")
		if !owned {
			owner, does = "", p.Name
		}
		if does == work && (owner == "" || strings.HasPrefix(owner, "exporter")) {
			sum += p.Share
		}
	}
	return sum
}
