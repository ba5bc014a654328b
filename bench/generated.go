package main

import (
	"context"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// sendGenerated builds the structures that protoc generates and exports them with the
// generated client.
func sendGenerated(ctx context.Context, o order, begin func()) error {
	c, err := newContent()
	if err != nil {
		return err
	}
	conn, err := dial(o.To)
	if err != nil {
		return err
	}
	defer conn.Close()
	client := collectorpb.NewTraceServiceClient(conn)
	workers := make([]ids, o.InFlight)
	for w := range workers {
		workers[w] = newIDs(w)
	}
	begin()
	return together(o, func(w int) error {
		_, err := client.Export(ctx, c.generated(o.Batch, workers[w]))
		return err
	})
}

// generated is one request.
func (c *content) generated(batch int, id ids) *collectorpb.ExportTraceServiceRequest {
	spans := make([]*tracepb.Span, batch)
	now := uint64(time.Now().UnixNano())
	var traceID []byte
	var spanIDs [traceSpans][]byte
	for n := range spans {
		place := n % traceSpans
		if place == 0 {
			traceID = make([]byte, 16)
			id.put(traceID)
		}
		spanIDs[place] = make([]byte, 8)
		id.put(spanIDs[place])
		from := c.traces[n/traceSpans%len(c.traces)][place]
		spans[n] = &tracepb.Span{
			TraceId: traceID, SpanId: spanIDs[place], Name: from.Name,
			Kind:              tracepb.Span_SpanKind(from.Kind),
			StartTimeUnixNano: now - uint64(from.Lasts), EndTimeUnixNano: now,
			Attributes: generatedAttributes(from.Attributes),
		}
		if from.Parent >= 0 {
			spans[n].ParentSpanId = spanIDs[from.Parent]
		}
	}
	return &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: &resourcepb.Resource{Attributes: generatedAttributes(c.resource)},
		ScopeSpans: []*tracepb.ScopeSpans{{
			Scope: &commonpb.InstrumentationScope{Name: c.traces[0][0].Scope, Version: "1.4.0"},
			Spans: spans,
		}},
	}}}
}

func generatedAttributes(all []otlp.Attribute) []*commonpb.KeyValue {
	to := make([]*commonpb.KeyValue, 0, len(all))
	for _, a := range all {
		value := &commonpb.AnyValue{}
		switch v := a.Value.(type) {
		case string:
			value.Value = &commonpb.AnyValue_StringValue{StringValue: v}
		case int:
			value.Value = &commonpb.AnyValue_IntValue{IntValue: int64(v)}
		case float64:
			value.Value = &commonpb.AnyValue_DoubleValue{DoubleValue: v}
		case bool:
			value.Value = &commonpb.AnyValue_BoolValue{BoolValue: v}
		}
		to = append(to, &commonpb.KeyValue{Key: a.Key, Value: value})
	}
	return to
}
