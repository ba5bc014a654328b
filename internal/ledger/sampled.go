package ledger

import "math/bits"

// Sampled tells whether a span is one of those whose time of answer and time of
// receipt are both kept, so that they can be joined: the first of each every.
func Sampled(sequence, every uint64) bool { return every > 0 && sequence%every == 0 }

// A sampling is Sampled without a division (Granlund and Montgomery: Division by
// Invariant Integers using Multiplication, 1994, section 9): a multiple of odd·2^shift
// times the inverse of odd is a multiple of 2^shift, and small; nothing else is.
type sampling struct {
	inverse, most uint64
	shift         int
}

func newSampling(every uint64) sampling {
	if every == 0 {
		return sampling{inverse: 1, shift: 64}
	}
	shift := bits.TrailingZeros64(every)
	odd := every >> shift
	inverse := odd // right in three bits, and in twice as many after each step
	for range 5 {
		inverse *= 2 - odd*inverse
	}
	return sampling{inverse: inverse, most: ^uint64(0) / every, shift: shift}
}

func (s *sampling) has(sequence uint64) bool {
	return bits.RotateLeft64(sequence*s.inverse, -s.shift) <= s.most
}
