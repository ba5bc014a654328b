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

// read reads the span in b[i:end]. What it meets in nearly every span it handles
// here, the rest as any other message.
func (s *SpanView) read(b []byte, i, end, depth int) error {
	if depth--; depth < 0 {
		return errDepth
	}
	*s = SpanView{}
	b = b[:end]
	at := unsafe.Pointer(unsafe.SliceData(b))
	for i < end {
		left := end - i
		switch load8(at, i) {
		case tagTraceID:
			if left >= 18 && load8(at, i+1) == 16 {
				s.TraceID = *(*[16]byte)(unsafe.Add(at, i+2))
				i += 18
				continue
			}
		case tagSpanID:
			if left >= 10 && load8(at, i+1) == 8 {
				s.SpanID = *(*[8]byte)(unsafe.Add(at, i+2))
				i += 10
				continue
			}
		case tagParentID:
			if left >= 10 && load8(at, i+1) == 8 {
				i += 10
				continue
			}
		case tagName:
			if left >= 10 {
				to := i + 2 + int(load8(at, i+1))
				if to <= end && to <= i+129 && isASCII(at, i, to) {
					i = to
					continue
				}
			}
		case tagKind:
			if left >= 2 && load8(at, i+1) < 0x80 {
				i += 2
				continue
			}
		case tagStart:
			if left >= 9 {
				s.StartNano = load64(at, i+1)
				i += 9
				continue
			}
		case tagEnd:
			if left >= 9 {
				s.EndNano = load64(at, i+1)
				i += 9
				continue
			}
		case tagAttributes:
			if to := plainAttributes(at, i, end, tagAttributes); to > i {
				i = to
				continue
			}
		case tagFlags:
			if left >= 6 && load8(at, i+1) == 1 {
				i += 6
				continue
			}
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

// take keeps a field that is shown. The last one counts.
func (s *SpanView) take(b []byte, f field) {
	value := b[f.from:f.to]
	switch {
	case f.wire == protowire.BytesType && f.number == 1:
		if s.TraceID = [16]byte{}; len(value) == 16 {
			s.TraceID = [16]byte(value)
		}
	case f.wire == protowire.BytesType && f.number == 2:
		if s.SpanID = [8]byte{}; len(value) == 8 {
			s.SpanID = [8]byte(value)
		}
	case f.wire == protowire.Fixed64Type && f.number == 7:
		s.StartNano = binary.LittleEndian.Uint64(value)
	case f.wire == protowire.Fixed64Type && f.number == 8:
		s.EndNano = binary.LittleEndian.Uint64(value)
	}
}

const high = 0x8080808080808080

func load8(at unsafe.Pointer, i int) byte { return *(*byte)(unsafe.Add(at, i)) }

func load32(at unsafe.Pointer, i int) uint32 {
	return binary.LittleEndian.Uint32((*[4]byte)(unsafe.Add(at, i))[:])
}

func load64(at unsafe.Pointer, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(at, i))[:])
}

// plainAttributes reads attributes from i on, each a field with this tag, as long as they
// are plain: shorter than 128 bytes, with a key in ASCII and a value that is ASCII or
// a number, in either order. It returns where it stopped. What is not plain may be
// right or wrong.
func plainAttributes(at unsafe.Pointer, i, end int, tag byte) int {
	for end-i >= 8 {
		head := load32(at, i)
		next := i + 2 + int(head>>8&0xff)
		if next > end {
			return i
		}
		from, to := i, next // what must be ASCII
		switch head & 0x80ff80ff {
		case 0x000a0000 | uint32(tag): // the key first
			p := i + 4 + int(head>>24)
			if p+4 > next {
				return i
			}
			value := load32(at, p)
			if p+2+int(value>>8&0xff) != next {
				return i
			}
			if value&0x80ff80ff == 0x000a0012 {
				if int(value>>24) != next-p-4 {
					return i
				}
			} else if value&0xff == 0x12 && number(at, p+2, next) {
				to = p + 3
			} else {
				return i
			}
		case 0x00120000 | uint32(tag): // the value first
			p := i + 4 + int(head>>24)
			if p+2 > next || i+6 > p || load8(at, p) != 0x0a || p+2+int(load8(at, p+1)) != next {
				return i
			}
			if load8(at, i+4) == 0x0a {
				if int(load8(at, i+5)) != p-i-6 {
					return i
				}
			} else if number(at, i+4, p) {
				from = p
			} else {
				return i
			}
		default:
			return i
		}
		if to-from < 8 {
			if load64(at, to-8)>>(uint(64-8*(to-from))&63)&high != 0 {
				return i
			}
		} else {
			any := uint64(0)
			for ; to-from > 32; from += 32 {
				any |= load64(at, from) | load64(at, from+8) | load64(at, from+16) | load64(at, from+24)
			}
			any |= load64(at, max(from, to-32)) | load64(at, max(from, to-24)) |
				load64(at, max(from, to-16)) | load64(at, to-8)
			if any&high != 0 {
				return i
			}
		}
		i = next
	}
	return i
}

// number tells whether b[i:end] is a value of AnyValue that is a number of up to eight
// bytes. There are bytes before it.
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

// isASCII tells whether b[from:to] is ASCII; there are at least eight bytes before
// to.
func isASCII(at unsafe.Pointer, from, to int) bool {
	if to-from < 8 {
		return load64(at, to-8)>>(uint(64-8*(to-from))&63)&high == 0
	}
	any := uint64(0)
	for ; to-from > 16; from += 16 {
		any |= load64(at, from) | load64(at, from+8)
	}
	any |= load64(at, max(from, to-16)) | load64(at, to-8)
	return any&high == 0
}
