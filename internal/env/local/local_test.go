package local

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func TestActorServesAndStops(t *testing.T) {
	l := place(t)
	backend := start(t, l, actor("backend", "serve"))
	a := actor("gateway", "serve")
	a.Args = append(a.Args, "--backend=$(backend.http)", "--config=$(file.a.yaml)", "5$$")
	a.Files = map[string]string{"a.yaml": "x: $(not.expanded)"}
	gateway := start(t, l, a)

	config := filepath.Join(l.dir, "gateway", "a.yaml")
	want := []string{gateway.Addr("http"), "--backend=" + backend.Addr("http"), "--config=" + config, "5$"}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(gateway.PID()) + "/cmdline")
	if err == nil {
		args := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
		if diff := cmp.Diff(want, args[1:]); diff != "" {
			t.Errorf("arguments (-want +got)\n%s", diff)
		}
	}
	if got, err := os.ReadFile(config); err != nil || string(got) != "x: $(not.expanded)" {
		t.Errorf("file = %q, %v", got, err)
	}
	u, err := gateway.Usage(t.Context())
	if err != nil || u.CPUSeconds == nil || u.MemoryRSS == nil || *u.MemoryRSS == 0 {
		t.Errorf("Usage() = %+v, %v", u, err)
	}
	state, err := gateway.Stop(t.Context())
	if err != nil || state.ExitCode != 0 || state.Running || !state.Stopped || state.Ended.IsZero() {
		t.Errorf("Stop() = %+v, %v", state, err)
	}
	if again, err := gateway.Stop(t.Context()); err != nil || again != state {
		t.Errorf("second Stop() = %+v, %v; want %+v", again, err, state)
	}
	if u, err := gateway.Usage(t.Context()); err == nil || u.CPUSeconds == nil {
		t.Errorf("Usage() after the end = %+v, %v; want the last and an error", u, err)
	}
	if !backend.State().Running {
		t.Error("stopping the gateway stopped the backend")
	}
	logs, err := gateway.Logs()
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	said, _ := io.ReadAll(logs)
	if !strings.Contains(string(said), "serving") || !strings.Contains(string(said), "bye gateway") {
		t.Errorf("Logs() = %q", said)
	}
}

// An actor can be started again once it has been stopped, where others know it; each
// start has its own logs, and they are in one file.
func TestActorStartsAgain(t *testing.T) {
	l := place(t)
	first := start(t, l, actor("gateway", "serve"))
	if _, err := l.Start(t.Context(), actor("gateway", "serve")); err == nil ||
		!strings.Contains(err.Error(), "runs already") {
		t.Errorf("Start of a running actor = %v", err)
	}
	if _, err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := start(t, l, actor("gateway", "serve"))
	if first.Addr("http") != second.Addr("http") {
		t.Errorf("listened on %s first and then on %s", first.Addr("http"), second.Addr("http"))
	}
	ask(t, second, "/cgroup")
	if all, err := os.ReadFile(l.logPath("gateway")); strings.Count(string(all), "serving") != 2 {
		t.Errorf("the log of both is %q, %v", all, err)
	}
	logs, err := second.Logs()
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	if said, _ := io.ReadAll(logs); strings.Contains(string(said), "bye") {
		t.Errorf("Logs() of the second start = %q", said)
	}
}

// What the first one did is not put down to the second: its cgroup is a new one.
func TestKilledActorStartsAgain(t *testing.T) {
	l := place(t)
	limited(t, l)
	a := actor("gateway", "serve")
	a.Limits.MemoryBytes = 64 << 20
	for range 3 {
		i := start(t, l, a)
		u, err := i.Usage(t.Context())
		if err != nil || u.OOMKills == nil || *u.OOMKills != 0 {
			t.Errorf("Usage() = %+v, %v; want no kills", u, err)
		}
		ask(t, i, "/eat?bytes="+strconv.Itoa(128<<20))
		eventually(t, "it is killed", func() bool { return !i.State().Running })
		state, err := i.Stop(t.Context())
		if err != nil || state.OOMKilled == nil || !*state.OOMKilled || state.Stopped {
			t.Errorf("Stop() = %+v, %v; want killed for want of memory", state, err)
		}
	}
}

// One that others know does not move: it cannot be started where its port is taken.
func TestActorDoesNotMove(t *testing.T) {
	l := place(t)
	first := start(t, l, actor("gateway", "serve"))
	if _, err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := actor("gateway", "taken")
	a.Env["MARK"] = filepath.Join(t.TempDir(), "mark")
	_, err := l.Start(t.Context(), a)
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("Start on a taken port = %v", err)
	}
	if again := start(t, l, a); again.Addr("http") != first.Addr("http") {
		t.Errorf("moved from %s to %s", first.Addr("http"), again.Addr("http"))
	}
}

func TestCloseStopsTheLastFirst(t *testing.T) {
	l := place(t)
	var all []*Instance
	for _, name := range []string{"backend", "gateway", "loadgen"} {
		all = append(all, start(t, l, actor(name, "serve")))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range all[1:] {
		if before, after := all[i+1].State(), all[i].State(); !before.Ended.Before(after.Ended) {
			t.Errorf("%s ended at %v, %s at %v", all[i].name, after.Ended, all[i+1].name, before.Ended)
		}
	}
	if _, err := l.Start(t.Context(), actor("late", "serve")); !errors.Is(err, errClosed) {
		t.Errorf("Start after Close = %v", err)
	}
}

func TestDeafActorIsKilled(t *testing.T) {
	l := place(t)
	a := actor("gateway", "deaf")
	a.Grace = 1
	state, err := start(t, l, a).Stop(t.Context())
	if err != nil || state.Signal != "SIGKILL" || state.ExitCode != -1 {
		t.Errorf("Stop() = %+v, %v", state, err)
	}
	if state.OOMKilled != nil && *state.OOMKilled {
		t.Error("killed by us reads as killed for want of memory")
	}
}

// A context that is done ends the grace of a deaf actor.
func TestStopIsNotLongerThanItsContext(t *testing.T) {
	l := place(t)
	i := start(t, l, actor("gateway", "deaf")) // with a grace of a minute
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if state, err := i.Stop(ctx); err != nil || state.Signal != "SIGKILL" {
		t.Errorf("Stop() = %+v, %v", state, err)
	}
}

func TestWhatAnActorStartedGoesWithIt(t *testing.T) {
	l := place(t)
	limited(t, l)
	i := start(t, l, actor("gateway", "parent"))
	var child process
	eventually(t, "the child is known", func() bool {
		logs, err := i.Logs()
		if err != nil {
			return false
		}
		defer logs.Close()
		said, _ := io.ReadAll(logs)
		_, rest, _ := strings.Cut(string(said), "child ")
		pid, err := strconv.Atoi(strings.SplitN(rest, "\n", 2)[0])
		child = identify(pid)
		return err == nil
	})
	if !child.alive() {
		t.Fatalf("child %v does not run", child)
	}
	if _, err := i.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the child is gone", func() bool { return !child.alive() })
}

func TestFailedStart(t *testing.T) {
	l := place(t)
	never := actor("gateway", "serve")
	never.Ready.Path, never.Ready.Timeout = "/never", 1e8
	missing := actor("gateway", "serve")
	missing.Program = "odigos-stress-no-such-program"
	unknown := actor("gateway", "serve")
	unknown.Args = []string{"$(backend.http)"}
	deaf := actor("gateway", "deaf")
	deaf.Ready.Path, deaf.Ready.Timeout = "/never", 1e8
	named := actor("../x", "serve")
	file := actor("gateway", "serve")
	file.Files = map[string]string{"../../etc/x": ""}
	port := actor("gateway", "serve")
	port.Ready.Port = "grpc"
	for _, c := range []struct {
		name  string
		actor env.Actor
		want  []string
	}{
		{"exits", actor("gateway", "fail"), []string{
			"start gateway: ", "exited with code 3",
			"first line\nerror: no such exporter",
		}},
		{"never ready", never, []string{"not ready within 100ms"}},
		{"deaf and never ready", deaf, []string{"not ready within 100ms"}},
		{"no program", missing, []string{"odigos-stress-no-such-program", "not found"}},
		{"unknown reference", unknown, []string{"$(backend.http)", "there is: ", "self.http"}},
		{"name", named, []string{`name "../x"`}},
		{"file", file, []string{`file "../../etc/x"`}},
		{"probe", port, []string{`probe port "grpc"`, "http"}},
	} {
		_, err := l.Start(t.Context(), c.actor)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Start(%s) = %v; want %q in it", c.name, err, want)
			}
		}
		for _, dir := range l.fence.runDirs() {
			if _, err := os.Stat(filepath.Join(dir, "gateway")); err == nil {
				t.Errorf("Start(%s) left %s/gateway", c.name, dir)
			}
		}
	}
	start(t, l, actor("gateway", "serve")) // the name is free again
}

func TestCancelledStart(t *testing.T) {
	l := place(t)
	a := actor("gateway", "deaf")
	a.Ready.Path = "/never"
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		eventually(t, "the actor was asked twice", func() bool {
			text, _ := os.ReadFile(l.logPath("gateway"))
			return strings.Count(string(text), "asked") > 1
		})
	}()
	_, err := l.Start(ctx, a)
	for _, want := range []string{"503 Service Unavailable", "serving"} {
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), want) {
			t.Errorf("Start() = %v; want %q in it", err, want)
		}
	}
}

// Close does not wait for the readiness of an actor that will never be ready.
func TestCloseEndsAStart(t *testing.T) {
	l := place(t)
	a := actor("gateway", "serve")
	a.Ready.Path = "/never"
	result := make(chan error, 1)
	go func() {
		_, err := l.Start(context.Background(), a)
		result <- err
	}()
	eventually(t, "the actor serves", func() bool {
		text, _ := os.ReadFile(l.logPath("gateway"))
		return strings.Contains(string(text), "serving")
	})
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; !errors.Is(err, errClosed) {
		t.Errorf("Start() = %v", err)
	}
}

func TestTakenPortIsTriedOnceMore(t *testing.T) {
	l := place(t)
	a := actor("gateway", "taken")
	a.Env["MARK"] = filepath.Join(t.TempDir(), "mark")
	start(t, l, a)
	if notes := l.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "port taken") {
		t.Errorf("Notes() = %q", notes)
	}
}

func TestEnvironmentIsScrubbed(t *testing.T) {
	t.Setenv("GOMAXPROCS", "7")
	t.Setenv("GOGC", "50")
	t.Setenv("OTEL_SERVICE_NAME", "x")
	t.Setenv("https_proxy", "http://user:secret@proxy")
	t.Setenv("NO_PROXY", "*")
	t.Setenv("ODIGOS_STRESS_X", "y")
	t.Setenv("GOOGLE_CLOUD_PROJECT", "stays")
	l := place(t)
	a := actor("gateway", "serve")
	a.Env["GOMEMLIMIT"] = "100MiB"
	var got []string
	if err := json.Unmarshal([]byte(ask(t, start(t, l, a), "/environ")), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"GOMAXPROCS", "GOGC", "OTEL_SERVICE_NAME", "https_proxy", "NO_PROXY",
		"ODIGOS_STRESS_X",
	} {
		if v := lookup(got, name); v != "" {
			t.Errorf("the actor sees %s=%s", name, v)
		}
		if !slices.Contains(l.Scrubbed(), name) {
			t.Errorf("Scrubbed() = %q; want %s in it", l.Scrubbed(), name)
		}
	}
	for name, want := range map[string]string{
		"GOMEMLIMIT": "100MiB", "GOOGLE_CLOUD_PROJECT": "stays",
		"PATH": os.Getenv("PATH"), "NAME": "gateway",
	} {
		if v := lookup(got, name); v != want {
			t.Errorf("the actor sees %s=%s; want %s", name, v, want)
		}
	}
}

func TestCPULimitThrottles(t *testing.T) {
	l := place(t)
	limited(t, l)
	a := actor("gateway", "serve")
	a.Limits.CPUCores = 0.2
	i := start(t, l, a)
	ask(t, i, "/burn")
	eventually(t, "periods are throttled", func() bool {
		u, err := i.Usage(t.Context())
		return err == nil && u.Periods != nil && *u.ThrottledPeriods > 0 && *u.ThrottledSeconds > 0 &&
			*u.Periods >= *u.ThrottledPeriods
	})
}

func TestMemoryLimitKills(t *testing.T) {
	l := place(t)
	limited(t, l)
	a := actor("gateway", "serve")
	a.Limits.MemoryBytes = 64 << 20
	i := start(t, l, a)
	u, err := i.Usage(t.Context())
	if err != nil || u.MemoryUsage == nil || u.MemoryWorkingSet == nil || u.MemoryAnon == nil ||
		u.MemoryFile == nil || u.MemoryKernel == nil || u.MemoryPeak == nil || u.OOMKills == nil {
		t.Fatalf("Usage() = %+v, %v", u, err)
	}
	if *u.MemoryAnon <= 0 || *u.MemoryUsage > 64<<20 || *u.MemoryPeak > 64<<20 {
		t.Errorf("Usage(): anon %d, usage %d, peak %d", *u.MemoryAnon, *u.MemoryUsage, *u.MemoryPeak)
	}
	ask(t, i, "/eat?bytes="+strconv.Itoa(128<<20))
	eventually(t, "it is killed", func() bool { return !i.State().Running })
	state := i.State()
	if state.OOMKilled == nil || !*state.OOMKilled || state.Signal != "SIGKILL" || state.Stopped {
		t.Errorf("State() = %+v; want killed for want of memory", state)
	}
	last, err := i.Usage(t.Context())
	if err == nil || last.OOMKills == nil || *last.OOMKills == 0 || *last.LimitHits == 0 {
		t.Errorf("Usage() after the end = %+v, %v", last, err)
	}
	if stopped, err := i.Stop(t.Context()); err != nil || stopped != state {
		t.Errorf("Stop() = %+v, %v; want %+v", stopped, err, state)
	}
}

// Whatever the actor uses is counted in its cgroup from its first instruction.
func TestActorIsInItsCgroupFromTheStart(t *testing.T) {
	l := place(t)
	limited(t, l)
	i := start(t, l, actor("gateway", "serve"))
	found := ask(t, i, "/cgroup")
	if n := strings.Count(found, "/"+parentName+"/"+l.fence.run+"/gateway"); n != len(i.group.Dirs) {
		t.Errorf("it is in %d of %d cgroups:\n%s", n, len(i.group.Dirs), found)
	}
	for _, dir := range i.group.Dirs {
		if pids := pidsIn(dir); !slices.Equal(pids, []int{i.PID()}) {
			t.Errorf("%s holds %v; want %d alone", dir, pids, i.PID())
		}
	}
}
