// Package backend receives telemetry, misbehaves as told, and keeps the book of what
// came.
//
// It serves OTLP over gRPC and over HTTP (protobuf). A request of traces is entered
// into the account when it has arrived whole and its turn has come (see
// scenario.Backend.MaxConcurrent), with the time of its arrival, whatever the delay
// before its answer and even if the sender leaves before it. Requests of metrics and
// logs are answered alike and only counted; what is in them is not looked at.
package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Config is one mock backend with nothing left to decide.
type Config struct {
	RunID   string           `json:"run_id"`
	Backend scenario.Backend `json:"backend"`
	GRPC    string           `json:"grpc"` // listen address of OTLP over gRPC
	HTTP    string           `json:"http"` // and over HTTP
	WarmUp  time.Duration    `json:"warm_up_ns"`
	Measure time.Duration    `json:"measure_ns"`
	// SampleEvery is as of the load generator.
	SampleEvery uint64 `json:"sample_every"`
	// Seed of what is random in the answers.
	Seed uint64 `json:"seed"`
}

// AccountFile is the name of the account in the directory given to Listen.
const AccountFile = "backend.account"

// stopLimit is how long requests under way may take to end when the backend stops.
const stopLimit = 2 * time.Second

// A Backend is a mock backend that listens. It counts spans of Config.RunID, all of
// them as measured, until POST /start names run and start time for good.
type Backend struct {
	cfg    Config
	log    *slog.Logger
	book   *book
	intake *intake

	grpcListener, httpListener, adminListener net.Listener
	connections                               *connections
	grpc                                      *grpcServer
	http                                      *http.Server
	registry                                  *prometheus.Registry

	file *os.File
	keep bool // the file stays when the backend stops

	mu      sync.Mutex
	started bool
	cpu     float64 // seconds used before the start
}

// Listen makes a backend and opens its three ports; nothing is answered before Run.
// The account is kept in a new file AccountFile in dir, whole once Run has returned,
// or in a file without a name where dir is empty.
func Listen(cfg Config, adminAddr, dir string, log *slog.Logger) (*Backend, error) {
	if rate := cfg.Backend.SuccessRate; rate != nil && (*rate < 0 || *rate > 1) {
		return nil, fmt.Errorf("start backend: success rate %v, want 0 to 1", *rate)
	}
	b := &Backend{cfg: cfg, log: log, keep: dir != ""}
	if err := b.listen(adminAddr); err != nil {
		b.close()
		return nil, fmt.Errorf("start backend: %w", err)
	}
	if err := b.create(dir); err != nil {
		b.close()
		return nil, fmt.Errorf("start backend: %w", err)
	}
	receipts := ledger.NewReceipts(b.file)
	b.book = newBook(receipts)
	b.book.connections = b.connections
	if cfg.RunID != "" {
		alone := ledger.Run{RunID: cfg.RunID, Start: time.Now().UTC(), SampleEvery: cfg.SampleEvery}
		if err := receipts.Start(alone); err != nil {
			b.close()
			return nil, fmt.Errorf("start backend: %w", err)
		}
	}
	b.intake = newIntake(cfg.Backend, cfg.Seed, b.book)
	b.grpc = newGRPC(b.intake, cfg.Backend.MaxConcurrent, log)
	b.http = newHTTP(b.intake, log)
	b.registry = prometheus.NewRegistry()
	b.registry.MustRegister(append(admin.ProcessCollectors(), b.book)...)
	return b, nil
}

func (b *Backend) listen(adminAddr string) (err error) {
	b.connections = newConnections(b.cfg.Backend.MaxConnections)
	open := func(addr string) (ln net.Listener) {
		if err == nil {
			ln, err = net.Listen("tcp", addr)
		}
		return ln
	}
	if ln := open(b.cfg.GRPC); ln != nil {
		b.grpcListener = b.connections.listener(ln)
	}
	if ln := open(b.cfg.HTTP); ln != nil {
		b.httpListener = b.connections.listener(ln)
	}
	b.adminListener = open(adminAddr)
	return err
}

func (b *Backend) create(dir string) (err error) {
	if b.keep {
		b.file, err = os.OpenFile(filepath.Join(dir, AccountFile), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
		return err
	}
	if b.file, err = os.CreateTemp("", AccountFile); err != nil {
		return err
	}
	return os.Remove(b.file.Name()) // gone with the process, however it ends
}

// close gives back what Listen opened.
func (b *Backend) close() {
	for _, ln := range []net.Listener{b.grpcListener, b.httpListener, b.adminListener} {
		if ln != nil {
			_ = ln.Close()
		}
	}
	if b.file != nil {
		_ = b.file.Close()
	}
}

// GRPC is the address that serves OTLP over gRPC.
func (b *Backend) GRPC() string { return b.grpcListener.Addr().String() }

// HTTP is the address that serves OTLP over HTTP.
func (b *Backend) HTTP() string { return b.httpListener.Addr().String() }

// Admin is the address of the admin pages.
func (b *Backend) Admin() string { return b.adminListener.Addr().String() }

// Run serves until ctx ends, then lets requests under way end, for two seconds at
// most, and completes the account. It is called once.
func (b *Backend) Run(ctx context.Context) error {
	defer b.close()
	b.log.Info("backend listens", "grpc", b.GRPC(), "http", b.HTTP(), "admin", b.Admin())
	serving, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var served sync.WaitGroup
	serve := func(what string, f func() error) {
		served.Go(func() {
			if err := f(); err != nil {
				cancel(fmt.Errorf("serve %s: %w", what, err))
			}
		})
	}
	serve("OTLP over gRPC", func() error { return b.grpc.serve(b.grpcListener) })
	serve("OTLP over HTTP", func() error {
		if err := b.http.Serve(b.httpListener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	served.Go(func() { b.cut(serving) })
	pages, stopPages := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPages()
	serve("admin pages", func() error {
		return admin.Serve(pages, b.adminListener, admin.NewHandler(b, b.registry), b.log)
	})
	<-serving.Done()
	b.stop()
	err := b.finish()
	stopPages()
	served.Wait()
	if cause := context.Cause(serving); ctx.Err() == nil {
		err = cmp.Or(cause, err)
	}
	return err
}

// cut cuts all connections every so often, if that was asked for.
func (b *Backend) cut(ctx context.Context) {
	every := time.Duration(b.cfg.Backend.CutEvery)
	if every <= 0 {
		return
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			b.log.Debug("cut connections", "number", b.connections.cut())
		case <-ctx.Done():
			return
		}
	}
}

// stop ends both servers.
func (b *Backend) stop() {
	limit, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	var stopped sync.WaitGroup
	stopped.Go(func() {
		if b.http.Shutdown(limit) != nil {
			_ = b.http.Close()
		}
	})
	stopped.Go(func() {
		b.grpc.drain()
		_ = b.grpcListener.Close()
		select {
		case <-b.grpc.served:
		case <-limit.Done():
			b.connections.cut()
			<-b.grpc.served
		}
	})
	stopped.Wait()
}

// finish completes the account.
func (b *Backend) finish() error {
	if err := b.book.receipts.Close(); err != nil {
		if b.keep && b.book.receipts.Err() == nil { // no run was started
			return os.Remove(b.file.Name())
		}
		return b.book.receipts.Err()
	}
	return nil
}
