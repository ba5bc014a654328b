package profile

import (
	"strings"
	"testing"
)

const (
	grpcServer = "google.golang.org/grpc.(*Server).processUnaryRPC"
	otlpExport = collector + "receiver/otlpreceiver/internal/trace.(*Receiver).Export"
	pushTraces = collector + "exporter/otlpexporter.(*baseExporter).pushTraces"
	helper     = collector + "exporter/exporterhelper/internal.(*retrySender).Send"
	contrib    = "github.com/open-telemetry/opentelemetry-collector-contrib/"
)

// stacks begin with the innermost frame.
var stacks = map[string]struct {
	want  string
	stack []string
}{
	"a component's own code": {"connector/servicegraph", []string{
		"runtime.mapassign", contrib + "connector/servicegraphconnector/internal/store.(*Store).Up",
		contrib + "connector/servicegraphconnector.(*serviceGraphConnector).ConsumeTraces",
		queueFunc,
	}},
	"the innermost of two components": {"processor/transform", []string{
		contrib + "pkg/ottl.(*Statement[go.shape.struct { x/y.z int }]).Execute",
		contrib + "processor/transformprocessor/internal/traces.(*Processor).ProcessTraces",
		collector + "processor/processorhelper.NewTraces.func1", otlpExport, grpcServer,
	}},
	"what its package does not say": {"processor/memory_limiter", []string{
		"runtime.ReadMemStats", collector + "internal/memorylimiter.(*MemoryLimiter).CheckMemLimits",
	}},
	"Odigos' own": {"processor/odigostrafficmetrics", []string{
		"github.com/odigos-io/odigos/collector/processors/odigostrafficmetrics.(*p).process",
	}},
	"Odigos' connector": {"connector/odigosrouter", []string{
		"github.com/odigos-io/odigos/collector/connectors/odigosrouterconnector.(*r).ConsumeTraces",
	}},
	"compression when sending": {"exporter/otlp: compression", []string{
		"runtime.memmove", "compress/flate.(*compressor).deflate",
		"google.golang.org/grpc/encoding/gzip.(*writer).Close", "google.golang.org/grpc.compress",
		pushTraces, helper, queueFunc,
	}},
	"compression of no one known": {"compression", []string{
		"github.com/klauspost/compress/zstd.(*Encoder).nextBlock.func1",
	}},
	"decoding before the receiver is called": {"receiver/otlp: decoding", []string{
		"runtime.mallocgc", collector + "pdata/internal.NewSpan",
		collector + "pdata/internal.(*ScopeSpans).UnmarshalProto", "google.golang.org/grpc.recv",
		grpcServer,
	}},
	"encoding by gogo/protobuf": {"exporter/otlp: encoding", []string{
		collector + "pdata/internal/data/protogen/trace/v1.sovTrace",
		collector + "pdata/internal/data/protogen/trace/v1.(*Span).Size", pushTraces,
	}},
	"pdata without an owner": {"pdata", []string{collector + "pdata/internal.CopySpan"}},
	"copies": {"fanout: copying", []string{
		collector + "pdata/internal.CopySpan",
		collector + "internal/fanoutconsumer.cloneTraces", batchFunc,
	}},
	"assisting the collector of garbage": {"gc", []string{
		"runtime.gcDrainN", "runtime.gcAssistAlloc.func2", "runtime.systemstack",
		"runtime.gcAssistAlloc", "runtime.mallocgc", otlpExport,
	}},
	"write barrier":      {"gc", []string{"gcWriteBarrier", batchFunc}},
	"the runtime's own":  {"runtime", []string{"runtime.futex", "runtime.findRunnable"}},
	"another's":          {"other", []string{"sync.(*WaitGroup).Go.func1"}},
	"nobody's":           {"other", nil},
	"the queue":          {"exporterhelper/queue", []string{"sync.(*Cond).Wait", queueFunc}},
	"around an exporter": {"exporterhelper", []string{"runtime.selectgo", helper, queueFunc}},
	"the exporter's connection": {"exporter/otlp: network", []string{
		"internal/runtime/syscall/linux.Syscall6", "syscall.write", "internal/poll.(*FD).Write",
		"net.(*conn).Write", "google.golang.org/grpc/internal/transport.(*loopyWriter).run",
		"google.golang.org/grpc/internal/transport.NewHTTP2Client.func6",
	}},
	"the receiver's connection": {"receiver/otlp: grpc", []string{
		"runtime.memmove", "google.golang.org/grpc/internal/transport.(*loopyWriter).processData",
		"google.golang.org/grpc/internal/transport.NewServerTransport.func2",
	}},
	"a client that is instrumented": {"exporter/otlphttp: http", []string{
		"net/http.(*Transport).roundTrip", instrumentation + "net/http/otelhttp.(*Transport).RoundTrip",
		collector + "exporter/otlphttpexporter.(*baseExporter).export",
	}},
	"metrics of itself": {"own telemetry", []string{
		"go.opentelemetry.io/otel/sdk/metric.(*int64Inst).aggregate",
		collector + "processor/processorhelper.(*obsReport).record", otlpExport,
	}},
	"being looked at": {"observation", []string{
		"compress/gzip.(*Writer).Write", "runtime/pprof.writeHeapProto",
		"net/http/pprof.handler.ServeHTTP",
	}},
	"the start": {"startup", []string{
		"runtime.mallocgc", "github.com/DataDog/go-sqllexer.init", "runtime.doInit1", "runtime.main",
	}},
	"a function literal of an initialisation": {"compression", []string{
		"compress/flate.NewWriter", "google.golang.org/grpc/encoding/gzip.init.func1",
		"sync.(*Pool).Get",
	}},
}

func TestComponent(t *testing.T) {
	for name, c := range stacks {
		if got := component(c.stack); got != c.want {
			t.Errorf("%s: component = %q, want %q of\n\t%s", name, got, c.want,
				strings.Join(c.stack, "\n\t"))
		}
	}
}
