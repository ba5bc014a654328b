package loadgen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func shapeOf(t testing.TB, name string) *otlp.Shape {
	s, err := otlp.NewShape(name, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func payloadsOf(t testing.TB, shape string, batch int, seed uint64, run string, stream uint16,
) *payloads {
	return payloadsFor(t, &scenario.Load{
		Shape: scenario.Shape(shape), SpansPerRequest: batch, Seed: seed, InFlight: 4,
		Compression: scenario.CompressionNone,
	}, run, stream)
}

func payloadsFor(t testing.TB, load *scenario.Load, run string, stream uint16) *payloads {
	p, err := newPayloads(shapeOf(t, string(load.Shape)), load, stream)
	if err != nil {
		t.Fatal(err)
	}
	p.patcher.key = ledger.NewKey(run)
	return p
}

// numbers decodes a request and returns the number of each span, and how many spans
// have none.
func numbers(t *testing.T, key ledger.Key, b []byte) (all []ledger.Number, foreign int) {
	t.Helper()
	var request collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(b, &request); err != nil {
		t.Fatal(err)
	}
	for _, rs := range request.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				n, ok := key.Number(s.TraceId, s.SpanId)
				if !ok {
					foreign++
				}
				all = append(all, n)
			}
		}
	}
	return all, foreign
}

// Over many requests of each shape, whole or split, every sequence comes once.
func TestEverySequenceComesOnce(t *testing.T) {
	const stream, requests = 3, 50
	key := ledger.NewKey("run")
	for _, test := range []struct {
		shape string
		batch int
	}{
		{"odigos-docs", 20},
		{"simple", 20},
		{"complex", 20},
		{"simple", 7},
		{"complex", 33},
		{"simple", 1},
	} {
		p := payloadsOf(t, test.shape, test.batch, 1, "run", stream)
		seen := map[ledger.Number]bool{}
		for n := range uint64(requests) {
			r := p.get(n, 1<<60)
			all, foreign := numbers(t, key, r.Bytes)
			if foreign > 0 || len(all) != test.batch {
				t.Errorf("%s/%d: request %d has %d spans, %d foreign", test.shape, test.batch, n,
					len(all), foreign)
			}
			for _, number := range all {
				seen[number] = true
			}
			r.release()
		}
		for s := range ledger.Number(requests * test.batch) {
			if !seen[stream<<48|s] {
				t.Errorf("%s/%d: span %d is missing", test.shape, test.batch, s)
			}
		}
	}
}

// Equal seed, run and start give equal bytes, today and on any machine: a change of
// these sums is a change of what everybody sends, and belongs in the change log.
func TestFingerprint(t *testing.T) {
	want := map[string]string{
		"odigos-docs": "a016144e6a5c5274",
		"simple":      "e49b24018bc5cf59",
		"complex":     "08b8af8cc194bc6f",
	}
	got := map[string]string{}
	for name := range want {
		got[name] = fingerprint(t, name, 7, "run", 1<<60)
		for what, other := range map[string]string{
			"seed":  fingerprint(t, name, 8, "run", 1<<60),
			"run":   fingerprint(t, name, 7, "another", 1<<60),
			"start": fingerprint(t, name, 7, "run", 1<<60+1),
		} {
			if other == got[name] {
				t.Errorf("%s: another %s, the same bytes", name, what)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fingerprints (-want +got):\n%s", diff)
	}
}

func fingerprint(t *testing.T, shape string, seed uint64, run string, start uint64) string {
	p := payloadsOf(t, shape, 20, seed, run, 1)
	sum := sha256.New()
	for n := range uint64(100) {
		r := p.get(n, start+n*1e6)
		sum.Write(r.Bytes)
		r.release()
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// A request that somebody still holds is not patched for the next.
func TestHeldRequestsStayAsTheyAre(t *testing.T) {
	p := payloadsOf(t, "simple", 100, 1, "run", 0)
	held := p.get(0, 1<<60)
	held.hold() // as a body of net/http does
	was := bytes.Clone(held.Bytes)
	held.release()
	for n := range uint64(1000) {
		p.get(n*p.variants, 1<<61).release()
	}
	if !bytes.Equal(was, held.Bytes) {
		t.Error("a request was patched although it was held")
	}
	if p.alive != 2 {
		t.Errorf("%d copies were made, want 2", p.alive)
	}
}

func BenchmarkPatch(b *testing.B) {
	for _, test := range []struct {
		shape string
		batch int
	}{{"simple", 1000}, {"odigos-docs", 100}, {"complex", 100}} {
		b.Run(test.shape, func(b *testing.B) {
			p := payloadsOf(b, test.shape, test.batch, 1, "run", 0)
			n := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				p.get(n, 1<<60+n).release()
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/float64(test.batch), "ns/span")
		})
	}
}

// Whatever compresses a request, and when, it says what it says uncompressed.
func TestWireSaysWhatBytesSay(t *testing.T) {
	for _, encoding := range []scenario.Compression{
		scenario.CompressionGzip, scenario.CompressionZstd, scenario.CompressionSnappy,
	} {
		for _, online := range []bool{false, true} {
			p := payloadsFor(t, &scenario.Load{
				Shape: "odigos-docs", SpansPerRequest: 20, Seed: 1, InFlight: 2,
				Compression: encoding, CompressOnline: online,
			}, "run", 1)
			for n := range uint64(100) {
				r := p.get(n, 1e18+n)
				plain, err := otlp.Decompress(string(encoding), nil, r.Wire, 1<<20)
				if err != nil || !bytes.Equal(plain, r.Bytes) {
					t.Fatalf("%s, online %t: request %d decompresses to %d bytes, want these %d (%v)",
						encoding, online, n, len(plain), len(r.Bytes), err)
				}
				r.release()
			}
		}
	}
}
