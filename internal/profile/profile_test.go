package profile

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pprof "github.com/google/pprof/profile"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// The recorded profiles are of odigos-stress-otelcol 0.157.0, shaped as Odigos' gateway.
func TestRecordedProfiles(t *testing.T) {
	for _, name := range []string{"cpu-grpc", "cpu-http-gzip", "heap-grpc"} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".pb.gz"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		got := text(p)
		golden := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		var sum, shares float64
		for _, part := range p.Parts {
			sum, shares = sum+part.Value, shares+part.Share
		}
		if math.Abs(sum/p.Total-1) > 1e-9 || math.Abs(shares-1) > 1e-9 {
			t.Errorf("%s: the parts are %g of %g, the shares %g of 1", name, sum, p.Total, shares)
		}
	}
}

func text(p *Profile) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %.6g %s in %.3f s\n", p.Kind, p.Total, p.Unit, p.Seconds)
	for _, part := range p.Parts {
		fmt.Fprintf(&b, "%5.1f %%  %s\n", part.Share*100, part.Component)
	}
	return b.String()
}

// made is a profile with one sample for each value.
func made(t *testing.T, kind, unit string, values map[string]int64) []byte {
	t.Helper()
	p := &pprof.Profile{
		SampleType:    []*pprof.ValueType{{Type: "samples", Unit: "count"}, {Type: kind, Unit: unit}},
		DurationNanos: 2e9,
	}
	id := uint64(0)
	for name, value := range values {
		id++
		f := &pprof.Function{ID: id, Name: name}
		l := &pprof.Location{ID: id, Line: []pprof.Line{{Function: f}}}
		p.Function, p.Location = append(p.Function, f), append(p.Location, l)
		p.Sample = append(p.Sample, &pprof.Sample{
			Location: []*pprof.Location{l}, Value: []int64{1, value},
		})
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	batchFunc = collector + "processor/batchprocessor.(*shard[go.shape.struct { a/b.c *d }]).sendItems"
	queueFunc = collector + "exporter/exporterhelper/internal/queue.(*asyncQueue[x]).Start.func1"
)

func TestParseUnits(t *testing.T) {
	got, err := Parse(made(t, "cpu", "nanoseconds", map[string]int64{
		batchFunc: 1.5e9, "runtime.gcBgMarkWorker": 5e8,
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := &Profile{
		Kind: CPU, Unit: "seconds", Total: 2, Seconds: 2,
		Parts: []Part{{"processor/batch", 1.5, 0.75}, {"gc", 0.5, 0.25}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CPU (-want +got):\n%s", diff)
	}
	got, err = Parse(made(t, "inuse_space", "bytes", map[string]int64{batchFunc: 4096, queueFunc: 0}))
	if err != nil {
		t.Fatal(err)
	}
	want = &Profile{
		Kind: Heap, Unit: "bytes", Total: 4096,
		Parts: []Part{{"processor/batch", 4096, 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("heap (-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for want, data := range map[string][]byte{
		"parse profile:": []byte("<html>not found</html>"),
		"found values of samples in count, delay in nanoseconds, want cpu": made(t, "delay",
			"nanoseconds", map[string]int64{batchFunc: 1}),
	} {
		if _, err := Parse(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse: %v, want %q in it", err, want)
		}
	}
}

func TestDifference(t *testing.T) {
	before := &Profile{Parts: []Part{{"receiver/otlp", 5, 0}, {"gone", 3, 0}, {"same", 7, 0}}}
	after := &Profile{Parts: []Part{{"receiver/otlp", 35, 0}, {"same", 7, 0}, {"fanout", 10, 0}}}
	want := []Part{{"receiver/otlp", 30, 0.75}, {"fanout", 10, 0.25}, {"gone", -3, 0}}
	if diff := cmp.Diff(want, Difference(before, after)); diff != "" {
		t.Errorf("Difference (-want +got):\n%s", diff)
	}
	if got := Difference(nil, after); len(got) != 3 || got[0].Value != 35 {
		t.Errorf("Difference of nothing and something = %v, want all of it", got)
	}
	if got := Difference(after, nil); len(got) != 3 || got[0].Value != -7 || got[0].Share != 0 {
		t.Errorf("Difference of something and nothing = %v, want all of it, negative", got)
	}
}
