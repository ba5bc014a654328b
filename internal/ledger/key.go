package ledger

import (
	"crypto/sha256"
	"encoding/binary"
)

// A Key is the bijection between the numbers of one run and the ids that its spans
// bear. Each id is a SplitMix64 output (Steele, Lea, Flood: Fast Splittable
// Pseudorandom Number Generators, 2014; finalizer by Stafford, variant 13) of the
// number under a key of the run: all 64 and 128 bits look random to a sampler, and
// both directions cost a few nanoseconds.
//
// A foreign span is taken for one of ours when all 64 low bits of its trace id fit
// its high ones and its span id falls within MaxTrace of them: about one in 2^120.
type Key struct {
	span, hi, lo uint64
}

// MaxTrace is the largest number of spans in one trace of ours.
const MaxTrace = 256

const golden = 0x9E3779B97F4A7C15

// NewKey returns the key of the run.
func NewKey(runID string) Key {
	sum := sha256.Sum256([]byte("odigos-stress ledger\x00" + runID))
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(sum[8*i:]) }
	// mix64 sends only 0 to 0. The number that would meet it is put into the stream
	// that no generator has, so that no id of ours is all zero, which OTLP forbids.
	free := uint64(MaxStream+1)<<48 | word(0)>>16
	return Key{span: -free * golden, hi: word(1), lo: word(2)}
}

// PutSpanID writes the span id of n into the first 8 bytes of dst.
func (k Key) PutSpanID(dst []byte, n Number) {
	binary.BigEndian.PutUint64(dst, mix64(uint64(n)*golden+k.span))
}

// PutTraceID writes the id of the trace whose first span is first into the first 16
// bytes of dst.
func (k Key) PutTraceID(dst []byte, first Number) {
	binary.BigEndian.PutUint64(dst, mix64(uint64(first)*golden+k.hi))
	binary.BigEndian.PutUint64(dst[8:], mix64(uint64(first)*golden+k.lo))
}

// Number returns the number of the span that bears these ids; ok is false for a span
// that is not of this run.
func (k Key) Number(traceID, spanID []byte) (n Number, ok bool) {
	if len(traceID) != 16 || len(spanID) != 8 {
		return 0, false
	}
	first, ok := k.first(binary.BigEndian.Uint64(traceID), binary.BigEndian.Uint64(traceID[8:]))
	n = k.number(binary.BigEndian.Uint64(spanID))
	if !ok || n-first >= MaxTrace {
		return 0, false
	}
	return n, true
}

// first is the number of the first span of a trace of ours.
func (k *Key) first(high, low uint64) (first Number, ours bool) {
	z := unmix64(high) - k.hi
	return Number(z * goldenInverse), mix64(z+k.lo) == low
}

// number is the number of a span with this id, if it is ours.
func (k *Key) number(spanID uint64) Number {
	return Number((unmix64(spanID) - k.span) * goldenInverse)
}

// goldenInverse is the inverse of golden modulo 2^64.
const goldenInverse = 0xF1DE83E19937733D

func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// unmix64 undoes mix64: the multipliers are the inverses modulo 2^64, and each
// shift is undone by repeating it until nothing is left of it.
func unmix64(z uint64) uint64 {
	z = (z ^ z>>31 ^ z>>62) * 0x319642B2D24D8EC3
	z = (z ^ z>>27 ^ z>>54) * 0x96DE1B173F119089
	return z ^ z>>30 ^ z>>60
}
