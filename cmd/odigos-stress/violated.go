package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// violated keeps which thresholds are reached and which assertions violated right now.
func (v *progress) violated(f verdict.Finding) {
	name := f.Assertion
	if name == "" {
		limits := v.plan.Gateway.Limits
		limit := limits.CPUCores
		if f.Check == "memory" {
			limit = float64(limits.MemoryBytes)
		}
		if f.Limit == nil || limit <= 0 {
			return
		}
		name = fmt.Sprintf("%s≥%.0f%%", f.Check, 100**f.Limit/limit)
	}
	v.open = slices.DeleteFunc(v.open, func(other string) bool { return other == name })
	if !f.Ended {
		v.open = append(v.open, name)
	}
}

// violations is a word of the progress line; empty where nothing is violated.
func (v *progress) violations() string {
	if len(v.open) == 0 {
		return ""
	}
	return "! " + strings.Join(v.open, " ")
}
