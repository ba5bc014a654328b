package verdict_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

var update = flag.Bool("update", false, "write the table of reasons in docs/validity.md anew")

const (
	tableBegin = "<!-- reasons: begin -->\n"
	tableEnd   = "<!-- reasons: end -->\n"
)

// The table in the documentation is the one in the program.
func TestReasonsAreDocumented(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "validity.md")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), tableBegin)
	found, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q … %q", path, tableBegin, tableEnd)
	}
	var want strings.Builder
	want.WriteString("| reason | effect | threshold | what it means | what to do |\n|---|---|---|---|---|\n")
	for _, r := range verdict.Reasons() {
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s | %s |\n", r.Name, r.Effect, r.Threshold, r.Means, r.Do)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+tableBegin+want.String()+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), found); diff != "" {
		t.Errorf("%s differs: go test ./internal/verdict -run TestReasonsAreDocumented -update "+
			"(-want +got):\n%s", path, diff)
	}
}
