package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/odigos-io/odigos-stress/internal/record"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"odigos-stress": main})
}

// longest is how long a test waits for what must come, on a machine however busy.
const longest = 5 * time.Minute

// TestScripts runs the stories in testdata/script against the real command, with the
// collector that make build puts into bin.
func TestScripts(t *testing.T) {
	collector, err := filepath.Abs("../../bin/odigos-stress-otelcol")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(collector); err != nil {
		t.Fatalf("no collector to test with: run make build first: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("ODIGOS_STRESS_COLLECTOR_BIN", collector)
			e.Setenv("COLLECTOR_DIR", filepath.Dir(collector))
			e.Setenv("XDG_RUNTIME_DIR", e.WorkDir)
			e.Setenv("XDG_DATA_HOME", e.WorkDir+"/data")
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/cache")
			e.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "raced" {
				return false, fmt.Errorf("found condition %q, want raced", name)
			}
			return raced, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "passes": passes, "interrupts": interrupts, "background": background, "finish": finish,
			"registry": serveImage,
		},
	})
}

// exits runs the tool and wants an exit code: exits CODE ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	if got := runTool(ts, args[1:]); got != args[0] {
		ts.Fatalf("odigos-stress %v: exit code %s, want %s", args[1:], got, args[0])
	}
}

// runTool runs the tool, and returns its exit code.
func runTool(ts *testscript.TestScript, args []string) string {
	const told = "exit code "
	script := `odigos-stress "$@"; echo "` + told + `$?" >&2`
	ts.Check(ts.Exec("sh", append([]string{"-c", script, "sh"}, args...)...))
	return strings.TrimPrefix(lastOf(ts.ReadFile("stderr")), told)
}

func lastOf(text string) string {
	end := len(text)
	for end > 0 && text[end-1] == '\n' {
		end--
	}
	begin := end
	for begin > 0 && text[begin-1] != '\n' {
		begin--
	}
	return text[begin:end]
}

// interrupts runs the tool, sends it a signal once it has appended so many samples of a load, and
// wants an exit code: interrupts SIGNAL CODE SAMPLES ARG...
func interrupts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: interrupts SIGNAL CODE SAMPLES ARG...")
	}
	want := atoi(ts, args[2])
	// Whatever an earlier run of this script left is not what is waited for.
	ts.Check(os.RemoveAll(ts.MkAbs("results/latest")))
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	cmd := toolCommand(ctx, ts, "tool.out", args[3:]...)
	ts.Check(cmd.Start())
	waitFor(ctx, ts, func() bool {
		samples := ts.MkAbs("results/latest/" + record.SamplesFile)
		for _, below := range []string{"*/*/", "*/*/*/*/"} { // a suite; one of suites
			if parts, _ := filepath.Glob(ts.MkAbs("results/latest/" + below + record.SamplesFile)); parts != nil {
				samples = parts[0]
			}
		}
		text, err := os.ReadFile(samples)
		starting := bytes.Count(text, []byte(`"phase":"`+string(record.PhaseStarting)+`"`))
		return err == nil && bytes.Count(text, []byte("\n"))-starting >= want
	})
	ts.Check(cmd.Process.Signal(map[string]os.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM}[args[0]]))
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != atoi(ts, args[1]) {
		ts.Fatalf("%v after %s: exit code %d, want %s", args[3:], args[0], got, args[1])
	}
}

// background starts the tool and waits until it says where it serves; $GRPC_NAME,
// $HTTP_NAME and $ADMIN_NAME are then its addresses: background NAME ARG...
func background(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: background NAME ARG...")
	}
	name := args[0]
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	log := ts.MkAbs(name + ".log")
	out, err := os.Create(log)
	ts.Check(err)
	defer out.Close()
	cmd := toolCommand(ctx, ts, name+".out", args[1:]...)
	cmd.Stderr = out
	ts.Check(cmd.Start())
	ts.Defer(func() { cancel(); _ = cmd.Wait() })
	line := regexp.MustCompile(`grpc=(\S+) http=(\S+) admin=(\S+)`)
	var found []string
	waitFor(ctx, ts, func() bool {
		text, err := os.ReadFile(log)
		found = line.FindStringSubmatch(string(text))
		return err == nil && found != nil
	})
	for i, what := range []string{"GRPC_", "HTTP_", "ADMIN_"} {
		ts.Setenv(what+name, found[i+1])
	}
	inBackground.Store(ts.MkAbs(name), cmd)
}

// inBackground are the commands that background started, by the script's directory and
// their name.
var inBackground sync.Map

// finish interrupts what background started; its output becomes stdout: finish NAME
func finish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: finish NAME")
	}
	found, ok := inBackground.Load(ts.MkAbs(args[0]))
	if !ok {
		ts.Fatalf("finish %s: nothing of that name was started", args[0])
	}
	cmd := found.(*exec.Cmd)
	ts.Check(cmd.Process.Signal(syscall.SIGINT))
	_ = cmd.Wait()
	ts.Check(ts.Exec("cat", ts.MkAbs(args[0]+".out")))
}

// toolCommand is the command under test, with its output in the file.
func toolCommand(
	ctx context.Context, ts *testscript.TestScript, file string, args ...string,
) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "odigos-stress", args...)
	path := ts.Getenv("PATH")
	for _, dir := range filepath.SplitList(path) {
		if p := filepath.Join(dir, "odigos-stress"); isExecutable(p) {
			cmd = exec.CommandContext(ctx, p, args...)
			break
		}
	}
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "PATH="+path,
		"ODIGOS_STRESS_COLLECTOR_BIN="+ts.Getenv("ODIGOS_STRESS_COLLECTOR_BIN"),
		"XDG_RUNTIME_DIR="+ts.Getenv("XDG_RUNTIME_DIR"))
	out, err := os.Create(ts.MkAbs(file))
	ts.Check(err)
	ts.Defer(func() { _ = out.Close() })
	cmd.Stdout, cmd.Stderr = out, out
	return cmd
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}

func waitFor(ctx context.Context, ts *testscript.TestScript, ok func() bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("waited in vain")
		}
	}
}

func atoi(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}
