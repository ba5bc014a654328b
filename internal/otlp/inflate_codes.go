package otlp

import (
	"math/bits"
	"sync"
)

// The codes of a block are tables that are looked up with as many bits as a table has, or,
// where a code is longer, with those that follow in a part of it behind. An entry is
//
//	bits 0-5   how many bits to drop: those of the code and of the extra bits after it
//	bits 8-11  those of the code alone
//	bit  15    special: not a length, a distance or a literal
//	bits 16-30 the literal; the length or distance without the extra bits; for a longer
//	           code the place of its part of the table, which is of 2^(bits 12-14) entries
//	bit  31    a literal
//
// A special entry without a part of the table is the end of the block if it says so in the
// place of the literal, and else not a code.
type codes struct {
	literals  [1<<literalBits + maxLiterals<<(maxCode-literalBits)]uint32
	distances [1<<distanceBits + maxDistances<<(maxCode-distanceBits)]uint32
}

const (
	maxCode      = 15 // bits
	maxLiterals  = 286
	maxDistances = 30

	literalBits  = 10
	distanceBits = 8
	lengthBits   = 7

	special    = 1 << 15
	literal    = 1 << 31
	endOfBlock = 1
)

// These have for each symbol what its entry is beside the length of the code.
var literalSymbols, distanceSymbols, lengthSymbols = symbols()

func symbols() (l [maxLiterals + 2]uint32, d [maxDistances + 2]uint32, c [19]uint32) {
	for i := range c {
		c[i] = uint32(i) << 16
	}
	for i := range 256 {
		l[i] = uint32(i)<<16 | literal
	}
	l[256] = endOfBlock<<16 | special
	base := uint32(3)
	for i := range uint32(28) { // RFC 1951, 3.2.5
		extra := max(i/4, 1) - 1
		l[257+i] = base<<16 | extra
		base += 1 << extra
	}
	l[285] = 258 << 16
	base = 1
	for i := range uint32(maxDistances) {
		extra := max(i/2, 1) - 1
		d[i] = base<<16 | extra
		base += 1 << extra
	}
	l[286], l[287], d[30], d[31] = special, special, special, special
	return l, d, c
}

var fixedCodes = sync.OnceValue(func() *codes {
	var c codes
	var lengths [maxLiterals + 2]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(c.literals[:], literalBits, lengths[:], literalSymbols[:])
	for i := range maxDistances + 2 {
		lengths[i] = 5
	}
	build(c.distances[:], distanceBits, lengths[:maxDistances+2], distanceSymbols[:])
	return &c
})

// build makes a table with that many bits of the lengths of all symbols' codes. It gives
// false for lengths that are no code (RFC 1951, 3.2.2): those of too few are one only if
// there is a single code of one bit, or none, as compress/flate has it.
func build(table []uint32, size uint, lengths []uint8, symbols []uint32) bool {
	var count, next [maxCode + 1]uint
	for _, l := range lengths {
		count[l]++
	}
	count[0] = 0
	longest, sum := uint(0), uint(0)
	for l := uint(1); l <= maxCode; l++ {
		next[l] = (next[l-1] + count[l-1]) << 1
		sum += count[l] << (maxCode - l)
		if count[l] > 0 {
			longest = l
		}
	}
	if sum != 1<<maxCode {
		if sum > 0 && (longest > 1 || count[1] > 1) {
			return false
		}
		for i := range table[:1<<size] {
			table[i] = special
		}
	}
	var parts [1 << literalBits]uint16 // where they begin, by the bits that lead to them
	used := uint(1) << size
	for symbol, l := range lengths {
		if l == 0 {
			continue
		}
		n := uint(l)
		code := uint(bits.Reverse16(uint16(next[n]))) >> (16 - n)
		next[n]++
		e := symbols[symbol]
		if n <= size {
			e += uint32(n) * 0x101
			for i := code; i < 1<<size; i += 1 << n {
				table[i] = e
			}
			continue
		}
		wide, first := longest-size, code&(1<<size-1)
		if parts[first] == 0 {
			parts[first] = uint16(used)
			table[first] = uint32(used)<<16 | uint32(wide)<<12 | special
			used += 1 << wide
		}
		at := uint(parts[first])
		e += uint32(n-size) * 0x101
		for i := code >> size; i < 1<<wide; i += 1 << (n - size) {
			table[at+i] = e
		}
	}
	return true
}
