package ledger

import (
	"math/rand/v2"
	"testing"
)

func TestKeyIsABijection(t *testing.T) {
	k := NewKey("run")
	r := rand.New(rand.NewPCG(1, 2))
	var trace [16]byte
	var span [8]byte
	for range 100_000 {
		first := Number(r.Uint64())
		n := first + Number(r.Uint64N(MaxTrace))
		k.PutTraceID(trace[:], first)
		k.PutSpanID(span[:], n)
		if got, ok := k.Number(trace[:], span[:]); !ok || got != n {
			t.Fatalf("Number(ids of %d) = %d, %v", n, got, ok)
		}
	}
}

func TestKeyKnowsForeignSpans(t *testing.T) {
	ours, other := NewKey("run"), NewKey("other run")
	var trace [16]byte
	var span [8]byte
	for n := range Number(100_000) {
		other.PutTraceID(trace[:], n)
		other.PutSpanID(span[:], n)
		if got, ok := ours.Number(trace[:], span[:]); ok {
			t.Fatalf("span %d of another run was taken for %d of ours", n, got)
		}
	}
	ours.PutTraceID(trace[:], 7)
	ours.PutSpanID(span[:], 7+MaxTrace)
	if _, ok := ours.Number(trace[:], span[:]); ok {
		t.Error("a span of another trace of ours was taken for a span of this one")
	}
}
