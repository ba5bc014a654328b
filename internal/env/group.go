package env

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// MemberName is what one of several alike is called: loadgen/0 is the first load generator.
func MemberName(actor string, index int) string { return actor + "/" + strconv.Itoa(index) }

// IsMember is whether a name is that of one of several.
func IsMember(name string) bool { return strings.Contains(name, "/") }

// NewGroup is the instance that members are together. There is at least one, by index.
func NewGroup(name string, members []Instance) Instance {
	return &group{name: name, members: slices.Clone(members)}
}

type group struct {
	name    string
	members []Instance
}

var _ Group = (*group)(nil)

// Members implements Group.
func (g *group) Members() []Instance { return slices.Clone(g.members) }

// Name is the actor's name.
func (g *group) Name() string { return g.name }

// Addr is that of the first member.
func (g *group) Addr(port string) string { return g.members[0].Addr(port) }

// Usage is what all members use together; it fails when one of them cannot be read.
func (g *group) Usage(ctx context.Context) (Usage, error) {
	all := make([]Usage, len(g.members))
	for i, m := range g.members {
		var err error
		if all[i], err = m.Usage(ctx); err != nil {
			return Usage{}, err // says whose
		}
	}
	return UsageTogether(all), nil
}

// State is that of the first member that ended by itself, of the first that ended when
// none did so, and otherwise that they run.
func (g *group) State() State {
	var first *State
	for _, m := range g.members {
		s := m.State()
		switch {
		case s.Running:
		case !s.Stopped:
			return s
		case first == nil:
			first = &s
		}
	}
	if first != nil {
		return *first
	}
	return State{Running: true}
}

// Logs are those of all members, one after the other.
func (g *group) Logs() (io.ReadCloser, error) {
	var all joinedLogs
	for _, m := range g.members {
		logs, err := m.Logs()
		if err != nil {
			return nil, errors.Join(err, all.Close())
		}
		all.closers, all.readers = append(all.closers, logs), append(all.readers, logs)
	}
	all.Reader = io.MultiReader(all.readers...)
	return &all, nil
}

type joinedLogs struct {
	io.Reader
	readers []io.Reader
	closers []io.Closer
}

func (l *joinedLogs) Close() error {
	var errs []error
	for _, c := range l.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Stop stops all members at once.
func (g *group) Stop(ctx context.Context) (State, error) {
	errs := make([]error, len(g.members))
	var stopping sync.WaitGroup
	for i, m := range g.members {
		stopping.Go(func() { _, errs[i] = m.Stop(ctx) })
	}
	stopping.Wait()
	return g.State(), errors.Join(errs...)
}

// UsageTogether is what several use at one moment. What is not known of one of them is not
// known of all, nor are figures that do not add up: the peak, and the time for which some
// process waited. At is that of the oldest reading.
func UsageTogether(all []Usage) Usage {
	var u Usage
	for i, one := range all {
		if i == 0 || one.At.Before(u.At) {
			u.At, u.Source = one.At, one.Source
		}
	}
	u.CPUSeconds = sum(all, func(u *Usage) *float64 { return u.CPUSeconds })
	u.MemoryUsage = sum(all, func(u *Usage) *int64 { return u.MemoryUsage })
	u.MemoryWorkingSet = sum(all, func(u *Usage) *int64 { return u.MemoryWorkingSet })
	u.MemoryAnon = sum(all, func(u *Usage) *int64 { return u.MemoryAnon })
	u.MemoryFile = sum(all, func(u *Usage) *int64 { return u.MemoryFile })
	u.MemoryKernel = sum(all, func(u *Usage) *int64 { return u.MemoryKernel })
	u.MemoryRSS = sum(all, func(u *Usage) *int64 { return u.MemoryRSS })
	u.Periods = sum(all, func(u *Usage) *uint64 { return u.Periods })
	u.ThrottledPeriods = sum(all, func(u *Usage) *uint64 { return u.ThrottledPeriods })
	u.ThrottledSeconds = sum(all, func(u *Usage) *float64 { return u.ThrottledSeconds })
	u.OOMKills = sum(all, func(u *Usage) *uint64 { return u.OOMKills })
	u.OOMEvents = sum(all, func(u *Usage) *uint64 { return u.OOMEvents })
	u.HighEvents = sum(all, func(u *Usage) *uint64 { return u.HighEvents })
	u.LimitHits = sum(all, func(u *Usage) *uint64 { return u.LimitHits })
	return u
}

func sum[T int64 | uint64 | float64](all []Usage, of func(*Usage) *T) *T {
	var total T
	for i := range all {
		v := of(&all[i])
		if v == nil {
			return nil
		}
		total += *v
	}
	if len(all) == 0 {
		return nil
	}
	return &total
}
