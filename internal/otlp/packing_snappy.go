package otlp

import "encoding/binary"

// The form of snappy's framing: a chunk that says what it is, then chunks of a kind, three
// bytes of length, a checksum and a block each.
const (
	snappyMagic = "\xff\x06\x00\x00sNaPpY"
	snappyChunk = 64 << 10 // plain bytes at most
	snappyBlock = 0x00     // kind: a compressed block
	snappyPlain = 0x01     // kind: one that is as it is
)

// packSnappy leaves the holes among the literals, which are bytes of the stream.
func packSnappy(c *cast) (*Packing, error) {
	p := &Packing{Bytes: []byte(snappyMagic), table: castagnoli, masked: true}
	places := make([]uint32, len(c.bytes))
	m := newMatcher(c.meanings())
	for from := 0; from < len(c.bytes); from += snappyChunk {
		end := min(from+snappyChunk, len(c.bytes))
		p.Bytes = append(p.Bytes, snappyBlock, 0, 0, 0)
		sizeAt := len(p.Bytes) - 3
		p.sums = append(p.sums, sum{uint32(len(p.Bytes)), uint32(from), uint32(end)})
		p.Bytes = append(p.Bytes, 0, 0, 0, 0)
		p.Bytes = binary.AppendUvarint(p.Bytes, uint64(end-from))
		at := from
		for _, s := range m.sequences(from, from, end) {
			if s.literals > 0 {
				p.Bytes = appendSnappyLiterals(p.Bytes, s.literals)
				for i := at; i < at+s.literals; i++ {
					places[i] = uint32(len(p.Bytes) + i - at)
				}
				p.Bytes = append(p.Bytes, c.bytes[at:at+s.literals]...)
			}
			p.Bytes = appendSnappyCopy(p.Bytes, s.size, s.distance)
			at += s.literals + s.size
		}
		size := len(p.Bytes) - sizeAt - 3
		copy(p.Bytes[sizeAt:], []byte{byte(size), byte(size >> 8), byte(size >> 16)})
	}
	p.moves = c.moves(places)
	return p, nil
}

// appendSnappyLiterals appends what comes before n literals.
func appendSnappyLiterals(b []byte, n int) []byte {
	switch n--; {
	case n < 60:
		return append(b, byte(n<<2))
	case n < 1<<8:
		return append(b, 60<<2, byte(n))
	default:
		return append(b, 61<<2, byte(n), byte(n>>8))
	}
}

// appendSnappyCopy appends copies of size bytes in all.
func appendSnappyCopy(b []byte, size, distance int) []byte {
	for size > 0 {
		n := min(size, 64)
		if n >= 4 && n < 12 && distance < 1<<11 {
			b = append(b, byte(distance>>8<<5|(n-4)<<2|1), byte(distance))
		} else {
			b = append(b, byte((n-1)<<2|2), byte(distance), byte(distance>>8))
		}
		size -= n
	}
	return b
}
