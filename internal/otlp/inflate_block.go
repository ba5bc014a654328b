package otlp

import "encoding/binary"

// block undoes one block of codes: fast while both ends are far, then a symbol at a time.
func (d *inflater) block(c *codes) error {
	for {
		done, err := d.fast(c)
		if done || err != nil {
			return err
		}
		if err := d.room(0); err != nil {
			return err
		}
		if d.pos+8 <= len(d.in) {
			continue
		}
		if done, err := d.one(c); done || err != nil {
			return err
		}
	}
}

// fast undoes codes until the block is done, or one of the ends is near. The bits that are
// held suffice for a length and a distance, and for no more literals than the slack.
func (d *inflater) fast(c *codes) (done bool, err error) {
	in, out, pos, o, hold, count := d.in, d.out, d.pos, d.o, d.hold, d.count
	end := min(len(out)-slack, d.limit)
next:
	for pos+8 <= len(in) && o <= end {
		hold |= binary.LittleEndian.Uint64(in[pos:pos+8:pos+8]) << (count & 63)
		pos += 7 - int(count>>3&7)
		count |= 56
		e := c.literals[hold&(1<<literalBits-1)]
		for e&literal != 0 {
			hold, count = hold>>(e&63), count-uint(e&63)
			out[o] = byte(e >> 16)
			o++
			if e = c.literals[hold&(1<<literalBits-1)]; e&literal == 0 {
				break
			}
			hold, count = hold>>(e&63), count-uint(e&63)
			out[o] = byte(e >> 16)
			o++
			if count < 2*literalBits {
				continue next
			}
			e = c.literals[hold&(1<<literalBits-1)]
		}
		if pos+8 > len(in) {
			break
		}
		hold |= binary.LittleEndian.Uint64(in[pos:pos+8:pos+8]) << (count & 63)
		pos += 7 - int(count>>3&7)
		count |= 56
		if e&special != 0 {
			if e>>12&7 != 0 {
				hold, count = hold>>literalBits, count-literalBits
				e = c.literals[uint64(e>>16)+hold&(1<<(e>>12&7)-1)]
			}
			if e&(special|literal) != 0 {
				hold, count = hold>>(e&63), count-uint(e&63)
				if e&literal != 0 {
					out[o] = byte(e >> 16)
					o++
					continue
				}
				if done = e>>16 == endOfBlock; !done {
					return false, errCorrupt
				}
				break
			}
		}
		size := int(e>>16) + int(hold&(1<<(e&63)-1)>>(e>>8&15))
		hold, count = hold>>(e&63), count-uint(e&63)
		e = c.distances[hold&(1<<distanceBits-1)]
		if e&special != 0 {
			if e>>12&7 == 0 {
				return false, errCorrupt
			}
			hold, count = hold>>distanceBits, count-distanceBits
			e = c.distances[uint64(e>>16)+hold&(1<<(e>>12&7)-1)]
		}
		from := o - int(e>>16) - int(hold&(1<<(e&63)-1)>>(e>>8&15))
		hold, count = hold>>(e&63), count-uint(e&63)
		if e&special != 0 || from < d.base {
			return false, errCorrupt
		}
		copyMatch(out, o, from, size)
		o += size
	}
	d.pos, d.o, d.hold, d.count = pos, o, hold, count
	return done, nil
}

// copyMatch copies size bytes within out, and a few more.
func copyMatch(out []byte, to, from, size int) {
	end := to + size
	if to-from < 16 {
		for ; to < end; to++ {
			out[to] = out[from]
			from++
		}
		return
	}
	for ; to < end; to += 16 {
		a := binary.LittleEndian.Uint64(out[from:])
		b := binary.LittleEndian.Uint64(out[from+8:])
		binary.LittleEndian.PutUint64(out[to:], a)
		binary.LittleEndian.PutUint64(out[to+8:], b)
		from += 16
	}
}

// one undoes one symbol, wherever it stands.
func (d *inflater) one(c *codes) (done bool, err error) {
	d.refill()
	e := c.literals[d.hold&(1<<literalBits-1)]
	if e&special != 0 && e>>12&7 != 0 {
		d.take(literalBits)
		e = c.literals[uint64(e>>16)+d.hold&(1<<(e>>12&7)-1)]
	}
	extra := d.extra(e)
	if err := d.early(); err != nil {
		return false, err
	}
	switch {
	case e&literal != 0:
		d.out[d.o] = byte(e >> 16)
		d.o++
		return false, nil
	case e&special != 0 && e>>16 == endOfBlock:
		return true, nil
	case e&special != 0:
		return false, errCorrupt
	}
	size := int(e>>16) + extra
	e = c.distances[d.hold&(1<<distanceBits-1)]
	if e&special != 0 && e>>12&7 != 0 {
		d.take(distanceBits)
		e = c.distances[uint64(e>>16)+d.hold&(1<<(e>>12&7)-1)]
	}
	from := d.o - int(e>>16) - d.extra(e)
	if err := d.early(); err != nil {
		return false, err
	}
	if e&special != 0 || from < d.base {
		return false, errCorrupt
	}
	copyMatch(d.out, d.o, from, size)
	d.o += size
	return false, nil
}

// extra drops the bits of an entry and returns the extra ones among them.
func (d *inflater) extra(e uint32) int {
	return int(d.take(uint(e&63)) >> (e >> 8 & 15))
}
