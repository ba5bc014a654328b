package ledger

import (
	"encoding/binary"
	"math/bits"
)

// pageSize is how many consecutive numbers share a page: a page is a number without
// its low 16 bits, and so names the stream too.
const pageSize = 1 << 16

const pageWords = pageSize / 64

func pageOf(n Number) uint64 { return uint64(n) >> 16 }

// A plane is one bit for every number of a page.
type plane [pageWords]uint64

// A tally counts something for every number of a page: a binary counter each, cut
// into planes, plane k holding bit k of all of them. One plane is all it takes
// while nothing comes twice; n deliveries of one span take log2(n) planes.
type tally struct{ planes []*plane }

// maxPlanes keeps a count within 32 bits.
const maxPlanes = 32

// add counts one for the number with these low bits and tells whether it is the
// first. A new plane comes from alloc. A count that has reached 2^32−1 stays there.
func (t *tally) add(low uint16, alloc func() *plane) (first bool) {
	w, bit := low>>6, uint64(1)<<(low&63)
	first, full := true, true
	for _, p := range t.planes {
		if p[w]&bit != 0 {
			first = false
		} else {
			full = false
		}
	}
	if full && len(t.planes) == maxPlanes {
		return false
	}
	for k := 0; ; k++ {
		if k == len(t.planes) {
			t.planes = append(t.planes, alloc())
		}
		p := t.planes[k]
		p[w] ^= bit
		if p[w]&bit != 0 {
			return first
		}
	}
}

// addPlane adds 2^k to the count of every number whose bit is set in p.
func (t *tally) addPlane(p *plane, k int, alloc func() *plane) {
	carry := *p
	for ; carry != (plane{}) && k < maxPlanes; k++ {
		for len(t.planes) <= k {
			t.planes = append(t.planes, alloc())
		}
		sum := t.planes[k]
		for w, c := range carry {
			sum[w], carry[w] = sum[w]^c, sum[w]&c
		}
	}
}

// any sets in dst the bits of the numbers whose count is at least one, and in
// several of those whose count is at least two.
func (t *tally) any(dst, several *plane) {
	*dst, *several = plane{}, plane{}
	for k, p := range t.planes {
		for w, v := range p {
			dst[w] |= v
			if k > 0 {
				several[w] |= v
			}
		}
	}
}

// sum is the sum of the counts of the numbers from a up to b.
func (t *tally) sum(a, b int) (sum uint64) {
	for k, p := range t.planes {
		sum += p.ones(a, b) << k
	}
	return sum
}

// ones counts the bits from a up to b.
func (p *plane) ones(a, b int) (n uint64) {
	for w := a >> 6; w<<6 < b; w++ {
		n += uint64(bits.OnesCount64(p[w] & within(w, a, b)))
	}
	return n
}

// within is the mask of the bits of word w that lie from a up to b.
func within(w, a, b int) uint64 {
	mask := ^uint64(0)
	if lo := a - w<<6; lo > 0 {
		mask <<= uint(lo)
	}
	if hi := (w+1)<<6 - b; hi > 0 {
		mask &= ^uint64(0) >> uint(hi)
	}
	return mask
}

// next is the first place from i on, up to end, where the bit is as wanted; end
// when there is none.
func (p *plane) next(i, end int, want bool) int {
	for i < end {
		v := p[i>>6]
		if !want {
			v = ^v
		}
		if v >>= uint(i & 63); v != 0 {
			return min(i+bits.TrailingZeros64(v), end)
		}
		i = (i>>6 + 1) << 6
	}
	return end
}

// The codings of a plane. The shortest is taken.
const (
	planeFull      = 1 // nothing more
	planeIntervals = 2 // their number; for each the gap before it and its length less 1
	planeBitmap    = 3 // 8 KiB
)

// appendPlane appends the shortest coding of p.
func appendPlane(dst []byte, p *plane) []byte {
	if p.next(0, pageSize, false) == pageSize {
		return append(dst, planeFull)
	}
	var scratch [8*pageWords + 2*binary.MaxVarintLen32]byte
	list, n, last := scratch[:0], uint64(0), 0
	for i := p.next(0, pageSize, true); i < pageSize && len(list) < 8*pageWords; n++ {
		end := p.next(i, pageSize, false)
		list = binary.AppendUvarint(list, uint64(i-last))
		list = binary.AppendUvarint(list, uint64(end-i-1))
		last, i = end, p.next(end, pageSize, true)
	}
	if len(list) < 8*pageWords {
		return append(binary.AppendUvarint(append(dst, planeIntervals), n), list...)
	}
	dst = append(dst, planeBitmap)
	for _, v := range p {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	return dst
}

// readPlane reads what appendPlane wrote into p, which it clears first.
func readPlane(c *cursor, p *plane) {
	*p = plane{}
	switch c.uvarint(planeBitmap) {
	case planeFull:
		p.set(0, pageSize)
	case planeIntervals:
		at := uint64(0)
		for n := c.uvarint(pageSize); n > 0 && !c.failed; n-- {
			from := at + c.uvarint(pageSize)
			at = from + c.uvarint(pageSize) + 1
			if at > pageSize {
				c.failed = true
				return
			}
			p.set(int(from), int(at))
		}
	case planeBitmap:
		for w, b := 0, c.bytes(8*pageWords); w < len(b)/8; w++ {
			p[w] = binary.LittleEndian.Uint64(b[8*w:])
		}
	default:
		c.failed = true
	}
}

// set sets the bits from a up to b.
func (p *plane) set(a, b int) {
	for w := a >> 6; w<<6 < b; w++ {
		p[w] |= within(w, a, b)
	}
}

// appendTally appends the planes of t, lowest first.
func appendTally(dst []byte, t *tally) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(t.planes)))
	for _, p := range t.planes {
		dst = appendPlane(dst, p)
	}
	return dst
}

// mergeTally reads what appendTally wrote and adds it to t.
func mergeTally(c *cursor, t *tally, alloc func() *plane) {
	var p plane
	n := int(c.uvarint(maxPlanes))
	for k := 0; k < n && !c.failed; k++ {
		if readPlane(c, &p); !c.failed {
			t.addPlane(&p, k, alloc)
		}
	}
}
