package loadgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Generator is one load generator: made, started, done, and asked for its book. It
// is the actor behind the admin pages; all of its methods may be called at any time.
type Generator struct {
	cfg      Config
	schedule Schedule
	engine   engine
	wait     func() (wait, error)
	registry *prometheus.Registry
	account  *os.File
	inFlight atomic.Int64
	flying   sync.WaitGroup // as many as are in flight

	begin  chan admin.Start // holds at most one
	finish chan struct{}    // closed to stop the schedule

	mu      sync.Mutex
	phase   admin.Phase
	started bool // a start was taken
	stopped bool // finish is closed
	sent    *ledger.Sent
	err     error
}

// An engine makes and sends what is due.
type engine interface {
	// begin sets the identity of the run, before the first slot. landed is to be called
	// once for every slot delivered, when its place in flight is free again.
	begin(ctx context.Context, key ledger.Key, b *book, landed func())
	// prepare does for the next slot what can be done before it is due.
	prepare(s slot)
	// deliver begins to see to one slot that is due, and never waits for the network.
	// Both are called from one thread.
	deliver(s slot)
	// lastCall tells, once or more, that nothing more will be due: retries end.
	lastCall()
	// cancel ends all that is under way, and the retries.
	cancel()
	// finish sees to what is left once all slots have landed; ctx bounds it.
	finish(ctx context.Context) error
	connections() uint64
	Close() error
}

// A slot is one batch of the schedule.
type slot struct {
	n   uint64
	due time.Duration
}

// standaloneLead is between the beginning of Run and the first slot when nobody
// sets a start.
const standaloneLead = 100 * time.Millisecond

// New prepares a load generator: templates are encoded, connections begun. The
// caller closes it.
func New(cfg Config) (*Generator, error) {
	if err := cfg.Segment.check(); err != nil {
		return nil, fmt.Errorf("make load generator: %w", err)
	}
	cfg.ahead = cfg.Segment.before(cfg.Load.Connections)
	cfg.Load = cfg.Segment.load(cfg.Load)
	g, err := newGenerator(cfg)
	if err != nil {
		return nil, fmt.Errorf("make load generator: %w", err)
	}
	switch cfg.Load.Engine {
	case scenario.EngineOTLP:
		g.engine, err = newPrepared(cfg)
	case scenario.EngineSDK:
		g.engine, err = newSDK(cfg)
	default:
		err = fmt.Errorf("unknown engine %q", cfg.Load.Engine)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make load generator: %w", err), g.account.Close())
	}
	return g, nil
}

// newGenerator is New without an engine.
func newGenerator(cfg Config) (*Generator, error) {
	schedule, err := NewSchedule(cfg.Load, cfg.WarmUp, cfg.Measure)
	if err != nil {
		return nil, err
	}
	schedule = cfg.Segment.Schedule(schedule)
	switch {
	case cfg.Load.InFlight < 1:
		return nil, fmt.Errorf("%d requests in flight: want at least 1", cfg.Load.InFlight)
	case cfg.RunID == "" && !cfg.Hold:
		return nil, errors.New("no run id, and no start to wait for that brings one")
	case cfg.Stream > ledger.MaxStream:
		return nil, fmt.Errorf("stream is %d: want at most %d", cfg.Stream, ledger.MaxStream)
	}
	account, err := os.CreateTemp("", "odigos-stress-account-*")
	if err != nil {
		return nil, err
	}
	// Without a name the file is gone with the process, however that ends.
	if err := os.Remove(account.Name()); err != nil {
		return nil, errors.Join(err, account.Close())
	}
	g := &Generator{
		cfg: cfg, schedule: schedule, wait: preciseWait, account: account,
		registry: prometheus.NewRegistry(), phase: admin.PhaseHeld,
		begin: make(chan admin.Start, 1), finish: make(chan struct{}),
	}
	g.registry.MustRegister(admin.ProcessCollectors()...)
	return g, nil
}

// Gatherer gives the metrics.
func (g *Generator) Gatherer() prometheus.Gatherer { return g.registry }

// Close gives everything back. Run has returned before.
func (g *Generator) Close() error {
	return errors.Join(g.engine.Close(), g.account.Close())
}

// Run waits for the start (unless the configuration brings its own), sends what is
// due, waits for the answers and closes the account. The generator stays ready to be
// asked for its book afterwards. When ctx ends, the rest of the schedule is dropped
// and what is under way is cut off: it is then unknown what became of it.
func (g *Generator) Run(ctx context.Context) error {
	start := admin.Start{RunID: g.cfg.RunID, At: time.Now().Add(standaloneLead)}
	if g.cfg.Hold {
		select {
		case start = <-g.begin:
		case <-g.finish:
			g.end(nil, errors.New("stopped before the start"))
			return nil
		case <-ctx.Done():
			return nil
		}
	} else {
		g.setPhase(admin.PhaseRunning)
	}
	sent, err := g.run(ctx, start)
	g.end(sent, err)
	if err != nil {
		return fmt.Errorf("run load: %w", err)
	}
	return nil
}

func (g *Generator) setPhase(p admin.Phase) {
	g.mu.Lock()
	g.phase = p
	g.mu.Unlock()
}

func (g *Generator) end(sent *ledger.Sent, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.phase, g.sent, g.err = admin.PhaseDone, sent, err
}

// Ready is nil: a Generator that was made is ready.
func (g *Generator) Ready() error { return nil }

// Status tells how far it is.
func (g *Generator) Status() admin.Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := admin.Status{Phase: g.phase}
	if g.err != nil {
		s.Error = g.err.Error()
	}
	return s
}

// Start sets the run's identity and the time of its first slot, once.
func (g *Generator) Start(s admin.Start) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch ahead := time.Until(s.Here()); {
	case !g.cfg.Hold:
		return errors.New("start load: this load generator was not told to hold")
	case g.started || g.stopped:
		return errors.New("start load: started or stopped before")
	case s.RunID == "":
		return errors.New("start load: no run_id")
	case g.cfg.RunID != "" && g.cfg.RunID != s.RunID:
		return fmt.Errorf("start load: run_id %q, this load generator is of run %q",
			s.RunID, g.cfg.RunID)
	case ahead < 0:
		return fmt.Errorf("start load: at lies %v in the past", -ahead)
	}
	g.started, g.phase = true, admin.PhaseRunning
	g.begin <- s
	return nil
}

// Mark is for the backend.
func (g *Generator) Mark() error { return errors.New("mark: a load generator keeps no mark") }

// Finish stops the schedule: what is due by now stays due, nothing more will be.
func (g *Generator) Finish() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.stopped {
		g.stopped = true
		close(g.finish)
	}
	return nil
}

// Book is the *ledger.Sent of the run, once it is done.
func (g *Generator) Book() (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sent == nil {
		return nil, fmt.Errorf("read book: the load is %s: want %s", g.phase, admin.PhaseDone)
	}
	return g.sent, nil
}

// Account writes the whole account, once it is closed.
func (g *Generator) Account(w io.Writer) error {
	if _, err := g.Book(); err != nil {
		return err
	}
	info, err := g.account.Stat()
	if err == nil {
		_, err = io.Copy(w, io.NewSectionReader(g.account, 0, info.Size()))
	}
	if err != nil {
		return fmt.Errorf("copy account: %w", err)
	}
	return nil
}
