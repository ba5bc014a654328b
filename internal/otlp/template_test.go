package otlp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

func shape(t testing.TB, name string) *Shape {
	s, err := NewShape(name, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// patch puts the sequences themselves, plus a base, in the place of ids.
func patch(tmpl *Template, base int64, due uint64) []byte {
	b := bytes.Clone(tmpl.Bytes)
	for _, h := range tmpl.TraceIDs {
		binary.BigEndian.PutUint64(b[h.At+8:], uint64(base+int64(h.Sequence)))
	}
	for _, h := range tmpl.SpanIDs {
		binary.BigEndian.PutUint64(b[h.At:], uint64(base+int64(h.Sequence)))
	}
	for _, h := range tmpl.Times {
		binary.LittleEndian.PutUint64(b[h.At:], due-uint64(h.Before))
	}
	for _, h := range tmpl.Varying {
		copy(b[h.At:h.At+VaryBytes], fmt.Sprintf("%016x", base+int64(h.Sequence)))
	}
	return b
}

type decoded struct {
	*trace.Span
	service, scope string
	sequence       int64
}

func decode(t *testing.T, b []byte) map[int64]decoded {
	t.Helper()
	var request collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(b, &request); err != nil {
		t.Fatalf("Unmarshal: %v", err)
	}
	again, err := proto.Marshal(&request)
	if err != nil || len(again) != len(b) {
		t.Errorf("Marshal(Unmarshal(%d bytes)) = %d bytes, %v", len(b), len(again), err)
	}
	all := map[int64]decoded{}
	for _, rs := range request.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				if len(s.ProtoReflect().GetUnknown()) > 0 {
					t.Errorf("span %q has unknown fields", s.Name)
				}
				n := int64(binary.BigEndian.Uint64(s.SpanId))
				all[n] = decoded{s, text(rs.Resource.Attributes, "service.name"), ss.Scope.Name, n}
			}
		}
	}
	return all
}

func text(all []*common.KeyValue, key string) string {
	for _, a := range all {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// Each request decodes into whole traces: every sequence once, one root a trace,
// parents of the same trace that start earlier, ends at the due time.
func TestTemplatesAreWholeTraces(t *testing.T) {
	const base, due = 1000, 1_700_000_000_000_000_000
	for name, services := range map[string]int{"odigos-docs": 2, "simple": 1, "complex": 6} {
		s := shape(t, name)
		spans := decode(t, patch(NewTemplate(s, 0, 100, source(1)), base, due))
		if len(spans) != 100 {
			t.Errorf("%s: %d distinct spans, want 100", name, len(spans))
		}
		seen := map[string]bool{}
		for n, span := range spans {
			seen[span.service] = true
			first := base + (n-base)/int64(s.Size)*int64(s.Size)
			if got := int64(binary.BigEndian.Uint64(span.TraceId[8:])); got != first {
				t.Errorf("%s: span %d is of trace %d, want %d", name, n, got, first)
			}
			if root := len(span.ParentSpanId) == 0; root != (n == first) {
				t.Errorf("%s: span %d of trace %d: root is %v", name, n, first, root)
			} else if !root {
				parent, ok := spans[int64(binary.BigEndian.Uint64(span.ParentSpanId))]
				if !ok || !bytes.Equal(parent.TraceId, span.TraceId) || parent.sequence >= n ||
					parent.StartTimeUnixNano >= span.StartTimeUnixNano {
					t.Errorf("%s: span %d under %v", name, n, parent)
				}
			}
			if span.EndTimeUnixNano != due || span.StartTimeUnixNano >= due {
				t.Errorf("%s: span %d lasts from %d to %d", name, n, span.StartTimeUnixNano,
					span.EndTimeUnixNano)
			}
		}
		if len(seen) != services {
			t.Errorf("%s: services %v, want %d", name, seen, services)
		}
	}
}

// With split traces the spans of consecutive requests are those of whole ones.
func TestSplitTracesGoOnInTheNextRequest(t *testing.T) {
	for _, name := range []string{"odigos-docs", "simple", "complex"} {
		s := shape(t, name)
		const each = 7
		all := map[int64]decoded{}
		for n := range s.Size {
			base := n * each
			for _, span := range decode(t, patch(NewTemplate(s, base%s.Size, each, source(1)),
				int64(base), 1<<60)) {
				all[span.sequence] = span
			}
		}
		if len(all) != each*s.Size {
			t.Fatalf("%s: %d distinct spans, want %d", name, len(all), each*s.Size)
		}
		for n, span := range all {
			first := n / int64(s.Size) * int64(s.Size)
			if got := int64(binary.BigEndian.Uint64(span.TraceId[8:])); got != first {
				t.Errorf("%s: span %d is of trace %d, want %d", name, n, got, first)
			}
			if n != first {
				if p := int64(binary.BigEndian.Uint64(span.ParentSpanId)); p < first || p >= n {
					t.Errorf("%s: span %d of trace %d is under %d", name, n, first, p)
				}
			}
		}
	}
}

func TestSpansHaveTheirSize(t *testing.T) {
	for _, test := range []struct {
		shape       string
		spans, want int
	}{
		{"odigos-docs", 100, 1918},
		{"simple", 1000, 355},
	} {
		got := float64(len(NewTemplate(shape(t, test.shape), 0, test.spans, source(3)).Bytes)) /
			float64(test.spans)
		if got < 0.95*float64(test.want) || got > 1.05*float64(test.want) {
			t.Errorf("%s, %d a request: %.0f B a span, want %d", test.shape, test.spans, got, test.want)
		}
	}
}

func TestSimpleSpansHaveSevenStringsAndThreeNumbers(t *testing.T) {
	s := shape(t, "simple")
	var resource, strings, numbers []int
	for range 3 {
		resource = append(resource, len(s.Resource(source(1), 0)))
	}
	for _, span := range s.Trace(source(1)) {
		var st, nu int
		for _, a := range span.Attributes {
			switch a.Value.(type) {
			case string:
				st++
			case int:
				nu++
			}
		}
		strings, numbers = append(strings, st), append(numbers, nu)
	}
	want := func(n, times int) (all []int) {
		for range times {
			all = append(all, n)
		}
		return all
	}
	if diff := cmp.Diff([][]int{want(8, 3), want(7, 10), want(3, 10)},
		[][]int{resource, strings, numbers}); diff != "" {
		t.Errorf("resource attributes, strings, numbers (-want +got):\n%s", diff)
	}
}

func TestEqualSeedsGiveEqualBytes(t *testing.T) {
	for _, name := range []string{"odigos-docs", "simple", "complex"} {
		s := shape(t, name)
		one, same, other := NewTemplate(s, 0, 40, source(5)), NewTemplate(s, 0, 40, source(5)),
			NewTemplate(s, 0, 40, source(6))
		if diff := cmp.Diff(one, same); diff != "" {
			t.Errorf("%s: two templates of one seed differ:\n%s", name, diff)
		}
		if bytes.Equal(one.Bytes, other.Bytes) {
			t.Errorf("%s: two seeds gave the same bytes", name)
		}
	}
}

func TestEverySpanOfASimpleTemplateVaries(t *testing.T) {
	tmpl := NewTemplate(shape(t, "simple"), 0, 100, source(1))
	if len(tmpl.Varying) != 100 {
		t.Errorf("%d varying values in 100 spans", len(tmpl.Varying))
	}
	for n, span := range decode(t, patch(tmpl, 0, 1<<60)) {
		if got, want := text(span.Attributes, "session.id"), fmt.Sprintf("%016x", n); got != want {
			t.Errorf("span %d: session.id %q, want %q", n, got, want)
		}
	}
}

func TestAttributesAreAddedAndReplaced(t *testing.T) {
	s, err := NewShape("simple", map[string]string{"service.name": "mine", "team": "blue"},
		map[string]string{"session.id": "none", "color": "red"})
	if err != nil {
		t.Fatal(err)
	}
	tmpl := NewTemplate(s, 0, 10, source(1))
	if len(tmpl.Varying) != 0 {
		t.Errorf("%d varying values although they are replaced", len(tmpl.Varying))
	}
	for _, span := range decode(t, patch(tmpl, 0, 1<<60)) {
		got := []string{
			span.service, text(span.Attributes, "session.id"),
			text(span.Attributes, "color"),
		}
		if diff := cmp.Diff([]string{"mine", "none", "red"}, got); diff != "" {
			t.Errorf("span %d (-want +got):\n%s", span.sequence, diff)
		}
		if len(span.Attributes) != 11 {
			t.Errorf("span %d has %d attributes, want 11", span.sequence, len(span.Attributes))
		}
	}
}

func TestComplexTracesHaveAllThereIs(t *testing.T) {
	var kinds [6]int
	var events, links, failed, arrays, doubles, bools int
	spans := decode(t, patch(NewTemplate(shape(t, "complex"), 0, 2000, source(1)), 0, 1<<60))
	for _, span := range spans {
		kinds[span.Kind]++
		events, links = events+len(span.Events), links+len(span.Links)
		if span.Status != nil {
			failed++
		}
		for _, a := range span.Attributes {
			switch a.Value.Value.(type) {
			case *common.AnyValue_ArrayValue:
				arrays++
			case *common.AnyValue_DoubleValue:
				doubles++
			case *common.AnyValue_BoolValue:
				bools++
			}
		}
	}
	for what, n := range map[string]int{
		"internal": kinds[1], "server": kinds[2],
		"client": kinds[3], "producer": kinds[4], "consumer": kinds[5], "events": events,
		"links": links, "failed": failed, "arrays": arrays, "doubles": doubles, "bools": bools,
	} {
		if n == 0 {
			t.Errorf("no %s in %d spans", what, len(spans))
		}
	}
}

func TestUnknownShape(t *testing.T) {
	if s, err := NewShape("odd", nil, nil); err == nil {
		t.Errorf("NewShape(odd) = %v, want an error", s)
	}
}
