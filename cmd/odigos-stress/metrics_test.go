package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/backend"
	"github.com/odigos-io/odigos-stress/internal/loadgen"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const ourMetrics = "odigos_stress_"

// TestMetricsDocs holds docs/metrics.md against what both ends serve after a load.
func TestMetricsDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := documentedMetrics(t, string(text))
	if diff := cmp.Diff(servedMetrics(t), documented); diff != "" {
		t.Errorf("docs/metrics.md (-served +documented):\n%s", diff)
	}
	for name, what := range documented {
		for _, wrong := range againstConventions(name, what) {
			t.Errorf("%s, a %s: %s", name, what, wrong)
		}
	}
}

func TestConventionsFindWhatIsWrong(t *testing.T) {
	for name, what := range map[string]string{
		"odigos_stress_spans":         "counter",
		"odigos_stress_open_total":    "gauge",
		"odigos_stress_latency_ms":    "histogram",
		"odigos_stress_latency_count": "gauge",
		"odigos_stress_kilobytes":     "gauge",
	} {
		if len(againstConventions(name, what)) == 0 {
			t.Errorf("nothing is found wrong with %s, a %s", name, what)
		}
	}
}

// againstConventions is what Prometheus' naming conventions forbid.
func againstConventions(name, what string) (wrong []string) {
	kind, _, _ := strings.Cut(what, "{")
	if total := strings.HasSuffix(name, "_total"); total != (kind == "counter") {
		wrong = append(wrong, "a counter, and nothing else, ends in _total")
	}
	if kind == "histogram" && !strings.HasSuffix(name, "_seconds") && !strings.HasSuffix(name, "_bytes") {
		wrong = append(wrong, "a histogram is of seconds or bytes")
	}
	for _, suffix := range []string{"_count", "_sum", "_bucket", "_info"} {
		if strings.HasSuffix(name, suffix) {
			wrong = append(wrong, suffix+" is a name of Prometheus' own")
		}
	}
	for _, scaled := range []string{"milli", "micro", "nano", "kilo", "mega", "percent", "_ms", "_minutes"} {
		if strings.Contains(name, scaled) {
			wrong = append(wrong, "units are base units, not "+scaled)
		}
	}
	return wrong
}

// documentedMetrics are the rows of the tables, as type{labels} by name.
func documentedMetrics(t *testing.T, text string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 5 || !strings.Contains(cells[0], ourMetrics) {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "`", ""))
		}
		name, unit := cells[0], cells[3]
		all[name] = described(cells[1], strings.FieldsFunc(cells[2], func(r rune) bool {
			return r == ',' || r == ' '
		}))
		inName := unit
		if unit == "spans per second" {
			inName = "rate"
		}
		if !strings.Contains(name, inName) || cells[4] == "" {
			t.Errorf("docs/metrics.md: %s is to bear its unit (%s) and have a meaning", name, unit)
		}
	}
	return all
}

func described(kind string, labels []string) string {
	slices.Sort(labels)
	return fmt.Sprintf("%s{%s}", kind, strings.Join(labels, ","))
}

// servedMetrics are what both ends serve once a load has gone through.
func servedMetrics(t *testing.T) map[string]string {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	b, err := backend.Listen(backend.Config{
		RunID: "metrics", GRPC: "127.0.0.1:0", HTTP: "127.0.0.1:0", Measure: time.Hour,
	}, "127.0.0.1:0", "", log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	q, err := scenario.Scenario{Name: "metrics", Load: scenario.Load{Rate: 1000}}.Resolved()
	if err != nil {
		t.Fatal(err)
	}
	g, err := loadgen.New(loadgen.Config{
		RunID: "metrics", Load: q.Load, Endpoints: []string{b.GRPC()}, Measure: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := g.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	pages := httptest.NewServer(admin.NewHandler(g, g.Gatherer()))
	defer pages.Close()
	all := map[string]string{}
	for _, base := range []string{pages.URL, "http://" + b.Admin()} {
		for _, page := range []string{"/healthz", "/readyz"} {
			get(t, base+page)
		}
		families(t, get(t, base+"/metrics"), all)
	}
	return all
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", url, resp.Status, err)
	}
	return string(text)
}

// families adds the families of a page that are ours, each of which must have a help.
func families(t *testing.T, text string, into map[string]string) {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	found, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range found {
		if !strings.HasPrefix(name, ourMetrics) {
			continue
		}
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		into[name] = described(strings.ToLower(f.GetType().String()), labels)
	}
}
