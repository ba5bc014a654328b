package local

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A killed tool leaves nothing: no process, no cgroup, no file.
func TestNothingOutlivesAKilledTool(t *testing.T) {
	for _, victim := range []string{"tool", "tool after its guardian was asked to end"} {
		t.Run(victim, func(t *testing.T) {
			dir := t.TempDir()
			cmd, told := startTool(t, "killed", dir)
			if victim != "tool" {
				// What a terminal or a service manager sends must not end the guardian.
				signalGroup(told.Guardian.PID, 15)
				signalGroup(told.Guardian.PID, 2)
				signalGroup(told.Guardian.PID, 1)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			for _, p := range append(told.Actors, told.Guardian) {
				eventually(t, "process "+p.String()+" is gone", func() bool { return !p.alive() })
			}
			for _, path := range append(told.Cgroups, told.Dir, filepath.Join(dir, "killed.json")) {
				if _, err := os.Stat(path); err == nil {
					t.Errorf("%s is left", path)
				}
			}
			log, err := os.ReadFile(filepath.Join(dir, "guard.log"))
			if err != nil || !strings.Contains(string(log), `outcome="all gone"`) {
				t.Errorf("log = %q, %v", log, err)
			}
		})
	}
}

func startTool(t *testing.T, run, dir string) (*exec.Cmd, told) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=tool", "RUN="+run, "REGISTRY="+dir,
		"GUARD_LOG="+filepath.Join(dir, "guard.log"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var told told
	if err != nil || json.Unmarshal(line, &told) != nil {
		t.Fatalf("the tool said %q, %v", line, err)
	}
	return cmd, told
}

// With tool and guardian killed at once the actors die, and cleanup finds the rest.
func TestCleanup(t *testing.T) {
	dir := t.TempDir()
	alive := place(t)
	start(t, alive, actor("backend", "serve"))
	o := Options{Registry: dir}
	cmd, told := startTool(t, "dead", dir)
	if found, err := Cleanup(t.Context(), o, false); err != nil || len(found) != 0 {
		t.Fatalf("Cleanup() beside a living run = %v, %v; want nothing", found, err)
	}
	told.Guardian.kill()
	eventually(t, "the guardian is gone", func() bool { return !told.Guardian.alive() })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	dry, err := Cleanup(t.Context(), o, true)
	if err != nil || len(dry) == 0 {
		t.Fatalf("Cleanup(dry run) = %v, %v", dry, err)
	}
	for _, l := range dry {
		if l.Run != "dead" || l.Kept != "" {
			t.Errorf("Cleanup(dry run) found %s", l)
		}
	}
	if _, err := os.Stat(told.Dir); err != nil {
		t.Errorf("a dry run removed %s", told.Dir)
	}
	if _, err := Cleanup(t.Context(), o, false); err != nil {
		t.Fatalf("Cleanup() = %v", err)
	}
	for _, path := range append(told.Cgroups, told.Dir) {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
	for _, p := range told.Actors {
		eventually(t, "process "+p.String()+" is gone", func() bool { return !p.alive() })
	}
	if found, err := Cleanup(t.Context(), o, true); err != nil || len(found) != 0 {
		t.Errorf("second Cleanup() = %v, %v", found, err)
	}
}

// Without its entry a dead run is known by the names of its cgroups.
func TestCleanupWithoutRegistry(t *testing.T) {
	dir := t.TempDir()
	cmd, told := startTool(t, "lost", dir)
	if len(told.Cgroups) == 0 {
		t.Skip("no cgroups can be made here")
	}
	told.Guardian.kill()
	eventually(t, "the guardian is gone", func() bool { return !told.Guardian.alive() })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	found, err := Cleanup(t.Context(), Options{Registry: t.TempDir()}, false)
	if err != nil || len(found) == 0 {
		t.Fatalf("Cleanup() = %v, %v", found, err)
	}
	for _, path := range told.Cgroups {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
}

func TestTwoRunsOfOneName(t *testing.T) {
	l := place(t)
	if _, err := New(Options{RunID: l.o.RunID, Registry: l.o.Registry}); err == nil ||
		!strings.Contains(err.Error(), "running already") {
		t.Errorf("New() of a living run = %v", err)
	}
}

func TestDeadGuardianIsNoticed(t *testing.T) {
	l := place(t)
	defer func() { // this note is as it should be
		l.guard.note = ""
	}()
	identify(l.guard.cmd.Process.Pid).kill()
	<-l.guard.gone
	start(t, l, actor("gateway", "serve")) // goes on
	if notes := l.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "guardian ended early") {
		t.Errorf("Notes() = %q", notes)
	}
}
