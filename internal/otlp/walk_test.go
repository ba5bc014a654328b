package otlp

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func stringValue(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
}

func keyValue(k string, v *common.AnyValue) *common.KeyValue {
	return &common.KeyValue{Key: k, Value: v}
}

// sample is a request that uses every field of every message.
func sample(spans int) *coltrace.ExportTraceServiceRequest {
	attrs := []*common.KeyValue{
		keyValue("http.route", stringValue("/api/größe")),
		keyValue("ok", &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: true}}),
		keyValue("code", &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: -1}}),
		keyValue("share", &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: 0.5}}),
		keyValue("raw", &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: []byte{0xff}}}),
		keyValue("index", &common.AnyValue{Value: &common.AnyValue_StringValueStrindex{StringValueStrindex: 3}}),
		keyValue("list", &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{
			Values: []*common.AnyValue{stringValue("a"), nil, stringValue("b")},
		}}}),
		keyValue("map", &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: &common.KeyValueList{
			Values: []*common.KeyValue{keyValue("inner", stringValue("c")), {KeyStrindex: 7}},
		}}}),
	}
	s := &trace.ScopeSpans{
		Scope:     &common.InstrumentationScope{Name: "lib", Version: "1", Attributes: attrs[:1], DroppedAttributesCount: 1},
		SchemaUrl: "https://opentelemetry.io/schemas/1.37.0",
	}
	for i := range spans {
		s.Spans = append(s.Spans, &trace.Span{
			TraceId: fmt.Appendf(nil, "trace-%010d", i), SpanId: fmt.Appendf(nil, "s%07d", i), ParentSpanId: []byte("parentid"),
			TraceState: "a=b", Name: "GET /", Kind: trace.Span_SPAN_KIND_SERVER, Flags: 257,
			StartTimeUnixNano: uint64(i + 1), EndTimeUnixNano: uint64(i + 2), Attributes: attrs,
			DroppedAttributesCount: 1, DroppedEventsCount: 300, DroppedLinksCount: 1 << 30,
			Events: []*trace.Span_Event{{TimeUnixNano: 5, Name: "event", Attributes: attrs[:2], DroppedAttributesCount: 1}},
			Links: []*trace.Span_Link{{
				TraceId: make([]byte, 16), SpanId: make([]byte, 8), TraceState: "c=d",
				Attributes: attrs[:1], DroppedAttributesCount: 1, Flags: 1,
			}},
			Status: &trace.Status{Message: "bad", Code: trace.Status_STATUS_CODE_ERROR},
		})
	}
	return &coltrace.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource: &resource.Resource{Attributes: attrs, DroppedAttributesCount: 2, EntityRefs: []*common.EntityRef{
			{SchemaUrl: "u", Type: "service", IdKeys: []string{"a", "b"}, DescriptionKeys: []string{"c"}},
		}},
		ScopeSpans: []*trace.ScopeSpans{s, s}, SchemaUrl: "u",
	}}}
}

func encode(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// views are the spans of a request by proto.Unmarshal.
func views(b []byte) (spans []SpanView, err error) {
	var req coltrace.ExportTraceServiceRequest
	if err := proto.Unmarshal(b, &req); err != nil {
		return nil, err
	}
	for _, r := range req.ResourceSpans {
		for _, s := range r.ScopeSpans {
			for _, span := range s.Spans {
				v := SpanView{StartNano: span.StartTimeUnixNano, EndNano: span.EndTimeUnixNano}
				if id := span.TraceId; len(id) == 16 {
					v.TraceHigh, v.TraceLow = binary.BigEndian.Uint64(id), binary.BigEndian.Uint64(id[8:])
				}
				if id := span.SpanId; len(id) == 8 {
					v.SpanID = binary.BigEndian.Uint64(id)
				}
				spans = append(spans, v)
			}
		}
	}
	return spans, nil
}

// compare holds Walk against proto.Unmarshal.
func compare(t *testing.T, what string, b []byte) {
	t.Helper()
	want, wantErr := views(b)
	var got []SpanView
	err := Walk(b, func(s []SpanView) { got = append(got, s...) })
	if (err == nil) != (wantErr == nil) {
		t.Errorf("%s: Walk(%x) = %v, proto.Unmarshal = %v", what, b[:min(len(b), 100)], err, wantErr)
		return
	}
	if err != nil {
		return
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s: Walk(%x) (-proto.Unmarshal +Walk):\n%s", what, b[:min(len(b), 100)], diff)
	}
}

func TestWalkShowsWhatUnmarshalShows(t *testing.T) {
	b := encode(t, sample(20))
	compare(t, "in order", b)
	spans := 0
	if err := Walk(b, func(s []SpanView) { spans += len(s) }); err != nil || spans != 40 {
		t.Errorf("Walk = %v after %d spans, want 40", err, spans)
	}
}

// collectorOrder writes the fields of a message, and of the messages in it, in the order
// in which collectors do: from the last to the first, repeated ones in their order, and
// the flags of a span before what was there before there were flags.
func collectorOrder(b []byte, m wireKind) []byte {
	type field struct {
		rank float64
		b    []byte
	}
	var fields []field
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeField(b)
		f := field{-float64(number), b[:n]}
		if m == wireSpan && number == 16 {
			f.rank = -4.5
		}
		look := wireUnknown
		if int(number) < len(wireFields[m]) {
			look = wireFields[m][number]
		}
		if wire == protowire.BytesType && look >= wireMessages {
			_, _, tag := protowire.ConsumeTag(f.b)
			inner, _ := protowire.ConsumeBytes(f.b[tag:])
			f.b = protowire.AppendBytes(protowire.AppendTag(nil, number, wire), collectorOrder(inner, look))
		}
		fields = append(fields, f)
		b = b[n:]
	}
	slices.SortStableFunc(fields, func(a, b field) int { return cmp.Compare(a.rank, b.rank) })
	var out []byte
	for _, f := range fields {
		out = append(out, f.b...)
	}
	return out
}

func TestWalkTakesFieldsInAnyOrder(t *testing.T) {
	b := encode(t, sample(3))
	r := collectorOrder(b, wireRequest)
	if len(r) != len(b) || string(r) == string(b) {
		t.Fatal("collectorOrder did nothing")
	}
	compare(t, "collector order", r)
}

func wrap(b []byte, numbers ...protowire.Number) []byte {
	for _, n := range slices.Backward(numbers) {
		b = protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), b)
	}
	return b
}

func TestWalkOfOddRequests(t *testing.T) {
	deep := func(n int) []byte {
		b := []byte{}
		for range n {
			b = wrap(b, 5, 1)
		}
		return wrap(b, 1, 1, 1, 2)
	}
	// Each level of these is written with its length, so the depth is what costs.
	for _, tt := range []struct {
		name string
		b    []byte
	}{
		{"empty", nil},
		{"an empty span", wrap(nil, 1, 2, 2)},
		{"end time twice", wrap([]byte{0x41, 1, 0, 0, 0, 0, 0, 0, 0, 0x41, 2, 0, 0, 0, 0, 0, 0, 0}, 1, 2, 2)},
		{"end time as varint", wrap([]byte{0x41, 1, 0, 0, 0, 0, 0, 0, 0, 0x40, 9}, 1, 2, 2)},
		{"trace id as fixed64", wrap([]byte{0x09, 1, 2, 3, 4, 5, 6, 7, 8}, 1, 2, 2)},
		{"a group", []byte{0x0b, 0x08, 1, 0x0c}},
		{"a group under a known number", wrap([]byte{0x4b, 0x08, 1, 0x4c}, 1, 2, 2)},
		{"a group that ends as another", []byte{0x0b, 0x08, 1, 0x14}},
		{"a group without an end", []byte{0x0b, 0x08, 1}},
		{"an end without a group", []byte{0x0c}},
		{"field number 0", []byte{0x00, 0x00}},
		{"field number 2^29", []byte{0x80, 0x80, 0x80, 0x80, 0x10, 0x00}},
		{"field number 2^29 within a group", []byte{0x0b, 0x80, 0x80, 0x80, 0x80, 0x10, 0x00, 0x0c}},
		{"field number 2^29-1", []byte{0xf8, 0xff, 0xff, 0xff, 0x0f, 0x00}},
		{"a long tag", []byte{0x8a, 0x80, 0x00, 0x00}},
		{"wire type 6", []byte{0x0e}},
		{"wire type 7", []byte{0x0f, 1, 2, 3, 4}},
		{"varint of ten bytes", []byte{0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}},
		{"varint beyond 64 bits", []byte{0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}},
		{"length beyond the end", []byte{0x0a, 0x05, 0x00}},
		{"length of 2^63", []byte{0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}},
		{"name is no UTF-8", wrap([]byte{0x2a, 0x01, 0xff}, 1, 2, 2)},
		{"long name is no UTF-8", wrap(append([]byte{0x2a, 0x10}, "0123456789abcde\xff"...), 1, 2, 2)},
		{"name ends within a rune", wrap([]byte{0x2a, 0x0a, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 0xc3}, 1, 2, 2)},
		{"bytes need be no UTF-8", wrap([]byte{0x0a, 0x01, 0xff}, 1, 2, 2)},
		{"status message is no UTF-8", wrap([]byte{0x7a, 0x03, 0x12, 0x01, 0xff}, 1, 2, 2)},
		{"status field 1 may be anything", wrap([]byte{0x7a, 0x03, 0x0a, 0x01, 0xff}, 1, 2, 2)},
		{"nested 1000 deep", deep(499)},
	} {
		compare(t, tt.name, tt.b)
	}
}

// The nesting limit is protobuf's, to the message, whatever the innermost one is.
func TestWalkLimitsNesting(t *testing.T) {
	const outer = 4 // request, resource spans, resource, attribute
	attribute := []byte{0x0a, 2, 'n', 'o', 0x12, 2, 0x18, 1}
	// The second is three messages deeper, so that every depth is tried.
	for _, inner := range [][]byte{nil, wrap(attribute, 6, 1), wrap(attribute, 6, 1, 2, 6, 1)} {
		nest := func(n int) []byte {
			// Built from inside out in one buffer, backwards, or it takes for ever.
			back := slices.Clone(inner)
			slices.Reverse(back)
			prepend := func(number byte) {
				length := protowire.AppendVarint(nil, uint64(len(back)))
				slices.Reverse(length)
				back = append(append(back, length...), number<<3|2)
			}
			for i := range n {
				prepend([]byte{1, 5}[i%2])
			}
			for _, number := range []byte{2, 1, 1, 1} {
				prepend(number)
			}
			slices.Reverse(back)
			return back
		}
		refused := 0
		for n := 9980; n <= 10_000; n++ {
			b := nest(n)
			compare(t, fmt.Sprintf("%d messages and %x", n+outer+1, inner), b)
			if Walk(b, func([]SpanView) {}) != nil {
				refused++
			}
		}
		if refused == 0 || refused == 21 {
			t.Errorf("%d of 21 depths around the limit were refused", refused)
		}
	}
}

// asAttribute is a request with nothing but this attribute, of a resource or of a span.
func asAttribute(b []byte) [][]byte {
	return [][]byte{wrap(b, 1, 1, 1), wrap(b, 1, 2, 2, 9), wrap(wrap(b, 9), 1, 2, 2)}
}

// Whatever a number or a text is, and however long: both agree.
func TestWalkOfAttributes(t *testing.T) {
	key := func(b []byte, n int) []byte {
		return protowire.AppendString(append(b, 0x0a), strings.Repeat("k", n))
	}
	value := func(b, v []byte) []byte { return protowire.AppendBytes(append(b, 0x12), v) }
	var values [][]byte
	for n := range 10 { // varints that end too early
		for end := range n {
			v := append(append([]byte{0x18}, bytes.Repeat([]byte{0x80}, n)...), 0)
			v[1+end] = 0
			values = append(values, v)
		}
	}
	for n := range 12 { // varints of up to eleven bytes, whole and cut off
		for _, tag := range []byte{0x10, 0x18, 0x21, 0x38, 0x20, 0x3a} {
			v := append([]byte{tag}, bytes.Repeat([]byte{0x80}, n)...)
			values = append(values, v, append(slices.Clone(v), 0), append(slices.Clone(v), 2))
		}
	}
	for _, n := range []int{0, 1, 7, 8, 9, 60, 100, 121, 122, 127, 128, 200, 300, 20_000} {
		text := protowire.AppendString([]byte{0x0a}, strings.Repeat("v", n))
		values = append(values, text, append(slices.Clone(text), 'x'), text[:len(text)-min(n, 1)])
		for _, at := range []int{0, n / 2, n - 1} {
			if at >= 0 && n > 0 {
				broken := slices.Clone(text)
				broken[len(broken)-n+at] = 0xc3
				values = append(values, broken)
			}
		}
	}
	for _, v := range values {
		for _, n := range []int{0, 1, 3, 4, 5, 16, 90, 127, 128, 300} {
			for _, b := range [][]byte{
				value(key(nil, n), v), key(value(nil, v), n), key(key(nil, n), n), value(value(nil, v), v),
				append(value(key(nil, n), v), 1), append(key(value(nil, v), n), 0x0a),
			} {
				for _, req := range asAttribute(b) {
					compare(t, "attribute", slices.Clip(req))
				}
				if t.Failed() {
					return
				}
			}
		}
	}
}

// Wherever there is a byte that is not ASCII, before or after numbers and in keys and
// values: both agree.
func TestWalkFindsBrokenTexts(t *testing.T) {
	for _, order := range []string{"ours", "collector"} {
		var span []byte
		for _, text := range []string{"a", "seven..", "eight...", strings.Repeat("long", 9)} {
			for _, v := range [][]byte{
				{0x18, 5}, {0x18, 0x85, 1}, {0x10, 1}, {0x21, 0xff, 1, 2, 3, 4, 5, 6, 7}, wrap([]byte(text), 1),
			} {
				b := wrap(slices.Concat(wrap([]byte(text), 1), wrap(v, 2)), 9)
				if order == "collector" {
					b = wrap(slices.Concat(wrap(v, 2), wrap([]byte(text), 1)), 9)
				}
				span = append(span, b...)
			}
		}
		for i := range span {
			broken := slices.Clone(span)
			broken[i] |= 0x80
			compare(t, order, slices.Clip(wrap(broken, 1, 2, 2)))
			broken[i] = span[i] ^ 0x40
			compare(t, order, slices.Clip(wrap(broken, 1, 2, 2)))
		}
	}
}

// Whatever length or tag is a little off: both agree.
func TestWalkAgreesOnEveryByte(t *testing.T) {
	for _, shape := range []string{"simple", "complex"} {
		for _, order := range []string{"ours", "collector"} {
			b := benchRequests(t, shape, 3, 1, order)[0]
			for i := range b {
				for _, v := range []byte{b[i] + 1, b[i] - 1, b[i] + 8, b[i] - 4, b[i] ^ 0x80, 0} {
					damaged := slices.Clip(bytes.Clone(b))
					damaged[i] = v
					compare(t, fmt.Sprintf("%s, %s, byte %d is %#x", shape, order, i, v), damaged)
				}
				if t.Failed() {
					return
				}
			}
		}
	}
}

// A text that is not ASCII is looked at twice and not once for each attribute before it.
func TestWalkLooksAtLongTextsTwice(t *testing.T) {
	plain := wrap([]byte("\x0a\x03key\x12\x07\x0a\x05value"), 9)
	last := wrap([]byte("\x0a\x03key\x12\x07\x0a\x05gr\xc3\xbcn"), 9)
	span := append(bytes.Repeat(plain, 100_000), last...)
	span = append(span, bytes.Repeat(plain, 100_000)...)
	for _, req := range [][]byte{wrap(span, 1, 2, 2), wrap(bytes.ReplaceAll(span, []byte{0x4a, 0x0e}, []byte{0x0a, 0x0e}), 1, 1)} {
		// Looked at once for each attribute, it would take minutes.
		compare(t, "a long text", req)
	}
}

func TestWalkDoesNotAllocate(t *testing.T) {
	b := encode(t, sample(100))
	var end uint64
	if n := testing.AllocsPerRun(10, func() {
		if err := Walk(b, func(s []SpanView) { end += s[0].EndNano }); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a request", n)
	}
}

// Whatever a byte is changed to, or where the request is cut: both agree.
func TestWalkAgreesOnDamagedRequests(t *testing.T) {
	b := encode(t, sample(1))
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		damaged := slices.Clone(b[:len(b)-r.IntN(3)*r.IntN(len(b))/2])
		for range r.IntN(4) {
			if len(damaged) > 0 {
				damaged[r.IntN(len(damaged))] = byte(r.Uint32() >> (8 * r.IntN(3)))
			}
		}
		compare(t, "damaged", damaged)
		if t.Failed() {
			return
		}
	}
}

// FuzzWalk wants -fuzzminimizetime=10x: what proto.Unmarshal covers varies from call to call,
// and the fuzzer would spend all its time on making inputs smaller that do not get so.
func FuzzWalk(f *testing.F) {
	b := encode(f, sample(2))
	f.Add(b)
	f.Add(collectorOrder(b, wireRequest))
	for _, shape := range []string{"simple", "odigos-docs", "complex"} {
		for _, order := range []string{"ours", "collector"} {
			f.Add(benchRequests(f, shape, 4, 1, order)[0])
		}
	}
	f.Add([]byte{0x0b, 0x80, 0x80, 0x80, 0x80, 0x10, 0x00, 0x0c})
	f.Fuzz(func(t *testing.T, b []byte) {
		// In memory of its own, so that a look beyond either end is found out.
		compare(t, "fuzzed", slices.Clip(bytes.Clone(b)))
	})
}
