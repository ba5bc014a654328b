package main

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// sdkQueue is the queue of the SDK's batch processor: large, so that it never decides.
const sdkQueue = 1 << 16

// sendSDK makes spans with the OpenTelemetry SDK, tuned as far as it can be: a large
// queue that blocks instead of dropping, large batches, attributes made beforehand.
func sendSDK(ctx context.Context, o order, begin func()) error {
	c, err := newContent()
	if err != nil {
		return err
	}
	conn, err := dial(o.To)
	if err != nil {
		return err
	}
	defer conn.Close()
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithGRPCConn(conn))
	if err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.AlwaysSample()),
		sdktrace.WithResource(resource.NewSchemaless(sdkAttributes(c.resource)...)),
		sdktrace.WithBatcher(exporter, sdktrace.WithBlocking(), sdktrace.WithMaxQueueSize(sdkQueue),
			sdktrace.WithMaxExportBatchSize(o.Batch), sdktrace.WithBatchTimeout(time.Second)))
	t := provider.Tracer(c.traces[0][0].Scope, trace.WithInstrumentationVersion("1.4.0"))
	prepared := sdkTraces(c)
	begin()
	end := time.Now().Add(o.Length)
	for n := 0; n == 0 || time.Now().Before(end); n++ {
		sdkTrace(ctx, t, prepared[n%len(prepared)])
	}
	return errors.Join(provider.Shutdown(ctx), exporter.Shutdown(ctx))
}

// An sdkSpan is a span before it is made.
type sdkSpan struct {
	name   string
	parent int
	start  []trace.SpanStartOption
}

func sdkTraces(c *content) [][]sdkSpan {
	var all [][]sdkSpan
	for _, spans := range c.traces {
		var one []sdkSpan
		for _, s := range spans {
			one = append(one, sdkSpan{s.Name, s.Parent, []trace.SpanStartOption{
				trace.WithSpanKind(trace.SpanKind(s.Kind)),
				trace.WithAttributes(sdkAttributes(s.Attributes)...),
			}})
		}
		all = append(all, one)
	}
	return all
}

// sdkTrace makes the spans of a trace, and ends the children before their parents.
func sdkTrace(ctx context.Context, t trace.Tracer, spans []sdkSpan) {
	var within [traceSpans]context.Context
	var made [traceSpans]trace.Span
	for i, s := range spans {
		parent := ctx
		if s.parent >= 0 {
			parent = within[s.parent]
		}
		within[i], made[i] = t.Start(parent, s.name, s.start...)
	}
	for i := len(spans) - 1; i >= 0; i-- {
		made[i].End()
	}
}

func sdkAttributes(all []otlp.Attribute) []attribute.KeyValue {
	var to []attribute.KeyValue
	for _, a := range all {
		switch v := a.Value.(type) {
		case string:
			to = append(to, attribute.String(a.Key, v))
		case int:
			to = append(to, attribute.Int(a.Key, v))
		case float64:
			to = append(to, attribute.Float64(a.Key, v))
		case bool:
			to = append(to, attribute.Bool(a.Key, v))
		}
	}
	return to
}
