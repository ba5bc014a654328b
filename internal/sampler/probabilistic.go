package sampler

import (
	"encoding/binary"
	"math"
)

// A Probabilistic is the probabilistic_sampler processor, as its author configured it.
type Probabilistic struct {
	Mode       Mode    `json:"mode"`
	Percentage float64 `json:"sampling_percentage"`
	HashSeed   uint32  `json:"hash_seed"`
	// Precision is how many hexadecimal digits of the threshold count.
	Precision int `json:"sampling_precision"`
	// FailClosed drops what cannot be decided: in mode hash_seed all that another
	// probabilistic_sampler has passed.
	FailClosed bool `json:"fail_closed"`
}

// A Mode is a way of probabilistic_sampler to decide.
type Mode string

// The modes, as the collector spells them; hash_seed is what an empty one means.
const (
	HashSeed     Mode = "hash_seed"
	Equalizing   Mode = "equalizing"
	Proportional Mode = "proportional"
)

// DefaultPrecision is the collector's default.
const DefaultPrecision = 4

const (
	randomBits = 56
	always     = 0
	never      = 1 << randomBits // a threshold above all randomness

	bucketBits = 14 // that hash_seed decides by
	buckets    = 1 << bucketBits
)

// step follows the collector's probabilisticsamplerprocessor 0.157, sampler_mode.go and
// tracesprocessor.go, of which it keeps the precision of every number.
func (p *Probabilistic) step() step {
	percentage := min(float32(p.Percentage), 100)
	ratio := max(float64(percentage)/100, 1.0/(1<<randomBits))
	drop := func([16]byte, *state) bool { return false }
	switch {
	case percentage == 0:
		return drop
	case p.Mode == Equalizing:
		fixed, _ := thresholdOf(ratio, p.Precision)
		return p.consistent(func(s *state) uint64 {
			if s.hasThreshold {
				return max(fixed, s.threshold)
			}
			return fixed
		})
	case p.Mode == Proportional:
		return p.consistent(func(s *state) uint64 {
			incoming := 1.0
			if s.hasThreshold {
				incoming = float64(never-s.threshold) / never
			}
			threshold, ok := thresholdOf(incoming*ratio, p.Precision)
			if !ok {
				return never
			}
			return threshold
		})
	}
	kept := uint32(percentage * (buckets / 100.0))
	if kept == 0 {
		return drop
	}
	return p.hashing(uint64(buckets-kept) << (randomBits - bucketBits))
}

// hashing decides by a hash of the trace id, and insists on being the first to decide.
func (p *Probabilistic) hashing(threshold uint64) step {
	return func(traceID [16]byte, s *state) bool {
		if s.hasRandomness || s.hasThreshold {
			return !p.FailClosed
		}
		s.randomness, s.hasRandomness = hashed(traceID, p.HashSeed), true
		return s.passes(threshold, s.randomness)
	}
}

// consistent decides by the randomness that the tracestate or the trace id holds.
func (p *Probabilistic) consistent(threshold func(*state) uint64) step {
	return func(traceID [16]byte, s *state) bool {
		randomness := s.randomness
		if !s.hasRandomness {
			randomness = binary.BigEndian.Uint64(traceID[8:]) & (1<<randomBits - 1)
		}
		if s.hasThreshold && s.threshold > randomness {
			s.hasThreshold = false
			return !p.FailClosed && s.passes(always, randomness)
		}
		return s.passes(threshold(s), randomness)
	}
}

// passes decides, and notes the threshold unless a higher one is there.
func (s *state) passes(threshold, randomness uint64) bool {
	if threshold > randomness {
		return false
	}
	if !s.hasThreshold || threshold > s.threshold {
		s.threshold, s.hasThreshold = threshold, true
	}
	return true
}

// hashed is the randomness of mode hash_seed: its highest 14 bits are the lowest of an
// FNV-1a hash, inverted; the others never decide here, but may in a sampler after it.
func hashed(traceID [16]byte, seed uint32) uint64 {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], seed)
	hash := uint32(2166136261)
	for _, c := range b {
		hash = (hash ^ uint32(c)) * 16777619
	}
	for _, c := range traceID {
		hash = (hash ^ uint32(c)) * 16777619
	}
	bucket := uint64(hash % buckets)
	rest := uint64(hash >> (32 - bucketBits))
	return (buckets-1-bucket)<<42 | (rest^rest<<10)<<14 | bucket
}

// thresholdOf is how many of 2^56 values are dropped for a fraction to be kept, to so
// many hexadecimal digits, more near the ends; not ok is a fraction out of range.
func thresholdOf(fraction float64, digits int) (threshold uint64, ok bool) {
	const hexDigits = randomBits / 4
	if fraction < 1.0/never || fraction > 1 {
		return always, false
	}
	if fraction == 1 {
		return always, true
	}
	_, below := math.Frexp(fraction)
	_, above := math.Frexp(1 - fraction)
	digits = min(hexDigits, max(digits+below/-4, digits+above/-4))
	threshold = never - uint64(math.Round(fraction*never))
	if shift := 4 * (hexDigits - digits); shift > 0 {
		threshold = (threshold + 1<<(shift-1)) >> shift << shift
	}
	return threshold, true
}
