package memoryadmission

import (
	"context"
	"math"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

var id = component.MustNewID(Type)

// A host has the one extension.
type host struct{ extension component.Component }

func (h host) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{id: h.extension}
}

// A fixture is a started extension, whose memory is full when the test says so.
type fixture struct {
	*admission
	full      atomic.Bool
	telemetry *componenttest.Telemetry
	logs      *observer.ObservedLogs
}

func start(t *testing.T, limit uint64) *fixture {
	t.Helper()
	f := &fixture{telemetry: componenttest.NewTelemetry()}
	core, logs := observer.New(zap.InfoLevel)
	f.logs = logs
	set := extension.Settings{ID: id, TelemetrySettings: f.telemetry.NewTelemetrySettings()}
	set.Logger = zap.New(core)
	var err error
	f.admission, err = newAdmission(set, func() reading {
		if f.full.Load() {
			return reading{limit: limit, mapped: limit, objects: 2, goal: 1}
		}
		return reading{limit: limit}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Start(t.Context(), host{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return f
}

// rejected is the counter as it is served; ok is false while it is not.
func (f *fixture) rejected(t *testing.T) (n int64, ok bool) {
	t.Helper()
	got, err := f.telemetry.GetMetric(Rejections)
	if err != nil {
		return 0, false
	}
	for _, p := range got.Data.(metricdata.Sum[int64]).DataPoints {
		n += p.Value
	}
	return n, true
}

func TestFactory(t *testing.T) {
	set := extension.Settings{ID: id, TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	f := NewFactory()
	e, err := f.Create(t.Context(), set, f.CreateDefaultConfig())
	if err != nil || f.Type().String() != Type {
		t.Fatalf("Create of %s = %v", f.Type(), err)
	}
	if e.(*admission).read().mapped == 0 {
		t.Error("the extension does not read this process' runtime")
	}
}

// The counter is there, and 0, before anything was refused.
func TestStart(t *testing.T) {
	f := start(t, 200*mib)
	if n, ok := f.rejected(t); !ok || n != 0 {
		t.Errorf("%s = %d, %v; want 0", Rejections, n, ok)
	}
	if n := f.logs.FilterLevelExact(zap.WarnLevel).Len(); n != 0 {
		t.Errorf("%d warnings with GOMEMLIMIT set: %v", n, f.logs.All())
	}
}

func TestWithoutGoMemLimit(t *testing.T) {
	f := start(t, math.MaxInt64)
	warnings := f.logs.FilterLevelExact(zap.WarnLevel).All()
	if len(warnings) != 1 || !strings.Contains(warnings[0].Message, "GOMEMLIMIT is not set") {
		t.Errorf("warnings: %v; want one, that GOMEMLIMIT is not set", warnings)
	}
}

// exporter sends requests to an otlp receiver that has the extension as middleware.
func (f *fixture) exporter(t *testing.T, traces consumer.Traces) *grpc.ClientConn {
	t.Helper()
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	const endpoint = "127.0.0.1:0"
	err := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"grpc": map[string]any{
		"endpoint": endpoint, "max_recv_msg_size_mib": 128,
		"middlewares": []any{map[string]any{"id": Type}},
	}}}).Unmarshal(config)
	if err != nil {
		t.Fatal(err)
	}
	set := receivertest.NewNopSettings(factory.Type())
	core, logs := observer.New(zap.InfoLevel)
	set.Logger = zap.New(core)
	r, err := factory.CreateTraces(t.Context(), set, config, traces)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context(), host{f.admission}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient(listening(t, logs),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// listening is the address that the receiver says it took.
func listening(t *testing.T, logs *observer.ObservedLogs) string {
	t.Helper()
	for _, entry := range logs.All() {
		if address, ok := entry.ContextMap()["endpoint"].(string); ok {
			return address
		}
	}
	t.Fatalf("the receiver names no endpoint: %v", logs.All())
	return ""
}

func request(attribute int) ptraceotlp.ExportRequest {
	traces := ptrace.NewTraces()
	span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetName("a span")
	span.Attributes().PutStr("big", strings.Repeat("x", attribute))
	return ptraceotlp.NewExportRequestFromTraces(traces)
}

func TestRefusesWhileFullAndGoesOn(t *testing.T) {
	f, sink := start(t, 200*mib), new(consumertest.TracesSink)
	client := ptraceotlp.NewGRPCClient(f.exporter(t, sink))
	for _, step := range []struct {
		full     bool
		want     codes.Code
		rejected int64
		spans    int
	}{
		{false, codes.OK, 0, 1},
		{true, codes.Unavailable, 1, 1},
		{true, codes.Unavailable, 2, 1},
		{false, codes.OK, 2, 2},
	} {
		f.full.Store(step.full)
		_, err := client.Export(t.Context(), request(10))
		rejected, _ := f.rejected(t)
		if status.Code(err) != step.want || rejected != step.rejected ||
			sink.SpanCount() != step.spans {
			t.Errorf("full %v: %v, %d rejected, %d spans; want %+v", step.full, err, rejected,
				sink.SpanCount(), step)
		}
	}
}

// bytesCodec sends what was encoded beforehand, without a copy.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// allocated are the bytes that this process has allocated so far.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// A message that is refused is not read into memory, let alone decoded: client and server
// together allocate a fraction of it. The same message, let in, takes more than itself.
func TestRefusesBeforeDecoding(t *testing.T) {
	f := start(t, 200*mib)
	conn := f.exporter(t, consumertest.NewNop())
	message, err := request(64 * mib).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	send := func() (uint64, codes.Code) {
		before := allocated()
		var answer []byte
		err := conn.Invoke(t.Context(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
			&message, &answer, grpc.ForceCodecV2(bytesCodec{}))
		return allocated() - before, status.Code(err)
	}
	f.full.Store(true)
	if n, code := send(); code != codes.Unavailable || n > uint64(len(message))/8 {
		t.Errorf("full: %v, %d bytes allocated for a message of %d; want Unavailable and an eighth"+
			" at most", code, n, len(message))
	}
	f.full.Store(false)
	if n, code := send(); code != codes.OK || n < uint64(len(message)) {
		t.Errorf("not full: %v, %d bytes allocated for a message of %d; want OK and more than it",
			code, n, len(message))
	}
}
