package ledger

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// An index finds the pages of one account file. It is what Join holds of a file: 16
// bytes for each page, 21 MB for a day at a million spans a second.
type index struct {
	r       io.ReaderAt
	entries []entry // by page, the pages of one id in the order of the file
	buf     []byte
}

type entry struct {
	page   uint64
	offset int64
}

// readIndex reads a whole file, and so checks it; header and trailer are decoded into
// the values given.
func readIndex(r io.ReaderAt, header, trailer any, headerKind, pageKind byte) (*index, error) {
	s, err := newScanner(r)
	if err != nil {
		return nil, err
	}
	kind, payload, err := s.next()
	if errors.Is(err, io.EOF) {
		return nil, &corrupt{s.offset, "the file ends before its header"}
	} else if err != nil {
		return nil, err
	}
	if kind != headerKind {
		return nil, &corrupt{int64(len(magic)), fmt.Sprintf(
			"found a header %q, want %q (%c: sender, %c: receiver)",
			kind, headerKind, kindDispatch, kindReceipts)}
	}
	if err := json.Unmarshal(payload, header); err != nil {
		return nil, &corrupt{int64(len(magic)), "header: " + err.Error()}
	}
	x := &index{r: r}
	for {
		at := s.offset
		kind, payload, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, &corrupt{at, "the file ends without a trailer: it was cut off"}
		case err != nil:
			return nil, err
		case kind == kindTrailer:
			return x, x.finish(s, payload, trailer)
		case kind != pageKind:
			return nil, &corrupt{at, fmt.Sprintf("unknown chunk %q", kind)}
		}
		c := cursor{b: payload}
		page := c.uvarint(MaxStream<<32 | 1<<32 - 1)
		if c.failed {
			return nil, &corrupt{at, "a page without a name"}
		}
		x.entries = append(x.entries, entry{page, at})
	}
}

func (x *index) finish(s *scanner, payload []byte, trailer any) error {
	at := s.offset
	if err := json.Unmarshal(payload, trailer); err != nil {
		return &corrupt{at, "trailer: " + err.Error()}
	}
	if _, err := s.r.ReadByte(); !errors.Is(err, io.EOF) {
		return &corrupt{at, "something follows the trailer"}
	}
	slices.SortStableFunc(x.entries, func(a, b entry) int { return cmp.Compare(a.page, b.page) })
	return nil
}

// read reads the payload of an entry, after the page's name. It is valid until the
// next call.
func (x *index) read(e entry) (*cursor, error) {
	const guess = 10 << 10 // a bitmap and what is around it
	x.buf = slices.Grow(x.buf[:0], guess)[:guess]
	n, err := x.r.ReadAt(x.buf, e.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read account: %w", err)
	}
	length, width := binary.Uvarint(x.buf[min(n, 1):n])
	if width <= 0 || length > maxPayload {
		return nil, &corrupt{e.offset, "the file changed while it was read"}
	}
	kind, begin := x.buf[0], 1+width
	if end := begin + int(length) + 4; end > n {
		x.buf = slices.Grow(x.buf[:n], end-n)[:end]
		if _, err := x.r.ReadAt(x.buf[n:], e.offset+int64(n)); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read account: %w", err)
		}
	}
	payload := x.buf[begin : begin+int(length)]
	if binary.LittleEndian.Uint32(x.buf[begin+int(length):]) != checksum(kind, payload) {
		return nil, &corrupt{e.offset, "the file changed while it was read"}
	}
	c := &cursor{b: payload}
	c.uvarint(^uint64(0))
	return c, nil
}

// take removes and returns the entries of this page from the front.
func (x *index) take(page uint64) (taken []entry) {
	n := 0
	for n < len(x.entries) && x.entries[n].page == page {
		n++
	}
	taken, x.entries = x.entries[:n], x.entries[n:]
	return taken
}
