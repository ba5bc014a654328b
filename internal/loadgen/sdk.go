package loadgen

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// The batch span processor's settings, as the SDK has them when nobody sets any; a
// batch is a request of the load.
const (
	sdkQueue = 2048
	sdkDelay = 5 * time.Second
)

// sdkTraces is how many different traces are made before the run and then repeated,
// so that what is measured is the SDK and not the making of values.
const sdkTraces = 64

// sdk is the engine that is the OpenTelemetry Go SDK: spans are made with its API at
// their due times, and leave through its batch span processor and its exporter. What
// the processor drops, which it tells nobody, is found by identity: made and never
// exported.
//
// Each connection is a pipeline of its own; slots go to them in turn.
type sdk struct {
	cfg       Config
	dialer    *dialer
	shape     *otlp.Shape
	traces    [][]sdkSpan
	pipelines []*pipeline
	key       ledger.Key
	book      *book
	slots     chan slot
	workers   sync.WaitGroup

	mu   sync.Mutex
	left map[uint64]*remains // by slot: what was made and is not settled
	err  error
}

// remains are the spans of a slot that are not settled.
type remains struct {
	due   time.Duration
	open  []bool
	count int
}

// A pipeline is one batch span processor with its exporter, and a tracer of each
// service and scope before it.
type pipeline struct {
	wire      *sdkWire
	processor sdktrace.SpanProcessor
	tracers   map[tracerOf]trace.Tracer
}

type tracerOf struct {
	service int
	scope   string
}

// An sdkSpan is a span of a Shape in the SDK's terms.
type sdkSpan struct {
	otlp.Span
	options []trace.SpanStartOption
	events  [][]attribute.KeyValue
}

func newSDK(cfg Config) (engine, error) {
	shape, err := otlp.NewShape(string(cfg.Load.Shape), cfg.Load.ResourceAttributes,
		cfg.Load.SpanAttributes)
	if err != nil {
		return nil, err
	}
	if len(cfg.Endpoints) == 0 {
		return nil, errors.New("no endpoint")
	}
	if cfg.Load.Timeout <= 0 {
		return nil, fmt.Errorf("timeout is %v: want more than 0", time.Duration(cfg.Load.Timeout))
	}
	s := &sdk{cfg: cfg, dialer: newDialer(cfg.ahead), shape: shape, left: map[uint64]*remains{}}
	r := rand.New(rand.NewPCG(cfg.Load.Seed, 0x6f64696773))
	for range sdkTraces {
		var spans []sdkSpan
		for _, span := range shape.Trace(r) {
			spans = append(spans, sdkSpanOf(span))
		}
		s.traces = append(s.traces, spans)
	}
	for i := range max(cfg.Load.Connections, len(cfg.Endpoints)) {
		p, err := s.newPipeline(cfg.Endpoints[i%len(cfg.Endpoints)], r)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.pipelines = append(s.pipelines, p)
	}
	return s, nil
}

// newPipeline makes the SDK's parts, with every option that the environment could
// otherwise decide.
func (s *sdk) newPipeline(endpoint string, r *rand.Rand) (*pipeline, error) {
	wire, err := newSDKWire(s, endpoint)
	if err != nil {
		return nil, err
	}
	batch := s.cfg.Load.SpansPerRequest
	p := &pipeline{
		wire: wire, tracers: map[tracerOf]trace.Tracer{},
		processor: sdktrace.NewBatchSpanProcessor(wire,
			sdktrace.WithMaxExportBatchSize(batch),
			sdktrace.WithMaxQueueSize(max(sdkQueue, batch)),
			sdktrace.WithBatchTimeout(sdkDelay),
			sdktrace.WithExportTimeout(retryGiveUp+time.Duration(s.cfg.Load.Timeout))),
	}
	for service := range s.shape.Services {
		provider := sdktrace.NewTracerProvider(
			sdktrace.WithSpanProcessor(p.processor),
			sdktrace.WithSampler(sdktrace.AlwaysSample()),
			sdktrace.WithIDGenerator(givenIDs{}),
			sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{
				AttributeValueLengthLimit: -1,
				AttributeCountLimit:       -1, EventCountLimit: -1, LinkCountLimit: -1,
				AttributePerEventCountLimit: -1, AttributePerLinkCountLimit: -1,
			}),
			sdktrace.WithResource(resource.NewSchemaless(keyValues(s.shape.Resource(r, service))...)))
		for _, spans := range s.traces {
			for _, span := range spans {
				of := tracerOf{service, span.Scope}
				if span.Service == service && p.tracers[of] == nil {
					p.tracers[of] = provider.Tracer(span.Scope)
				}
			}
		}
	}
	return p, nil
}

// begin starts as many workers as may be in flight: making spans takes the SDK time.
func (s *sdk) begin(ctx context.Context, key ledger.Key, b *book, landed func()) {
	s.key, s.book = key, b
	s.slots = make(chan slot, s.cfg.Load.InFlight)
	for range s.cfg.Load.InFlight {
		s.workers.Go(func() {
			for at := range s.slots {
				s.make(ctx, at)
				landed()
			}
		})
	}
}

func (s *sdk) prepare(slot) {}

// deliver never blocks: there is room for all that can be in flight.
func (s *sdk) deliver(at slot) { s.slots <- at }

func (s *sdk) lastCall() {}

// cancel has nothing to do: the processors are cut off by finish.
func (s *sdk) cancel() {}

func (s *sdk) connections() (n uint64) {
	for _, p := range s.pipelines {
		n += p.wire.opened()
	}
	return n
}

// make makes the spans of a slot.
func (s *sdk) make(ctx context.Context, at slot) {
	batch := uint64(s.cfg.Load.SpansPerRequest)
	first := at.n * batch
	s.book.began(at, time.Since(s.book.start))
	rest := &remains{due: at.due, count: int(batch), open: slices.Repeat([]bool{true}, int(batch))}
	s.mu.Lock()
	s.left[at.n] = rest
	s.mu.Unlock()
	p := s.pipelines[at.n%uint64(len(s.pipelines))]
	end := s.book.header.Start.Add(at.due)
	for sequence := first; sequence < first+batch; sequence++ {
		size := uint64(s.shape.Size)
		root := sequence / size * size
		s.emit(ctx, p, s.traces[root/size%sdkTraces][sequence-root], root, sequence, end)
	}
}

// emit makes one span of the trace that begins with root. Its parent is named by its
// ids alone: it may have been made long ago, by another slot.
func (s *sdk) emit(ctx context.Context, p *pipeline, span sdkSpan, root, sequence uint64,
	end time.Time,
) {
	options := append(slices.Clip(span.options), trace.WithTimestamp(end.Add(-span.Lasts)))
	if span.Link >= 0 {
		options = append(options, trace.WithLinks(trace.Link{
			SpanContext: s.spanContext(root, root+uint64(span.Link)),
		}))
	}
	if span.Parent >= 0 {
		ctx = trace.ContextWithSpanContext(ctx, s.spanContext(root, root+uint64(span.Parent)))
	}
	ctx = context.WithValue(ctx, givenKey{}, s.spanContext(root, sequence))
	_, made := p.tracers[tracerOf{span.Service, span.Scope}].Start(ctx, span.Name, options...)
	for i, e := range span.Events {
		made.AddEvent(e.Name, trace.WithTimestamp(end.Add(-min(e.Before, span.Lasts))),
			trace.WithAttributes(span.events[i]...))
	}
	if span.Failed != "" {
		made.SetStatus(codes.Error, span.Failed)
	}
	made.End(trace.WithTimestamp(end))
}

func (s *sdk) spanContext(root, sequence uint64) trace.SpanContext {
	stream := ledger.Number(s.cfg.Stream) << 48
	c := trace.SpanContextConfig{TraceFlags: trace.FlagsSampled}
	s.key.PutTraceID(c.TraceID[:], stream+ledger.Number(root))
	s.key.PutSpanID(c.SpanID[:], stream+ledger.Number(sequence))
	return trace.NewSpanContext(c)
}

// finish flushes the processors. What the timeout of two requests does not suffice
// for is given up, and settled as dropped with all that was dropped before.
func (s *sdk) finish(ctx context.Context) error {
	close(s.slots)
	s.workers.Wait()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Duration(s.cfg.Load.Timeout))
	defer cancel()
	var flushed sync.WaitGroup
	for _, p := range s.pipelines {
		flushed.Go(func() { p.shutdown(ctx) })
	}
	flushed.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, rest := range s.left {
		for from := 0; from < len(rest.open); from++ {
			to := from
			for to < len(rest.open) && rest.open[to] {
				to++
			}
			if to > from {
				s.book.settle(ledger.Settlement{
					First: n*uint64(s.cfg.Load.SpansPerRequest) + uint64(from), Count: to - from,
					Class: ledger.Dropped, Due: rest.due,
				}, nil, 0)
				from = to
			}
		}
	}
	clear(s.left)
	return s.err
}

// shutdown ends the pipeline: nothing is exported after it.
func (p *pipeline) shutdown(ctx context.Context) {
	_ = p.processor.Shutdown(ctx) // fails only by ctx, whose end is no failure of ours
	p.wire.stop()
}

// Close ends the pipelines at once; after finish there is nothing left to end.
func (s *sdk) Close() error {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	var all error
	for _, p := range s.pipelines {
		p.wire.stop()
		p.shutdown(over)
		all = errors.Join(all, p.wire.close())
	}
	return all
}

// exported settles the spans of one export.
func (s *sdk) exported(numbers []ledger.Number, sent, answered time.Time, all *attempts,
	err error,
) {
	batch := uint64(s.cfg.Load.SpansPerRequest)
	if len(all.answers) == 0 {
		text := "export: no attempt was made"
		if err != nil {
			text = "export: " + err.Error()
		}
		all.add(Answer{Code: "not sent", Class: ledger.Unknown, Err: text}, 0)
	}
	final, attempts := all.answers[0], 0
	for i, a := range all.answers {
		s.book.attempted(uint64(numbers[0])&ledger.MaxSequence, a, all.encoded[i])
		if a.Attempted {
			attempts++
		}
		if i > 0 {
			final = outcome(final, a)
		}
	}
	a := final
	slices.Sort(numbers)
	s.mu.Lock()
	defer s.mu.Unlock()
	rejected := a.Rejected
	for len(numbers) > 0 {
		first := uint64(numbers[0]) & ledger.MaxSequence
		n := 1
		for n < len(numbers) && numbers[n] == numbers[0]+ledger.Number(n) &&
			(first+uint64(n))/batch == first/batch {
			n++
		}
		rest := s.left[first/batch]
		if rest == nil || !slices.Contains(rest.open[first%batch:first%batch+uint64(n)], true) {
			s.err = fmt.Errorf("the SDK exported span %d twice", first)
			return
		}
		settlement := ledger.Settlement{
			First: first, Count: n, Class: a.Class,
			Rejected: min(rejected, n), Attempts: attempts, Due: rest.due,
			Sent: sent.Sub(s.book.start), Answered: answered.Sub(s.book.start),
		}
		rejected -= settlement.Rejected
		s.book.settle(settlement, nil, 0)
		for i := range n {
			rest.open[first%batch+uint64(i)] = false
		}
		if rest.count -= n; rest.count == 0 {
			delete(s.left, first/batch)
		}
		numbers = numbers[n:]
	}
}

// givenIDs gives each span the ids that its context brings.
type givenIDs struct{}

type givenKey struct{}

// NewIDs is asked for a root.
func (givenIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	given, _ := ctx.Value(givenKey{}).(trace.SpanContext)
	return given.TraceID(), given.SpanID()
}

// NewSpanID is asked for a child.
func (givenIDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	given, _ := ctx.Value(givenKey{}).(trace.SpanContext)
	return given.SpanID()
}

func sdkSpanOf(s otlp.Span) sdkSpan {
	// OTLP and the API number the kinds alike: unspecified, internal, server …
	span := sdkSpan{Span: s, options: []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKind(s.Kind)), trace.WithAttributes(keyValues(s.Attributes)...),
	}}
	for _, e := range s.Events {
		span.events = append(span.events, keyValues(e.Attributes))
	}
	return span
}

func keyValues(all []otlp.Attribute) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, len(all))
	for _, a := range all {
		key := attribute.Key(a.Key)
		switch v := a.Value.(type) {
		case string:
			out = append(out, key.String(v))
		case int:
			out = append(out, key.Int(v))
		case float64:
			out = append(out, key.Float64(v))
		case bool:
			out = append(out, key.Bool(v))
		case []string:
			out = append(out, key.StringSlice(v))
		}
	}
	return out
}
