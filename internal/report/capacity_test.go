package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

func formatted(t *testing.T, format string, c report.Capacity) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.CapacityFormats[format](&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCapacityGolden(t *testing.T) {
	for name, c := range endings() {
		asGolden(t, filepath.Join("testdata", "capacity", name+".txt"),
			[]byte(formatted(t, "text", c)))
	}
	for _, of := range []struct{ name, ending, format string }{
		{"capacity.json", "found", "json"},
		{"capacity.md", "found", "markdown"},
		{"stopped.md", "stopped", "markdown"},
		{"wide.md", "wide", "markdown"},
	} {
		asGolden(t, filepath.Join("testdata", "capacity", of.name),
			[]byte(formatted(t, of.format, endings()[of.ending])))
	}
}

// The first line is the answer, the last the outcome; and it fits.
func TestCapacityText(t *testing.T) {
	for name, want := range map[string]string{
		"found":      "15.2k spans/s, 29.0 MB/s (95 %: 14.8k–15.6k) at zero loss",
		"wide":       "about 15.2k spans/s, 29.0 MB/s (95 %: 13k–17.5k; ±3 % was asked) at zero loss",
		"beyond-all": "at least 1M spans/s, 1,906 MB/s: everything that was tried held, at zero loss",
		"below-all":  "less than 10 spans/s: nothing that was tried held",
		"stopped": "no answer: the tool or the host, not the gateway, is the limit; until then at least " +
			"12k spans/s, 22.9 MB/s held",
	} {
		c := endings()[name]
		lines := strings.Split(strings.TrimSpace(formatted(t, "text", c)), "\n")
		if lines[0] != want {
			t.Errorf("%s begins with %q, want %q", name, lines[0], want)
		}
		end := fmt.Sprintf("outcome: %s, exit code %d", c.Answer.Standing, c.ExitCode)
		if last := lines[len(lines)-1]; last != end || len(lines) > 15 {
			t.Errorf("%s has %d lines, the last %q; want at most 15 and %q", name, len(lines), last, end)
		}
	}
}

// Zero loss is said only where none is allowed.
func TestCapacityAllows(t *testing.T) {
	c := found()
	c.Scenario.Thresholds.Loss = new(scenario.Ratio(0.001))
	c.Scenario.Thresholds.Refused = new(scenario.Ratio(0.01))
	want := "15.2k spans/s, 29.0 MB/s (95 %: 14.8k–15.6k) with up to 0.1 % lost, up to 1 % refused"
	if got := c.Concluded().Sentence; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for i := range c.Trials {
		c.Trials[i].Point.EncodedPerSpan = nil
	}
	if got := c.Concluded().Sentence; strings.Contains(got, "MB/s") {
		t.Errorf("%q tells bytes that are not known", got)
	}
}

func TestCapacityStops(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*report.Capacity)
		want string
	}{
		{
			"interrupted", func(c *report.Capacity) {
				c.Interrupted = "SIGINT"
				c.Answer.Estimate, c.Answer.High = 14000, 18000
			},
			"no answer: interrupted by SIGINT; until then 14k spans/s, 26.7 MB/s (95 %: 12k–18k)",
		},
		{
			"disturbed",
			func(c *report.Capacity) { c.Trials[3].Holding.Result = search.Unclear },
			"no answer: its trials were disturbed; until then at least 12k spans/s",
		},
		{
			"not run",
			func(c *report.Capacity) { c.Trials[3].Error = "start gateway: not found" },
			"no answer: a trial could not be run; until then",
		},
		{
			"nothing known", func(c *report.Capacity) { c.Trials, c.Answer.Low = nil, 0 },
			"no answer: no trial was made; until then nothing is known of it",
		},
		{
			"broke only", func(c *report.Capacity) { c.Answer.Low, c.Answer.High = 0, 900 },
			"no answer: the tool or the host, not the gateway, is the limit; until then 900 spans/s",
		},
	} {
		c := endings()["stopped"]
		tt.set(&c)
		if got := c.Concluded().Sentence; !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %q, want %q…", tt.name, got, tt.want)
		}
	}
}

// What breaks first is counted over the trials next to the edge alone.
func TestCapacityEdge(t *testing.T) {
	e := found().Concluded().Edge
	want := &report.Edge{
		From: 15400, To: 16800, Trials: 4,
		BrokeFirst: []report.Counted{{By: "CPU", Trials: 3}, {By: "backlog", Trials: 1}},
	}
	e.LimitedBy, e.LimitedText = nil, ""
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("edge (-want +got):\n%s", diff)
	}
	far := found()
	far.Trials = far.Trials[:4] // the nearest that broke is twice as high
	if e := far.Concluded().Edge; e == nil || e.From != 30000 || e.Trials != 1 {
		t.Errorf("edge of far trials is %+v, want that of 30,000", e)
	}
	far.Trials = far.Trials[:3]
	if e := far.Concluded().Edge; e != nil {
		t.Errorf("edge where nothing broke is %+v, want none", e)
	}
}

// What is concluded can be written again when the records are gone.
func TestCapacityIsReadBack(t *testing.T) {
	first := formatted(t, "json", found())
	var c report.Capacity
	if err := json.Unmarshal([]byte(first), &c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, formatted(t, "json", c)); diff != "" {
		t.Errorf("written again (-want +got):\n%s", diff)
	}
	c.Dir = found().Dir
	if diff := cmp.Diff(formatted(t, "markdown", found()), formatted(t, "markdown", c)); diff != "" {
		t.Errorf("markdown of what was read back (-want +got):\n%s", diff)
	}
}

// Any capacity can be told, whatever is missing in it.
func TestCapacityOfNothing(t *testing.T) {
	void := found()
	void.Answer = search.Answer{}
	for i := range void.Trials {
		void.Trials[i].Point, void.Trials[i].Holding = verdict.Point{}, verdict.Holding{}
	}
	all := endings()
	all["nothing"], all["void"] = report.Capacity{}, void
	for name, c := range all {
		dir := t.TempDir()
		if err := report.WriteCapacity(dir, c); err != nil {
			t.Errorf("WriteCapacity(%s): %v", name, err)
			continue
		}
		for _, s := range []string{"NaN", "Inf", "%!"} {
			for format := range report.CapacityFormats {
				if text := formatted(t, format, c); strings.Contains(text, s) {
					t.Errorf("%s of %s contains %s:\n%s", format, name, s, text)
				}
			}
		}
		files, err := filepath.Glob(filepath.Join(dir, report.GraphsDir, "*.png"))
		if err != nil || len(files) != 2 {
			t.Errorf("%s: pictures %v, %v; want two", name, files, err)
		}
		for _, file := range files {
			capacityPicture(t, file, name)
		}
	}
}

func TestWriteCapacityFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteCapacity(file, found()); err == nil {
		t.Error("WriteCapacity into a file succeeded")
	}
}

// What depends on the rate is told as it was next to the edge.
func TestCapacityTellsWhatRanAtTheEdge(t *testing.T) {
	c := found()
	c.Scenario.Load.SpansPerRequest, c.Scenario.Gateway.GoMemLimit = 10, 0
	for _, format := range []string{"text", "markdown"} {
		if text := formatted(t, format, c); !strings.Contains(text, ", 100 a request, grpc") {
			t.Errorf("%s does not say 100 a request:\n%s", format, text)
		}
	}
}

// However much there is to say, it fits on a terminal.
func TestCapacityTextFits(t *testing.T) {
	c := endings()["wide"]
	c.Notes = []string{"a note", "another", "a third"}
	if n := strings.Count(formatted(t, "text", c), "\n"); n > 15 {
		t.Errorf("%d lines, want at most 15", n)
	}
}

// Little's law holds in what is made up, so that pictures look as real ones do.
func TestMadeUpPoints(t *testing.T) {
	p := point(10000, 20)
	if got, want := *p.Inside, 10000**p.P50; math.Abs(got/want-1) > 1e-9 {
		t.Errorf("inside %g, want %g", got, want)
	}
}
