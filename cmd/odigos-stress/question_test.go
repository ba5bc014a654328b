package main

import (
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// Odigos' sizes on machines that have not what they limit: the plan says so.
func TestUnbindableSizes(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		preset  scenario.Preset
		machine record.Machine
		want    string // what cannot bind
	}{
		{scenario.PresetSizeS, record.Machine{Cores: 1, MemoryBytes: 1024 * mib}, ""},
		{scenario.PresetSizeM, record.Machine{Cores: 1, MemoryBytes: 600 * mib}, ""},
		{
			scenario.PresetSizeL,
			record.Machine{Cores: 1, MemoryBytes: 1024 * mib},
			"The CPU limit of 1.25 cores is more than the 1 cores",
		},
		{
			scenario.PresetSizeXL,
			record.Machine{Cores: 2, MemoryBytes: 1024 * mib},
			"The memory limit of 2000Mi is more than the 1Gi",
		},
		{scenario.PresetSizeXL, record.Machine{Cores: 2}, ""}, // memory not known
	} {
		s, err := scenario.Scenario{Name: "a", Gateway: scenario.Gateway{Preset: c.preset}}.Resolved()
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(unbindable(env.Limits{
			CPUCores: float64(s.Gateway.CPULimit), MemoryBytes: int64(s.Gateway.MemoryLimit),
		}, c.machine), "\n")
		if !strings.HasPrefix(notes, c.want) || (c.want == "") != (notes == "") {
			t.Errorf("%s on %+v: %q, want %q", c.preset, c.machine, notes, c.want)
		}
	}
}
