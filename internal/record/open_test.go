package record

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadLines(t *testing.T) {
	const whole = `{"elapsed_seconds":1}` + "\n"
	tests := []struct {
		in   string
		n    int
		torn bool
		err  string
	}{
		{"", 0, false, ""},
		{whole + whole, 2, false, ""},
		{whole + `{"elapsed_sec`, 1, true, ""},
		{`{`, 0, true, ""},
		{whole + strings.TrimSuffix(whole, "\n"), 2, false, ""}, // cut right before its end
		{whole + "{\"elapsed_\n" + whole, 0, false, "f:2: "},
		{whole + whole + "{\"elapsed_\n", 0, false, "f:3: "},
		{"null\n", 0, false, "f:1: not a JSON object"},
		{whole + "\n" + whole, 0, false, "f:2: "},
		{whole + `{"later":{"field":1},"elapsed_seconds":2}` + "\n", 2, false, ""},
		{`{"elapsed_seconds":"1"}` + "\n", 0, false, "f:1: "},
	}
	for _, test := range tests {
		all, torn, err := readLines[Sample](strings.NewReader(test.in), "f")
		if len(all) != test.n || torn != test.torn || (err == nil) != (test.err == "") {
			t.Errorf("readLines(%q) = %d samples, torn %v, %v; want %d, %v, %q",
				test.in, len(all), torn, err, test.n, test.torn, test.err)
		}
		if err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("readLines(%q): %v, want %q in it", test.in, err, test.err)
		}
	}
}

func TestOpenTornRecord(t *testing.T) {
	l := create(t, t.TempDir())
	if err := l.Sample(Sample{Elapsed: 1}); err != nil {
		t.Fatal(err)
	}
	for file, part := range map[file]string{l.samples.f: `{"at":"2026-`, l.events.f: `{`} {
		if _, err := file.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(l.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{SamplesFile, EventsFile}, r.Torn); diff != "" {
		t.Errorf("Torn (-want +got):\n%s", diff)
	}
	if len(r.Samples) != 1 {
		t.Errorf("Open = %d samples, want the whole one", len(r.Samples))
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct{ file, content, want string }{
		{HeaderFile, "", "is not a record: it has no raw/header.json"},
		{
			HeaderFile, `{"schema_version":2,"scenario":[]}`,
			"schema version 2, and this program knows up to 1",
		},
		{HeaderFile, `{}`, "no schema_version"},
		{HeaderFile, `{"schema_version":0}`, "schema version 0"},
		{HeaderFile, `{"schema`, "header.json: unexpected end of JSON"},
		{HeaderFile, `{"schema_version":1,"run_id":7}`, "header.json: "},
		{SamplesFile, "", "samples.jsonl: no such file"},
		{EventsFile, "x\n", "events.jsonl:1: "},
		{EndingFile, `{`, "ending.json: unexpected end of JSON"},
	}
	for _, test := range tests {
		l := create(t, t.TempDir())
		path := filepath.Join(l.Dir(), test.file)
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if test.content != "" {
			if err := os.WriteFile(path, []byte(test.content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(l.Dir()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Open with %q in %s: %v, want %q in it", test.content, test.file, err, test.want)
		}
	}
	if _, err := OpenLatest(t.TempDir()); err == nil ||
		!strings.Contains(err.Error(), "no trial has been recorded") {
		t.Errorf("OpenLatest of an empty directory: %v", err)
	}
}

// Whatever the bytes: no panic; what was read before a cut is the same with the cut
// part taken off; and each value read can be written and read again.
func FuzzOpenSamples(f *testing.F) {
	f.Add(`{"at":"2026-03-04T05:06:07Z","actors":{"gateway":{"running":true}}}` + "\n")
	f.Add(`{"elapsed_seconds":1}` + "\n" + `{"elap`)
	f.Add("\n\x00\xff")
	f.Fuzz(func(t *testing.T, in string) {
		all, torn, err := readLines[Sample](strings.NewReader(in), "f")
		if err != nil || !torn {
			return
		}
		again, torn, err := readLines[Sample](
			strings.NewReader(in[:strings.LastIndex(in, "\n")+1]), "f")
		if err != nil || torn || len(again) != len(all) {
			t.Errorf("without its torn line: %d samples, torn %v, %v; want %d",
				len(again), torn, err, len(all))
		}
	})
}

func TestOpenCountsFromTheStart(t *testing.T) {
	at := func(second int) time.Time { return began.Add(time.Duration(second) * time.Second) }
	known := []Sample{{At: at(0)}, {At: at(1)}, {At: at(2), Elapsed: -1}, {At: at(3)}}
	tests := []struct {
		name    string
		samples []Sample
		ending  *Ending
		want    []float64
	}{
		{"from a sample", known, nil, []float64{-3, -2, -1, 0}},
		{"from the ending", known, &Ending{LoadStart: at(3)}, []float64{-3, -2, -1, 0}},
		{"never began", known[:2], &Ending{}, []float64{-1, 0}},
		{"nothing", nil, nil, nil},
	}
	for _, test := range tests {
		r := &Record{
			Samples: append([]Sample(nil), test.samples...), Ending: test.ending,
			Events: []Event{{At: at(0)}},
		}
		r.countFromStart()
		var got []float64
		for _, s := range r.Samples {
			got = append(got, s.Elapsed)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: elapsed (-want +got):\n%s", test.name, diff)
		}
		if len(got) > 0 && r.Events[0].Elapsed != got[0] {
			t.Errorf("%s: event at %v, want %v", test.name, r.Events[0].Elapsed, got[0])
		}
	}
}

// A record of a cluster is judged by the node that the gateway came to.
func TestOpenLocatesTheGateway(t *testing.T) {
	one, two := Machine{Name: "one", Cores: 2}, Machine{Name: "two", Cores: 8}
	for on, want := range map[string]Machine{"two": two, "one": one, "": one, "three": {Name: "three"}} {
		r := Record{Header: Header{Machine: one, Nodes: []Machine{one, two}}}
		r.Ending = &Ending{Nodes: map[string]string{Gateway: on, Backend: "two"}}
		r.locate()
		if r.Header.Machine != want {
			t.Errorf("gateway on %q: machine %+v, want %+v", on, r.Header.Machine, want)
		}
	}
}
