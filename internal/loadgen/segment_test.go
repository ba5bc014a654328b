package loadgen

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func TestParseSegment(t *testing.T) {
	for _, text := range []string{"", "1", "3/3", "-1/3", "0/0", "1/0", "a/3", "1/2/3", "0/70000"} {
		if s, err := ParseSegment(text); err == nil {
			t.Errorf("ParseSegment(%q) = %v, want an error", text, s)
		}
	}
	for _, text := range []string{"0/1", "0/3", "2/3", "63/64"} {
		if s, err := ParseSegment(text); err != nil || s.String() != text {
			t.Errorf("ParseSegment(%q) = %v, %v", text, s, err)
		}
	}
}

// Whatever the pattern, the length and the number of segments: each slot of the whole is a
// slot of one segment, at the same time, and no segment has another.
func TestSegmentsAreTheWholeSchedule(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	for _, rate := range []float64{1, 99.5, 1e3, 1e6} {
		for name, load := range loads(rate, 10) {
			length := time.Duration(1+r.IntN(900_000)) * time.Millisecond
			whole, err := NewSchedule(load, warm, length)
			if err != nil {
				continue // a ramp longer than this
			}
			for of := 1; of <= 7; of++ {
				call := fmt.Sprintf("%s %v/s over %v in %d", name, rate, length, of)
				checkSegments(t, call, whole, of, warm+length, r)
			}
		}
	}
}

func checkSegments(t *testing.T, call string, whole Schedule, of int, total time.Duration,
	r *rand.Rand,
) {
	t.Helper()
	var parts []Schedule
	for i := range of {
		parts = append(parts, Segment{i, of}.Schedule(whole))
	}
	n := uint64(of)
	same := func(k uint64) {
		at, ok := whole.Due(k)
		part, partOK := parts[k%n].Due(k / n)
		if part != at || partOK != ok {
			t.Fatalf("%s: slot %d is due at %v, %v; of its segment at %v, %v", call, k, at, ok, part,
				partOK)
		}
	}
	slots := Slots(whole, total)
	for k := range min(slots+2*n, 5000) {
		same(k)
	}
	for range 200 {
		same(r.Uint64N(slots + 2*n))
	}
	for range 10 {
		before := time.Duration(r.Int64N(int64(total)))
		sum, rate := uint64(0), 0.0
		for _, part := range parts {
			sum += Slots(part, before)
			rate += part.Rate(before)
		}
		if want := Slots(whole, before); sum != want {
			t.Fatalf("%s: %d slots before %v, %d of all segments", call, want, before, sum)
		}
		if want := whole.Rate(before); rate < 0.999999*want || rate > 1.000001*want {
			t.Fatalf("%s: rate %v at %v, %v of all segments", call, want, before, rate)
		}
	}
}

// A load's connections and requests in flight are dealt out, and everybody has one.
func TestSegmentsShareWhatALoadMayHave(t *testing.T) {
	for _, c := range []struct{ n, of, want int }{
		{16, 1, 16}, {16, 3, 16}, {7, 7, 7}, {100, 64, 100}, {2, 3, 3},
	} {
		sum := 0
		for i := range c.of {
			l := Segment{i, c.of}.load(scenario.Load{Connections: c.n, InFlight: 2 * c.n})
			sum += l.Connections
			if l.Connections < 1 || l.InFlight < l.Connections {
				t.Errorf("segment %d/%d of %d connections has %d, and %d in flight", i, c.of, c.n,
					l.Connections, l.InFlight)
			}
		}
		if sum != c.want {
			t.Errorf("%d segments of %d connections have %d, want %d", c.of, c.n, sum, c.want)
		}
	}
}

// seen are the spans that came, with the Unix nanosecond that each bears as its end.
type seen struct {
	mu   sync.Mutex
	ends map[ledger.Number]uint64
	twin int // came twice
}

func (s *seen) add(t *testing.T, body []byte) {
	var request collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil {
		t.Error(err)
	}
	key := ledger.NewKey("run")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rs := range request.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, span := range ss.Spans {
				n, _ := key.Number(span.TraceId, span.SpanId)
				if _, again := s.ends[n]; again {
					s.twin++
				}
				s.ends[n] = span.EndTimeUnixNano
			}
		}
	}
}

// isWhole holds what came of all segments against the whole schedule: slot k is batch
// consecutive sequences of stream k modulo of, and each of them bears its due time.
func (s *seen) isWhole(t *testing.T, whole Schedule, start time.Time, of, batch uint64) {
	t.Helper()
	left := len(s.ends)
	for k := uint64(0); ; k++ {
		due, ok := whole.Due(k)
		if !ok {
			break
		}
		for i := range batch {
			n := ledger.Number(k%of<<48 | k/of*batch + i)
			end, came := s.ends[n]
			if want := uint64(start.UnixNano() + int64(due)); !came || end != want {
				t.Fatalf("span %x of slot %d ends at %d, %v; want %d", uint64(n), k, end, came, want)
			}
			left--
		}
	}
	if left != 0 || s.twin != 0 {
		t.Errorf("%d spans came that are of no slot, %d came again", left, s.twin)
	}
}

// What all segments send is what one generator would: every slot once, at its due time,
// under the number that follows from it, and the books are together that one's.
func TestSegmentsSendTheWholeLoad(t *testing.T) {
	for of := uint64(1); of <= 7; of++ {
		synctest.Test(t, func(t *testing.T) {
			cfg := config(1000, 20, 500*time.Millisecond, 2*time.Second)
			cfg.Load.InFlight, cfg.Load.Connections = 256, 8
			whole, err := NewSchedule(cfg.Load, cfg.WarmUp, cfg.Measure)
			if err != nil {
				t.Fatal(err)
			}
			came := seen{ends: map[ledger.Number]uint64{}}
			keep := func(ctx context.Context, r *Request) Answer {
				came.add(t, r.Bytes)
				return accept(ctx, r)
			}
			start := time.Now().Add(standaloneLead)
			var running sync.WaitGroup
			var all []*Generator
			for i := range int(of) {
				part := cfg
				part.Segment, part.Stream = Segment{i, int(of)}, uint16(i)
				g := fake(t, part, answering(keep))
				all = append(all, g)
				running.Go(func() {
					if err := g.Run(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			running.Wait()
			came.isWhole(t, whole, start, of, 20)
			var books []*ledger.Sent
			for _, g := range all {
				books = append(books, bookOf(t, g))
			}
			sum := ledger.SentTogether(books)
			if sum.All.Due != 2500 || sum.Measured.Due != 2000 || sum.Measured.Acknowledged != 2000 ||
				sum.Lateness.Count() != 100 {
				t.Errorf("%d segments: %+v, measured %+v, lateness of %d slots", of, sum.All,
					sum.Measured, sum.Lateness.Count())
			}
			if e := sum.SlopeError; e == nil || *e != 0 {
				t.Errorf("%d segments: slope error %v, want 0", of, e)
			}
		})
	}
}

// The SDK's engine numbers and dates its spans in the same way.
func TestSegmentsOfTheSDK(t *testing.T) {
	r := &receiver{}
	endpoint := r.serve(t)
	const of = 3
	for i := range of {
		cfg := sdkConfig(endpoint)
		cfg.Load.Rate, cfg.Measure = 2000, 500*time.Millisecond
		cfg.Load.Connections, cfg.Load.InFlight = 3, 12
		cfg.Segment, cfg.Stream = Segment{i, of}, uint16(i)
		whole, err := NewSchedule(cfg.Load, 0, cfg.Measure)
		if err != nil {
			t.Fatal(err)
		}
		g, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		sent := ran(t, g)
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		slots := uint64(0)
		for k := uint64(i); ; k += of {
			due, ok := whole.Due(k)
			if !ok {
				break
			}
			slots++
			first := ledger.Number(i)<<48 | ledger.Number(k/of*100)
			for n := first; n < first+100; n++ {
				end, came := r.ends[n]
				if want := uint64(sent.Start.UnixNano() + int64(due)); came && end != want {
					t.Fatalf("span %x of slot %d ends at %d, want %d", uint64(n), k, end, want)
				}
			}
		}
		if sent.All.Due != 100*slots || sent.All.Acknowledged == 0 {
			t.Errorf("segment %d/%d: %+v, want %d slots due", i, of, sent.All, slots)
		}
	}
	for n := range r.ends {
		if n>>48 >= of || n&ledger.MaxSequence >= 400 {
			t.Errorf("span %x came, which no slot has", uint64(n))
		}
	}
}
