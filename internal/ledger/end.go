package ledger

import (
	"errors"
	"fmt"
	"io"
)

// An End is the end of the wire that an account is of.
type End uint8

// The ends.
const (
	Sender End = iota
	Receiver
)

// EndOf tells from the beginning of an account file which end wrote it.
func EndOf(r io.ReaderAt) (End, error) {
	s, err := newScanner(r)
	if err != nil {
		return 0, err
	}
	switch kind, _, err := s.next(); {
	case errors.Is(err, io.EOF):
		return 0, &corrupt{s.offset, "the file ends before its header"}
	case err != nil:
		return 0, err
	case kind == kindDispatch:
		return Sender, nil
	case kind == kindReceipts:
		return Receiver, nil
	default:
		return 0, &corrupt{int64(len(magic)), fmt.Sprintf("found a header %q, want %q or %q",
			kind, kindDispatch, kindReceipts)}
	}
}
