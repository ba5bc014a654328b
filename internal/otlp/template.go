package otlp

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// A Template is an encoded ExportTraceServiceRequest with holes: the places where
// ids, times and varying values are patched before each sending. All holes have a
// fixed length, so that nothing moves. Sequences are relative to the request's first
// span; those of a trace that began in an earlier request are negative.
//
// A Template is never patched itself: it is shared, and its copies are patched.
type Template struct {
	Bytes []byte
	Spans int
	// TraceIDs are holes of 16 bytes for the id of the trace whose first span has that
	// sequence, SpanIDs of 8 for the id of the span. Both are in order of sequence, so
	// that an id is made once and put into all its holes.
	TraceIDs, SpanIDs []Hole
	// Times are holes of 8 bytes, little endian, in Unix nanoseconds.
	Times []TimeHole
	// Varying are holes of VaryBytes characters.
	Varying []Hole
}

// A Hole is a place in a Template that belongs to a sequence.
type Hole struct {
	At       uint32
	Sequence int32
}

// A TimeHole is a place for the request's due time less Before nanoseconds.
type TimeHole struct{ At, Before uint32 }

// NewTemplate encodes a request of that many spans of a shape. phase is the place in
// its trace of the first of them; 0 unless requests split traces.
func NewTemplate(shape *Shape, phase, spans int, r *rand.Rand) *Template {
	all := make([]placed, 0, spans)
	for first := -phase; first < spans; first += shape.Size {
		for i, s := range shape.Trace(r) {
			if n := first + i; n >= 0 && n < spans {
				all = append(all, placed{Span: s, first: first, sequence: n})
			}
		}
	}
	var e encoder
	for service := range shape.Services {
		of := slices.DeleteFunc(slices.Clone(all), func(p placed) bool {
			return p.Service != service
		})
		if len(of) > 0 {
			e.resourceSpans(shape.Resource(r, service), of)
		}
	}
	bySequence := func(a, b Hole) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.At, b.At))
	}
	slices.SortFunc(e.traceIDs, bySequence)
	slices.SortFunc(e.spanIDs, bySequence)
	return &Template{
		Bytes: slices.Clip(e.b), Spans: spans, TraceIDs: e.traceIDs,
		SpanIDs: e.spanIDs, Times: e.times, Varying: e.varying,
	}
}

// placed is a span with its place in the request.
type placed struct {
	Span
	first, sequence int // of its trace, its own
}

// An encoder appends protobuf and remembers the holes. The field numbers are those of
// opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto.
type encoder struct {
	b                          []byte
	traceIDs, spanIDs, varying []Hole
	times                      []TimeHole
}

// message appends a field that is a message, written by body.
func (e *encoder) message(field protowire.Number, body func(*encoder)) {
	var in encoder
	body(&in)
	e.b = protowire.AppendTag(e.b, field, protowire.BytesType)
	e.b = protowire.AppendVarint(e.b, uint64(len(in.b)))
	base := uint32(len(e.b))
	e.b = append(e.b, in.b...)
	move := func(to *[]Hole, holes []Hole) {
		for _, h := range holes {
			*to = append(*to, Hole{base + h.At, h.Sequence})
		}
	}
	move(&e.traceIDs, in.traceIDs)
	move(&e.spanIDs, in.spanIDs)
	move(&e.varying, in.varying)
	for _, h := range in.times {
		e.times = append(e.times, TimeHole{base + h.At, h.Before})
	}
}

func (e *encoder) text(field protowire.Number, s string) {
	e.b = protowire.AppendTag(e.b, field, protowire.BytesType)
	e.b = protowire.AppendString(e.b, s)
}

func (e *encoder) varint(field protowire.Number, v uint64) {
	e.b = protowire.AppendTag(e.b, field, protowire.VarintType)
	e.b = protowire.AppendVarint(e.b, v)
}

// id appends a hole of size bytes.
func (e *encoder) id(field protowire.Number, size int, holes *[]Hole, sequence int) {
	e.b = protowire.AppendTag(e.b, field, protowire.BytesType)
	e.b = protowire.AppendVarint(e.b, uint64(size))
	*holes = append(*holes, Hole{uint32(len(e.b)), int32(sequence)})
	e.b = append(e.b, make([]byte, size)...)
}

func (e *encoder) time(field protowire.Number, before uint32) {
	e.b = protowire.AppendTag(e.b, field, protowire.Fixed64Type)
	e.times = append(e.times, TimeHole{uint32(len(e.b)), before})
	e.b = protowire.AppendFixed64(e.b, 0)
}

// resourceSpans appends the spans of one resource, grouped by scope in the order in
// which scopes first appear.
func (e *encoder) resourceSpans(resource []Attribute, spans []placed) {
	e.message(1, func(e *encoder) {
		e.message(1, func(e *encoder) { e.attributes(1, resource, 0) })
		var done []string
		for _, s := range spans {
			if slices.Contains(done, s.Scope) {
				continue
			}
			done = append(done, s.Scope)
			e.message(2, func(e *encoder) {
				e.message(1, func(e *encoder) {
					e.text(1, s.Scope)
					e.text(2, "1.4.0")
				})
				for _, p := range spans {
					if p.Scope == s.Scope {
						e.message(2, func(e *encoder) { e.span(p) })
					}
				}
			})
		}
	})
}

// sampled is the W3C flag of a sampled trace, and OTLP's bit that says that it is
// known whether the parent is remote.
const sampled = 0x01 | 0x100

func (e *encoder) span(p placed) {
	e.id(1, 16, &e.traceIDs, p.first)
	e.id(2, 8, &e.spanIDs, p.sequence)
	if p.Parent >= 0 {
		e.id(4, 8, &e.spanIDs, p.first+p.Parent)
	}
	e.text(5, p.Name)
	e.varint(6, uint64(p.Kind))
	e.time(7, uint32(p.Lasts))
	e.time(8, 0)
	e.attributes(9, p.Attributes, p.sequence)
	for _, event := range p.Events {
		e.message(11, func(e *encoder) {
			e.time(1, uint32(min(event.Before, p.Lasts)))
			e.text(2, event.Name)
			e.attributes(3, event.Attributes, p.sequence)
		})
	}
	if p.Link >= 0 {
		e.message(13, func(e *encoder) {
			e.id(1, 16, &e.traceIDs, p.first)
			e.id(2, 8, &e.spanIDs, p.first+p.Link)
		})
	}
	if p.Failed != "" {
		e.message(15, func(e *encoder) {
			e.text(2, p.Failed)
			e.varint(3, 2)
		})
	}
	e.b = protowire.AppendTag(e.b, 16, protowire.Fixed32Type)
	e.b = protowire.AppendFixed32(e.b, sampled)
}

func (e *encoder) attributes(field protowire.Number, all []Attribute, sequence int) {
	for _, a := range all {
		e.message(field, func(e *encoder) {
			e.text(1, a.Key)
			e.message(2, func(e *encoder) {
				e.value(a.Value)
				if s, ok := a.Value.(string); ok && a.Varies && len(s) >= VaryBytes {
					at := uint32(len(e.b) - len(s))
					e.varying = append(e.varying, Hole{at, int32(sequence)})
				}
			})
		})
	}
}

// value appends the one field of an AnyValue.
func (e *encoder) value(v any) {
	switch v := v.(type) {
	case string:
		e.text(1, v)
	case bool:
		e.varint(2, protowire.EncodeBool(v))
	case int:
		e.varint(3, uint64(v))
	case float64:
		e.b = protowire.AppendTag(e.b, 4, protowire.Fixed64Type)
		e.b = protowire.AppendFixed64(e.b, math.Float64bits(v))
	case []string:
		e.message(5, func(e *encoder) {
			for _, s := range v {
				e.message(1, func(e *encoder) { e.text(1, s) })
			}
		})
	}
}
