package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// What is read from files that stay open is what is read from files opened anew, however
// often, and follows what they hold.
func TestKeptFiles(t *testing.T) {
	kept := newKeptFiles()
	defer kept.close()
	for _, g := range []cgroup{
		v1Tree("testdata/v1"), v2Tree("testdata/v2/a"), v2Tree("testdata/nowhere"),
	} {
		var want env.Usage
		if err := g.usage(&want); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var got env.Usage
			if err := g.usageFrom(kept, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("usage of kept files (-want +got):\n%s", diff)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "a")
	for _, text := range []string{"first\n", "2nd\n", strings.Repeat("long ", 10000)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := kept.read(path); err != nil || string(got) != text {
			t.Errorf("read = %.20q of %d bytes, %v; want %d", got, len(got), err, len(text))
		}
	}
	kept.close()
	if got, err := kept.read(path); err != nil || len(got) < 10000 {
		t.Errorf("read after close: %d bytes, %v; want it opened anew", len(got), err)
	}
}
