package otlp

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
)

// part compresses b and ends at a byte. What comes after may still refer to it.
func part(w *flate.Writer, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return err
	}
	return w.Flush()
}

// gzipLevel is dearer than what collectors take (6) by a third and makes up for some of
// what the parts cost.
const gzipLevel = 7

// gzipHeader is that of RFC 1952 without time and name, of an unknown system.
const gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

// maxStored bounds what is gathered in one stored block.
const maxStored = 4096

// packGzip puts the holes into stored blocks. Where a part ends deflate has an empty one:
// it becomes the one that holds the hole. What the compressor makes of the hole itself is
// thrown away; that it saw the hole keeps its distances right.
func packGzip(c *cast) (*Packing, error) {
	var out bytes.Buffer
	out.WriteString(gzipHeader)
	w, err := flate.NewWriter(&out, gzipLevel)
	if err != nil {
		return nil, err
	}
	var places []move
	var at, stored, size uint32 // stored is where the last stored block has its length
	for _, h := range c.holes {
		before := out.Len()
		if at < h.from || stored == 0 {
			if err := part(w, c.bytes[at:h.from]); err != nil {
				return nil, err
			}
			text := c.bytes[at:h.from]
			if stored > 0 && out.Len()-before >= len(text) && size+uint32(len(text)) < maxStored {
				out.Truncate(before)
				out.Write(text)
				size += uint32(len(text))
			} else {
				stored, size = uint32(out.Len()-4), 0
			}
		}
		before = out.Len()
		if err := part(w, c.bytes[h.from:h.end]); err != nil {
			return nil, err
		}
		out.Truncate(before)
		out.Write(c.bytes[h.from:h.end])
		size += h.end - h.from
		binary.LittleEndian.PutUint16(out.Bytes()[stored:], uint16(size))
		binary.LittleEndian.PutUint16(out.Bytes()[stored+2:], ^uint16(size))
		places = append(places, move{uint32(before), h.from, h.end - h.from})
		at = h.end
	}
	if _, err := w.Write(c.bytes[at:]); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	p := &Packing{
		table: crc32.IEEETable, moves: places,
		sums: []sum{{uint32(out.Len()), 0, uint32(len(c.bytes))}},
	}
	p.Bytes = append(bytes.Clone(out.Bytes()), 0, 0, 0, 0)
	p.Bytes = binary.LittleEndian.AppendUint32(p.Bytes, uint32(len(c.bytes)))
	return p, nil
}
