package main

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/local"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/trial"
)

// builtProgram is one of those that make build puts into bin.
func builtProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no %s to run a trial with: run make build first: %v", name, err)
	}
	return path
}

// newPlan plans a trial of the collector in bin.
func newPlan(t *testing.T, text, config string) plan.Plan {
	t.Helper()
	s, err := scenario.Read("scenario.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := identify(t.Context(), builtProgram(t, gateway.Sibling))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(s, c, plan.Sources{GatewayConfig: []byte(config)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// runTrial runs a plan on this machine and reads its record. The connections to the
// gateway and from it are cut every so often; 0 is never.
func runTrial(t *testing.T, p plan.Plan, cut time.Duration) *record.Record {
	t.Helper()
	return runTrialAt(t, p, &cuttingPlace{every: cut}, trial.Options{})
}

// runTrialAt runs a plan at a place, which is given this machine.
func runTrialAt(
	t *testing.T, p plan.Plan, place *cuttingPlace, o trial.Options,
) *record.Record {
	t.Helper()
	return runTrialIn(t, p, place, place, o)
}

// runTrialIn is runTrialAt for a place that is laid around the other.
func runTrialIn(
	t *testing.T, p plan.Plan, around env.Environment, place *cuttingPlace, o trial.Options,
) *record.Record {
	t.Helper()
	now := time.Now().UTC()
	runID := newRunID(now)
	var log *record.Log
	machine, err := local.New(local.Options{
		RunID: runID, Self: builtProgram(t, "odigos-stress"), Registry: t.TempDir(),
		LogPath: func(actor string) string { return log.LogPath(actor) },
	})
	if err != nil {
		t.Fatal(err)
	}
	h := header(p, machinePlace{machine}, runID, now)
	log, err = record.Create(t.TempDir(), h, now)
	if err != nil {
		t.Fatal(errors.Join(err, machine.Close()))
	}
	place.Local, place.relays = machine, map[string]*relay{}
	err = trial.Run(t.Context(), p, around, h, log, o)
	if err := errors.Join(err, place.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := record.Open(log.Dir())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A cuttingPlace is this machine with relays between load generator, gateway and backend
// that cut all connections again and again.
type cuttingPlace struct {
	*local.Local
	every time.Duration

	relays  map[string]*relay // by the reference that it stands for
	gateway *local.Instance
}

// Start has the actor dial the relays, and puts one before it.
func (c *cuttingPlace) Start(ctx context.Context, a env.Actor) (env.Instance, error) {
	args, vars := slices.Clone(a.Args), maps.Clone(a.Env)
	for reference, r := range c.relays {
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], reference, r.Addr().String())
		}
		for name := range vars {
			vars[name] = strings.ReplaceAll(vars[name], reference, r.Addr().String())
		}
	}
	a.Args, a.Env = args, vars
	i, err := c.Local.Start(ctx, a)
	if err == nil && a.Name == record.Gateway {
		c.gateway = i.(*local.Instance)
	}
	if err != nil || c.every == 0 || a.Name == record.Loadgen {
		return i, err
	}
	r, err := newRelay(i.Addr(gateway.PortOTLPGRPC), c.every)
	if err != nil {
		return nil, err
	}
	c.relays["$("+a.Name+"."+gateway.PortOTLPGRPC+")"] = r
	return i, nil
}

// Close ends the relays too.
func (c *cuttingPlace) Close() error {
	err := c.Local.Close()
	for _, r := range c.relays {
		r.close()
	}
	return err
}

// A relay passes bytes on, and cuts its connections every so often, whatever is under way.
type relay struct {
	net.Listener
	to   string
	done chan struct{}
	all  sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]bool
}

func newRelay(to string, every time.Duration) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{Listener: l, to: to, done: make(chan struct{}), open: map[net.Conn]bool{}}
	r.all.Go(r.accept)
	r.all.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.cut()
			case <-r.done:
				r.cut()
				return
			}
		}
	})
	return r, nil
}

func (r *relay) accept() {
	for {
		in, err := r.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", r.to)
		if err != nil {
			in.Close()
			continue
		}
		r.mu.Lock()
		r.open[in], r.open[out] = true, true
		r.mu.Unlock()
		r.all.Go(func() { r.pass(in, out) })
		r.all.Go(func() { r.pass(out, in) })
	}
}

func (r *relay) pass(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range []net.Conn{to, from} {
		c.Close()
		delete(r.open, c)
	}
}

// cut resets every connection: what is in its buffers is lost.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}

func (r *relay) close() {
	close(r.done)
	_ = r.Close()
	r.all.Wait()
}
