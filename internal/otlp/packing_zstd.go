package otlp

import "math/bits"

// zstdBlock is the longest a block may be, compressed or not.
const zstdBlock = 128 << 10

// packZstd makes one frame (RFC 8878) whose blocks have their literals as they are, with
// the holes among them.
func packZstd(c *cast) (*Packing, error) {
	const magic, windowLog = "\x28\xb5\x2f\xfd", 19
	p := &Packing{Bytes: append([]byte(magic), 0, (windowLog-10)<<3)} // no sum, no length
	places := make([]uint32, len(c.bytes))
	m := newMatcher(c.meanings())
	w := newZstdWriter()
	for from := 0; from == 0 || from < len(c.bytes); from += zstdBlock {
		end := min(from+zstdBlock, len(c.bytes))
		sequences := m.sequences(max(0, end-1<<windowLog), from, end)
		header := len(p.Bytes)
		p.Bytes = append(p.Bytes, 0, 0, 0)
		kind := 2 // compressed
		p.Bytes = c.appendLiterals(p.Bytes, places, from, sequences)
		p.Bytes = w.appendSequences(p.Bytes, sequences)
		if len(p.Bytes)-header-3 >= end-from {
			kind = 0
			p.Bytes = append(p.Bytes[:header+3], c.bytes[from:end]...)
			for i := from; i < end; i++ {
				places[i] = uint32(header + 3 + i - from)
			}
		}
		h := (len(p.Bytes)-header-3)<<3 | kind<<1
		if end == len(c.bytes) {
			h |= 1
		}
		copy(p.Bytes[header:], []byte{byte(h), byte(h >> 8), byte(h >> 16)})
	}
	p.moves = c.moves(places)
	return p, nil
}

// appendLiterals appends a section of literals as they are, and notes where they stand.
func (c *cast) appendLiterals(b []byte, places []uint32, at int, all []sequence) []byte {
	header := len(b)
	b = append(b, 0, 0, 0)
	for _, s := range all {
		for i := at; i < at+s.literals; i++ {
			places[i] = uint32(len(b) + i - at)
		}
		b = append(b, c.bytes[at:at+s.literals]...)
		at += s.literals + s.size
	}
	h := (len(b)-header-3)<<4 | 3<<2 // as they are, their number in 20 bits
	copy(b[header:], []byte{byte(h), byte(h >> 8), byte(h >> 16)})
	return b
}

// A zstdWriter writes sequences with the codes that every decoder knows beforehand.
type zstdWriter struct {
	literals, sizes, distances *fse

	b    []byte
	hold uint64
	n    int
}

func newZstdWriter() *zstdWriter {
	return &zstdWriter{
		literals: newFSE(6, []int{
			4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1,
			1, 1, 1, -1, -1, -1, -1,
		}),
		sizes: newFSE(6, []int{
			1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
			1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
		}),
		distances: newFSE(5, []int{
			1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
		}),
	}
}

// The numbers of literals and of matched bytes that their codes begin with, and how many
// bits follow (RFC 8878, 3.1.1.3.2.1.1).
var (
	zstdLiteralBases = zstdBases(0, 16, []uint8{
		1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	})
	zstdSizeBases = zstdBases(3, 32, []uint8{
		1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	})
)

// A zstdBase is the least value of a code and the number of bits beside it.
type zstdBase struct {
	least int
	bits  uint8
}

func zstdBases(least, plain int, more []uint8) []zstdBase {
	var all []zstdBase
	for range plain {
		all = append(all, zstdBase{least, 0})
		least++
	}
	for _, n := range more {
		all = append(all, zstdBase{least, n})
		least += 1 << n
	}
	return all
}

func code(of []zstdBase, v int) int {
	i := len(of) - 1
	for of[i].least > v {
		i--
	}
	return i
}

// appendSequences appends a section of sequences. It is read backwards, and so written
// from the last.
func (w *zstdWriter) appendSequences(b []byte, all []sequence) []byte {
	if n := len(all); n > 0 && all[n-1].size == 0 {
		all = all[:n-1]
	}
	switch n := len(all); {
	case n == 0:
		return append(b, 0)
	case n < 128:
		b = append(b, byte(n))
	case n < 0x7f00:
		b = append(b, byte(n>>8+128), byte(n))
	default:
		b = append(b, 255, byte(n-0x7f00), byte((n-0x7f00)>>8))
	}
	b = append(b, 0) // all codes are those known beforehand
	w.b, w.hold, w.n = b, 0, 0
	var l, s, d int // states of the sequence after
	for i := len(all) - 1; i >= 0; i-- {
		q := all[i]
		literals, size := code(zstdLiteralBases, q.literals), code(zstdSizeBases, q.size)
		value := q.distance + 3 // 1 to 3 are distances that were used before
		distance := bits.Len(uint(value)) - 1
		if last := i == len(all)-1; last {
			l, s = w.literals.any(literals), w.sizes.any(size)
			d = w.distances.any(distance)
		} else {
			d = w.step(w.distances, distance, d)
			s = w.step(w.sizes, size, s)
			l = w.step(w.literals, literals, l)
		}
		w.write(q.literals-zstdLiteralBases[literals].least, zstdLiteralBases[literals].bits)
		w.write(q.size-zstdSizeBases[size].least, zstdSizeBases[size].bits)
		w.write(value-1<<distance, uint8(distance))
	}
	w.write(s, 6)
	w.write(d, 5)
	w.write(l, 6)
	w.write(1, 1)
	w.write(0, 7)
	return w.b
}

// step writes what leads from the state of a symbol to the one after, and returns it.
func (w *zstdWriter) step(f *fse, symbol, after int) int {
	state := int(f.before[symbol][after])
	w.write(after-int(f.least[state]), f.bits[state])
	return state
}

func (w *zstdWriter) write(v int, n uint8) {
	w.hold |= uint64(v) << w.n
	for w.n += int(n); w.n >= 8; w.n -= 8 {
		w.b = append(w.b, byte(w.hold))
		w.hold >>= 8
	}
}

// An fse is a code of RFC 8878, 4.1: from each state, which stands for a symbol, some bits
// lead to one of the states from the least on.
type fse struct {
	least  [64]uint8
	bits   [64]uint8
	before [53][64]uint8 // by symbol and the state after
}

func (f *fse) any(symbol int) int { return int(f.before[symbol][0]) }

// newFSE makes a code of 2^log states of how often each symbol is one; -1 is less than
// once.
func newFSE(log int, often []int) *fse {
	f := new(fse)
	size := 1 << log
	var symbols [64]int
	high := size
	for s, n := range often {
		if n < 0 {
			high--
			symbols[high] = s
		}
	}
	at := 0
	for s, n := range often {
		for range n {
			symbols[at] = s
			for at = (at + size>>1 + size>>3 + 3) & (size - 1); at >= high; {
				at = (at + size>>1 + size>>3 + 3) & (size - 1)
			}
		}
	}
	var next [53]int
	for s, n := range often {
		next[s] = max(n, -n)
	}
	for state, s := range symbols[:size] {
		n := log + 1 - bits.Len(uint(next[s]))
		least := next[s]<<n - size
		next[s]++
		f.bits[state], f.least[state] = uint8(n), uint8(least)
		for after := least; after < least+1<<n; after++ {
			f.before[s][after] = uint8(state)
		}
	}
	return f
}
