package suite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/suite"
	"github.com/odigos-io/odigos-stress/internal/trial"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// a20k is what a made-up gateway of one core holds.
const a20k = 20000

// cellSearch searches a made-up gateway that uses 90 % of its CPU limit at a20k a core; what
// it ran is added to ran.
func cellSearch(t *testing.T, m *suite.Matrix, ran *[]string) suite.Searcher {
	return func(ctx context.Context, c suite.Cell, dir string) (report.Capacity, error) {
		*ran = append(*ran, c.Name)
		asked, err := m.Asked.With(c.Settings)
		if err == nil {
			asked, err = asked.Searched()
		}
		if err != nil {
			return report.Capacity{}, err
		}
		resolved, err := asked.TrialAt(asked.Search.From, asked.Search.Duration).Resolved()
		if err != nil {
			return report.Capacity{}, err
		}
		s, _, err := suite.OpenCapacity(dir)
		if err != nil {
			s = &suite.Capacity{
				Name: "made-up", Created: begun, Machine: m.Machine, Collector: m.Collector,
				Asked: asked, Scenario: resolved, Spec: suite.SpecOf(*asked.Search),
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return report.Capacity{}, err
			}
			if err := s.BeginIn(dir); err != nil {
				return report.Capacity{}, err
			}
		}
		s.Plan = func(one scenario.Scenario) (plan.Plan, error) {
			resolved, err := one.Resolved()
			return plan.Plan{Scenario: resolved}, err
		}
		run := func(_ context.Context, p suite.Part, at string) error {
			return leave(at, gatewayOf(p.Plan.Scenario))
		}
		return s.Run(ctx, dir, run, suite.CapacityOptions{})
	}
}

// gatewayOf is the record of a gateway whose CPU follows the rate.
func gatewayOf(s scenario.Scenario) *record.Record {
	t := trials.Calm()
	t.Rate = float64(s.Load.Rate)
	cpu := float64(s.Gateway.CPULimit)
	t.CPU = func(float64) float64 { return min(cpu, 0.9*t.Rate/a20k) }
	r := t.Record()
	r.Header.Scenario.Gateway.CPULimit, r.Header.Scenario.Gateway.MemoryLimit = s.Gateway.CPULimit, s.Gateway.MemoryLimit
	r.Header.Scenario.Backend = s.Backend
	for i := range r.Header.Actors {
		if r.Header.Actors[i].Name == record.Gateway {
			r.Header.Actors[i].Limits = env.Limits{CPUCores: cpu, MemoryBytes: int64(s.Gateway.MemoryLimit)}
		}
	}
	return r
}

func matrixOf(t *testing.T, axes ...string) *suite.Matrix {
	t.Helper()
	h := trials.Calm().Record().Header
	asked := scenario.Scenario{
		Name: "made-up", Backend: scenario.Backend{Delay: scenario.Duration(200 * time.Millisecond)},
		Search: &scenario.Search{From: 8000, Precision: 0.1},
	}
	cells, err := suite.CellsOf(axes, false, asked)
	if err != nil {
		t.Fatal(err)
	}
	return &suite.Matrix{
		Name: "made-up", Kind: report.MatrixKind, Created: begun, Tool: h.Tool,
		Command: []string{"odigos-stress", "capacity"}, Machine: h.Machine, Collector: h.Collector,
		Asked: asked, Cells: cells,
	}
}

func beginMatrix(t *testing.T, m *suite.Matrix) (dir string) {
	t.Helper()
	dir, err := m.Begin(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func statuses(m report.Matrix) (all []string) {
	for _, c := range m.Cells {
		text := c.Name + " " + string(c.Status)
		if c.Found != nil && c.Status == report.Ran {
			text += " " + string(c.Found.Standing)
		}
		all = append(all, text)
	}
	return all
}

func TestMatrix(t *testing.T) {
	m := matrixOf(t, "cpu=500m,1,5", "memory=600Mi")
	dir := beginMatrix(t, m)
	var ran, told, found []string
	got, err := m.Run(t.Context(), dir, cellSearch(t, m, &ran), suite.MatrixOptions{
		Searching: func(n int, c suite.Cell) { told = append(told, fmt.Sprint(n, " ", c.Name)) },
		Found:     func(c suite.Cell, _ report.Capacity) { found = append(found, c.Name) },
	})
	if err != nil || got.ExitCode != 0 {
		t.Fatalf("Run: exit code %d: %s, %v; want 0", got.ExitCode, got.Reason, err)
	}
	want := []string{"500m-600Mi ran found", "1-600Mi ran found", "5-600Mi not on this host"}
	if diff := cmp.Diff(want, statuses(got)); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1 500m-600Mi", "2 1-600Mi"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"500m-600Mi", "1-600Mi"}, found); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	for i, edge := range []float64{a20k / 2, a20k} {
		a := got.Cells[i].Found
		if a.Low > edge || a.High < edge || a.BrokeFirst != "CPU" || a.PerCore == nil || a.Bytes == nil {
			t.Errorf("%s: %+v; want %.0f in it, broken by CPU", got.Cells[i].Name, a, edge)
		}
	}
	if !strings.Contains(got.Cells[2].Why, "5 cores is more than the 4") {
		t.Errorf("5-600Mi: %q", got.Cells[2].Why)
	}
	if name := filepath.Base(dir); name != "20260314-092653_made-up_matrix" {
		t.Errorf("directory %s", name)
	}
	for _, file := range []string{
		record.SuiteFile, suite.EndingFile, "matrix.json", "matrix.md", "matrix/500m-600Mi/capacity.json",
		"matrix/1-600Mi/capacity.md",
	} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Error(err)
		}
	}
	// From the disk alone the same is found again, and nothing is searched twice.
	again, err := suite.WriteMatrix(dir)
	if diff := cmp.Diff(got, again); diff != "" || err != nil {
		t.Errorf("%v (-run +disk):\n%s", err, diff)
	}
	ran = nil
	opened, _, err := suite.OpenMatrix(dir)
	if err != nil {
		t.Fatal(err)
	}
	found = nil
	again, err = opened.Run(t.Context(), dir, cellSearch(t, opened, &ran), suite.MatrixOptions{
		Found: func(c suite.Cell, _ report.Capacity) { found = append(found, c.Name) },
	})
	if err != nil {
		t.Fatal(err)
	}
	again.Finished = got.Finished
	asked := ""
	_, err = opened.Run(t.Context(), dir, func(_ context.Context, c suite.Cell, _ string) (report.Capacity, error) {
		asked += c.Name
		return report.Capacity{}, errors.New("no more")
	}, suite.MatrixOptions{Again: func(found report.Capacity) bool { return found.Scenario.Gateway.CPULimit == 1 }})
	if err != nil || asked != "1-600Mi" {
		t.Errorf("asked again for %q, %v; want 1-600Mi", asked, err)
	}
	if diff := cmp.Diff(got, again); diff != "" || err != nil || ran != nil || len(found) != 2 {
		t.Errorf("again: %v, ran %v, found %v (-first +again):\n%s", err, ran, found, diff)
	}
}

// An interrupt leaves what there is; whoever goes on searches only what has no answer, and
// goes on with the search that was under way.
func TestMatrixInterrupted(t *testing.T) {
	m := matrixOf(t, "cpu=500m,1,2", "memory=600Mi")
	dir := beginMatrix(t, m)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var ran []string
	whole := cellSearch(t, m, &ran)
	got, err := m.Run(ctx, dir, func(ctx context.Context, c suite.Cell, at string) (report.Capacity, error) {
		if c.Name == "1-600Mi" {
			cancel(trial.Interrupt{Signal: "SIGINT"})
		}
		return whole(ctx, c, at)
	}, suite.MatrixOptions{})
	if err != nil || got.ExitCode != 130 || got.Interrupted != "SIGINT" {
		t.Fatalf("Run: exit code %d, interrupted %q, %v", got.ExitCode, got.Interrupted, err)
	}
	want := []string{"500m-600Mi ran found", "1-600Mi interrupted", "2-600Mi not run"}
	if diff := cmp.Diff(want, statuses(got)); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	opened, _, err := suite.OpenMatrix(dir)
	if err != nil {
		t.Fatal(err)
	}
	ran = nil
	got, err = opened.Run(t.Context(), dir, cellSearch(t, opened, &ran), suite.MatrixOptions{})
	if err != nil || got.ExitCode != 0 {
		t.Fatalf("Run: exit code %d: %s, %v; want 0", got.ExitCode, got.Reason, err)
	}
	if diff := cmp.Diff([]string{"1-600Mi", "2-600Mi"}, ran); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}
}

// A cell that cannot be searched does not keep the others from being searched.
func TestMatrixGoesOn(t *testing.T) {
	m := matrixOf(t, "cpu=500m,1", "memory=600Mi")
	dir := beginMatrix(t, m)
	var ran []string
	whole := cellSearch(t, m, &ran)
	got, err := m.Run(t.Context(), dir, func(ctx context.Context, c suite.Cell, at string) (report.Capacity, error) {
		if c.Name == "500m-600Mi" {
			return report.Capacity{}, errors.New("start gateway: no such file")
		}
		return whole(ctx, c, at)
	}, suite.MatrixOptions{})
	if err != nil || got.ExitCode != 1 || got.Cells[0].Why != "start gateway: no such file" {
		t.Fatalf("Run: exit code %d, %q, %v; want 1", got.ExitCode, got.Cells[0].Why, err)
	}
	want := []string{"500m-600Mi could not run", "1-600Mi ran found"}
	if diff := cmp.Diff(want, statuses(got)); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

// Where nothing fits the host nothing was answered.
func TestMatrixOfAnotherHost(t *testing.T) {
	m := matrixOf(t, "cpu=5,6", "memory=600Mi")
	got, err := m.Run(t.Context(), beginMatrix(t, m), nil, suite.MatrixOptions{})
	if err != nil || got.ExitCode != 1 {
		t.Errorf("Run: exit code %d: %s, %v; want 1", got.ExitCode, got.Reason, err)
	}
}

func presetsOf(t *testing.T, kept *record.Selftest) *suite.Matrix {
	t.Helper()
	m := matrixOf(t, "cpu=1")
	m.Kind, m.Selftest = report.PresetsKind, kept
	var err error
	if m.Cells, err = suite.PresetCells(true); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPresets(t *testing.T) {
	m := presetsOf(t, nil)
	dir := beginMatrix(t, m)
	var ran []string
	got, err := m.Run(t.Context(), dir, cellSearch(t, m, &ran), suite.MatrixOptions{})
	if err != nil || got.ExitCode != 0 || len(ran) != 4 {
		t.Fatalf("Run: exit code %d: %s, ran %v, %v; want 0", got.ExitCode, got.Reason, ran, err)
	}
	for i, published := range []float64{3000, 18000, 23000, 31500} {
		c := got.Cells[i]
		if c.Published == nil || c.Published.Rate != published || c.Published.Ratio == nil {
			t.Errorf("%s: published %+v; want %.0f and its ratio", c.Name, c.Published, published)
			continue
		}
		if want := c.Found.Estimate / published; *c.Published.Ratio != want {
			t.Errorf("%s: ratio %v; want %v", c.Name, *c.Published.Ratio, want)
		}
	}
	if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "The ratios compare two programs") {
		t.Errorf("notes %q; want that the collector is not Odigos'", got.Notes)
	}
	if _, err := os.Stat(filepath.Join(dir, "presets.md")); err != nil {
		t.Error(err)
	}
}

// Another load than the documented one has no ratio; Odigos' own collector needs no note.
func TestPresetsOfAnotherLoad(t *testing.T) {
	m := presetsOf(t, nil)
	m.Asked.Backend.Delay = 0
	m.Collector.Headline, m.Collector.Name = "odigosotelcol 0.151.0", "odigosotelcol"
	m.Cells = m.Cells[1:2]
	var ran []string
	got, err := m.Run(t.Context(), beginMatrix(t, m), cellSearch(t, m, &ran), suite.MatrixOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := got.Cells[0].Published
	if p.Ratio != nil || !strings.Contains(p.NoRatio, "200ms are documented") {
		t.Errorf("published %+v; want no ratio, and why", p)
	}
	if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "another load") {
		t.Errorf("notes %q; want that the load is another", got.Notes)
	}
}

// Limits that the host cannot give beside both ends are said to be so, with what is left.
func TestLimitsOfAnotherHost(t *testing.T) {
	kept := &record.Selftest{Finished: begun, Ceilings: []record.Ceiling{{
		Workload: record.Workload{
			Shape: "odigos-docs", SpansPerRequest: 100, Protocol: "grpc", Compression: "none",
		},
		LoadgenCPU: 4e-6, BackendCPU: 8e-6,
	}}}
	const gib = 1 << 30
	for _, c := range []struct {
		cores  int
		memory int64
		kept   *record.Selftest
		want   []string // of the sizes, in order
	}{
		{4, 8 * gib, kept, []string{"", "", "", ""}},
		{2, 8 * gib, nil, []string{"", "", "", ""}},
		{2, 8 * gib, kept, []string{"", "", "", "leaves 0.30 for load generator and backend"}},
		{1, 8 * gib, nil, []string{
			"", "a CPU limit of 1 leaves none", "limit of 1.25 cores is more than the 1",
			"limit of 1.5 cores is more than the 1",
		}},
		{4, gib, nil, []string{"", "", "", "memory limit of 2000Mi is more than the 1Gi"}},
		{0, 0, nil, []string{"", "", "", ""}}, // not known
	} {
		m := presetsOf(t, c.kept)
		m.Machine.Cores, m.Machine.MemoryBytes = c.cores, c.memory
		m.Prepare()
		for i, cell := range m.Cells {
			if !strings.Contains(cell.NotHere, c.want[i]) || (c.want[i] == "") != (cell.NotHere == "") {
				t.Errorf("%s on %d cores: %q; want %q", cell.Name, c.cores, cell.NotHere, c.want[i])
			}
			if (cell.Left == nil) != (c.cores == 0) {
				t.Errorf("%s on %d cores: left %v", cell.Name, c.cores, cell.Left)
			}
		}
	}
}

func TestOpenMatrixRefuses(t *testing.T) {
	for want, text := range map[string]string{
		`kind "variants", want "matrix" or "presets"`: `{"schema_version": 1, "kind": "variants"}`,
		"schema version 2": `{"schema_version": 2, "kind": "matrix"}`,
		"outside of it":    `{"schema_version": 1, "kind": "matrix", "cells": [{"name": "a", "record": "../a"}]}`,
		"unexpected end":   `{`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, record.SuiteFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := suite.OpenMatrix(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenMatrix(%s) = %v; want %s", text, err, want)
		}
	}
	if _, _, err := suite.OpenMatrix(t.TempDir()); err == nil || !strings.Contains(err.Error(), "has no suite.json") {
		t.Errorf("OpenMatrix of nothing = %v", err)
	}
}
