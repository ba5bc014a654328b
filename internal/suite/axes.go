package suite

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// mostCells is how many capacities one matrix may have: at ten minutes each that is more
// than half a day.
const mostCells = 100

// A Cell is one capacity of a matrix: what sets it apart from the others.
type Cell struct {
	Name   string          `json:"name"` // its own in the matrix, fit for a folder
	CPU    scenario.CPU    `json:"cpu_limit_cores,omitempty"`
	Memory scenario.Bytes  `json:"memory_limit_bytes,omitempty"`
	Preset scenario.Preset `json:"preset,omitempty"`
	// Settings are the cell's, as overrides of the scenario.
	Settings []string `json:"set"`
	// Record is the directory of its capacity, relative to the matrix's.
	Record string `json:"record"`
	// NotHere is why this host cannot give it its limits; it is then not searched.
	NotHere string `json:"not_here,omitempty"`
	// Left is how many cores the host has beside the limit; nil where it has no limit.
	Left *float64 `json:"host_left_cores,omitempty"`
}

// BaselineName is what the cell's capacity is kept as, below a name for the whole matrix.
func (c Cell) BaselineName(of string) string {
	return of + "-" + strings.ReplaceAll(strings.ToLower(c.Name), "_", "-")
}

// axes are the values of a matrix; none is what the scenario says.
type axes struct {
	cpus     []scenario.CPU
	memories []scenario.Bytes
}

// CellsOf makes the cells of a matrix of axes such as cpu=300m,1 and memory=300Mi,600Mi:
// every pair of them or, paired, the first with the first and so on. Where an axis is not
// given, its value is that of the scenario asked.
func CellsOf(given []string, paired bool, asked scenario.Scenario) ([]Cell, error) {
	resolved, err := asked.Resolved()
	if err != nil {
		return nil, err
	}
	a, err := readAxes(given)
	if err != nil {
		return nil, err
	}
	if a.cpus == nil {
		a.cpus = []scenario.CPU{resolved.Gateway.CPULimit}
	}
	if a.memories == nil {
		a.memories = []scenario.Bytes{resolved.Gateway.MemoryLimit}
	}
	if !paired && len(a.cpus)*len(a.memories) > mostCells {
		return nil, fmt.Errorf("read axes: found %d × %d capacities, want at most %d in all",
			len(a.cpus), len(a.memories), mostCells)
	}
	var cells []Cell
	if !paired {
		for _, cpu := range a.cpus {
			for _, memory := range a.memories {
				cells = append(cells, limitsCell(cpu, memory))
			}
		}
		return cells, nil
	}
	if len(a.cpus) != len(a.memories) {
		return nil, fmt.Errorf("pair axes: found %d values of cpu and %d of memory, want as many of "+
			"one as of the other", len(a.cpus), len(a.memories))
	}
	for i, cpu := range a.cpus {
		cells = append(cells, limitsCell(cpu, a.memories[i]))
	}
	return cells, nil
}

// readAxes reads axes; of each field there is one.
func readAxes(given []string) (a axes, err error) {
	if len(given) == 0 {
		return a, errors.New("read axes: found none, want such as cpu=300m,1 memory=300Mi,600Mi")
	}
	for _, text := range given {
		field, values, _ := strings.Cut(text, "=")
		switch {
		case field != "cpu" && field != "memory":
			err = fmt.Errorf("found %q, want cpu=VALUE,… or memory=VALUE,…", text)
		case field == "cpu" && a.cpus != nil || field == "memory" && a.memories != nil:
			err = fmt.Errorf("found a second axis of %s, want all its values in one", field)
		case field == "cpu":
			a.cpus, err = readAxis(values, readCores)
		default:
			a.memories, err = readAxis(values, scenario.ParseBytes)
		}
		if err != nil {
			return a, fmt.Errorf("read axis %s: %w", field, err)
		}
	}
	return a, nil
}

// readAxis reads values between commas; one that is there twice, in whatever spelling, is a
// slip.
func readAxis[T comparable](text string, parse func(string) (T, error)) ([]T, error) {
	var all []T
	for value := range strings.SplitSeq(text, ",") {
		v, err := parse(strings.TrimSpace(value))
		if err != nil {
			return nil, err
		}
		if slices.Contains(all, v) {
			return nil, fmt.Errorf("found %s twice", value)
		}
		all = append(all, v)
	}
	return all, nil
}

// readCores reads a CPU limit in whole thousandths, which is as fine as Kubernetes has it.
func readCores(text string) (scenario.CPU, error) {
	cpu, err := scenario.ParseCPU(text)
	if milli := 1000 * float64(cpu); err == nil && math.Abs(milli-math.Round(milli)) > 1e-6 {
		return 0, fmt.Errorf("found %q, want whole thousandths of a core, such as 1250m", text)
	}
	return cpu, err
}

// limitsCell is the cell of two limits; 0 is none.
func limitsCell(cpu scenario.CPU, memory scenario.Bytes) Cell {
	c := Cell{CPU: cpu, Memory: memory}
	var name []string
	if cpu > 0 {
		name = append(name, coresText(cpu))
		c.Settings = append(c.Settings, "gateway.cpu_limit="+coresText(cpu))
	}
	if memory > 0 {
		name = append(name, memory.String())
		c.Settings = append(c.Settings, "gateway.memory_limit="+memory.String())
	}
	c.Name = strings.Join(name, "-")
	return c
}

// coresText spells whole cores as such, and all others in thousandths: 1, 1250m.
func coresText(cpu scenario.CPU) string {
	milli := int(math.Round(1000 * float64(cpu)))
	if milli%1000 == 0 {
		return fmt.Sprint(milli / 1000)
	}
	return fmt.Sprintf("%dm", milli)
}

// publishedRates are what Odigos' documentation of August 2026 gives as the stable
// capacity of one gateway pod (benchmarks: spans/s and MB/s, spans of 1.9 KB).
var publishedRates = map[scenario.Preset]report.Published{
	scenario.PresetSizeS:  {Rate: 3000, Bytes: 5.8e6},
	scenario.PresetSizeM:  {Rate: 18000, Bytes: 34.5e6},
	scenario.PresetSizeL:  {Rate: 23000, Bytes: 44.1e6},
	scenario.PresetSizeXL: {Rate: 31500, Bytes: 60.4e6},
}

// PresetCells are Odigos' sizes, the smallest first; begin has each search begin at the
// published rate.
func PresetCells(begin bool) ([]Cell, error) {
	var cells []Cell
	for _, preset := range []scenario.Preset{
		scenario.PresetSizeS, scenario.PresetSizeM, scenario.PresetSizeL, scenario.PresetSizeXL,
	} {
		s, err := scenario.Scenario{Name: "size", Gateway: scenario.Gateway{Preset: preset}}.Resolved()
		if err != nil {
			return nil, fmt.Errorf("resolve %s: %w", preset, err)
		}
		c := Cell{
			Name: string(preset), Preset: preset,
			CPU: s.Gateway.CPULimit, Memory: s.Gateway.MemoryLimit,
			Settings: []string{
				"gateway.cpu_limit=null", "gateway.memory_limit=null",
				"gateway.preset=" + string(preset),
			},
		}
		if begin {
			c.Settings = append(c.Settings, fmt.Sprintf("search.from=%.0f", publishedRates[preset].Rate))
		}
		cells = append(cells, c)
	}
	return cells, nil
}
