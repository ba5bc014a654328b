package env_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A member is an instance as a test has it.
type member struct {
	env.Instance
	state   env.State
	usage   env.Usage
	failed  error
	stopped bool
}

func (m *member) Addr(port string) string                  { return m.state.Signal + ":" + port }
func (m *member) State() env.State                         { return m.state }
func (m *member) Usage(context.Context) (env.Usage, error) { return m.usage, m.failed }

func (m *member) Logs() (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("log\n")), m.failed
}

func (m *member) Stop(context.Context) (env.State, error) {
	m.stopped = true
	if m.state.Running {
		m.state = env.State{Stopped: true}
	}
	return m.state, m.failed
}

func TestGroupRunsWhileAllDo(t *testing.T) {
	runs, stopped := env.State{Running: true}, env.State{Stopped: true}
	crashed, killed := env.State{ExitCode: 3}, env.State{ExitCode: -1, Signal: "SIGKILL"}
	for _, c := range []struct {
		members []env.State
		want    env.State
	}{
		{[]env.State{runs, runs}, runs},
		{[]env.State{runs, crashed}, crashed},
		{[]env.State{stopped, runs}, stopped},
		{[]env.State{stopped, killed, crashed}, killed},
		{[]env.State{stopped, stopped}, stopped},
	} {
		var all []env.Instance
		for _, s := range c.members {
			all = append(all, &member{state: s})
		}
		if diff := cmp.Diff(c.want, env.NewGroup("loadgen", all).State()); diff != "" {
			t.Errorf("State() of %+v (-want +got):\n%s", c.members, diff)
		}
	}
}

func TestGroupIsItsMembers(t *testing.T) {
	first := &member{state: env.State{Running: true}, usage: env.Usage{CPUSeconds: new(1.5)}}
	second := &member{state: env.State{Running: true}, usage: env.Usage{CPUSeconds: new(2.0)}}
	g := env.NewGroup("loadgen", []env.Instance{first, second})
	if diff := cmp.Diff(2, len(env.Members(g))); diff != "" || len(env.Members(first)) != 1 {
		t.Errorf("%d members, and %d of what is no group", len(env.Members(g)), len(env.Members(first)))
	}
	if g.Name() != "loadgen" || g.Addr("admin") != ":admin" || env.MemberName("loadgen", 1) != "loadgen/1" {
		t.Errorf("Name() = %s, Addr = %s", g.Name(), g.Addr("admin"))
	}
	u, err := g.Usage(t.Context())
	if err != nil || *u.CPUSeconds != 3.5 || u.MemoryAnon != nil {
		t.Errorf("Usage() = %+v, %v", u, err)
	}
	logs, err := g.Logs()
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(logs); string(text) != "log\nlog\n" || logs.Close() != nil {
		t.Errorf("Logs() = %q", text)
	}
	if s, err := g.Stop(t.Context()); err != nil || !s.Stopped || !first.stopped || !second.stopped {
		t.Errorf("Stop() = %+v, %v; stopped %t, %t", s, err, first.stopped, second.stopped)
	}
	second.failed = errors.New("read usage of loadgen/1: it is gone")
	if _, err := g.Usage(t.Context()); err == nil {
		t.Error("Usage() of a group without one of its members did not fail")
	}
	if _, err := g.Logs(); err == nil {
		t.Error("Logs() of a group without one of its members did not fail")
	}
}

// A sum is never smaller for what is not known.
func TestUsageTogether(t *testing.T) {
	at := time.Unix(1, 0)
	full := env.Usage{
		At: at.Add(time.Second), CPUSeconds: new(1.0), MemoryUsage: new(int64(10)),
		MemoryWorkingSet: new(int64(9)), MemoryAnon: new(int64(8)), MemoryFile: new(int64(1)),
		MemoryKernel: new(int64(2)), MemoryRSS: new(int64(3)), MemoryPeak: new(int64(11)),
		Periods: new(uint64(100)), ThrottledPeriods: new(uint64(5)), ThrottledSeconds: new(0.5),
		OOMKills: new(uint64(0)), OOMEvents: new(uint64(1)), HighEvents: new(uint64(2)),
		LimitHits: new(uint64(3)), CPUStalled: new(0.25),
	}
	old := full
	old.At, old.OOMKills = at, new(uint64(1))
	want := env.Usage{
		At: at, CPUSeconds: new(2.0), MemoryUsage: new(int64(20)),
		MemoryWorkingSet: new(int64(18)), MemoryAnon: new(int64(16)), MemoryFile: new(int64(2)),
		MemoryKernel: new(int64(4)), MemoryRSS: new(int64(6)),
		Periods: new(uint64(200)), ThrottledPeriods: new(uint64(10)), ThrottledSeconds: new(1.0),
		OOMKills: new(uint64(1)), OOMEvents: new(uint64(2)), HighEvents: new(uint64(4)),
		LimitHits: new(uint64(6)),
	}
	if diff := cmp.Diff(want, env.UsageTogether([]env.Usage{full, old})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(env.Usage{At: at}, env.UsageTogether([]env.Usage{full, {At: at}})); diff != "" {
		t.Errorf("with one of which nothing is known (-want +got):\n%s", diff)
	}
}
