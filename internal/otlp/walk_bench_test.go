package otlp

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// received is a request of our own making as the wire brings it, patched with ids and
// times.
func received(tb testing.TB, shape string, spans int, collector bool) []byte {
	tb.Helper()
	s, err := NewShape(shape, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	t := NewTemplate(s, 0, spans, rand.New(rand.NewPCG(1, 2)))
	r := rand.New(rand.NewPCG(3, 4))
	for _, h := range t.TraceIDs {
		for i := range 16 {
			t.Bytes[int(h.At)+i] = byte(r.Uint32())
		}
	}
	for _, h := range t.SpanIDs {
		for i := range 8 {
			t.Bytes[int(h.At)+i] = byte(r.Uint32())
		}
	}
	for _, h := range t.Times {
		for i := range 8 {
			t.Bytes[int(h.At)+i] = byte(r.Uint32())
		}
	}
	if collector {
		return collectorOrder(t.Bytes, wireRequest)
	}
	return t.Bytes
}

func BenchmarkWalk(b *testing.B) {
	for _, shape := range []struct {
		name  string
		spans int
	}{{"simple", 1000}, {"odigos-docs", 1000}, {"odigos-docs", 8192}, {"complex", 1000}} {
		for _, order := range []string{"ours", "collector"} {
			req := received(b, shape.name, shape.spans, order == "collector")
			b.Run(fmt.Sprintf("%s/%d/%s", shape.name, shape.spans, order), func(b *testing.B) {
				b.SetBytes(int64(len(req)))
				b.ReportAllocs()
				for b.Loop() {
					n := 0
					if err := Walk(req, func(s []SpanView) { n += len(s) }); err != nil || n != shape.spans {
						b.Fatal(err, n)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(shape.spans), "ns/span")
			})
		}
	}
}
