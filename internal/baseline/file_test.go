package baseline_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/baseline/testdata/made"
)

func TestWriteAndRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "baselines")
	want := made.Baseline("odigos-1-600mi", 1, 600)
	if err := baseline.Write(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := baseline.Read(dir, want.Name)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Read: %v (-written +read):\n%s", err, diff)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("the directory holds %v, %v; want the file alone", files, err)
	}
	// Another of the same name takes its place.
	want.Capacity.Trials = 99
	if err := baseline.Write(dir, want); err != nil {
		t.Fatal(err)
	}
	if got, err = baseline.Read(dir, want.Name); err != nil || got.Capacity.Trials != 99 {
		t.Errorf("Read = %d trials, %v; want those of the second", got.Capacity.Trials, err)
	}
}

func TestListIsByName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b", "a-2", "a", "a-10"} {
		if err := baseline.Write(dir, made.Baseline(name, 1, 600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"README.md", ".hidden.json"} {
		if err := os.WriteFile(filepath.Join(dir, other), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all, err := baseline.List(dir)
	var got []string
	for _, b := range all {
		got = append(got, b.Name)
	}
	if diff := cmp.Diff([]string{"a-10", "a-2", "a", "b"}, got); diff != "" || err != nil {
		t.Errorf("List: %v (-want +got):\n%s", err, diff)
	}
	if all, err := baseline.List(filepath.Join(dir, "none")); len(all) != 0 || err != nil {
		t.Errorf("List of no directory = %v, %v; want none, and no error", all, err)
	}
}

// A broken one is told with its file; the others are there all the same.
func TestListTellsTheBroken(t *testing.T) {
	good, err := json.Marshal(made.Baseline("good", 1, 600))
	if err != nil {
		t.Fatal(err)
	}
	all, err := baseline.ListFS(fstest.MapFS{
		"good.json": {Data: good}, "torn.json": {Data: good[:len(good)/2]},
	}, "kept")
	if len(all) != 1 || err == nil || !strings.Contains(err.Error(), "kept/torn.json") {
		t.Errorf("ListFS = %d, %v; want one, and an error about kept/torn.json", len(all), err)
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{
		"", "A", "a_b", "../a", "a/b", "a.b", "-a", "a-", "a--b", ".", "..", `a\b`, "a b", "ä",
		strings.Repeat("a", 101),
	} {
		if err := baseline.CheckName(name); err == nil {
			t.Errorf("CheckName(%q) = nil; want an error", name)
		}
		if _, err := baseline.Read(t.TempDir(), name); err == nil {
			t.Errorf("Read(%q) = nil; want an error", name)
		}
		b := made.Baseline("a", 1, 600)
		b.Name = name
		if err := baseline.Write(t.TempDir(), b); err == nil {
			t.Errorf("Write(%q) = nil; want an error", name)
		}
	}
	for _, name := range []string{"a", "odigos-1-600mi", "2026-11-26"} {
		if err := baseline.CheckName(name); err != nil {
			t.Error(err)
		}
	}
}

func TestReadNamesWhatThereIs(t *testing.T) {
	dir := t.TempDir()
	if _, err := baseline.Read(dir, "a"); err == nil || !strings.Contains(err.Error(), "there is no baseline") {
		t.Errorf("Read in an empty directory: %v", err)
	}
	if err := baseline.Write(dir, made.Baseline("b", 1, 600)); err != nil {
		t.Fatal(err)
	}
	if _, err := baseline.Read(dir, "a"); err == nil || !strings.Contains(err.Error(), "want one of b") {
		t.Errorf("Read of another: %v", err)
	}
}

// What cannot be true is refused with its field, in the file and when it is written.
func TestRefused(t *testing.T) {
	for field, change := range map[string]func(b *baseline.Baseline){
		"schema_version: found 2":    func(b *baseline.Baseline) { b.SchemaVersion = 2 },
		"measured: found nothing":    func(b *baseline.Baseline) { b.Measured = b.Measured.AddDate(-3000, 0, 0); *b = zeroTime(*b) },
		"host.cores: found 0":        func(b *baseline.Baseline) { b.Host.Cores = 0 },
		"host.os: found nothing":     func(b *baseline.Baseline) { b.Host.OS = "" },
		"environment: found nothing": func(b *baseline.Baseline) { b.Environment = "" },
		"collector.headline: found":  func(b *baseline.Baseline) { b.Collector.Headline = "" },
		"scenario: found nothing":    func(b *baseline.Baseline) { b.Scenario = "" },
		"load.shape: found nothing":  func(b *baseline.Baseline) { b.Load.Shape = "" },
		"load.spans_per_request":     func(b *baseline.Baseline) { b.Load.SpansPerRequest = 0 },
		"gateway.cpu_limit_cores":    func(b *baseline.Baseline) { b.Gateway.CPULimit = 0 },
		"gateway.memory_limit_bytes": func(b *baseline.Baseline) { b.Gateway.MemoryLimit = -1 },
		"capacity.low_spans":         func(b *baseline.Baseline) { b.Capacity.Low = 0 },
		"capacity.estimate_spans":    func(b *baseline.Baseline) { b.Capacity.Low = 2 * b.Capacity.Estimate },
		"capacity.high_spans":        func(b *baseline.Baseline) { b.Capacity.High = b.Capacity.Estimate / 2 },
		"capacity.confidence_ratio":  func(b *baseline.Baseline) { b.Capacity.Confidence = 95 },
		"capacity.encoded_bytes":     func(b *baseline.Baseline) { b.Capacity.EncodedPerSpan = 0 },
		"capacity.trials":            func(b *baseline.Baseline) { b.Capacity.Trials = 0 },
		"capacity.took_seconds":      func(b *baseline.Baseline) { b.Capacity.Took = -1 },
		"capacity.noise_ratio":       func(b *baseline.Baseline) { b.Capacity.Noise = -0.1 },
		"capacity.host_cpu_seconds_per_million_spans": func(b *baseline.Baseline) {
			b.Capacity.HostCost = -1
		},
		"points: found none":          func(b *baseline.Baseline) { b.Points = nil },
		"points: found another order": func(b *baseline.Baseline) { b.Points[0].Rate = 1e6 },
		"points.1.rate":               func(b *baseline.Baseline) { b.Points[0].Rate, b.Points[1].Rate = -2, -1 },
		"points.0.measured_seconds":   func(b *baseline.Baseline) { b.Points[0].Measured = 0 },
		"points.0.cpu_average_cores":  func(b *baseline.Baseline) { b.Points[0].CPU = new(-1.0) },
		"points.1.inside_max_spans":   func(b *baseline.Baseline) { b.Points[1].InsideMax = new(-1.0) },
	} {
		b := made.Baseline("a", 1, 600)
		change(&b)
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		_, err = baseline.Decode("kept/a.json", data)
		if err == nil || !strings.Contains(err.Error(), field) ||
			!strings.Contains(err.Error(), "kept/a.json") {
			t.Errorf("Decode = %v; want an error about %s in kept/a.json", err, field)
		}
		if b.SchemaVersion != baseline.SchemaVersion {
			continue // which Write sets
		}
		if err := baseline.Write(t.TempDir(), b); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("Write = %v; want an error about %s", err, field)
		}
	}
}

func zeroTime(b baseline.Baseline) baseline.Baseline {
	var zero baseline.Baseline
	b.Measured = zero.Measured
	return b
}

func TestDecodeRefuses(t *testing.T) {
	good, err := json.Marshal(made.Baseline("a", 1, 600))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, data, want string }{
		"no JSON":      {"a.json", "x", "invalid character"},
		"nothing":      {"a.json", "", "EOF"},
		"torn":         {"a.json", string(good[:100]), "unexpected EOF"},
		"two":          {"a.json", string(good) + string(good), "after the baseline"},
		"another name": {"b.json", string(good), `found "a", want "b"`},
		"a list":       {"a.json", "[]", "cannot unmarshal array"},
		"a text":       {"a.json", strings.Replace(string(good), `"cores":4`, `"cores":"4"`, 1), "host.cores"},
		"beyond a number": {
			"a.json",
			strings.Replace(string(good), `"trials":23`, `"trials":1e400`, 1), "trials",
		},
	} {
		if _, err := baseline.Decode(c.file, []byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Decode = %v; want %s", name, err, c.want)
		}
	}
	// What a later program added is passed over.
	more := strings.Replace(string(good), `"name"`, `"added": 1, "name"`, 1)
	if _, err := baseline.Decode("a.json", []byte(more)); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	good, err := json.Marshal(made.Baseline("a", 1, 600))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema_version":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := baseline.Decode("a.json", data)
		if err != nil {
			return
		}
		// What is read can be written, and is then the same.
		if err := baseline.Write(t.TempDir(), b); err != nil {
			t.Errorf("Write of what was read: %v", err)
		}
	})
}
