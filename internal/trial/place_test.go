package trial_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/backend"
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/envtest"
	"github.com/odigos-io/odigos-stress/internal/loadgen"
	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// TestMain lets more tests run at once than there are cores: they mostly wait.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// A place runs the real ends and a gateway of the test's in this process. It tells of
// an actor that ended before it was ready as a real place does.
type place struct {
	*envtest.Environment
	running sync.WaitGroup // programs
	flock   atomic.Pointer[flock]
}

// A flock is several gateways, which may become more.
type flock struct {
	env.Instance
	actor   env.Actor
	mu      sync.Mutex
	members []env.Instance
}

// Members implements env.Group.
func (f *flock) Members() []env.Instance {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.members)
}

// another puts one more gateway beside those that there are, and leaves all of these, the
// ended ones too, as they are.
func (p *place) another(ctx context.Context) error {
	f := p.flock.Load()
	more, n := f.actor, len(f.Members())
	more.Replicas = n + 1
	i, err := p.Environment.Start(ctx, more)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.members = append(f.members, env.Members(i)[n])
	f.mu.Unlock()
	return nil
}

func newPlace(g *gateway, change map[string]envtest.Program) *place {
	p := &place{}
	programs := map[string]envtest.Program{
		record.Backend: runBackend, record.Loadgen: runLoadgen, record.Gateway: g.run,
	}
	for name, program := range change {
		programs[name] = program
	}
	for name, program := range programs {
		var alone sync.Mutex // until the one before has left its ports
		programs[name] = func(ctx context.Context, process *envtest.Process) int {
			p.running.Add(1)
			defer p.running.Done()
			if process.Actor.Replicas < 2 {
				alone.Lock()
				defer alone.Unlock()
			}
			return program(ctx, process)
		}
	}
	p.Environment = envtest.New(programs)
	p.Loopback = true
	g.place = p
	return p
}

// Start tells what is known of an actor that never was ready.
func (p *place) Start(ctx context.Context, a env.Actor) (env.Instance, error) {
	i, err := p.Environment.Start(ctx, a)
	if err == nil && a.Name == record.Gateway && a.Replicas > 1 {
		p.flock.Store(&flock{Instance: i, actor: a, members: env.Members(i)})
		return p.flock.Load(), nil
	}
	if err == nil {
		return i, nil
	}
	failed := &env.StartError{Actor: a.Name, Err: err}
	if tried := p.Instance(a.Name); tried != nil {
		failed.State = tried.State()
	}
	return nil, failed
}

// Close waits for the programs too.
func (p *place) Close() error {
	err := p.Environment.Close()
	p.running.Wait()
	return err
}

// lifetime is a context that ends when a program is to end or is killed.
func lifetime(ctx context.Context, p *envtest.Process) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-p.Term:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func exitCode(p *envtest.Process, err error) int {
	if err != nil {
		fmt.Fprintln(p.Out, err)
		return 1
	}
	return 0
}

// runBackend is the real backend, configured as the plan has it.
func runBackend(ctx context.Context, p *envtest.Process) int {
	ctx, cancel := lifetime(ctx, p)
	defer cancel()
	var cfg backend.Config
	if err := json.Unmarshal([]byte(p.Actor.Files["backend.json"]), &cfg); err != nil {
		return exitCode(p, err)
	}
	cfg.GRPC, cfg.HTTP = p.Addrs["otlp_grpc"], p.Addrs["otlp_http"]
	b, err := backend.Listen(cfg, p.Addrs["admin"], "", slog.New(slog.NewTextHandler(p.Out, nil)))
	if err != nil {
		return exitCode(p, err)
	}
	p.Ready()
	return exitCode(p, b.Run(ctx))
}

// runLoadgen is the real load generator, configured as the plan has it.
func runLoadgen(ctx context.Context, p *envtest.Process) int {
	ctx, cancel := lifetime(ctx, p)
	defer cancel()
	var cfg loadgen.Config
	if err := json.Unmarshal([]byte(p.Actor.Files["loadgen.json"]), &cfg); err != nil {
		return exitCode(p, err)
	}
	endpoint := p.Actor.Args[slices.Index(p.Actor.Args, "--otlp-endpoint")+1]
	cfg.Endpoints = strings.Split(endpoint, ",") // of several gateways
	if i := slices.Index(p.Actor.Args, "--segment"); i >= 0 {
		segment, err := loadgen.ParseSegment(p.Actor.Args[i+1])
		if err != nil {
			return exitCode(p, err)
		}
		cfg.Segment, cfg.Stream = segment, uint16(segment.Index)
	}
	g, err := loadgen.New(cfg)
	if err != nil {
		return exitCode(p, err)
	}
	ln, err := net.Listen("tcp", p.Addrs["admin"])
	if err != nil {
		return exitCode(p, errors.Join(err, g.Close()))
	}
	var served sync.WaitGroup
	served.Go(func() {
		_ = admin.Serve(ctx, ln, admin.NewHandler(g, g.Gatherer()), slog.New(slog.DiscardHandler))
	})
	p.Ready()
	err = g.Run(ctx)
	<-ctx.Done()
	served.Wait()
	return exitCode(p, errors.Join(err, g.Close()))
}

// A gateway hands requests on to the backend as they came, and its answers back.
type gateway struct {
	// on, when set, is asked before the n-th request (from 1) is handed on. What is
	// kept is acknowledged, never handed on, and in the queue from then on.
	on func(g *gateway, n int64) (keep bool)
	// mute leaves the queue out of the metrics once that many requests have come.
	mute int64
	// frozen, while it is set, answers nothing.
	frozen atomic.Pointer[chan struct{}]
	// heap is served as its heap profile; nil: it serves none.
	heap []byte
	// twice has one request of so many handed on to two backends; 0: none.
	twice int64

	place    *place
	requests atomic.Int64
	kept     atomic.Int64
	dead     atomic.Bool // the process that runs now was ended by die
}

// instance is the actor as its place has it.
func (g *gateway) instance(name string) *envtest.Instance { return g.place.Instance(name) }

// die ends the process that serves the request, once: by then others may be in their
// handlers too, and the next process may have begun to start.
func (g *gateway) die(end func(*envtest.Instance)) {
	if g.dead.CompareAndSwap(false, true) {
		end(g.instance(record.Gateway))
	}
}

func (g *gateway) run(ctx context.Context, p *envtest.Process) int {
	g.dead.Store(false) // the one before has left its handlers,
	g.kept.Store(0)     // and its queue went with it
	ctx, cancel := lifetime(ctx, p)
	defer cancel()
	var to []*grpc.ClientConn
	for addr := range strings.SplitSeq(p.Actor.Env["STRESS_BACKEND_GRPC"], ",") {
		conn, err := grpc.NewClient("passthrough:///"+addr,
			grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
			grpc.WithDefaultCallOptions(grpc.ForceCodecV2(otlp.RawCodec{})))
		if err != nil {
			return exitCode(p, err)
		}
		defer conn.Close()
		to = append(to, conn)
	}
	server := grpc.NewServer(grpc.ForceServerCodecV2(otlp.RawCodec{}), grpc.WaitForHandlers(true))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "opentelemetry.proto.collector.trace.v1.TraceService",
		Methods: []grpc.MethodDesc{{MethodName: "Export", Handler: func(_ any, ctx context.Context,
			decode func(any) error, _ grpc.UnaryServerInterceptor,
		) (any, error) {
			return g.export(ctx, decode, to)
		}}},
	}, nil)
	ln, err := net.Listen("tcp", p.Addrs["otlp_grpc"])
	if err != nil {
		return exitCode(p, err)
	}
	pages, err := net.Listen("tcp", p.Addrs["metrics"])
	if err != nil {
		return exitCode(p, errors.Join(err, ln.Close()))
	}
	metrics := &http.Server{Handler: http.HandlerFunc(g.metrics), ReadTimeout: time.Minute}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(ln) })
	served.Go(func() { _ = metrics.Serve(pages) })
	profiles := &http.Server{Handler: http.HandlerFunc(g.profiles), ReadTimeout: time.Minute}
	if g.heap != nil {
		pages, err := net.Listen("tcp", p.Addrs["pprof"])
		if err != nil {
			return exitCode(p, errors.Join(err, ln.Close()))
		}
		served.Go(func() { _ = profiles.Serve(pages) })
	}
	p.Ready()
	<-ctx.Done()
	server.Stop()
	_ = metrics.Close()
	_ = profiles.Close()
	served.Wait()
	return 0
}

func (g *gateway) export(ctx context.Context, decode func(any) error, to []*grpc.ClientConn,
) (any, error) {
	var in, out otlp.Frame
	if err := decode(&in); err != nil {
		return nil, err
	}
	defer in.Free()
	n := g.requests.Add(1)
	g.thaw(ctx)
	if g.on != nil && g.on(g, n) {
		g.kept.Add(1)
		return &out, nil
	}
	const method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
	backend := n % int64(len(to))
	if g.twice > 0 && n%g.twice == 0 { // as an exporter does that heard no answer
		var unheard otlp.Frame
		defer unheard.Free()
		first := to[(backend+1)%int64(len(to))]
		err := first.Invoke(ctx, method, otlp.NewFrame(in.Data.Materialize()), &unheard)
		if err != nil {
			return nil, err
		}
	}
	err := to[backend].Invoke(ctx, method, &in, &out)
	return &out, err
}

func (g *gateway) profiles(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/debug/pprof/heap" {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(g.heap)
}

// thaw waits until the gateway is frozen no longer.
func (g *gateway) thaw(ctx context.Context) {
	if thawed := g.frozen.Load(); thawed != nil {
		select {
		case <-*thawed:
		case <-ctx.Done():
		}
	}
}

func (g *gateway) metrics(w http.ResponseWriter, r *http.Request) {
	g.thaw(r.Context())
	if g.mute == 0 || g.requests.Load() < g.mute {
		_, _ = fmt.Fprintf(w, "# TYPE otelcol_exporter_queue_size gauge\n"+
			"otelcol_exporter_queue_size{data_type=\"traces\",exporter=\"otlp_grpc\"} %d\n",
			g.kept.Load())
	}
	_, _ = io.WriteString(w, "# TYPE otelcol_process_uptime_seconds counter\n"+
		"otelcol_process_uptime_seconds 1\n")
}
