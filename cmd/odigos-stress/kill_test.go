package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
)

var kills = flag.Int("kills", 3, "how often TestKilledToolLeavesNothing kills the tool")

// TestKilledToolLeavesNothing kills the tool with SIGKILL at random moments of a run:
// no process, cgroup or file of the run may be left, and the record can be judged.
func TestKilledToolLeavesNothing(t *testing.T) {
	tool, err := filepath.Abs("../../bin/odigos-stress")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tool); err != nil {
		t.Fatalf("no tool to kill: run make build first: %v", err)
	}
	r := rand.New(rand.NewPCG(uint64(os.Getpid()), 0))
	for range *kills {
		killOnce(t, tool, r.IntN(8), time.Duration(r.IntN(1000))*time.Millisecond)
	}
}

// killOnce kills the tool a while after it has appended so many samples.
func killOnce(t *testing.T, tool string, samples int, after time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	results := t.TempDir()
	cmd := exec.CommandContext(ctx, tool, "run", "basic-load-1k", "--duration=60s", "--warm-up=1s",
		"--quiet", "--results="+results)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(results, "latest")
	begun := false // and all three actors with it
	until(ctx, t, "samples are written", func() bool {
		text, err := os.ReadFile(filepath.Join(dir, record.SamplesFile))
		begun = bytes.Contains(text, []byte(`"phase":"`+string(record.PhaseWarmUp)+`"`))
		return err == nil && bytes.Count(text, []byte("\n")) >= samples
	})
	select {
	case <-time.After(after):
	case <-ctx.Done():
	}
	var h record.Header
	text, err := os.ReadFile(filepath.Join(dir, record.HeaderFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		t.Fatal(err)
	}
	left := leftOf(t, h.RunID)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it was killed
	if begun && len(left) < 4 {
		t.Errorf("a living run of three actors shows as %q only: the search for leftovers is blind", left)
	}
	until(ctx, t, "nothing of the run is left", func() bool {
		left = leftOf(t, h.RunID)
		return len(left) == 0
	})
	out, err := exec.CommandContext(ctx, tool, "judge", dir).CombinedOutput()
	var code *exec.ExitError
	if !errors.As(err, &code) || code.ExitCode() != exitInvalid {
		t.Errorf("judge of a killed run: %v, want exit code %d\n%s", err, exitInvalid, out)
	}
	if out, err := exec.CommandContext(ctx, tool, "report", dir).CombinedOutput(); err != nil {
		t.Errorf("report of a killed run: %v\n%s", err, out)
	}
	t.Logf("killed %v after sample %d: nothing left", after, samples)
}

// until waits for what must become true.
func until(ctx context.Context, t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// leftOf is what bears the run's id: processes, cgroups, temporary files.
func leftOf(t *testing.T, runID string) []string {
	t.Helper()
	var left []string
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if text, err := os.ReadFile(l); err == nil && bytes.Contains(text, []byte(runID)) {
			left = append(left, l)
		}
	}
	for _, root := range []string{"/sys/fs/cgroup", os.TempDir()} {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return fs.SkipDir
			case strings.HasPrefix(d.Name(), runID):
				left = append(left, path)
			}
			return nil
		})
	}
	return left
}
