package main

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// toSpans are the fields that lead from an ExportTraceServiceRequest to its spans:
// resource_spans, scope_spans, spans.
var toSpans = [...]protowire.Number{1, 2, 2}

// countSpans counts the spans of an encoded ExportTraceServiceRequest without looking
// into them.
func countSpans(b []byte) (int, error) { return count(b, 0) }

func count(b []byte, depth int) (n int, err error) {
	for len(b) > 0 {
		field, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return n, fmt.Errorf("count spans: %w", protowire.ParseError(size))
		}
		b = b[size:]
		if kind != protowire.BytesType || field != toSpans[depth] {
			if size = protowire.ConsumeFieldValue(field, kind, b); size < 0 {
				return n, fmt.Errorf("count spans: %w", protowire.ParseError(size))
			}
			b = b[size:]
			continue
		}
		inner, size := protowire.ConsumeBytes(b)
		if size < 0 {
			return n, fmt.Errorf("count spans: %w", protowire.ParseError(size))
		}
		b = b[size:]
		if depth == len(toSpans)-1 {
			n++
			continue
		}
		more, err := count(inner, depth+1)
		n += more
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
