package report

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

func finding(assertion string, spans ...verdict.Span) verdict.Finding {
	return verdict.Finding{Check: "assert", Assertion: assertion, Spans: spans}
}

// A panel shows the violations of its own subjects, and lines for their bounds in its unit.
func TestPanelIsMarked(t *testing.T) {
	warned := verdict.Span{Severity: verdict.Warning, From: 30, To: 40}
	failed := verdict.Span{Severity: verdict.Critical, From: 10, To: 20}
	p := panel{
		limits: []limit{{at: 540, name: "90 %"}, {at: 600, name: "limit 600"}},
		of:     append(shaded("memory"), subject{"memory_peak", 1.0 / (1 << 20), 600}),
	}.marked([]verdict.Finding{
		{Check: "cpu", Spans: []verdict.Span{failed}},
		{Check: "memory", Spans: []verdict.Span{failed, warned}},
		finding("memory_peak<90%"),
		finding("memory_peak < 300Mi", failed),
		finding("loss==0", failed),
		finding("nothing of ours"),
	})
	var got []string
	for _, l := range p.limits {
		got = append(got, l.name+" "+decimal(l.at))
	}
	want := []string{"90 %, <90% 540", "limit 600 600", "< 300Mi 300"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	bands := []band{
		{30, 40, verdict.Warning}, {10, 20, verdict.Critical}, {10, 20, verdict.Critical},
	}
	if diff := cmp.Diff(bands, p.bands, cmp.AllowUnexported(band{})); diff != "" {
		t.Errorf("bands (-want +got):\n%s", diff)
	}
}

// A bound far above everything is named, and not drawn.
func TestFarBoundIsNamed(t *testing.T) {
	p := panel{
		title: "Queue", of: about(scenario.Queue),
		lines: []line{{s: record.Series{Elapsed: []float64{1}, Values: []float64{30}}}},
	}
	far := p.marked([]verdict.Finding{finding("queue<500")})
	near := p.marked([]verdict.Finding{finding("queue<100")})
	if far.title != "Queue (<500 is far above)" || len(far.limits) != 0 || near.title != "Queue" ||
		len(near.limits) != 1 {
		t.Errorf("far: %q, %v; near: %q, %v", far.title, far.limits, near.title, near.limits)
	}
}

// Names of lines do not stand upon each other, whatever the lines do.
func TestLimitNamesStandApart(t *testing.T) {
	out := apart([]limit{{at: 100}, {at: 80}, {at: 81}, {at: 82}}, 100)
	last := math.Inf(-1)
	for _, l := range out {
		if l.label < last+8.4 || l.label < l.at {
			t.Errorf("names stand at %+v", out)
		}
		last = l.label
	}
	if out[0].label != 80 || out[3].label < 100 {
		t.Errorf("names stand at %+v", out)
	}
}

func TestThresholdLines(t *testing.T) {
	ratio := func(v scenario.Ratio) *scenario.Ratio { return &v }
	half := scenario.ResourceThreshold{Warning: ratio(.5), Critical: ratio(.5)}
	usual := scenario.ResourceThreshold{Warning: ratio(.8), Critical: ratio(.9)}
	names := func(all []limit) string {
		var out []string
		for _, l := range all {
			out = append(out, l.name+"@"+decimal(l.at))
		}
		return strings.Join(out, ", ")
	}
	for want, got := range map[string][]limit{
		"50 %@300, limit@600":           thresholdLines(half, 600, "limit"),
		"80 %@480, 90 %@540, limit@600": thresholdLines(usual, 600, "limit"),
		"":                              thresholdLines(usual, 0, "limit"),
		"80 %@80, 90 %@90, limit@100":   shareLines(scenario.Thresholds{CPU: usual, Memory: usual}),
		"CPU 50 %@50, memory 80 %@80, memory 90 %@90, limit@100": shareLines(
			scenario.Thresholds{CPU: half, Memory: usual}),
	} {
		if names(got) != want {
			t.Errorf("lines are %q, want %q", names(got), want)
		}
	}
}
