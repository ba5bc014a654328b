package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// several is three of an actor, each of which knows which it is.
func several(role string) env.Actor {
	a := actor("loadgen", role)
	a.Replicas = 3
	a.Args = append(a.Args, "--segment=$(self.index)/$(self.replicas)", "$(file.spec)")
	a.Env["INDEX"] = "$(self.index)"
	a.Files = map[string]string{"spec": "same for all"}
	return a
}

// Each of several has ports, files, output and a cgroup of its own.
func TestSeveralOfAnActor(t *testing.T) {
	l := place(t)
	a := several("serve")
	a.Limits = env.Limits{MemoryBytes: 64 << 20}
	group, err := l.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	members := env.Members(group)
	if len(members) != 3 || group.Name() != "loadgen" || !group.State().Running {
		t.Fatalf("%d members of %s, %+v", len(members), group.Name(), group.State())
	}
	addrs, cgroups := map[string]bool{}, map[string]bool{}
	for n, m := range members {
		one := m.(*Instance)
		addrs[one.Addr("http")] = true
		for _, dir := range one.group.Dirs {
			cgroups[dir] = true
		}
		text, err := os.ReadFile(l.logPath(one.Name()))
		want := "--segment=" + string(rune('0'+n)) + "/3 " + filepath.Join(l.dir, "loadgen-"+string(rune('0'+n)), "spec")
		if err != nil || !strings.Contains(string(text), want) || one.Name() != env.MemberName("loadgen", n) {
			t.Errorf("%s wrote %q, %v; want %q", one.Name(), text, err, want)
		}
	}
	if len(addrs) != 3 || len(cgroups)%3 != 0 {
		t.Errorf("addresses %v, cgroups %v: want those of three", addrs, cgroups)
	}
	if u, err := group.Usage(t.Context()); err != nil || u.CPUSeconds == nil {
		t.Errorf("Usage() = %+v, %v", u, err)
	}
	if _, err := l.Start(t.Context(), a); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("Start() of those that run = %v", err)
	}
	if s, err := group.Stop(t.Context()); err != nil || !s.Stopped || s.ExitCode != 0 {
		t.Errorf("Stop() = %+v, %v", s, err)
	}
	again, err := l.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	for n, m := range env.Members(again) {
		if m.Addr("http") != members[n].Addr("http") {
			t.Errorf("%s listens at %s, before at %s", m.Name(), m.Addr("http"), members[n].Addr("http"))
		}
	}
}

// A name that stands for several is no address here, and says so.
func TestSeveralHaveNoAddress(t *testing.T) {
	l := place(t)
	if _, err := l.Start(t.Context(), several("serve")); err != nil {
		t.Fatal(err)
	}
	a := actor("gateway", "serve")
	a.Args = append(a.Args, "$(loadgen.http)")
	_, err := l.Start(t.Context(), a)
	if err == nil || !strings.Contains(err.Error(),
		"start gateway: expand $(loadgen.http): loadgen.http is 3 addresses: want 1") {
		t.Errorf("Start() = %v", err)
	}
	a.Args, a.Ports = nil, []string{"http", "index"}
	if _, err := l.Start(t.Context(), a); err == nil || !strings.Contains(err.Error(), `port "index"`) {
		t.Errorf("Start() with a port called index = %v", err)
	}
}

// Where one of several cannot be started none stays, and the error says which.
func TestOneOfSeveralFails(t *testing.T) {
	l := place(t)
	_, err := l.Start(t.Context(), several("but-one"))
	var failed *env.StartError
	if !errors.As(err, &failed) {
		t.Fatalf("Start() = %v", err)
	}
	if diff := cmp.Diff("loadgen/1", failed.Actor); diff != "" || failed.State.ExitCode != 3 ||
		failed.Tail != "not this one" {
		t.Errorf("%+v (-want +got):\n%s", failed, diff)
	}
	for _, i := range l.instances {
		if i.State().Running {
			t.Errorf("%s runs on", i.Name())
		}
	}
	if _, err := l.Start(t.Context(), several("serve")); err != nil {
		t.Errorf("Start() after it = %v", err)
	}
}
