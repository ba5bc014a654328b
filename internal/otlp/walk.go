package otlp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// Walk shows every span of an encoded ExportTraceServiceRequest, in order and some at a
// time; what it shows is valid until visit returns. It accepts exactly what
// proto.Unmarshal accepts: fields in any order, repeated or unknown ones and groups
// included, and strings only if they are UTF-8, as protobuf demands of a receiver. (A
// collector built on pdata does not look, so that a broken string that it passes on is
// found here.) It does not allocate, however many spans a request claims to have.
//
// A malformed request is known as such only when the walk gets there: spans shown
// before an error must not count.
func Walk(req []byte, visit func([]SpanView)) error {
	w := walkers.Get().(*walker)
	defer walkers.Put(w)
	w.n = 0
	if err := w.message(req, wireRequest, protowire.DefaultRecursionLimit, visit); err != nil {
		return err
	}
	if w.n > 0 {
		visit(w.spans[:w.n])
	}
	return nil
}

// A walker holds the spans that are to be shown next.
type walker struct {
	n     int
	spans [64]SpanView
}

var walkers = sync.Pool{New: func() any { return new(walker) }}

// The errors of a malformed request.
var (
	errTruncated = errors.New("a field ends beyond its message")
	errVarint    = errors.New("a varint does not end")
	errTag       = errors.New("a field number out of range")
	errGroup     = errors.New("a group that ends without a beginning")
	errField     = errors.New("a field of unknown number that cannot be skipped")
	errUTF8      = errors.New("a string that is not UTF-8")
	errDepth     = errors.New("messages are nested too deeply")
)

// A wireKind is how a known field is encoded; anything else under its number is
// skipped like an unknown field. From wireMessages on it is a message, and which.
type wireKind uint8

const (
	wireUnknown wireKind = iota // or whatever needs no look: numbers and bytes
	wireText
	wireMessages
)

const (
	wireRequest = wireMessages + iota
	wireResourceSpans
	wireResource
	wireEntity
	wireScopeSpans
	wireScope
	wireSpan
	wireEvent
	wireLink
	wireStatus
	wireKeyValue
	wireAnyValue
	wireArray
	wireKeyValueList
	wireEnd
)

// wireFields are the fields that need a look, by message and number; all of OTLP's
// numbers are below 17.
var wireFields = [wireEnd][17]wireKind{
	wireRequest:       {1: wireResourceSpans},
	wireResourceSpans: {1: wireResource, 2: wireScopeSpans, 3: wireText},
	wireResource:      {1: wireKeyValue, 3: wireEntity},
	wireEntity:        {1: wireText, 2: wireText, 3: wireText, 4: wireText},
	wireScopeSpans:    {1: wireScope, 2: wireSpan, 3: wireText},
	wireScope:         {1: wireText, 2: wireText, 3: wireKeyValue},
	wireSpan: {
		3: wireText, 5: wireText, 9: wireKeyValue, 11: wireEvent, 13: wireLink, 15: wireStatus,
	},
	wireEvent:        {2: wireText, 3: wireKeyValue},
	wireLink:         {3: wireText, 4: wireKeyValue},
	wireStatus:       {2: wireText},
	wireKeyValue:     {1: wireText, 2: wireAnyValue},
	wireAnyValue:     {1: wireText, 5: wireArray, 6: wireKeyValueList},
	wireArray:        {1: wireAnyValue},
	wireKeyValueList: {1: wireKeyValue},
}

// attributeTags are the tags of attributes in the messages that have some.
var attributeTags = [wireEnd]byte{
	wireResource: 1<<3 | 2, wireScope: 3<<3 | 2, wireEvent: 3<<3 | 2, wireLink: 4<<3 | 2,
	wireKeyValueList: 1<<3 | 2,
}

// message checks one message and shows the spans within it.
func (w *walker) message(b []byte, m wireKind, depth int, visit func([]SpanView)) error {
	if depth--; depth < 0 {
		return errDepth
	}
	for i := 0; i < len(b); {
		if m == wireScopeSpans {
			to, err := w.plainSpans(b, i, depth, visit)
			if err != nil {
				return err
			}
			if i = to; i == len(b) {
				break
			}
		}
		f, err := fieldAt(b, i, m)
		if err != nil {
			return err
		}
		i = f.to
		switch f.look {
		case wireSpan:
			err = w.next(visit).read(b, f.from, f.to, depth)
		case wireResourceSpans, wireScopeSpans:
			err = w.message(b[f.from:f.to], f.look, depth, visit)
		default:
			err = f.check(b, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// plainSpans reads spans from i on that are from 128 bytes to 16 KB long, as nearly all
// are, and returns where they end.
func (w *walker) plainSpans(b []byte, i, depth int, visit func([]SpanView)) (int, error) {
	for i+3 <= len(b) && b[i] == 2<<3|2 && b[i+1] >= 0x80 && b[i+2] < 0x80 {
		from := i + 3
		to := from + int(b[i+1]&0x7f) + int(b[i+2])<<7
		if to > len(b) {
			break
		}
		if err := w.next(visit).read(b, from, to, depth); err != nil {
			return i, err
		}
		i = to
	}
	return i, nil
}

// next is the view to be read next.
func (w *walker) next(visit func([]SpanView)) *SpanView {
	if w.n == len(w.spans) {
		visit(w.spans[:])
		w.n = 0
	}
	w.n++
	return &w.spans[w.n-1]
}

// check checks a message in which there are no spans.
func check(b []byte, m wireKind, depth int) error {
	if depth--; depth < 0 {
		return errDepth
	}
	return checkFields(b, m, depth)
}

// checkFields checks fields of such a message, the values of which may be so deep.
func checkFields(b []byte, m wireKind, depth int) error {
	tag, exact := attributeTags[m], 0
	if depth < 2 {
		tag = 0 // an attribute and its value are two messages more
	}
	at := unsafe.Pointer(unsafe.SliceData(b))
	for i := 0; i < len(b); {
		if b[i] == tag && i >= exact {
			to, ok := plainAttributes(at, i, len(b), tag)
			if !ok {
				exact = to // or a long text were looked at again and again
			} else if to > i {
				i = to
				continue
			}
		}
		f, err := fieldAt(b, i, m)
		if err != nil {
			return err
		}
		if err := f.check(b, depth); err != nil {
			return err
		}
		i = f.to
	}
	return nil
}

// A field is where a field's value lies and what it is.
type field struct {
	number   uint64
	wire     protowire.Type
	look     wireKind
	from, to int
}

// fieldAt reads the field that begins at i, of a message of that kind.
func fieldAt(b []byte, i int, m wireKind) (f field, err error) {
	tag, n := tagAt(b, i)
	if n <= 0 {
		return f, errVarint
	}
	i += n
	f.number, f.wire, f.from = tag>>3, protowire.Type(tag&7), i
	if f.number == 0 || f.number > uint64(protowire.MaxValidNumber) {
		return f, errTag
	}
	switch f.wire {
	case protowire.BytesType:
		if f.number < uint64(len(wireFields[m])) {
			f.look = wireFields[m][f.number]
		}
		f.from, f.to, err = delimited(b, i)
	case protowire.EndGroupType:
		err = errGroup
	default:
		f.to, err = skip(b, i, protowire.Number(f.number), f.wire)
	}
	return f, err
}

// check checks the field's value.
func (f *field) check(b []byte, depth int) error {
	switch value := b[f.from:f.to]; {
	case f.look >= wireMessages:
		return check(value, f.look, depth)
	case f.look == wireText && !validUTF8(value):
		return errUTF8
	}
	return nil
}

// tagAt decodes the varint at i; n is 0 when it is not one.
func tagAt(b []byte, i int) (v uint64, n int) {
	if b[i] < 0x80 {
		return uint64(b[i]), 1
	}
	return varintAt(b, i)
}

func varintAt(b []byte, i int) (v uint64, n int) {
	if i+1 < len(b) && b[i+1] < 0x80 && b[i] >= 0x80 {
		return uint64(b[i]&0x7f) | uint64(b[i+1])<<7, 2
	}
	return binary.Uvarint(b[i:])
}

// delimited finds the bytes of a length-delimited value at i.
func delimited(b []byte, i int) (from, to int, err error) {
	if i >= len(b) {
		return 0, 0, errTruncated
	}
	length, n := tagAt(b, i)
	if n <= 0 {
		return 0, 0, errVarint
	}
	if from = i + n; length > uint64(len(b)-from) {
		return 0, 0, errTruncated
	}
	return from, from + int(length), nil
}

// skip returns where the value at i ends.
func skip(b []byte, i int, number protowire.Number, wire protowire.Type) (int, error) {
	switch wire {
	case protowire.VarintType:
		if i < len(b) && b[i] < 0x80 {
			return i + 1, nil
		}
		_, n := binary.Uvarint(b[i:])
		if n <= 0 {
			return 0, errVarint
		}
		return i + n, nil
	case protowire.Fixed32Type:
		i += 4
	case protowire.Fixed64Type:
		i += 8
	default:
		n := protowire.ConsumeFieldValue(number, wire, b[i:])
		if n < 0 {
			return 0, fmt.Errorf("%w: %w", errField, protowire.ParseError(n))
		}
		return i + n, nil
	}
	if i > len(b) {
		return 0, errTruncated
	}
	return i, nil
}

// validUTF8 is utf8.Valid with a short way for ASCII, which nearly all of it is.
func validUTF8(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return utf8.Valid(b)
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return utf8.Valid(b)
		}
	}
	return true
}
