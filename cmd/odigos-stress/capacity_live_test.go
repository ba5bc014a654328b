package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/search"
)

var (
	searches = flag.Int("searches", 0, "how often TestSearchAgain searches each gateway; 0 leaves it out")
	little   = flag.Bool("little", false, "run TestLittlesLaw, which takes up to half an hour")
)

// searched runs a search with the built tool and returns what it found.
func searched(t *testing.T, args ...string) report.Capacity {
	t.Helper()
	results := *keepIn
	if results == "" {
		results = t.TempDir()
	}
	var out, said bytes.Buffer
	args = append([]string{"capacity", "-q", "-o", "json", "--results", results}, args...)
	cmd := exec.CommandContext(context.Background(), builtProgram(t, "odigos-stress"), args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s\n%s", args, err, said.String(), out.String())
	}
	var c report.Capacity
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	t.Logf("%v: %s; %d trials in %.0f s", args[5:], c.Sentence, len(c.Trials), c.Took)
	return c
}

// One gateway that is searched again and again has one edge: the intervals overlap, once
// each is brought to one speed of the host. It takes minutes for each, and runs with
// -searches 5.
func TestSearchAgain(t *testing.T) {
	if *searches == 0 {
		t.Skip("takes minutes: runs with -searches 5")
	}
	sizes := [][]string{
		{"--cpu-limit", "500m", "--memory-limit", "300Mi", "--rate", "8k"},
		{"--cpu-limit", "1", "--memory-limit", "600Mi", "--rate", "16k"},
	}
	found := make([][]search.Answer, len(sizes))
	for range *searches {
		for i, size := range sizes {
			found[i] = append(found[i], searched(t, append([]string{"custom"}, size...)...).Answer)
		}
	}
	for i, all := range found {
		low, high := 0.0, 0.0
		for n, a := range all {
			spread := 0.0
			if n > 0 {
				spread = math.Hypot(a.WorkError, all[0].WorkError)
			}
			l, _, h := search.Rescale(a.Low, a.Estimate, a.High, a.Work/all[0].Work, spread)
			t.Logf("%v: %.0f–%.0f, with %.2f µs ± %.1f %%; brought to the first's cost %.0f–%.0f",
				sizes[i], a.Low, a.High, a.Work, 100*a.WorkError, l, h)
			low = max(low, l)
			if n == 0 || h < high {
				high = h
			}
		}
		if low > high {
			t.Errorf("%v: intervals that do not overlap: the highest low end is %.0f, the lowest high "+
				"end %.0f", sizes[i], low, high)
		}
	}
}

// unbatched sends on each request as it came: how many may be under way is the limit.
const unbatched = `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
exporters:
  otlp_grpc/backend:
    endpoint: collector.example:4317
    compression: none
    sending_queue: {num_consumers: %d, queue_size: 5000}
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp_grpc/backend]
`

// A gateway that waits for its backend holds what Little's law says: consumers ÷ delay
// requests a second. A delay twice as long and half the consumers halve the edge. It runs
// with -little.
func TestLittlesLaw(t *testing.T) {
	if !*little {
		t.Skip("takes up to half an hour: runs with -little")
	}
	const perRequest = 100
	for _, c := range []struct {
		consumers int
		delay     float64 // seconds
	}{{10, 0.1}, {10, 0.2}, {5, 0.1}} {
		dir := t.TempDir()
		text := fmt.Sprintf(`name: waits
load: {rate: 2k, spans_per_request: %d}
gateway: {kind: otelcol, config: collector.yaml, exporter: otlp_grpc/backend, cpu_limit: 1,
  memory_limit: 600Mi, gomemlimit: 440Mi}
backend: {delay: %gs}
timing: {drain: 60s}
`, perRequest, c.delay)
		for name, text := range map[string]string{
			"waits.yaml": text, "collector.yaml": fmt.Sprintf(unbatched, c.consumers),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		a := searched(t, filepath.Join(dir, "waits.yaml")).Answer
		law := float64(c.consumers) / c.delay * perRequest
		// What goes with an export beside the delay, some milliseconds, lowers it.
		if a.Low > law || a.High < 0.93*law || a.High == 0 {
			t.Errorf("%d consumers, %g s: %.0f–%.0f spans/s, and by Little's law %.0f at most", c.consumers,
				c.delay, a.Low, a.High, law)
		}
	}
}
