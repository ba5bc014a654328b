package otlp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrTooLong says that a message would be longer than its receiver accepts.
var ErrTooLong = errors.New("the message is longer than is accepted")

// Decompress appends to dst what a whole message says once its encoding (gzip, zstd,
// snappy in its framed form) is undone. It stops with ErrTooLong when that is more than
// limit bytes, and never allocates much more than what has been decoded by then.
func Decompress(encoding string, dst, src []byte, limit int) ([]byte, error) {
	open, ok := Decompressor(encoding)
	if !ok {
		return dst, fmt.Errorf("decompress: unknown encoding %q", encoding)
	}
	r, err := open(bytes.NewReader(src))
	if err != nil {
		return dst, fmt.Errorf("decompress %s: %w", encoding, err)
	}
	defer r.Close()
	b := bytes.NewBuffer(dst)
	n, err := b.ReadFrom(io.LimitReader(r, int64(limit)+1))
	switch {
	case err != nil:
		return dst, fmt.Errorf("decompress %s: %w", encoding, err)
	case n > int64(limit):
		return dst, ErrTooLong
	}
	return b.Bytes(), nil
}
