package otlp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Walk shows every span of an encoded ExportTraceServiceRequest, in order. It accepts
// exactly what proto.Unmarshal accepts: fields in any order, repeated or unknown ones
// and groups included, and strings only if they are UTF-8, as protobuf demands of a
// receiver. (A collector built on pdata does not look, so that a broken string that
// it passes on is found here.) It does not allocate.
//
// A malformed request is known as such only when the walk gets there: spans shown
// before an error must not count.
func Walk(req []byte, visit func(SpanView)) error {
	return walk(req, wireRequest, protowire.DefaultRecursionLimit, visit)
}

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

// walk checks one message and shows the spans within it.
func walk(b []byte, message wireKind, depth int, visit func(SpanView)) error {
	if depth--; depth < 0 {
		return errDepth
	}
	fields := &wireFields[message]
	var span SpanView
	for i := 0; i < len(b); {
		tag, n := tagAt(b, i)
		if n <= 0 {
			return errVarint
		}
		i += n
		number, wire := tag>>3, protowire.Type(tag&7)
		if number == 0 || number > uint64(protowire.MaxValidNumber) {
			return errTag
		}
		look := wireUnknown
		if number < uint64(len(fields)) {
			look = fields[number]
		}
		from := i
		var err error
		switch wire {
		case protowire.BytesType:
			if from, i, err = delimited(b, i); err != nil {
				return err
			}
			switch value := b[from:i]; {
			case look == wireKeyValue && plainAttribute(value):
			case look >= wireMessages:
				err = walk(value, look, depth, visit)
			case look == wireText && !validUTF8(value):
				err = errUTF8
			}
		case protowire.EndGroupType:
			return errGroup
		default:
			i, err = skip(b, i, protowire.Number(number), wire)
		}
		if err != nil {
			return err
		}
		if message == wireSpan {
			span.take(number, wire, b[from:i])
		}
	}
	if message == wireSpan {
		visit(span)
	}
	return nil
}

// plainAttribute tells whether b holds nothing but keys and string values, in any
// order, shorter than 128 bytes: nearly every attribute is one of each. Others, and wrong
// ones, are left to walk. Collectors write the value first.
func plainAttribute(b []byte) bool {
	const textFirst, second = 1<<3 | 2, 2<<3 | 2
	for i := 0; i < len(b); {
		if i+2 > len(b) || b[i+1] >= 0x80 || len(b)-i-2 < int(b[i+1]) {
			return false
		}
		tag, value := b[i], b[i+2:i+2+int(b[i+1])]
		i += 2 + len(value)
		if tag == second {
			if len(value) < 2 || value[0] != textFirst || int(value[1]) != len(value)-2 {
				return false
			}
			value = value[2:]
		} else if tag != textFirst {
			return false
		}
		if !validUTF8(value) {
			return false
		}
	}
	return true
}

// take keeps a field of a span that is shown. The last one counts.
func (s *SpanView) take(number uint64, wire protowire.Type, value []byte) {
	switch {
	case wire == protowire.BytesType && number == 1:
		s.TraceID = value
	case wire == protowire.BytesType && number == 2:
		s.SpanID = value
	case wire == protowire.Fixed64Type && number == 7:
		s.StartNano = binary.LittleEndian.Uint64(value)
	case wire == protowire.Fixed64Type && number == 8:
		s.EndNano = binary.LittleEndian.Uint64(value)
	}
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
