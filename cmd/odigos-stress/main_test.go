package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"odigos-stress": main})
}

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
			e.Setenv("XDG_RUNTIME_DIR", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
		},
	})
}

// exits runs the tool and wants an exit code: exits CODE ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	err := ts.Exec("sh", append([]string{"-c", `odigos-stress "$@"; echo "exit code $?" >&2`, "sh"}, args[1:]...)...)
	ts.Check(err)
	got := lastOf(ts.ReadFile("stderr"))
	if want := "exit code " + args[0]; got != want {
		ts.Fatalf("odigos-stress %v: %s, want %s", args[1:], got, want)
	}
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
