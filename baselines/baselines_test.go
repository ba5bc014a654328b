package baselines_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/baselines"
	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/report"
)

var update = flag.Bool("update", false, "rewrite docs/baselines.md")

// The baselines that the program carries are those that lie beside it, and docs/baselines.md
// tells them.
func TestDocsTellTheBaselines(t *testing.T) {
	all, err := baselines.All()
	if err != nil {
		t.Fatal(err)
	}
	here, err := baseline.List(".")
	if diff := cmp.Diff(here, all); diff != "" || err != nil {
		t.Errorf("%v (-directory +carried):\n%s", err, diff)
	}
	var got bytes.Buffer
	if err := report.BaselinesMarkdown(&got, all); err != nil {
		t.Fatal(err)
	}
	const docs = "../docs/baselines.md"
	if *update {
		if err := os.WriteFile(docs, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (run with -update to accept):\n%s", docs, diff)
	}
}
