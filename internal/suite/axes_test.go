package suite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/suite"
)

func TestCellsOf(t *testing.T) {
	asked := scenario.Scenario{Name: "a", Gateway: scenario.Gateway{CPULimit: 2, MemoryLimit: 1 << 30}}
	unlimited := scenario.Scenario{Name: "a", Gateway: scenario.Gateway{
		Kind: scenario.GatewayOtelcol, Config: "c.yaml", Exporter: "otlp",
	}}
	for _, c := range []struct {
		axes   string
		paired bool
		of     scenario.Scenario
		want   []string
	}{
		{"cpu=300m,1 memory=300Mi,2Gi", false, asked, []string{
			"300m-300Mi 0.3 314572800 gateway.cpu_limit=300m gateway.memory_limit=300Mi",
			"300m-2Gi 0.3 2147483648 gateway.cpu_limit=300m gateway.memory_limit=2Gi",
			"1-300Mi 1 314572800 gateway.cpu_limit=1 gateway.memory_limit=300Mi",
			"1-2Gi 1 2147483648 gateway.cpu_limit=1 gateway.memory_limit=2Gi",
		}},
		{"memory=300Mi,2Gi cpu=1250m,1.5", true, asked, []string{
			"1250m-300Mi 1.25 314572800 gateway.cpu_limit=1250m gateway.memory_limit=300Mi",
			"1500m-2Gi 1.5 2147483648 gateway.cpu_limit=1500m gateway.memory_limit=2Gi",
		}},
		{"cpu=0.5", false, asked, []string{
			"500m-1Gi 0.5 1073741824 gateway.cpu_limit=500m gateway.memory_limit=1Gi",
		}},
		{"memory=2000Mi", false, asked, []string{
			"2-2000Mi 2 2097152000 gateway.cpu_limit=2 gateway.memory_limit=2000Mi",
		}},
		{"cpu=1", false, unlimited, []string{"1 1 0 gateway.cpu_limit=1"}},
	} {
		cells, err := suite.CellsOf(strings.Fields(c.axes), c.paired, c.of)
		var got []string
		for _, cell := range cells {
			got = append(got, fmt.Sprintf("%s %v %d %s", cell.Name, cell.CPU, cell.Memory,
				strings.Join(cell.Settings, " ")))
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("CellsOf(%s, %v): %v (-want +got):\n%s", c.axes, c.paired, err, diff)
		}
	}
}

func TestCellsOfRefuses(t *testing.T) {
	many := make([]string, 11)
	for i := range many {
		many[i] = fmt.Sprint(i + 1)
	}
	ten := strings.Join(many, ",")
	sizes := strings.ReplaceAll(ten, ",", "Gi,") + "Gi"
	for _, c := range []struct {
		axes   string
		paired bool
		want   string
	}{
		{"", false, "found none, want such as cpu="},
		{"gpu=1", false, `found "gpu=1", want cpu=VALUE`},
		{"cpu", false, `read axis cpu: found "", want CPU cores`},
		{"cpu=", false, `read axis cpu: found "", want CPU cores`},
		{"cpu=1,,2", false, `read axis cpu: found "", want CPU cores`},
		{"cpu=1,2Gi", false, `read axis cpu: found "2Gi"`},
		{"cpu=0", false, `read axis cpu: found "0"`},
		{"memory=600m", false, `read axis memory: found "600m"`},
		{"cpu=500m,0.5", false, "read axis cpu: found 0.5 twice"},
		{"memory=1Gi,1024Mi", false, "read axis memory: found 1024Mi twice"},
		{"cpu=0.0005", false, "whole thousandths"},
		{"cpu=1 cpu=2", false, "found a second axis of cpu"},
		{"cpu=1,2 memory=1Gi", true, "found 2 values of cpu and 1 of memory"},
		{"cpu=" + ten + " memory=" + sizes, false, "found 11 × 11 capacities, want at most 100"},
	} {
		_, err := suite.CellsOf(strings.Fields(c.axes), c.paired, scenario.Scenario{Name: "a"})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("CellsOf(%q, %v) = %v; want %s", c.axes, c.paired, err, c.want)
		}
	}
}

// Odigos' sizes are what the documentation of Odigos says of them, whatever limits the
// scenario has itself.
func TestPresetCells(t *testing.T) {
	asked := scenario.Scenario{Name: "a", Gateway: scenario.Gateway{CPULimit: 7, MemoryLimit: 7 << 30}}
	for _, begin := range []bool{false, true} {
		cells, err := suite.PresetCells(begin)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range cells {
			s, err := asked.With(c.Settings)
			if begin != (s.Search != nil) {
				t.Errorf("%s searches %v", c.Name, s.Search)
			}
			if err == nil {
				s, err = s.Resolved()
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s %v %v", s.Gateway.Preset, s.Gateway.CPULimit, s.Gateway.MemoryLimit))
			if s.Gateway.CPULimit != c.CPU || s.Gateway.MemoryLimit != c.Memory {
				t.Errorf("%+v gives %v, %v", c, s.Gateway.CPULimit, s.Gateway.MemoryLimit)
			}
		}
		want := []string{"size_s 0.3 300Mi", "size_m 1 600Mi", "size_l 1.25 850Mi", "size_xl 1.5 2000Mi"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("PresetCells (-want +got):\n%s", diff)
		}
	}
}

func TestBaselineNames(t *testing.T) {
	for name, want := range map[string]string{
		"300m-300Mi": "odigos-300m-300mi", "1-2Gi": "odigos-1-2gi", "size_xl": "odigos-size-xl",
	} {
		if got := (suite.Cell{Name: name}).BaselineName("odigos"); got != want {
			t.Errorf("BaselineName of %s = %s; want %s", name, got, want)
		}
	}
}
