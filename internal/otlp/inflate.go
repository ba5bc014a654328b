package otlp

import (
	"encoding/binary"
	"errors"
	"slices"
)

// errCorrupt says that bytes are not what deflate (RFC 1951) could have written, errEarly
// that they end before they should.
var (
	errCorrupt = errors.New("corrupt deflate data")
	errEarly   = errors.New("the data end too early")
)

// An inflater decompresses whole messages (RFC 1951). It is faster than a reader of
// streams because both ends of the message are in memory: it takes eight bytes at a
// time and copies matches in the output itself, which it never looks beyond.
type inflater struct {
	in    []byte
	pos   int    // of the next byte of in to be put into bits; beyond its end for zeros
	hold  uint64 // the next bits; above count there may be some of those that follow
	count uint   // of bits in hold

	out   []byte // up to its capacity
	o     int    // of out that is written
	base  int    // where the output began: no match reaches further back
	limit int    // of o

	dynamic codes
	lengths [maxLiterals + maxDistances]uint8
}

// slack is what the output has room for beyond what is being written, so that a match
// and a few literals need no check of their own.
const slack = 320

// inflate appends to out what in says and returns how many bytes of in that took.
func (d *inflater) inflate(out, in []byte, limit int) ([]byte, int, error) {
	d.in, d.pos, d.hold, d.count = in, 0, 0, 0
	d.o, d.base, d.limit = len(out), len(out), limit
	d.out = out[:cap(out)]
	for last := false; !last; {
		d.refill()
		h := d.take(3)
		last = h&1 != 0
		var err error
		switch h >> 1 {
		case 0:
			err = d.stored()
		case 1:
			err = d.block(fixedCodes())
		case 2:
			if err = d.readCodes(); err == nil {
				err = d.block(&d.dynamic)
			}
		default:
			err = errCorrupt
		}
		if err == nil && d.o > d.limit {
			err = ErrTooLong
		}
		if err != nil {
			return d.out[:min(d.o, d.limit)], 0, err
		}
	}
	return d.out[:d.o], d.used(), d.early()
}

// used is how many bytes of the input were needed so far.
func (d *inflater) used() int { return d.pos - int(d.count>>3) }

// early tells whether more was needed than there is.
func (d *inflater) early() error {
	if d.used() > len(d.in) {
		return errEarly
	}
	return nil
}

// refill makes sure of 56 bits, with zeros beyond the end of the input.
func (d *inflater) refill() {
	if d.pos+8 <= len(d.in) {
		d.hold |= binary.LittleEndian.Uint64(d.in[d.pos:]) << d.count
		d.pos += int(63-d.count) >> 3
		d.count |= 56
		return
	}
	for d.count < 56 {
		if d.pos < len(d.in) {
			d.hold |= uint64(d.in[d.pos]) << d.count
		}
		d.pos++
		d.count += 8
	}
}

// take returns the next n bits of those that refill made sure of.
func (d *inflater) take(n uint) uint {
	v := uint(d.hold) & (1<<n - 1)
	d.hold >>= n
	d.count -= n
	return v
}

// room makes the output so long that n more bytes and the slack fit. It grows by what is
// there already, and never much beyond the limit.
func (d *inflater) room(n int) error {
	if d.o+n > d.limit {
		return ErrTooLong
	}
	if d.o+n+slack <= len(d.out) {
		return nil
	}
	more := max(min(d.o-d.base, d.limit-d.o), n) + slack
	d.out = slices.Grow(d.out[:d.o], more)
	d.out = d.out[:cap(d.out)]
	return nil
}

// stored copies a block that is not compressed.
func (d *inflater) stored() error {
	at := d.used()
	if at+4 > len(d.in) {
		return errEarly
	}
	size := int(binary.LittleEndian.Uint16(d.in[at:]))
	if uint16(size) != ^binary.LittleEndian.Uint16(d.in[at+2:]) {
		return errCorrupt
	}
	at += 4
	if at+size > len(d.in) {
		return errEarly
	}
	if err := d.room(size); err != nil {
		return err
	}
	d.o += copy(d.out[d.o:], d.in[at:at+size])
	d.pos, d.hold, d.count = at+size, 0, 0
	return nil
}

// readCodes reads the codes of a block that brings its own.
func (d *inflater) readCodes() error {
	literals, distances, lengths := int(d.take(5))+257, int(d.take(5))+1, int(d.take(4))+4
	if literals > maxLiterals || distances > maxDistances {
		return errCorrupt
	}
	order := [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	var of [19]uint8
	for _, symbol := range order[:lengths] {
		d.refill()
		of[symbol] = uint8(d.take(3))
	}
	var table [1 << lengthBits]uint32
	if !build(table[:], lengthBits, of[:], lengthSymbols[:]) {
		return errCorrupt
	}
	all := d.lengths[:literals+distances]
	for i := 0; i < len(all); {
		d.refill()
		if err := d.early(); err != nil {
			return err
		}
		e := table[d.hold&(1<<lengthBits-1)]
		if e&special != 0 {
			return errCorrupt
		}
		d.take(uint(e >> 8 & 15))
		value, times := uint8(e>>16), 1
		if value >= 16 { // 16 repeats the last, 17 and 18 zeros
			times = [3]int{3, 3, 11}[value-16] + int(d.take([3]uint{2, 3, 7}[value-16]))
			switch {
			case value > 16:
				value = 0
			case i == 0:
				return errCorrupt
			default:
				value = all[i-1]
			}
		}
		if i+times > len(all) {
			return errCorrupt
		}
		for end := i + times; i < end; i++ {
			all[i] = value
		}
	}
	c := &d.dynamic
	if !build(c.literals[:], literalBits, all[:literals], literalSymbols[:]) ||
		!build(c.distances[:], distanceBits, all[literals:], distanceSymbols[:]) {
		return errCorrupt
	}
	return nil
}
