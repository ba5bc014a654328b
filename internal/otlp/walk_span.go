package otlp

import (
	"encoding/binary"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// The tags of fields that nearly every span has.
const (
	tagTraceID    = 1<<3 | 2
	tagSpanID     = 2<<3 | 2
	tagParentID   = 4<<3 | 2
	tagName       = 5<<3 | 2
	tagKind       = 6 << 3
	tagStart      = 7<<3 | 1
	tagEnd        = 8<<3 | 1
	tagAttributes = 9<<3 | 2
	tagFlags      = 0x80 | (16<<3|5)&0x7f // and then 1
)

// read reads the span in b[i:end]. What it meets in nearly every span it looks for in the
// two orders in which spans are written; all else is read as in any other message.
func (s *SpanView) read(b []byte, i, end, depth int) error {
	if depth--; depth < 0 {
		return errDepth
	}
	*s = SpanView{}
	b = b[:end]
	at := unsafe.Pointer(unsafe.SliceData(b))
	for i < end {
		begun := i
		if i = s.ascending(at, i, end); i < end && load8(at, i) == tagAttributes {
			to, ascii := plainAttributes(at, i, end, tagAttributes)
			if !ascii {
				if err := checkFields(b[i:to], wireSpan, depth); err != nil {
					return err
				}
			}
			i = to
		}
		if i = s.descending(at, i, end); i > begun {
			continue
		}
		f, err := fieldAt(b, i, wireSpan)
		if err != nil {
			return err
		}
		if err := f.check(b, depth); err != nil {
			return err
		}
		s.take(b, f)
		i = f.to
	}
	return nil
}

// ascending reads what there is of the fields before the attributes, in our order, which
// is that of their numbers, and returns where it stopped.
func (s *SpanView) ascending(at unsafe.Pointer, i, end int) int {
	if end-i < 64 { // longer than all of them but the name
		return i
	}
	if load16(at, i) == tagTraceID|16<<8 {
		s.TraceHigh, s.TraceLow = loadID(at, i+2), loadID(at, i+10)
		i += 18
	}
	if load16(at, i) == tagSpanID|8<<8 {
		s.SpanID = loadID(at, i+2)
		i += 10
	}
	if load16(at, i) == tagParentID|8<<8 {
		i += 10
	}
	if i = plainName(at, i, end); end-i < 20 {
		return i
	}
	if load16(at, i)&0x80ff == tagKind {
		i += 2
	}
	if load8(at, i) == tagStart {
		s.StartNano = load64(at, i+1)
		i += 9
	}
	if load8(at, i) == tagEnd {
		s.EndNano = load64(at, i+1)
		i += 9
	}
	return i
}

// descending is ascending in the order of collectors, from the last field to the first;
// they write the flags as if these had a lower number.
func (s *SpanView) descending(at unsafe.Pointer, i, end int) int {
	if end-i >= 22 {
		if load8(at, i) == tagEnd {
			s.EndNano = load64(at, i+1)
			i += 9
		}
		if load8(at, i) == tagStart {
			s.StartNano = load64(at, i+1)
			i += 9
		}
		if load16(at, i)&0x80ff == tagKind {
			i += 2
		}
		i = plainName(at, i, end)
	}
	if end-i >= 6 && load16(at, i) == tagFlags|1<<8 {
		i += 6
	}
	if end-i >= 10 && load16(at, i) == tagParentID|8<<8 {
		i += 10
	}
	if end-i >= 10 && load16(at, i) == tagSpanID|8<<8 {
		s.SpanID = loadID(at, i+2)
		i += 10
	}
	if end-i >= 18 && load16(at, i) == tagTraceID|16<<8 {
		s.TraceHigh, s.TraceLow = loadID(at, i+2), loadID(at, i+10)
		i += 18
	}
	return i
}

// plainName returns where the span's name ends that begins at i, or i if that is no name
// in ASCII.
func plainName(at unsafe.Pointer, i, end int) int {
	if end-i < 10 || load8(at, i) != tagName {
		return i
	}
	n := int(load8(at, i+1))
	if to := i + 2 + n; to <= end && isASCII(at, i, to) { // and so is a length of one byte
		return to
	}
	return i
}

// take keeps a field that is shown. The last one counts.
func (s *SpanView) take(b []byte, f field) {
	value := b[f.from:f.to]
	switch {
	case f.wire == protowire.BytesType && f.number == 1:
		if s.TraceHigh, s.TraceLow = 0, 0; len(value) == 16 {
			s.TraceHigh, s.TraceLow = binary.BigEndian.Uint64(value), binary.BigEndian.Uint64(value[8:])
		}
	case f.wire == protowire.BytesType && f.number == 2:
		if s.SpanID = 0; len(value) == 8 {
			s.SpanID = binary.BigEndian.Uint64(value)
		}
	case f.wire == protowire.Fixed64Type && f.number == 7:
		s.StartNano = binary.LittleEndian.Uint64(value)
	case f.wire == protowire.Fixed64Type && f.number == 8:
		s.EndNano = binary.LittleEndian.Uint64(value)
	}
}

const high = 0x8080808080808080 // the bit of each byte that ASCII does not use

// The loads do not look whether they stay within the request: those who load do, and so
// is a whole walk a third faster than with slices. At the near end the request is safe
// because a message in which anything is loaded lies at least four bytes into it, behind
// the tags and lengths of two messages around it.

func load8(at unsafe.Pointer, i int) byte { return *(*byte)(unsafe.Add(at, i)) }

func load16(at unsafe.Pointer, i int) uint16 {
	return binary.LittleEndian.Uint16((*[2]byte)(unsafe.Add(at, i))[:])
}

func load32(at unsafe.Pointer, i int) uint32 {
	return binary.LittleEndian.Uint32((*[4]byte)(unsafe.Add(at, i))[:])
}

func load64(at unsafe.Pointer, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(at, i))[:])
}

// loadID loads half a trace id, or a span id.
func loadID(at unsafe.Pointer, i int) uint64 {
	return binary.BigEndian.Uint64((*[8]byte)(unsafe.Add(at, i))[:])
}

// plainAttributes reads attributes from i on, each a field with this tag, as long as they
// are plain: shorter than 128 bytes, with a key in ASCII and a value that is ASCII or
// a number, in either order. It returns where it stopped; what is not plain may be
// right or wrong.
//
// Text is looked at last, as much as lies between two numbers at once. If it is not all
// ASCII, the attributes up to stop must be looked at one by one, and so each of them at
// most twice.
func plainAttributes(at unsafe.Pointer, i, end int, tag byte) (stop int, ascii bool) {
	text := i
	keyFirst, valueFirst := 0x000a0000|uint32(tag), 0x00120000|uint32(tag)
	for end-i >= 8 {
		head := load32(at, i)
		next := i + 2 + int(load8(at, i+1))
		if next > end {
			break
		}
		switch head & 0x80ff80ff {
		case keyFirst:
			p := i + 4 + int(head>>24)
			if p+4 > next {
				goto done
			}
			value := load32(at, p)
			if value == uint32(next-p)*0x01000100+stringValueHead {
				break
			}
			if value&0xff != 0x12 || int(value>>8&0xff) != next-p-2 || !number(at, p+2, next) {
				goto done
			}
			if next-p > 4 {
				if !isASCII(at, text, p) {
					return next, false
				}
				text = next
			}
		case valueFirst:
			n := int(head >> 24)
			p := i + 4 + n
			if p+2 > next || n < 2 || load16(at, p) != uint16(next-p)<<8+keyHead {
				goto done
			}
			if load16(at, i+4) == uint16(n)<<8+keyHead {
				break
			}
			if !number(at, i+4, p) {
				goto done
			}
			if n > 2 {
				if !isASCII(at, text, i) {
					return next, false
				}
				text = p
			}
		default:
			goto done
		}
		i = next
	}
done:
	if i > text && !isASCII(at, text, i) {
		return i, false
	}
	return i, true
}

// The first bytes of a string as a value and of a key, to which their length is added.
const (
	stringValueHead = 0x000a0012 - 4<<24 - 2<<8 + 1<<32
	keyHead         = 0x0a - 2<<8 + 1<<16
)

// number tells whether from i to end there is a field of AnyValue that is a bool, an
// integer of up to eight bytes, or a double. There are at least eight bytes before end.
func number(at unsafe.Pointer, i, end int) bool {
	n := end - i - 1
	switch load8(at, i) {
	case 2 << 3, 3 << 3:
		if uint(n-1) >= 8 {
			return false
		}
		keep := ^uint64(0) << (uint(64-8*n) & 63)
		return load64(at, end-8)&high&keep == high&keep&^(1<<63)
	case 4<<3 | 1:
		return n == 8
	}
	return false
}

// isASCII tells whether there is ASCII alone from from to to; there are at least eight
// bytes before to. What remains after the last whole block is looked at together with
// some of that.
func isASCII(at unsafe.Pointer, from, to int) bool {
	any := uint64(0)
	switch n := to - from; {
	case n == 0:
	case n > 64:
		for ; to-from > 64; from += 64 {
			any |= load64(at, from) | load64(at, from+8) | load64(at, from+16) | load64(at, from+24) |
				load64(at, from+32) | load64(at, from+40) | load64(at, from+48) | load64(at, from+56)
		}
		from = to - 64
		any |= load64(at, from) | load64(at, from+8) | load64(at, from+16) | load64(at, from+24) |
			load64(at, from+32) | load64(at, from+40) | load64(at, from+48) | load64(at, from+56)
	case n >= 32:
		any = load64(at, from) | load64(at, from+8) | load64(at, from+16) | load64(at, from+24) |
			load64(at, to-32) | load64(at, to-24) | load64(at, to-16) | load64(at, to-8)
	case n >= 16:
		any = load64(at, from) | load64(at, from+8) | load64(at, to-16) | load64(at, to-8)
	case n >= 8:
		any = load64(at, from) | load64(at, to-8)
	default:
		any = load64(at, to-8) >> (uint(64-8*n) & 63)
	}
	return any&high == 0
}
