package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFavour(t *testing.T) {
	for _, c := range []struct {
		name    string
		version int
		file    string
		end     bool
		want    []string // of odigos-stress, the run, the actor
	}{
		{"an end on v1", 1, "cpu.shares", true, []string{"10240", "10240", "10240"}},
		{"the gateway on v1", 1, "cpu.shares", false, []string{"10240", "10240", "usual"}},
		{"an end on v2", 2, "cpu.weight", true, []string{"1000", "1000", "1000"}},
		{"the gateway on v2", 2, "cpu.weight", false, []string{"1000", "1000", "usual"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			dirs := []string{parentName, filepath.Join(parentName, "run"), filepath.Join(parentName, "run", "actor")}
			for _, d := range dirs {
				if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, d, c.file), []byte("usual"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			key := map[int]string{1: "cpu", 2: ""}[c.version]
			g := cgroup{Version: c.version, Dirs: map[string]string{key: filepath.Join(root, dirs[2])}}
			if err := favour(g, c.end); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range dirs {
				text, err := os.ReadFile(filepath.Join(root, d, c.file))
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(text))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("favour(v%d, end %v): weights (-want +got):\n%s", c.version, c.end, diff)
			}
		})
	}
}

func TestFavourWithoutController(t *testing.T) {
	g := cgroup{Version: 2, Dirs: map[string]string{"": t.TempDir()}}
	if err := favour(g, true); err != nil {
		t.Errorf("favour without a cpu controller: %v", err)
	}
}
