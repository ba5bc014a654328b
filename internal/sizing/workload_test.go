package sizing_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/sizing"
)

func names(all []baseline.Baseline) []string {
	var out []string
	for _, b := range all {
		out = append(out, b.Name)
	}
	return out
}

func TestSelect(t *testing.T) {
	a, b, c := made("a-1", 1, 600, 1000), made("a-2", 2, 600, 2000), made("b-1", 1, 600, 1000)
	c.Load.Shape, c.Collector.Headline = scenario.ShapeSimple, "Other 2.0"
	none := made("none", 1, 600, 0)
	free := made("free", 1, 600, 1000)
	free.Gateway.CPULimit = 0
	all := []baseline.Baseline{a, b, c, none, free}
	for _, x := range []struct {
		f    sizing.Filter
		want []string
	}{
		{sizing.Filter{Shape: scenario.ShapeOdigosDocs}, []string{"a-1", "a-2"}},
		{sizing.Filter{Shape: scenario.ShapeSimple}, []string{"b-1"}},
		{sizing.Filter{Collector: "other"}, []string{"b-1"}},
		{sizing.Filter{Names: []string{"a-*"}}, []string{"a-1", "a-2"}},
		{sizing.Filter{Names: []string{"b-1", "nosuch"}}, []string{"b-1"}},
		{sizing.Filter{Shape: scenario.ShapeComplex}, nil},
	} {
		taken, left, err := sizing.Select(all, x.f)
		if err != nil {
			t.Errorf("Select(%+v): %v", x.f, err)
		}
		if diff := cmp.Diff(x.want, names(taken)); diff != "" {
			t.Errorf("Select(%+v) (-want +got):\n%s", x.f, diff)
		}
		if len(taken)+len(left) != len(all) {
			t.Errorf("Select(%+v) takes %d and leaves %d of %d", x.f, len(taken), len(left), len(all))
		}
	}
	if _, _, err := sizing.Select(all, sizing.Filter{Names: []string{"["}}); err == nil {
		t.Error(`Select with pattern "[": no error`)
	}
}

// Whatever two baselines may differ in but their limits and rates, they are not mixed.
func TestSelectDoesNotMix(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(b *baseline.Baseline)
	}{
		{"shape", func(b *baseline.Baseline) { b.Load.Shape = scenario.ShapeSimple }},
		{"--collector", func(b *baseline.Baseline) { b.Collector.Headline = "x" }},
		{"exporter's compression", func(b *baseline.Baseline) { b.Gateway.Compression = "gzip" }},
		{"load's compression", func(b *baseline.Baseline) { b.Load.Compression = "gzip" }},
		{"protocol", func(b *baseline.Baseline) { b.Load.Protocol = "http" }},
		{"host", func(b *baseline.Baseline) { b.Host.CPUModel = "x" }},
		{"backend", func(b *baseline.Baseline) { b.Backend.Delay = 1e9 }},
		{"thresholds", func(b *baseline.Baseline) { b.Thresholds.LatencyP99 = 1e9 }},
		{"environment", func(b *baseline.Baseline) { b.Gateway.Env = map[string]string{"GOGC": "50"} }},
		{"attributes", func(b *baseline.Baseline) { b.Load.SpanAttributes = map[string]string{"a": "b"} }},
	} {
		a, b := made("a", 1, 600, 1000), made("b", 1, 600, 1000)
		c.change(&b)
		_, _, err := sizing.Select([]baseline.Baseline{a, b}, sizing.Filter{})
		var mixed *sizing.Mixed
		if !errors.As(err, &mixed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s differs: %v, want a *Mixed that says so", c.want, err)
		}
	}
	a, b := made("a", 1, 600, 1000), made("b", 2, 900, 3000)
	if _, _, err := sizing.Select([]baseline.Baseline{a, b}, sizing.Filter{}); err != nil {
		t.Errorf("limits and rates differ: %v", err)
	}
}
