package trial

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// ofTheWire are the actors that keep books, in the order in which they are started.
var ofTheWire = []string{record.Backend, record.Loadgen}

// An end is one end of the wire: a load generator or a backend, of which there may be
// several.
type end struct {
	name     string // in the record: loadgen, or loadgen/0 where there are several
	instance env.Instance
	client   *admin.Client
	clock    admin.Clock
	later    *admin.Clock // after the drain
}

// named gives each member of an instance its name in the record: its actor's own, where the
// instance is no group.
func named(actor string, instance env.Instance, each func(name string, member env.Instance)) {
	group, several := instance.(env.Group)
	if !several {
		each(actor, instance)
		return
	}
	for i, member := range group.Members() {
		each(env.MemberName(actor, i), member)
	}
}

// connect makes an actor's members ends of the wire.
func (r *run) connect(actor string, instance env.Instance) {
	named(actor, instance, func(name string, member env.Instance) {
		r.wire[actor] = append(r.wire[actor], &end{
			name: name, instance: member,
			client: admin.NewClient("http://"+member.Addr("admin"), r.transport),
		})
	})
}

// each asks all members of an actor at once. Of several, an error says which it is of.
func (r *run) each(actor string, ask func(i int, e *end) error) error {
	all := r.wire[actor]
	errs := make([]error, len(all))
	var asking sync.WaitGroup
	for i, e := range all {
		asking.Go(func() {
			if errs[i] = ask(i, e); errs[i] != nil && len(all) > 1 {
				errs[i] = fmt.Errorf("%s: %w", e.name, errs[i])
			}
		})
	}
	asking.Wait()
	return errors.Join(errs...)
}

// ends fails when an end of the wire is gone: its book is gone with it, and what
// became of the spans cannot be known any more.
func (r *run) ends() error {
	for _, actor := range ofTheWire {
		for _, e := range r.wire[actor] {
			if s := e.instance.State(); !s.Running {
				r.noteEnd(e.name, e.instance, s)
				return fmt.Errorf("the %s is gone, and its book with it: %s", e.name, s.End())
			}
		}
	}
	return nil
}

// books are those of all load generators and of all backends.
func (r *run) books(ctx context.Context) (
	sent []*ledger.Sent, received []*ledger.Received, err error,
) {
	sent = make([]*ledger.Sent, len(r.wire[record.Loadgen]))
	received = make([]*ledger.Received, len(r.wire[record.Backend]))
	err = errors.Join(
		r.each(record.Loadgen, func(i int, e *end) error {
			sent[i] = new(ledger.Sent)
			return e.client.Book(ctx, sent[i])
		}),
		r.each(record.Backend, func(i int, e *end) error {
			received[i] = new(ledger.Received)
			return e.client.Book(ctx, received[i])
		}),
	)
	return sent, received, err
}

// keepBooks puts the books of all together into the ending and, where there are several,
// each one's.
func (r *run) keepBooks(sent []*ledger.Sent, received []*ledger.Received, ending *record.Ending) {
	ending.Sent, ending.Received = ledger.SentTogether(sent), ledger.ReceivedTogether(received)
	if len(sent) > 1 {
		ending.SentBy = map[string]*ledger.Sent{}
		for i, e := range r.wire[record.Loadgen] {
			ending.SentBy[e.name] = sent[i]
		}
	}
	if len(received) > 1 {
		ending.ReceivedBy = map[string]*ledger.Received{}
		for i, e := range r.wire[record.Backend] {
			ending.ReceivedBy[e.name] = received[i]
		}
	}
}

// accounts stores those of an actor's members in the record, whole.
func (r *run) accounts(ctx context.Context, actor string) error {
	err := r.each(actor, func(_ int, e *end) error {
		w, err := r.log.Account(e.name)
		if err != nil {
			return err
		}
		return errors.Join(e.client.Account(ctx, w), w.Close())
	})
	if err != nil {
		return fmt.Errorf("fetch account of %s: %w", actor, err)
	}
	return nil
}

// accountFiles are where they are.
func (r *run) accountFiles(actor string) (files []string) {
	for _, e := range r.wire[actor] {
		files = append(files, record.AccountFile(e.name))
	}
	return files
}

const (
	// lead is the time between the order to start and the common start of the actors,
	// enough for the order to reach all of them; where the way to them is long, it is
	// leadTrips round trips.
	lead      = time.Second
	leadTrips = 10
	// asking is how long all clocks may take to tell.
	asking = 30 * time.Second
)

// readClocks finds how the clocks of both ends stand to this one's, and how long before
// the start the order for it has to go out. One machine has one clock: there, nothing is
// asked.
func (r *run) readClocks(ctx context.Context) (ahead time.Duration, err error) {
	if _, one := r.place.(env.HostReader); one {
		return lead, nil
	}
	r.clocked = true
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	ahead = lead
	for _, actor := range ofTheWire {
		err := r.each(actor, func(_ int, e *end) (err error) {
			e.clock, err = e.client.Clock(ctx)
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("read clock of %s: %w", actor, err)
		}
		for _, e := range r.wire[actor] {
			ahead = max(ahead, leadTrips*e.clock.RoundTrip)
		}
	}
	return ahead, nil
}

// readClocksAgain finds whether they still stand so. That one cannot be asked is no error.
func (r *run) readClocksAgain(ctx context.Context) {
	if !r.clocked {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	for _, actor := range ofTheWire {
		_ = r.each(actor, func(_ int, e *end) error {
			if c, err := e.client.Clock(ctx); err == nil {
				e.later = &c
			}
			return nil
		})
	}
}

// clocks are what is known of them, for the record.
func (r *run) clocks() (all []record.Clock) {
	if !r.clocked {
		return nil
	}
	for _, actor := range ofTheWire {
		for _, e := range r.wire[actor] {
			if e.clock == (admin.Clock{}) {
				continue // it was never told
			}
			c := record.Clock{
				Actor: e.name, Ahead: e.clock.Ahead.Seconds(),
				Uncertainty: e.clock.Uncertainty.Seconds(), Corrected: e.clock.Sure().Seconds(),
			}
			if e.later != nil {
				c.AheadAfter = new(e.later.Ahead.Seconds())
				c.UncertaintyAfter = new(e.later.Uncertainty.Seconds())
			}
			all = append(all, c)
		}
	}
	return all
}
