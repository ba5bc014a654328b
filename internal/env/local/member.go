package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A member is an actor, or one of several alike, as it is started. Its Name is that of its
// files and its cgroup.
type member struct {
	env.Actor
	actor     string // whose member it is
	shown     string // the name of its instance
	index, of int
}

// membersOf are those of an actor: itself, or several alike.
func membersOf(a env.Actor) []member {
	if a.Replicas <= 1 {
		return []member{{Actor: a, actor: a.Name, shown: a.Name, of: 1}}
	}
	all := make([]member, a.Replicas)
	for i := range all {
		m := member{Actor: a, actor: a.Name, shown: env.MemberName(a.Name, i), index: i, of: a.Replicas}
		m.Name = fmt.Sprintf("%s-%d", a.Name, i)
		all[i] = m
	}
	return all
}

// startAll starts members side by side. Where one cannot be started, none stays.
func (l *Local) startAll(ctx context.Context, actor string, members []member) (env.Instance, error) {
	started := make([]env.Instance, len(members))
	errs := make([]error, len(members))
	var starting sync.WaitGroup
	for n, m := range members {
		starting.Go(func() {
			i, err := l.startOne(ctx, m)
			if err != nil {
				errs[n] = err
				return
			}
			started[n] = i
		})
	}
	starting.Wait()
	err := errors.Join(errs...)
	if err == nil {
		return env.NewGroup(actor, started), nil
	}
	dead, cancel := context.WithCancel(context.Background())
	cancel() // without their grace
	for _, i := range started {
		if i != nil {
			_, stopErr := i.Stop(dead)
			err = errors.Join(err, stopErr)
		}
	}
	return nil, err
}

// references resolves what an actor's arguments may refer to. A name that stands for
// several has no address here: there is nobody who would hand out connections.
func (l *Local) references(i *Instance, a member) func(string) (string, error) {
	known, several := map[string]string{}, map[string]int{}
	l.mu.Lock()
	for _, other := range l.instances {
		for port, addr := range other.addrs {
			if ref := other.actor + "." + port; other.of > 1 {
				several[ref] = other.of
			} else {
				known[ref] = addr
			}
		}
	}
	l.mu.Unlock()
	for port, addr := range i.addrs {
		known["self."+port] = addr
	}
	known["self.index"], known["self.replicas"] = strconv.Itoa(a.index), strconv.Itoa(a.of)
	for name := range a.Files {
		known["file."+name] = l.filePath(a.Name, name)
	}
	return func(ref string) (string, error) {
		if v, ok := known[ref]; ok {
			return v, nil
		}
		if n := several[ref]; n > 0 {
			return "", fmt.Errorf("%s is %d addresses: want 1, a name is one address on this machine",
				ref, n)
		}
		all := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
		return "", fmt.Errorf("there is no %s; there is: %s", ref, all)
	}
}
