package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// The test binary is the tool, its actors, and a tool that is to be killed.
const roleVariable = "ENV_LOCAL_TEST_ROLE"

func TestMain(m *testing.M) {
	if handled, err := Hidden(os.Args[1:]); handled {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if os.Args[1] == guardCommand {
			// Under -race a proper exit takes a second, and every test has a guardian.
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return
	}
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}

func play(role string) int {
	switch role {
	case "serve":
		return serve()
	case "deaf": // to SIGTERM
		signal.Ignore(syscall.SIGTERM)
		return serve()
	case "parent":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), roleVariable+"=deaf", "ADDR=127.0.0.1:0")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of the group
		if err := child.Start(); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println("child", child.Process.Pid)
		return serve()
	case "fail":
		fmt.Println("first line")
		fmt.Fprintln(os.Stderr, "error: no such exporter")
		return 3
	case "but-one": // of several cannot
		if os.Getenv("INDEX") == "1" {
			fmt.Println("not this one")
			return 3
		}
		return serve()
	case "hungry": // until the kernel ends it
		var all [][]byte
		for {
			all = append(all, bytes.Repeat([]byte{1}, 1<<20))
			_ = all
		}
	case "taken": // the first time only
		if _, err := os.Stat(os.Getenv("MARK")); err != nil {
			_ = os.WriteFile(os.Getenv("MARK"), nil, 0o600)
			fmt.Println("listen tcp " + os.Getenv("ADDR") + ": bind: address already in use")
			return 1
		}
		return serve()
	case "tool":
		return tool()
	}
	return 2
}

// serve answers on ADDR until SIGTERM, and does what it is asked to.
func serve() int {
	term := make(chan os.Signal, 1)
	if os.Getenv(roleVariable) != "deaf" {
		signal.Notify(term, syscall.SIGTERM)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/never", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Println("asked")
	})
	mux.HandleFunc("/burn", func(http.ResponseWriter, *http.Request) {
		go func() {
			for n := 0; ; n++ {
			}
		}()
	})
	mux.HandleFunc("/eat", func(_ http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("bytes"))
		eaten = append(eaten, make([]byte, n))
		last := eaten[len(eaten)-1]
		for i := 0; i < n; i += 4096 {
			last[i] = 1
		}
	})
	mux.HandleFunc("/environ", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(os.Environ())
	})
	mux.HandleFunc("/cgroup", func(w http.ResponseWriter, _ *http.Request) {
		text, _ := os.ReadFile("/proc/self/cgroup")
		_, _ = w.Write(text)
	})
	l, err := net.Listen("tcp", os.Getenv("ADDR"))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("serving", os.Args[1:])
	go func() { _ = http.Serve(l, mux) }()
	<-term
	fmt.Println("bye", os.Getenv("NAME"))
	return 0
}

var eaten [][]byte

// tool starts two actors, tells of them, and waits to be killed.
func tool() int {
	l, err := New(Options{
		RunID: os.Getenv("RUN"), Registry: os.Getenv("REGISTRY"),
		GuardLog: os.Getenv("GUARD_LOG"),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var told told
	for _, name := range []string{"backend", "gateway"} {
		role := "deaf"
		if name == "gateway" {
			role = "parent"
		}
		i, err := l.Start(context.Background(), actor(name, role))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		told.Actors = append(told.Actors, i.(*Instance).proc)
	}
	told.Cgroups = l.fence.runDirs()
	told.Guardian = identify(l.guard.cmd.Process.Pid)
	told.Dir = l.dir
	_ = json.NewEncoder(os.Stdout).Encode(told)
	select {}
}

type told struct {
	Actors   []process
	Cgroups  []string
	Guardian process
	Dir      string
}

// actor is the test binary in one of its roles.
func actor(name, role string) env.Actor {
	return env.Actor{
		Name: name, Args: []string{"$(self.http)"}, Ports: []string{"http"},
		Env: map[string]string{
			roleVariable: role, "ADDR": "$(self.http)", "NAME": name,
			"GORACE": "atexit_sleep_ms=0",
		}, // else each end takes a second under -race
		// Generous: only a failing test waits for it.
		Ready: env.Probe{Port: "http", Path: "/ready", Timeout: time.Minute},
		Grace: time.Minute,
	}
}

// place is a run on this machine that has left nothing behind when the test is over.
func place(t *testing.T) *Local {
	t.Helper()
	dir := t.TempDir()
	l, err := New(Options{
		RunID: "test-" + strings.ToLower(t.Name()), Registry: filepath.Join(dir, "registry"),
		LogPath: func(actor string) string {
			return filepath.Join(dir, strings.ReplaceAll(actor, "/", "-")+".log")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
		nothingLeft(t, l)
	})
	return l
}

func nothingLeft(t *testing.T, l *Local) {
	t.Helper()
	for _, dir := range append(l.fence.runDirs(), l.dir, entryPath(l.o.Registry, l.o.RunID)) {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
	for _, i := range l.instances {
		if i.proc.alive() {
			t.Errorf("process %d of %s is left", i.proc.PID, i.name)
		}
	}
	if p := identify(l.guard.cmd.Process.Pid); p.Start != 0 {
		t.Errorf("the guardian is left")
	}
	if notes := l.Notes(); len(notes) > 0 && !strings.Contains(notes[0], "port taken") {
		t.Errorf("Notes() = %q", notes)
	}
}

func start(t *testing.T, l *Local, a env.Actor) *Instance {
	t.Helper()
	i, err := l.Start(t.Context(), a)
	if err != nil {
		t.Fatalf("Start(%s) = %v", a.Name, err)
	}
	return i.(*Instance)
}

// limited skips where the kernel does not let us.
func limited(t *testing.T, l *Local) {
	t.Helper()
	if e := l.Enforcement(); !e.CPU || !e.Memory {
		t.Skipf("limits cannot be enforced here: %s", e.Reason)
	}
}

// eventually waits for a condition; only a failing test comes to the end of the time.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := poll(ctx, cond); err != nil {
		t.Fatalf("waiting until %s: %v", what, err)
	}
}

func ask(t *testing.T, i *Instance, path string) string {
	t.Helper()
	resp, err := http.Get("http://" + i.Addr("http") + path)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := resp.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}
