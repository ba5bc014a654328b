package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

var update = flag.Bool("update", false, "write the golden files anew")

func ExampleText() {
	s := report.Summarise(trials.Calm().Record())
	var b bytes.Buffer
	if err := report.Text(&b, s); err != nil {
		fmt.Println(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	fmt.Println(lines[0])
	fmt.Println(lines[len(lines)-1])
	// Output:
	// basic-load-1k: the gateway held
	// outcome: pass, exit code 0
}

// Five trials: one in which nothing is wrong, one whose gateway is killed, one with
// every sort of failure; the first two where a kubelet reads usage every ten seconds, the
// one with the collector's own figure of its CPU, the other without; and one of several
// gateways, of which one is taken away and another comes.
func records() map[string]*record.Record {
	killed := trials.Calm()
	killed.KilledAt, killed.Lost, killed.Unknown = 42, 900, 28000
	killed.WorkingSet = func(e float64) float64 { return min(598, 120+12*max(0, e)) }
	killed.Queue = func(e float64) float64 { return 20 * max(0, e) }
	dead := killed.Record()
	dead.Ending.CutShort = "the gateway is gone"

	troubled := trials.Calm()
	troubled.Rate = 48000
	troubled.Lost, troubled.Refused, troubled.Unknown = 40000, 90000, 3000
	troubled.Unsent, troubled.Repeated, troubled.Throttled = 20000, 700, 0.4
	troubled.CPU = func(e float64) float64 {
		return min(1, 0.7+0.3*math.Sin(e/9)+0.1*math.Sin(3*e))
	}
	cluster := trials.Calm().Record()
	trials.OwnCPU(cluster)
	trials.Kubelet(cluster, 10)
	deadPod := killed.Record()
	deadPod.Ending.CutShort = "the gateway is gone"
	trials.Kubelet(deadPod, 10)
	trials.Told(deadPod)
	several := trials.Calm().Record()
	trials.Split(several,
		trials.Pod{Share: 5, CPU: 0.55, WorkingSet: trials.Steady(160)},
		trials.Pod{Share: 1, CPU: 0.15, WorkingSet: trials.Steady(190), To: 45},
		trials.Pod{Share: 1, CPU: 0.2, WorkingSet: trials.Steady(120), From: 50})
	return map[string]*record.Record{
		"several": several,
		"calm":    trials.Calm().Record(), "killed": dead, "troubled": troubled.Record(),
		"kubelet": cluster, "kubelet-killed": deadPod,
	}
}

func TestGolden(t *testing.T) {
	for name, r := range records() {
		s := report.Summarise(r)
		for file, format := range map[string]report.Format{
			"summary.json": report.JSON, "analysis-report.md": report.Markdown,
			"recommendations.md": report.Recommendations, "ending.txt": report.Text,
		} {
			var got bytes.Buffer
			if err := format(&got, s); err != nil {
				t.Fatal(err)
			}
			asGolden(t, filepath.Join("testdata", name, file), got.Bytes())
		}
	}
}

// asGolden compares with a file, which -update writes.
func asGolden(t *testing.T, golden string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (run with -update to accept):\n%s", golden, diff)
	}
}

var figureRow = regexp.MustCompile("(?m)^\\| [^|]+ \\| ([^|]+) \\| `([a-z0-9_.]+)` \\|$")

// Every figure in the tables is the one that the summary has under the name beside it.
func TestFiguresAreThoseOfTheSummary(t *testing.T) {
	for name, r := range records() {
		s := report.Summarise(r)
		var text, js bytes.Buffer
		if err := report.Markdown(&text, s); err != nil {
			t.Fatal(err)
		}
		if err := report.JSON(&js, s); err != nil {
			t.Fatal(err)
		}
		var summary map[string]any
		if err := json.Unmarshal(js.Bytes(), &summary); err != nil {
			t.Fatal(err)
		}
		rows := figureRow.FindAllStringSubmatch(text.String(), -1)
		if len(rows) < 50 {
			t.Errorf("%s: %d figures found in the report, want at least 50", name, len(rows))
		}
		for _, row := range rows {
			want, ok := at(summary["figures"], row[2])
			if !ok {
				t.Errorf("%s: the summary has no figures.%s", name, row[2])
				continue
			}
			if got := number(t, row[1]); math.Abs(got-want) > 0.051*math.Abs(want) &&
				math.Abs(got-want) > 0.00501*scale(row[1]) {
				t.Errorf("%s: the report says %s, the summary %s = %v", name, row[1], row[2], want)
			}
		}
	}
}

// at follows a path; a step may itself hold no dots.
func at(v any, path string) (float64, bool) {
	for step := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return 0, false
		}
		v = m[step]
	}
	n, ok := v.(float64)
	return n, ok
}

// scale is the unit of a figure as the summary has it.
func scale(text string) float64 {
	_, unit, _ := strings.Cut(text, " ")
	switch unit {
	case "MiB", "MiB/min":
		return 1 << 20
	case "MB/s":
		return 1e6
	case "ms":
		return 1e-3
	case "µs":
		return 1e-6
	case "%":
		return 1e-2
	}
	return 1
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	digits, _, _ := strings.Cut(text, " ")
	v, err := strconv.ParseFloat(strings.TrimSuffix(strings.ReplaceAll(digits, ",", ""), "/s"), 64)
	if err != nil {
		t.Errorf("figure %q: %v", text, err)
	}
	return v * scale(text)
}

// The table of the account sums, column by column, as somebody would check it.
func TestAccountSums(t *testing.T) {
	row := regexp.MustCompile(`(?m)^\| ([^|]+) \| ([0-9,]+) \| ([0-9,]*) \| ([0-9,]*) \| ([0-9,]+) \|$`)
	for name, r := range records() {
		var text bytes.Buffer
		if err := report.Markdown(&text, report.Summarise(r)); err != nil {
			t.Fatal(err)
		}
		_, account, _ := strings.Cut(text.String(), "## The account")
		account, _, _ = strings.Cut(account, "## Latency")
		var sum [4]float64
		for _, cells := range row.FindAllStringSubmatch(account, -1) {
			var got [4]float64
			for i, c := range cells[2:] {
				if c != "" {
					got[i] = number(t, c)
				}
			}
			if strings.HasPrefix(cells[1], "**") {
				if got != sum {
					t.Errorf("%s: %s is %v, the lines above sum to %v", name, cells[1], got, sum)
				}
				if got[0] != got[1]+got[2]+got[3] {
					t.Errorf("%s: %s: %v does not sum across", name, cells[1], got)
				}
				continue
			}
			for i := range sum {
				sum[i] += got[i]
			}
		}
		if want := float64(r.Ending.Measured.Due); sum[0] != want {
			t.Errorf("%s: the account sums to %v, want %v", name, sum[0], want)
		}
	}
}

// Whether the trial may be believed is said before any figure of it.
func TestValidityComesFirst(t *testing.T) {
	r := trials.Calm().Record()
	r.Header.Scenario.Gateway.CPULimit, r.Header.Machine.Cores = 2, 1
	var text bytes.Buffer
	if err := report.Markdown(&text, report.Summarise(r)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	if !strings.HasPrefix(lines[0], "# otelcol 0.157.0, Odigos-shaped (not Odigos): pass") ||
		!strings.HasPrefix(lines[2], "- Validity: **degraded**") ||
		!strings.Contains(lines[3], "cannot bind") {
		t.Errorf("the report begins\n%s", strings.Join(lines[:4], "\n"))
	}
}

// Any record can be told of, whatever is missing in it.
func TestReportOfNothing(t *testing.T) {
	full := trials.Calm().Record()
	headless := *full
	headless.Samples, headless.Events = nil, nil
	endless := *full
	endless.Ending = nil
	for name, r := range map[string]*record.Record{
		"nothing": {}, "no samples": &headless, "no ending": &endless,
	} {
		dir := t.TempDir()
		s, err := report.Write(dir, r)
		if err != nil {
			t.Errorf("Write(%s): %v", name, err)
			continue
		}
		var b bytes.Buffer
		if err := report.Text(&b, s); err != nil {
			t.Errorf("Text(%s): %v", name, err)
		}
		if n := strings.Count(b.String(), "\n"); n > 15 {
			t.Errorf("Text(%s) takes %d lines:\n%s", name, n, b.String())
		}
		for _, s := range []string{"NaN", "Inf", "%!"} {
			for _, file := range []string{report.AnalysisFile, report.SummaryFile, record.UsageFile} {
				text, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(text, []byte(s)) {
					t.Errorf("Write(%s): %s contains %s", name, file, s)
				}
			}
		}
	}
}

func TestWriteFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := report.Write(file, trials.Calm().Record()); err == nil {
		t.Error("Write into a file succeeded")
	}
}
