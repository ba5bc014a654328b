package gateway

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// Named are the processors that drop on purpose and that traces pass through.
func TestSampling(t *testing.T) {
	u, err := readUser(Source{Name: "c.yaml", Text: []byte(`
service:
  pipelines:
    traces: {processors: [batch, probabilistic_sampler/ten, tail_sampling]}
    traces/2: {processors: [filter/health, tail_sampling]}
    logs: {processors: [filter/logs]}
`)})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"probabilistic_sampler/ten", "tail_sampling", "filter/health"}
	if diff := cmp.Diff(want, u.sampling()); diff != "" {
		t.Errorf("sampling of the user's configuration:\n%s", diff)
	}
	g := scenario.Gateway{Processors: []scenario.Processor{{ID: "batch/2"}, {ID: "odigostailsampling"}}}
	if diff := cmp.Diff([]string{"odigostailsampling"}, odigosSampling(g)); diff != "" {
		t.Errorf("sampling of kind odigos:\n%s", diff)
	}
}
