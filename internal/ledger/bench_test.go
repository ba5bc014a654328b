package ledger

import (
	"math/rand/v2"
	"testing"
	"time"
)

// An arrival is an order in which the spans of a run come, 100 a request of ours.
type arrival struct {
	name  string
	spans int // a request at the backend
	put   func(numbers []Number, r *rand.Rand)
}

// arrivals are the orders in which the spans of a run come to a backend.
var arrivals = []arrival{
	{"in order/1000", 1000, func([]Number, *rand.Rand) {}},
	{"in order/100", 100, func([]Number, *rand.Rand) {}},
	{"batched/8192", 8192, func([]Number, *rand.Rand) {}},
	// Every request of 100 is of one of four streams.
	{"four streams/8192", 8192, func(numbers []Number, _ *rand.Rand) {
		for i, n := range numbers {
			request := n / 100
			numbers[i] = request%4<<48 | request/4*100 + n%100
		}
	}},
	// Services one after the other: every second span, then the others.
	{"by service/8192", 8192, func(numbers []Number, _ *rand.Rand) {
		for i := 0; i+100 <= len(numbers); i += 100 {
			first := numbers[i]
			for k := range 100 {
				numbers[i+k] = first + Number(k%50*2+k/50)
			}
		}
	}},
	// Traces of two spans, as a tail sampler lets them go: in no order.
	{"traces in disorder/8192", 8192, func(numbers []Number, r *rand.Rand) {
		for i := 0; i+2 <= len(numbers); i += 2 {
			k := r.IntN(len(numbers)/2) * 2
			numbers[i], numbers[k] = numbers[k], numbers[i]
			numbers[i+1], numbers[k+1] = numbers[k+1], numbers[i+1]
		}
	}},
	{"spans in disorder/8192", 8192, func(numbers []Number, r *rand.Rand) {
		r.Shuffle(len(numbers), func(i, k int) { numbers[i], numbers[k] = numbers[k], numbers[i] })
	}},
}

// due is when a span of the run is due, at a million spans a second.
func due(n Number) time.Duration { return time.Duration(n&MaxSequence/100*100) * time.Microsecond }

func BenchmarkReceive(b *testing.B) {
	for _, a := range arrivals {
		b.Run(a.name, func(b *testing.B) { benchmarkReceive(b, a) })
	}
}

func benchmarkReceive(b *testing.B, a arrival) {
	key, r := NewKey("run"), rand.New(rand.NewPCG(1, 2))
	type span struct {
		ids  [24]byte
		nano uint64
	}
	spans := make([]span, a.spans)
	numbers := make([]Number, a.spans)
	receipts := NewReceipts(new(bin))
	if err := receipts.Start(Run{RunID: "run", Start: epoch, SampleEvery: 1000}); err != nil {
		b.Fatal(err)
	}
	receipts.Observe = func(time.Duration, uint64) {}
	b.ReportAllocs()
	first, taken, n := Number(0), time.Duration(0), 0
	for b.Loop() {
		for i := range numbers {
			numbers[i] = first + Number(i)
		}
		a.put(numbers, r)
		for i, n := range numbers {
			key.PutTraceID(spans[i].ids[:16], n&^1)
			key.PutSpanID(spans[i].ids[16:], n)
			spans[i].nano = uint64(epoch.Add(due(n)).UnixNano())
		}
		first += Number(a.spans)
		at := epoch.Add(due(first))
		begun := time.Now()
		q := receipts.Begin()
		for i := range spans {
			s := &spans[i]
			add(q, s.ids[:], s.nano)
		}
		q.Commit(at, true)
		taken += time.Since(begun)
		n += a.spans
	}
	if c := receipts.Counts(); c.Unique != uint64(n) {
		b.Fatalf("%d of %d spans were taken for the first", c.Unique, n)
	}
	b.ReportMetric(float64(taken.Nanoseconds())/float64(n), "ns/span")
}

// A bin takes what is written and forgets it.
type bin struct{}

func (bin) Write(p []byte) (int, error)           { return len(p), nil }
func (bin) ReadAt(p []byte, _ int64) (int, error) { return len(p), nil }
