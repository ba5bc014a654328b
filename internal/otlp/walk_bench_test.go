package otlp

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
)

// walkCases are what a backend receives: requests of ours, and batches of a collector.
var walkCases = []struct {
	shape    string
	spans    int
	requests int // different ones: together more than a core's own cache
}{
	{"simple", 1000, 8},
	{"odigos-docs", 1000, 3},
	{"odigos-docs", 8192, 2},
	{"complex", 1000, 8},
}

const benchRun = "run"

var benchStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// benchRequests are the first requests of a run as they lie on the wire.
func benchRequests(tb testing.TB, shape string, spans, requests int, order string) [][]byte {
	tb.Helper()
	s, err := NewShape(shape, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	key, all := ledger.NewKey(benchRun), make([][]byte, requests)
	for n := range all {
		t := NewTemplate(s, 0, spans, rand.New(rand.NewPCG(1, uint64(n))))
		first := ledger.Number(n * spans)
		for _, h := range t.TraceIDs {
			key.PutTraceID(t.Bytes[h.At:], first+ledger.Number(h.Sequence))
		}
		for _, h := range t.SpanIDs {
			key.PutSpanID(t.Bytes[h.At:], first+ledger.Number(h.Sequence))
		}
		for _, h := range t.Times {
			due := uint64(benchStart.UnixNano()) + uint64(n)*1e6
			binary.LittleEndian.PutUint64(t.Bytes[h.At:], due-uint64(h.Before))
		}
		if all[n] = t.Bytes; order == "collector" {
			all[n] = collectorOrder(t.Bytes, wireRequest)
		}
	}
	return all
}

// benchmarkWalk has each request received by receive, in turn.
func benchmarkWalk(b *testing.B, receive func(*testing.B, int, []byte)) {
	for _, c := range walkCases {
		for _, order := range []string{"ours", "collector"} {
			b.Run(fmt.Sprintf("%s/%d/%s", c.shape, c.spans, order), func(b *testing.B) {
				requests := benchRequests(b, c.shape, c.spans, c.requests, order)
				b.SetBytes(int64(len(requests[0])))
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					receive(b, n%len(requests), requests[n%len(requests)])
					n++
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*c.spans), "ns/span")
			})
		}
	}
}

// BenchmarkWalk is the walk alone.
func BenchmarkWalk(b *testing.B) {
	benchmarkWalk(b, func(b *testing.B, _ int, req []byte) {
		n := 0
		if err := Walk(req, func(s []SpanView) { n += len(s) }); err != nil || n < 1000 {
			b.Fatal(err, n)
		}
	})
}

// BenchmarkEnter is the walk and the ledger. When all requests have come once, the run
// begins anew.
func BenchmarkEnter(b *testing.B) {
	var receipts *ledger.Receipts
	benchmarkWalk(b, func(b *testing.B, n int, req []byte) {
		if n == 0 {
			b.StopTimer()
			receipts = ledger.NewReceipts(bin{})
			run := ledger.Run{RunID: benchRun, Start: benchStart, SampleEvery: 1000}
			if err := receipts.Start(run); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		q := receipts.Begin()
		err := Walk(req, func(spans []SpanView) {
			for i := range spans {
				s := &spans[i]
				q.Add(s.TraceHigh, s.TraceLow, s.SpanID, s.EndNano)
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		spans := q.Spans()
		q.Commit(benchStart.Add(time.Second), true)
		if c := receipts.Counts(); c.Unique != uint64(spans*(n+1)) {
			b.Fatalf("%d of %d spans were taken for ours", c.Unique, spans*(n+1))
		}
	})
}

// A bin takes what is written and forgets it.
type bin struct{}

func (bin) Write(p []byte) (int, error)       { return len(p), nil }
func (bin) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }
