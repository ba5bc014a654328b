package selftest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/backend"
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/loadgen"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const (
	// lead is between the order to start and the start, for the order to arrive. On a
	// host too busy for that it is doubled, up to mostLead.
	lead     = 200 * time.Millisecond
	mostLead = 10 * time.Second
	// look is how often the load generator is asked whether it is done.
	look = 20 * time.Millisecond
	// patience is the deadline of a request: on a slow host all that is in flight may
	// take its time, and none of it is to be given up.
	patience = scenario.Duration(time.Minute)
	// overtime is what a pass may need past its schedule and one timeout.
	overtime     = 30 * time.Second
	readyTimeout = 30 * time.Second
	grace        = 5 * time.Second

	adminPort = "admin"
	otlpPort  = "otlp_grpc"
	httpPort  = "otlp_http"
)

// A pass is one load, sent from the one end to the other, and both books of it.
type pass struct {
	runID    string
	load     scenario.Load // resolved
	measure  time.Duration
	sent     ledger.Sent
	received ledger.Received
	joined   *ledger.Joined
}

// pass starts both ends, sends the load, joins the account and ends them. An account
// that is not exact is an error.
func (s *session) pass(
	ctx context.Context, load scenario.Load, warmUp, measure time.Duration,
) (*pass, error) {
	load.Timeout, load.InFlight = patience, s.options.inFlight
	// A scenario resolves what a trial would.
	q, err := scenario.Scenario{Name: "selftest", Load: load}.Resolved()
	if err != nil {
		return nil, err
	}
	s.passes++
	p := &pass{runID: fmt.Sprintf("selftest-%d", s.passes), load: q.Load, measure: measure}
	actors, err := p.actors(q, warmUp)
	if err != nil {
		return nil, err
	}
	var ends []env.Instance
	for _, a := range actors {
		end, err := s.place.Start(ctx, a)
		if err != nil {
			return nil, errors.Join(err, stop(ctx, ends))
		}
		ends = append(ends, end)
	}
	err = s.send(ctx, p, ends, warmUp+measure)
	return p, errors.Join(err, stop(ctx, ends))
}

// actors are the backend and the load generator, in the order of their start, given
// their configurations as a plan gives them. The backend knows the run from the
// beginning, so that nothing depends on which end hears first of the start.
func (p *pass) actors(q scenario.Scenario, warmUp time.Duration) ([]env.Actor, error) {
	receiver, err := spec(backend.Config{
		RunID: p.runID, Backend: q.Backend, WarmUp: warmUp, Measure: p.measure, Seed: p.load.Seed,
	})
	if err != nil {
		return nil, err
	}
	sender, err := spec(loadgen.Config{
		Load: p.load, WarmUp: warmUp, Measure: p.measure, Hold: true,
	})
	if err != nil {
		return nil, err
	}
	ready := env.Probe{Port: adminPort, Path: "/readyz", Timeout: readyTimeout}
	return []env.Actor{{
		Name: record.Backend,
		Args: []string{
			"backend", "--spec", "$(file.backend.json)", "--grpc", "$(self." + otlpPort + ")",
			"--http", "$(self." + httpPort + ")", "--admin", "$(self." + adminPort + ")",
		},
		Files: map[string]string{"backend.json": receiver},
		Ports: []string{otlpPort, httpPort, adminPort}, Ready: ready, Grace: grace,
	}, {
		Name: record.Loadgen,
		Args: []string{
			"loadgen", "--spec", "$(file.loadgen.json)",
			"--otlp-endpoint", "$(" + record.Backend + "." + otlpPort + ")",
			"--admin", "$(self." + adminPort + ")",
		},
		Files: map[string]string{"loadgen.json": sender},
		Ports: []string{adminPort}, Ready: ready, Grace: grace,
	}}, nil
}

func spec(of any) (string, error) {
	text, err := json.Marshal(of)
	if err != nil {
		return "", fmt.Errorf("write spec: %w", err)
	}
	return string(text), nil
}

// stop ends the load generator before the backend, whatever became of ctx.
func stop(ctx context.Context, ends []env.Instance) error {
	var errs []error
	for i := len(ends) - 1; i >= 0; i-- {
		if _, err := ends[i].Stop(context.WithoutCancel(ctx)); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", ends[i].Name(), err))
		}
	}
	return errors.Join(errs...)
}

// send gives both ends the common start, waits until all is answered and joins their
// account.
func (s *session) send(
	ctx context.Context, p *pass, ends []env.Instance, length time.Duration,
) error {
	limit := mostLead + length + time.Duration(p.load.Timeout) + overtime
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	receiver, sender := client(ends[0]), client(ends[1])
	if err := start(ctx, p.runID, sender, receiver); err != nil {
		return fmt.Errorf("start load: %w", err)
	}
	if err := untilDone(ctx, sender, ends); err != nil {
		return fmt.Errorf("send load: %w", err)
	}
	err := errors.Join(sender.Book(ctx, &p.sent), receiver.Book(ctx, &p.received))
	if err != nil {
		return fmt.Errorf("fetch books: %w", err)
	}
	if p.joined, err = s.join(ctx, sender, receiver); err != nil {
		return err
	}
	return exact(p.joined)
}

// start orders the start; the load generator refuses one that has passed when the
// order arrives.
func start(ctx context.Context, runID string, sender, receiver *admin.Client) error {
	for ahead := lead; ; ahead *= 2 {
		s := admin.Start{RunID: runID, At: time.Now().Add(ahead).UTC()}
		err := sender.Start(ctx, s)
		if err == nil {
			return receiver.Start(ctx, s)
		}
		if time.Now().Before(s.At) || ahead*2 > mostLead || ctx.Err() != nil {
			return err
		}
	}
}

func client(i env.Instance) *admin.Client {
	return admin.NewClient("http://"+i.Addr(adminPort), nil)
}

// untilDone waits until the load generator has settled every span.
func untilDone(ctx context.Context, sender *admin.Client, ends []env.Instance) error {
	t := time.NewTicker(look)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.C:
		}
		status, err := sender.Status(ctx)
		if err == nil && status.Error != "" {
			return errors.New(status.Error)
		}
		if err == nil && status.Phase == admin.PhaseDone {
			return nil
		}
		for _, end := range ends {
			if state := end.State(); !state.Running {
				return fmt.Errorf("the %s is gone: %s", end.Name(), state.End())
			}
		}
	}
}

// join fetches both accounts into the directory and joins them from there.
func (s *session) join(
	ctx context.Context, sender, receiver *admin.Client,
) (*ledger.Joined, error) {
	var files [2]*os.File
	for i, of := range []struct {
		name string
		from *admin.Client
	}{{record.Loadgen, sender}, {record.Backend, receiver}} {
		f, err := os.Create(filepath.Join(s.options.Dir, of.name+".account"))
		if err != nil {
			return nil, fmt.Errorf("fetch account: %w", err)
		}
		defer f.Close()
		if err := of.from.Account(ctx, f); err != nil {
			return nil, fmt.Errorf("fetch account of %s: %w", of.name, err)
		}
		files[i] = f
	}
	return ledger.Join([]io.ReaderAt{files[0]}, []io.ReaderAt{files[1]})
}

// exact tells whether every offered span was acknowledged and delivered once, and
// nothing else came. With nothing between the ends, all else is our own failure.
func exact(j *ledger.Joined) error {
	a := &j.All
	if err := a.Check(); err != nil {
		return err
	}
	for _, wrong := range []struct {
		spans uint64
		what  string
	}{
		{a.Acknowledged.NotDelivered, "acknowledged spans were lost between the ends"},
		{a.Acknowledged.Repeatedly, "spans came more than once"},
		{a.Offered - a.Acknowledged.Items, "offered spans were not acknowledged"},
		{a.Impossible, "spans came that were never offered"},
		{j.Foreign, "spans of somebody else came"},
	} {
		if wrong.spans > 0 {
			return fmt.Errorf("check account: %d %s", wrong.spans, wrong.what)
		}
	}
	return nil
}
