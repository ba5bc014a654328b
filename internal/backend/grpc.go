package backend

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/odigos-io/odigos-stress/internal/h2"
)

// Bounds on OTLP over gRPC.
const (
	maxStreams   = 1024      // requests under way on a connection
	maxHeld      = 512 << 20 // bytes of requests that are not yet entered, of a connection
	maxHeldInAll = 2 << 30   // and of all
	// inlineDecompression is up to what a compressed request costs less to decompress
	// than to hand over.
	inlineDecompression = 4 << 10
	// keptPlain is the largest buffer for decompressed requests that is used again.
	keptPlain = 32 << 20
)

var services = map[string]signal{
	"/opentelemetry.proto.collector.trace.v1.TraceService/Export":     traces,
	"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": metrics,
	"/opentelemetry.proto.collector.logs.v1.LogsService/Export":       logs,
}

// A grpcServer serves OTLP over gRPC. A request is entered in the goroutine that read it
// unless it is compressed, which is work for more than one core, or must wait its turn.
type grpcServer struct {
	in  *intake
	h2  *h2.Server
	log *slog.Logger

	compressed chan *pending // nil: entered where they were read
	plain      sync.Pool     // of *[]byte

	serving context.Context // ends when the server is told to stop
	drain   context.CancelFunc
	served  chan struct{} // closed when serve has returned
	conns   sync.WaitGroup
	waiting sync.WaitGroup // requests that wait for their turn
}

// newGRPC returns a server of OTLP over gRPC. With a bound on concurrency a connection
// has no more streams than that, so that what waits, waits at the sender.
func newGRPC(in *intake, maxConcurrent int, log *slog.Logger) *grpcServer {
	s := &grpcServer{in: in, log: log, served: make(chan struct{})}
	s.plain.New = func() any { return new([]byte) }
	s.serving, s.drain = context.WithCancel(context.Background())
	streams := maxStreams
	if maxConcurrent > 0 {
		streams = min(streams, maxConcurrent)
	}
	if runtime.GOMAXPROCS(0) > 1 {
		s.compressed = make(chan *pending, runtime.GOMAXPROCS(0))
	}
	cfg := h2.ServerConfig{
		Handle:    s.handle,
		Refused:   func(path string, c codes.Code) { in.book.countCall(services[path], c) },
		Encodings: []string{"gzip", "zstd", "snappy"}, MaxStreams: streams, MaxMessage: maxMessage,
		MaxHeld: maxHeld, MaxHeldInAll: maxHeldInAll, BodyTimeout: bodyTimeout,
	}
	for path := range services {
		cfg.Paths = append(cfg.Paths, path)
	}
	slices.Sort(cfg.Paths)
	s.h2 = h2.NewServer(cfg)
	return s
}

// acceptPause is how long to wait when the system has no room for a further connection.
const acceptPause = 50 * time.Millisecond

// serve serves what a listener accepts, until stop.
func (s *grpcServer) serve(ln net.Listener) error {
	defer close(s.served)
	var workers sync.WaitGroup
	for range cap(s.compressed) {
		workers.Go(func() {
			for p := range s.compressed {
				delay, err := s.take(p.call, p.signal)
				p.call.Release()
				p.after(delay, err)
			}
		})
	}
	err := s.accept(ln)
	s.conns.Wait()
	s.waiting.Wait()
	if s.compressed != nil {
		close(s.compressed)
	}
	workers.Wait()
	return err
}

func (s *grpcServer) accept(ln net.Listener) error {
	for {
		conn, err := ln.Accept()
		switch {
		case s.serving.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case err != nil && !isTransient(err):
			return err
		case err != nil:
			s.log.Warn("cannot accept a connection", "error", err)
			select {
			case <-time.After(acceptPause):
			case <-s.serving.Done():
			}
			continue
		}
		s.conns.Go(func() {
			if err := s.h2.Serve(s.serving, conn); err != nil {
				s.log.Debug("a connection ended", "peer", conn.RemoteAddr().String(), "error", err)
			}
		})
	}
}

// isTransient tells whether a further connection may be accepted later.
func isTransient(err error) bool {
	var n net.Error
	return errors.As(err, &n) && !errors.Is(err, net.ErrClosed)
}
