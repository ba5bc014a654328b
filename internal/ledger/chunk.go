package ledger

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// An account file is magic and then chunks:
//
//	kind, 1 byte · length of the payload, uvarint · payload · CRC-32C of kind and payload, 4 bytes
//
// The first is a header in JSON, the last a trailer in JSON that counts the pages
// between them, so that a file that was cut off is known as such. Numbers within
// pages are varints, as encoding/binary writes them.
const (
	magic = "odigos-stress account 1\n"

	kindDispatch     = 'D' // header of a sender's account
	kindReceipts     = 'R' // header of a receiver's
	kindDispatchPage = 'd'
	kindReceiptsPage = 'r'
	kindTrailer      = 'Z'

	// maxPayload is beyond what a page with every span followed and every plane full
	// can take; a longer one is a corrupt length.
	maxPayload = 8 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(kind byte, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte{kind}, castagnoli), castagnoli, payload)
}

// appendChunk appends one chunk to dst.
func appendChunk(dst []byte, kind byte, payload []byte) []byte {
	dst = binary.AppendUvarint(append(dst, kind), uint64(len(payload)))
	dst = append(dst, payload...)
	return binary.LittleEndian.AppendUint32(dst, checksum(kind, payload))
}

// appendJSON appends a header or a trailer, which cannot fail to encode.
func appendJSON(dst []byte, kind byte, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return appendChunk(dst, kind, b)
}

// A corrupt account does not tell the truth about its run; the error says where.
type corrupt struct {
	offset int64
	reason string
}

func (e *corrupt) Error() string {
	return fmt.Sprintf("read account: at byte %d: %s", e.offset, e.reason)
}

// A scanner reads the chunks of a file one after the other.
type scanner struct {
	r       *bufio.Reader
	offset  int64 // of the next chunk
	payload []byte
}

func newScanner(r io.ReaderAt) (*scanner, error) {
	s := &scanner{r: bufio.NewReaderSize(io.NewSectionReader(r, 0, math.MaxInt64), 64<<10)}
	start := make([]byte, len(magic))
	n, err := io.ReadFull(s.r, start)
	switch {
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("read account: %w", err)
	case string(start[:n]) != magic:
		return nil, &corrupt{0, fmt.Sprintf("found %q, an account begins with %q", start[:n], magic)}
	}
	s.offset = int64(len(magic))
	return s, nil
}

// next reads a chunk; the payload is valid until the following call. The error is
// io.EOF only where a chunk would begin.
func (s *scanner) next() (kind byte, payload []byte, err error) {
	kind, err = s.r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	length, err := binary.ReadUvarint(s.r)
	if err != nil {
		return 0, nil, s.truncated(err)
	}
	if length > maxPayload {
		return 0, nil, &corrupt{s.offset, fmt.Sprintf(
			"a chunk of %d bytes, at most %d are possible", length, maxPayload)}
	}
	if s.payload, err = readGrowing(s.r, s.payload[:0], int(length)+4); err != nil {
		return 0, nil, s.truncated(err)
	}
	payload, sum := s.payload[:length], binary.LittleEndian.Uint32(s.payload[length:])
	if sum != checksum(kind, payload) {
		return 0, nil, &corrupt{s.offset, "the checksum does not fit"}
	}
	s.offset += int64(1+uvarintLen(length)) + int64(length) + 4
	return kind, payload, nil
}

func (s *scanner) truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &corrupt{s.offset, "the file ends within a chunk"}
	}
	return &corrupt{s.offset, err.Error()}
}

// readGrowing reads n bytes without trusting n before they are there.
func readGrowing(r io.Reader, dst []byte, n int) ([]byte, error) {
	const step = 256 << 10
	for n > 0 {
		from, now := len(dst), min(n, step)
		if cap(dst) < from+now {
			dst = append(make([]byte, 0, from+max(now, from)), dst...)
		}
		dst = dst[:from+now]
		if _, err := io.ReadFull(r, dst[from:]); err != nil {
			return dst, err
		}
		n -= now
	}
	return dst, nil
}

func uvarintLen(v uint64) int {
	var b [binary.MaxVarintLen64]byte
	return binary.PutUvarint(b[:], v)
}

// A cursor reads varints out of a payload; after the first failure all it reads is
// zero, and failed stays set.
type cursor struct {
	b      []byte
	failed bool
}

func (c *cursor) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 || v > limit {
		c.failed, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.failed, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) bytes(n int) []byte {
	if len(c.b) < n {
		c.failed, c.b = true, nil
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}
