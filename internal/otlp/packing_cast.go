package otlp

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
)

// A cast is a copy of a template for a compressor to look at: its holes are filled with
// random bytes of values that hardly occur elsewhere, so that nothing outside of a hole is
// expressed by what happens to be in one.
type cast struct {
	bytes []byte
	holes []extent
}

// An extent is a hole: from its first byte to before its end. Those with an equal key
// have the same content.
type extent struct{ from, end, key uint32 }

// newCast fills the holes with other bytes for each attempt.
func newCast(t *Template, attempt uint64) *cast {
	c := &cast{bytes: bytes.Clone(t.Bytes), holes: t.holes()}
	rare := c.rarest()
	r := rand.New(rand.NewPCG(uint64(len(t.Bytes)), attempt))
	filled := map[uint32]uint32{} // by key, where
	for _, h := range c.holes {
		if from, ok := filled[h.key]; ok {
			copy(c.bytes[h.from:h.end], c.bytes[from:])
			continue
		}
		filled[h.key] = h.from
		for i := h.from; i < h.end; i++ {
			c.bytes[i] = rare[r.IntN(len(rare))]
		}
	}
	return c
}

// rarest returns those values of a byte that occur least outside of the holes.
func (c *cast) rarest() []byte {
	var times [256]int
	at := uint32(0)
	for _, h := range append(slices.Clone(c.holes), extent{from: uint32(len(c.bytes))}) {
		for _, b := range c.bytes[at:h.from] {
			times[b]++
		}
		at = h.end
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	slices.SortStableFunc(all, func(a, b byte) int { return cmp.Compare(times[a], times[b]) })
	return all[:64]
}

// meanings returns a number for every byte, equal where the bytes are the same in every
// copy of the template, however it is filled.
func (c *cast) meanings() []uint32 {
	all := make([]uint32, len(c.bytes))
	for i, b := range c.bytes {
		all[i] = uint32(b)
	}
	for _, h := range c.holes {
		for i := h.from; i < h.end; i++ {
			all[i] = 1<<31 | h.key<<4 | (i - h.from)
		}
	}
	return all
}

// moves returns what is to be copied so that all holes are: places has the place in the
// compressed template for each byte that is one there, and 0 for those that are made from
// others. A few bytes between holes are copied with them.
func (c *cast) moves(places []uint32) []move {
	const joined = 16
	var all []move
	for _, h := range c.holes {
		for i := h.from; i < h.end; i++ {
			to := places[i]
			if to == 0 {
				continue
			}
			if n := len(all); n > 0 {
				last := &all[n-1]
				gap := i - last.from - last.size
				if gap <= joined && straight(places[last.from+last.size-1:i+1]) {
					last.size += gap + 1
					continue
				}
			}
			all = append(all, move{to, i, 1})
		}
	}
	return all
}

// straight says whether places follow one another.
func straight(places []uint32) bool {
	n := uint32(len(places)) - 1
	if places[0]+n != places[n] {
		return false
	}
	for i, p := range places {
		if p != places[0]+uint32(i) {
			return false
		}
	}
	return true
}

// holes returns all holes in the order of their places.
func (t *Template) holes() []extent {
	all := make([]extent, 0, len(t.TraceIDs)+len(t.SpanIDs)+len(t.Times)+len(t.Varying))
	keys := map[[2]int64]uint32{}
	add := func(at, size uint32, kind, of int64) {
		key, ok := keys[[2]int64{kind, of}]
		if !ok {
			key = uint32(len(keys))
			keys[[2]int64{kind, of}] = key
		}
		all = append(all, extent{at, at + size, key})
	}
	for _, h := range t.TraceIDs {
		add(h.At, 16, 0, int64(h.Sequence))
	}
	for _, h := range t.SpanIDs {
		add(h.At, 8, 1, int64(h.Sequence))
	}
	for _, h := range t.Times {
		add(h.At, 8, 2, int64(h.Before))
	}
	for _, h := range t.Varying {
		add(h.At, VaryBytes, 3, int64(h.Sequence))
	}
	slices.SortFunc(all, func(a, b extent) int { return cmp.Compare(a.from, b.from) })
	return all
}
