package report_test

import (
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// Whoever measured usage is named beside it, with how often.
func TestWhoMeasured(t *testing.T) {
	for _, c := range []struct {
		source string
		own    bool
		want   []string
		not    string
	}{
		{"", false, []string{
			"CPU is by the account of the kubelet, read every 10 s",
			"Memory is by the account of the kubelet, read every 10 s",
		}, "What the limit held back is"},
		{"", true, []string{
			"CPU is what the gateway's process says of itself, each second",
			"What the limit held back is by the account of the kubelet, read every 10 s",
		}, "CPU is by the account"},
		{"Prometheus", false, []string{"CPU is by the account of Prometheus, read every 10 s"}, "account of the kubelet"},
		{"metrics API", true, []string{"Memory is by the account of the metrics API, read every 10 s"}, "account of the kubelet"},
	} {
		trial := trials.Calm()
		trial.Throttled = 0.25
		r := trial.Record()
		if c.own {
			trials.OwnCPU(r)
		}
		trials.Kubelet(r, 10)
		for i := range r.Samples {
			if u := r.Samples[i].Actors[record.Gateway].Usage; u != nil {
				u.Source = c.source
				held := uint64(max(0, *u.CPUSeconds))
				u.Periods, u.ThrottledPeriods = new(4*held), &held
			}
		}
		var page strings.Builder
		if err := report.Markdown(&page, report.Summarise(r)); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(page.String(), want) {
				t.Errorf("measured by %q, own %v: the report does not say %q", c.source, c.own, want)
			}
		}
		if strings.Contains(page.String(), c.not) {
			t.Errorf("measured by %q, own %v: the report says %q", c.source, c.own, c.not)
		}
		if !strings.Contains(page.String(), "| Periods held back by the limit | 25 % |") {
			t.Errorf("measured by %q: the report does not say what the limit held back", c.source)
		}
	}
}

// What the limit held back may be read seldom where CPU is not: a kubelet tells it in another
// page.
func TestThrottlingIsReadSeldom(t *testing.T) {
	trial := trials.Calm()
	trial.Throttled = 0.25
	r := trial.Record()
	r.Header.Environment = "kubernetes"
	for i := range r.Samples {
		if u := r.Samples[i].Actors[record.Gateway].Usage; u != nil && i%12 != 0 {
			u.Periods, u.ThrottledPeriods, u.ThrottledSeconds = nil, nil, nil
		}
	}
	var page strings.Builder
	if err := report.Markdown(&page, report.Summarise(r)); err != nil {
		t.Fatal(err)
	}
	const want = "What the limit held back is by the account of the kubelet, read every 12 s"
	if !strings.Contains(page.String(), want) {
		t.Errorf("the report does not say %q", want)
	}
}
