package local

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A process that is not in its cgroup is not bound by it, whatever is written there; nor
// is one whose limits somebody has lifted.
func TestHolds(t *testing.T) {
	limits := env.Limits{CPUCores: 0.5, MemoryBytes: 64 << 20}
	for _, c := range []struct {
		name, method, procs, max string
		want                     string // part of the error; empty for none
	}{
		{"bound", methodV2, "7\n42\n", "50000 100000", ""},
		{"elsewhere", methodV2, "7\n", "50000 100000", "process 42 is not in its cgroup"},
		{"lifted", methodV2, "42\n", "max 100000", `cpu.max is "max 100000", "50000 100000" was written`},
		{"not limited by us", methodNone, "", "", ""},
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{
			"cgroup.procs": c.procs, "cpu.max": c.max,
			"memory.max": strconv.FormatInt(limits.MemoryBytes, 10),
		} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		f := fence{how: env.Enforcement{Method: c.method}}
		err := f.holds(cgroup{Version: 2, Dirs: map[string]string{"": dir}}, 42, limits)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: holds() = %v, want %q", c.name, err, c.want)
		}
	}
}
