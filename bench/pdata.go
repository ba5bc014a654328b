package main

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// sendPdata builds pdata traces and exports them with pdata's client: what the
// collector's own load tests do.
func sendPdata(ctx context.Context, o order, begin func()) error {
	c, err := newContent()
	if err != nil {
		return err
	}
	conn, err := dial(o.To)
	if err != nil {
		return err
	}
	defer conn.Close()
	client := ptraceotlp.NewGRPCClient(conn)
	workers := make([]ids, o.InFlight)
	for w := range workers {
		workers[w] = newIDs(w)
	}
	begin()
	return together(o, func(w int) error {
		traces := c.pdata(o.Batch, workers[w])
		_, err := client.Export(ctx, ptraceotlp.NewExportRequestFromTraces(traces))
		return err
	})
}

// pdata is one request.
func (c *content) pdata(batch int, id ids) ptrace.Traces {
	traces := ptrace.NewTraces()
	in := traces.ResourceSpans().AppendEmpty()
	pdataAttributes(in.Resource().Attributes(), c.resource)
	scope := in.ScopeSpans().AppendEmpty()
	scope.Scope().SetName(c.traces[0][0].Scope)
	scope.Scope().SetVersion("1.4.0")
	spans := scope.Spans()
	spans.EnsureCapacity(batch)
	now := time.Now()
	var traceID pcommon.TraceID
	var spanIDs [traceSpans]pcommon.SpanID
	for n := range batch {
		place := n % traceSpans
		if place == 0 {
			id.put(traceID[:])
		}
		id.put(spanIDs[place][:])
		from := c.traces[n/traceSpans%len(c.traces)][place]
		span := spans.AppendEmpty()
		span.SetTraceID(traceID)
		span.SetSpanID(spanIDs[place])
		if from.Parent >= 0 {
			span.SetParentSpanID(spanIDs[from.Parent])
		}
		span.SetName(from.Name)
		span.SetKind(ptrace.SpanKind(from.Kind))
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-from.Lasts)))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
		pdataAttributes(span.Attributes(), from.Attributes)
	}
	return traces
}

func pdataAttributes(to pcommon.Map, all []otlp.Attribute) {
	to.EnsureCapacity(len(all))
	for _, a := range all {
		switch v := a.Value.(type) {
		case string:
			to.PutStr(a.Key, v)
		case int:
			to.PutInt(a.Key, int64(v))
		case float64:
			to.PutDouble(a.Key, v)
		case bool:
			to.PutBool(a.Key, v)
		}
	}
}

// servePdata decodes requests as pdata does, and counts the spans.
func servePdata(ln net.Listener, _ order, stop <-chan struct{}) (tally, error) {
	s := newServer()
	counted := &pdataCounter{}
	ptraceotlp.RegisterGRPCServer(s, counted)
	err := serveUntil(s, ln, stop)
	return tally{Spans: counted.spans.Load()}, err
}

type pdataCounter struct {
	ptraceotlp.UnimplementedGRPCServer
	spans atomic.Uint64
}

// Export counts the spans of a request.
func (c *pdataCounter) Export(
	_ context.Context, r ptraceotlp.ExportRequest,
) (ptraceotlp.ExportResponse, error) {
	c.spans.Add(uint64(r.Traces().SpanCount()))
	return ptraceotlp.NewExportResponse(), nil
}
