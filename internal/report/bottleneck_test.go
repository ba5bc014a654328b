package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/profile"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// slow is a gateway whose two consumers wait a second each, with a profile.
func slow() *record.Record {
	trial := trials.Calm()
	trial.Queue = func(e float64) float64 { return 5 * max(0, e) }
	r := trial.Record()
	trials.Collector(r, trials.Config("batch",
		"{endpoint: x:1, compression: none, sending_queue: {num_consumers: 2}}"))
	for _, s := range r.Samples {
		a := s.Actors[record.Backend]
		a.Metrics[record.BackendInFlight] = 2
		a.Metrics[record.BackendRequests] = 2 * max(0, s.Elapsed)
		a.Metrics[record.BackendUnique] = 400 * max(0, s.Elapsed)
	}
	parts := []profile.Part{{Component: "receiver/otlp: decoding", Value: 2, Share: 0.2}}
	for range 16 {
		parts = append(parts, profile.Part{Component: "other", Value: 0.5, Share: 0.05})
	}
	r.Profiles = []record.Profile{{
		Actor: record.Gateway, Kind: record.ProfileCPU, Moment: record.MomentSteady, Elapsed: 40,
		File: "profiles/a.pb.gz", Parsed: &profile.Profile{Kind: "cpu", Total: 10, Parts: parts},
	}}
	return r
}

func TestLimited(t *testing.T) {
	s := report.Summarise(slow())
	for name, want := range map[string][]string{
		"text": {"  limited   exporter-queue: the exporter's 2 consumers: each waits 1 s"},
		"markdown": {
			"**exporter-queue**: the exporter's 2 consumers",
			"| limits | exporter-queue |", "| clear | cpu-quota |",
			"- each waits 1 s for the backend (`summary.json: figures.exports.stay_at_backend_seconds`)",
			"| receiver/otlp: decoding | 2.00 | 20 % |", "| the rest | 2.50 | 25 % |",
		},
		"recommendations": {
			"## too-few-consumers", "In the collector configuration:", "      num_consumers: 8",
			"When: from ", "To be seen in the next run: `figures.rate.arrived_spans_per_second` at least " +
				"1,000 spans/s, now 400 spans/s.",
		},
		"json": {`"by": "exporter-queue"`, `"for": "collector"`},
	} {
		var b bytes.Buffer
		if err := report.Formats[name](&b, s); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s does not say %q:\n%s", name, w, b.String())
			}
		}
	}
}

// Nothing seen is not known, and not nothing.
func TestLimitedUnknown(t *testing.T) {
	s := report.Summarise(slow())
	s.Figures.Limited = nil
	for _, name := range []string{"text", "markdown"} {
		var b bytes.Buffer
		if err := report.Formats[name](&b, s); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.ToLower(b.String()), "not known: nothing was seen") {
			t.Errorf("%s does not say that what limited it is not known:\n%s", name, b.String())
		}
	}
	s.Figures.Limited = &verdict.Limited{By: verdict.ByNothing, Text: "nothing"}
	var b bytes.Buffer
	if err := report.Markdown(&b, s); err != nil || !strings.Contains(b.String(), "no CPU profile") {
		t.Errorf("without a profile: %v\n%s", err, b.String())
	}
	r := slow()
	r.Profiles[0].Parsed, r.Profiles[0].Error = nil, "connection refused"
	b.Reset()
	want := "The one of 0:40 (moment steady) could not be taken or read: connection refused."
	if err := report.Markdown(&b, report.Summarise(r)); err != nil || !strings.Contains(b.String(), want) {
		t.Errorf("a profile that could not be taken: %v\n%s", err, b.String())
	}
}

// A table without a row is a sentence.
func TestNoEmptyTable(t *testing.T) {
	s := report.Summarise(slow())
	s.Figures.Growth = verdict.GrowthFigures{}
	var b bytes.Buffer
	if err := report.Markdown(&b, s); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "|---|---:|---|\n\n") {
		t.Error("there is a table without a row")
	}
	if !strings.Contains(b.String(), "None of these figures is known.") {
		t.Error("the report does not say that growth is not known")
	}
}
