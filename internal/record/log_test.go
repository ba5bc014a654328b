package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func TestName(t *testing.T) {
	east := time.FixedZone("east", 3*60*60)
	tests := []struct {
		at       time.Time
		scenario string
		rate     float64
		want     string
	}{
		{began, "basic-load-1k", 1000, "20260304-050607_basic-load-1k_1000sps"},
		{began.In(east), "custom", 15000, "20260304-050607_custom_15000sps"},
		{began, "ramp-up", 1e6, "20260304-050607_ramp-up_1000000sps"},
		{began, "odd", 333.34, "20260304-050607_odd_333sps"},
	}
	for _, test := range tests {
		if got := Name(test.at, test.scenario, test.rate); got != test.want {
			t.Errorf("Name(%v, %q, %v) = %q, want %q",
				test.at, test.scenario, test.rate, got, test.want)
		}
	}
}

func header(name string) Header {
	return Header{
		RunID: "r1", Created: began,
		Scenario: scenario.Scenario{Name: name, Load: scenario.Load{Rate: 1000}},
	}
}

func create(t *testing.T, root string) *Log {
	t.Helper()
	l, err := Create(root, header("custom"), began)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.closeFiles() })
	return l
}

func TestLogIsReadBack(t *testing.T) {
	root := filepath.Join(t.TempDir(), "results")
	l := create(t, root)
	sample := Sample{At: began, Elapsed: 1, Phase: PhaseMeasuring, Actors: map[string]ActorSample{
		Gateway: {Running: true, Metrics: map[Metric]float64{ExporterSent: 12}},
	}}
	event := Event{At: began, Elapsed: 1, Kind: EventStarted, Actor: Gateway, Text: "ready"}
	ending := Ending{Finished: began.Add(time.Minute), Drained: Drain{Complete: true, Reason: "quiet"}}
	if err := errors.Join(l.Sample(sample), l.Event(event), l.Close(ending)); err != nil {
		t.Fatal(err)
	}
	got, err := OpenLatest(root)
	if err != nil {
		t.Fatal(err)
	}
	want := &Record{
		Dir: l.Dir(), Header: header("custom"), Samples: []Sample{sample},
		Events: []Event{event}, Ending: &ending,
	}
	want.Header.SchemaVersion = SchemaVersion
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("OpenLatest (-want +got):\n%s", diff)
	}
	text := readText(t, filepath.Join(l.Dir(), TestLogFile))
	if want := "2026-03-04T05:06:07.000Z    +1.000s started   gateway: ready\n"; text != want {
		t.Errorf("test.log = %q, want %q", text, want)
	}
}

// Everything is in the file as soon as the call returns, with no Close.
func TestLogOfAKilledWriter(t *testing.T) {
	l := create(t, t.TempDir())
	for i := range 3 {
		if err := l.Sample(Sample{At: began, Elapsed: float64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(l.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Samples) != 3 || r.Ending != nil || r.Torn != nil {
		t.Errorf("Open = %d samples, ending %v, torn %v; want 3, nil, none",
			len(r.Samples), r.Ending, r.Torn)
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	root := t.TempDir()
	var names []string
	for range 3 {
		names = append(names, filepath.Base(create(t, root).Dir()))
	}
	name := "20260304-050607_custom_1000sps"
	if diff := cmp.Diff([]string{name, name + "-2", name + "-3"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if target, err := os.Readlink(filepath.Join(root, Latest)); target != name+"-3" {
		t.Errorf("latest -> %q, %v; want %s-3", target, err, name)
	}
}

func TestCreateRefuses(t *testing.T) {
	if _, err := Create(t.TempDir(), header("../up"), began); err == nil {
		t.Error(`Create with the scenario name "../up" made a record, want an error`)
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, Latest, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(root, header("custom"), began); err == nil ||
		!strings.Contains(err.Error(), "point latest at it") {
		t.Errorf("Create where latest is a directory: %v, want an error that says so", err)
	}
}

func TestLogIsSafeForConcurrentUse(t *testing.T) {
	l := create(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				if err := errors.Join(l.Sample(Sample{Elapsed: float64(j)}),
					l.Event(Event{Kind: EventNote, Text: "two\nlines"})); err != nil {
					t.Error(err)
				}
				fmt.Fprintf(l.TestLog(), "from %d\n", i)
			}
		})
	}
	wg.Wait()
	if err := l.Close(Ending{}); err != nil {
		t.Fatal(err)
	}
	r, err := Open(l.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Samples) != 400 || len(r.Events) != 400 {
		t.Errorf("Open = %d samples, %d events; want 400 of each", len(r.Samples), len(r.Events))
	}
	text := readText(t, filepath.Join(l.Dir(), TestLogFile))
	if n := strings.Count(text, "\n"); n != 800 {
		t.Errorf("test.log has %d lines, want 800", n)
	}
}

func TestLogAfterClose(t *testing.T) {
	l := create(t, t.TempDir())
	if err := l.Close(Ending{}); err != nil {
		t.Fatal(err)
	}
	for call, err := range map[string]error{
		"Sample": l.Sample(Sample{}), "Event": l.Event(Event{}), "Close": l.Close(Ending{}),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", call, err)
		}
	}
}

func TestAccountAndLogPath(t *testing.T) {
	l := create(t, t.TempDir())
	w, err := l.Account(Backend)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("book")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(l.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if text := readText(t, filepath.Join(r.Dir, AccountFile(Backend))); text != "book" {
		t.Errorf("the account holds %q, want %q", text, "book")
	}
	want := filepath.Join(l.Dir(), "logs", "collector-logs.txt")
	if got := l.LogPath(Gateway); got != want {
		t.Errorf("LogPath(gateway) = %q, want %q", got, want)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// nearlyFull has room for half of what is written while it lasts.
type nearlyFull struct {
	*os.File
	full bool
}

func (f *nearlyFull) Write(b []byte) (int, error) {
	if !f.full {
		return f.File.Write(b)
	}
	n, _ := f.File.Write(b[:len(b)/2])
	return n, errors.New("no space left on device")
}

// A line that did not fit is taken back, so that those after it can be read.
func TestLogOnAFullDisk(t *testing.T) {
	l := create(t, t.TempDir())
	disk := &nearlyFull{File: l.samples.f.(*os.File)}
	l.samples.f = disk
	for i := range 3 {
		disk.full = i == 1
		err := l.Sample(Sample{Elapsed: float64(i + 1)})
		if (err != nil) != disk.full {
			t.Fatalf("Sample %d: %v", i, err)
		}
	}
	r, err := Open(l.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Samples) != 2 || r.Torn != nil {
		t.Errorf("Open = %d samples, torn %v; want the 2 that were written", len(r.Samples), r.Torn)
	}
}
