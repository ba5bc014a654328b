package report_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// compare is three trials under one load: one killed as it was to be, one that refused,
// one in which nothing was wrong; and one that was not run.
func compare() report.Comparison {
	killed := trials.Calm()
	killed.KilledAt, killed.Lost, killed.Unknown = 42, 900, 28000
	killed.WorkingSet = func(e float64) float64 { return min(598, 120+12*max(0, e)) }
	dead := killed.Record()
	dead.Ending.CutShort = "the gateway is gone"
	dead.Header.Scenario.Expect = scenario.ExpectKilled
	dead.Header.Scenario.Thresholds.Loss = new(scenario.Ratio(1))
	dead.Header.Scenario.Thresholds.Refused = new(scenario.Ratio(1))

	refusing := trials.Calm()
	refusing.Refused, refusing.Unsent = 24000, 300
	limited := refusing.Record()
	limited.Header.Scenario.Thresholds.Refused = new(scenario.Ratio(1))

	c := report.Compare([]report.Part{
		{
			Name: "unprotected", Description: "nothing refuses", Settings: []string{"expect=killed"},
			Dir: "variants/unprotected", Record: dead,
		},
		{Name: "limiter", Dir: "variants/limiter", Record: limited},
		{Name: "calm", Dir: "variants/calm", Record: trials.Calm().Record()},
		{Name: "later", Dir: "variants/later"},
	}, "SIGINT")
	c.Name, c.Description, c.Kind, c.Created = "oom", "what keeps it alive", "variants", trials.Start
	c.Record, c.Dir = "20260314-092653_oom_1000sps", "results/20260314-092653_oom_1000sps"
	return c
}

func TestComparisonGolden(t *testing.T) {
	for file, format := range map[string]report.ComparisonFormat{
		report.ComparisonFile: report.ComparisonJSON, "ending.txt": report.ComparisonText,
		report.ComparisonTextFile: report.ComparisonMarkdown,
	} {
		var got bytes.Buffer
		if err := format(&got, compare()); err != nil {
			t.Fatal(err)
		}
		asGolden(t, filepath.Join("testdata", "compared", file), got.Bytes())
	}
}

// Each span due has one fate.
func TestComparedSpansSumToThoseDue(t *testing.T) {
	for name, r := range records() {
		f := report.Compare([]report.Part{{Name: name, Record: r}}, "").Parts[0].Spans
		sum := f.Delivered + f.Refused + f.Lost + f.Sampled + f.Unanswered + f.GivenUp + f.Unsent
		if f.Due == 0 || sum != f.Due {
			t.Errorf("%s: the fates sum to %d, due were %d: %+v", name, sum, f.Due, f)
		}
	}
}

var comparedRow = regexp.MustCompile("(?m)^\\| [^|]+ \\| .* \\| `([a-z0-9_.]+)` \\|$")

// Every line of the table has a figure of that name in comparison.json, or its figure is
// known of no part.
func TestComparedFiguresAreInTheJSON(t *testing.T) {
	var text, js bytes.Buffer
	if err := report.ComparisonMarkdown(&text, compare()); err != nil {
		t.Fatal(err)
	}
	if err := report.ComparisonJSON(&js, compare()); err != nil {
		t.Fatal(err)
	}
	var c struct {
		Parts []map[string]any `json:"parts"`
	}
	if err := json.Unmarshal(js.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	rows := comparedRow.FindAllStringSubmatch(text.String(), -1)
	if len(rows) < 15 {
		t.Errorf("%d lines in the table, want at least 15:\n%s", len(rows), text.String())
	}
	for _, row := range rows {
		found := false
		for _, part := range c.Parts {
			var v any = part
			for step := range strings.SplitSeq(row[1], ".") {
				m, _ := v.(map[string]any)
				v = m[step]
			}
			found = found || v != nil
		}
		if !found {
			t.Errorf("no part of the JSON has %s", row[1])
		}
	}
}

// The whole is as bad as its worst part.
func TestComparisonSettles(t *testing.T) {
	calm := func() *record.Record { return trials.Calm().Record() }
	failing := trials.Calm()
	failing.Lost = 40
	invalid := calm()
	invalid.Ending = nil
	stopped := calm()
	stopped.Ending.Interrupted = "SIGTERM"
	part := func(name string, r *record.Record) report.Part {
		return report.Part{Name: name, Record: r}
	}
	missing := report.Part{Name: "missing", Error: "start gateway: no such file"}
	cases := []struct {
		name        string
		parts       []report.Part
		interrupted string
		outcome     verdict.Outcome
		code        int
		reason      string
	}{
		{"all pass", []report.Part{part("a", calm()), part("b", calm())}, "", verdict.Pass, 0, "all 2"},
		{
			"one invalid",
			[]report.Part{part("a", calm()), part("b", invalid)},
			"", verdict.Invalid, 4, "b: ",
		},
		{
			"fail beats invalid",
			[]report.Part{part("a", invalid), part("b", failing.Record())},
			"", verdict.Fail, 99, "b: ",
		},
		{
			"one could not run",
			[]report.Part{part("a", calm()), missing},
			"", verdict.Invalid, 1, "missing: could not be run: start gateway",
		},
		{
			"fail beats could not run",
			[]report.Part{missing, part("b", failing.Record())},
			"", verdict.Fail, 99, "b: ",
		},
		{
			"interrupted",
			[]report.Part{part("a", stopped), {Name: "b"}},
			"SIGTERM", verdict.Invalid, 143, "a: interrupted by SIGTERM",
		},
		{
			"interrupted",
			[]report.Part{part("a", failing.Record()), {Name: "b"}},
			"SIGINT", verdict.Fail, 130, "a: ",
		},
	}
	for _, c := range cases {
		got := report.Compare(c.parts, c.interrupted)
		if got.Outcome != c.outcome || got.ExitCode != c.code || !strings.HasPrefix(got.Reason, c.reason) {
			t.Errorf("%s: %v, %d, %q; want %v, %d, %q…", c.name, got.Outcome, got.ExitCode, got.Reason,
				c.outcome, c.code, c.reason)
		}
	}
}

func TestComparisonRanks(t *testing.T) {
	refusing := func(spans uint64) *record.Record {
		of := trials.Calm()
		of.Refused = spans
		return of.Record()
	}
	cases := []struct {
		refused uint64
		want    string
	}{
		{24000, "of those that lived b delivered the most of what was due: b 100 %, a 60 %"},
		{600, "those that lived delivered, of what was due: b 100 %, a 99 %; one trial each does not"},
	}
	for _, c := range cases {
		got := report.Compare([]report.Part{
			{Name: "a", Record: refusing(c.refused)}, {Name: "b", Record: refusing(0)},
		}, "").Findings
		if len(got) != 3 || !strings.HasPrefix(got[2], c.want) {
			t.Errorf("%d refused: %q; want %q", c.refused, got, c.want)
		}
	}
}

func TestComparisonTellsOtherLoad(t *testing.T) {
	other := trials.Calm()
	other.Rate = 2000
	c := report.Compare([]report.Part{
		{Name: "a", Record: trials.Calm().Record()}, {Name: "b", Record: other.Record()},
	}, "")
	if c.SameLoad || !strings.Contains(strings.Join(c.Findings, "\n"), "load, backend or timing differ") {
		t.Errorf("same load %v, findings %q", c.SameLoad, c.Findings)
	}
}

// What the trial itself knows of deaths goes before what its last state tells, and the
// close looks before the samples.
func TestComparedDeathsAndPulses(t *testing.T) {
	r := trials.Calm().Record()
	r.Ending.Deaths = []record.Death{
		{Elapsed: 5, Kind: record.DeathHang},
		{Elapsed: 9, Kind: record.DeathPanic},
		{Elapsed: 21.5, Kind: record.DeathOOM},
		{Elapsed: 30, Kind: record.DeathOOM},
	}
	r.Pulses = []record.Pulse{{
		At: trials.Start, Elapsed: 21.4, Actors: map[string]*env.Usage{record.Gateway: {
			At: trials.Start, MemoryWorkingSet: new(int64(7 << 30)), MemoryAnon: new(int64(5 << 30)),
			MemoryKernel: new(int64(1 << 30)),
		}},
	}}
	p := report.Compare([]report.Part{{Name: "a", Record: r}}, "").Parts[0]
	if p.Deaths != 3 || p.Ended == nil || *p.Ended != 9 || p.OOM == nil || *p.OOM != 21.5 {
		t.Errorf("deaths %d, ended %v, OOM %v; want 3, 9, 21.5", p.Deaths, p.Ended, p.OOM)
	}
	if !strings.HasPrefix(p.Sentence, "ended 3 times, first killed for want of memory after 22 s") {
		t.Errorf("sentence %q", p.Sentence)
	}
	if *p.Memory.Peak != 7<<30 || *p.Memory.Unreclaimable != 6<<30 {
		t.Errorf("peaks %v and %v, want those of the pulses", *p.Memory.Peak, *p.Memory.Unreclaimable)
	}
}

func TestComparisonPictures(t *testing.T) {
	dir := t.TempDir()
	if err := report.WriteComparison(dir, compare()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, report.GraphsDir, "*.png"))
	if err != nil || len(files) != 2 {
		t.Fatalf("pictures %v, %v; want two", files, err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if share := inked(img); img.Bounds().Dx() != 800 || share < 0.01 || share > 0.6 {
			t.Errorf("%s: %v, %.3f of the pixels are not white", file, img.Bounds(), share)
		}
	}
	// Nothing ran: there is nothing to draw, and no error.
	if err := report.WriteComparison(t.TempDir(), report.Compare([]report.Part{{Name: "a"}}, "")); err != nil {
		t.Error(err)
	}
}
