package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/odigos-io/odigos-stress/internal/ledger"
)

func TestCountSpans(t *testing.T) {
	c, err := newContent()
	if err != nil {
		t.Fatal(err)
	}
	for _, spans := range []int{0, 1, 10, 1000} {
		b, err := proto.Marshal(c.generated(spans, newIDs(0)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := countSpans(b); got != spans || err != nil {
			t.Errorf("countSpans(request of %d spans) = %d, %v", spans, got, err)
		}
		if spans == 0 {
			continue
		}
		if got, err := countSpans(b[:len(b)-1]); err == nil {
			t.Errorf("countSpans(cut request of %d spans) = %d, want an error", spans, got)
		}
	}
}

func TestReadSent(t *testing.T) {
	slope := 0.0001
	book := ledger.Sent{
		All: ledger.Classes{Due: 1000, Unsent: 250, Acknowledged: 750}, Measured: ledger.Classes{Attempts: 750},
		EncodedBytes: 750 * 355, WireBytes: 750 * 71, SlopeError: &slope,
		Lateness: ledger.NewHistogram(), Answer: ledger.NewHistogram(),
	}
	book.Lateness.Record(40*time.Microsecond, 99)
	book.Lateness.Record(800*time.Microsecond, 1)
	text := func(b ledger.Sent) string {
		encoded, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	got, err := readSent(text(book))
	if err != nil {
		t.Fatal(err)
	}
	share := 0.25
	want := sent{
		unsent: &share, pace: &pace{Slope: &slope, P50: 40e-6, P99: 40e-6}, bytes: 355, wire: 71, acknowledged: 750,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sent{})); diff != "" {
		t.Errorf("readSent (-want +got):\n%s", diff)
	}
	failing := book
	failing.Errors = map[string]uint64{"connection refused": 3}
	for _, wrong := range []string{"", "{}", text(failing)} {
		if got, err := readSent(wrong); err == nil {
			t.Errorf("readSent(%.40q) = %v, want an error", wrong, got)
		}
	}
}

func TestReadReceived(t *testing.T) {
	got, err := readReceived(`{"unique_spans": 20, "decoded_bytes": 7100}`)
	if want := (tally{Spans: 20, Bytes: 7100}); got != want || err != nil {
		t.Errorf("readReceived = %v, %v, want %v", got, err, want)
	}
	for _, wrong := range []string{"", `{"unique_spans": 20, "foreign_spans": 1}`, `{"duplicate_spans": 1}`} {
		if got, err := readReceived(wrong); err == nil {
			t.Errorf("readReceived(%q) = %v, want an error", wrong, got)
		}
	}
}

func TestReadMetrics(t *testing.T) {
	got, err := readMetrics(strings.NewReader(`# TYPE go_memstats_alloc_bytes_total counter
go_memstats_alloc_bytes_total 1.5e+06
# TYPE go_memstats_mallocs_total counter
go_memstats_mallocs_total 200
# TYPE odigos_stress_loadgen_spans_total counter
odigos_stress_loadgen_spans_total{class="acknowledged"} 1000
odigos_stress_loadgen_spans_total{class="unsent"} 7
# TYPE odigos_stress_backend_spans_total counter
odigos_stress_backend_spans_total{result="unique"} 900
odigos_stress_backend_spans_total{result="duplicate"} 5
`))
	want := reading{spans: 1000, arrived: 900, allocated: 1.5e6, mallocs: 200}
	if got != want || err != nil {
		t.Errorf("readMetrics = %v, %v, want %v", got, err, want)
	}
	if got, err := readMetrics(strings.NewReader("go_goroutines 3\n")); err == nil {
		t.Errorf("readMetrics(without allocations) = %v, want an error", got)
	}
}

func TestLogged(t *testing.T) {
	const line = `time=2026-01-01T00:00:00Z level=INFO msg="backend listens" grpc=127.0.0.1:1 http="127.0.0.1:2"`
	for key, want := range map[string]string{"grpc": "127.0.0.1:1", "http": "127.0.0.1:2", "admin": ""} {
		if got := logged(line, key); got != want {
			t.Errorf("logged(line, %s) = %q, want %q", key, got, want)
		}
	}
}

func TestBetween(t *testing.T) {
	const document = "# Title\n" + beginMark + "old\n" + endMark + "rest\n"
	got, err := between(document, "new\n")
	if want := "# Title\n" + beginMark + "\nnew\n\n" + endMark + "rest\n"; got != want || err != nil {
		t.Errorf("between = %q, %v, want %q", got, err, want)
	}
	if again, err := between(got, "new\n"); again != got || err != nil {
		t.Errorf("between a second time = %q, %v, want %q", again, err, got)
	}
	for _, wrong := range []string{"", beginMark, endMark + beginMark} {
		if got, err := between(wrong, "new\n"); err == nil {
			t.Errorf("between(%q) = %q, want an error", wrong, got)
		}
	}
}

func TestPerSpan(t *testing.T) {
	if got := perSpan(10, 4); got == nil || math.Abs(*got-2.5) > 1e-12 {
		t.Errorf("perSpan(10, 4) = %v, want 2.5", got)
	}
	if perSpan(0, 4) != nil || perSpan(4, 0) != nil {
		t.Error("perSpan of what is not known is known")
	}
}
