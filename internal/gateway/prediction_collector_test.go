package gateway

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// predictable are processors by the name of their case, each put into a pipeline of its
// own, in order.
var predictable = []struct {
	name       string
	processors []string
	paths      int
}{
	{"hash", []string{"probabilistic_sampler: {sampling_percentage: 33.3}"}, 1},
	{"seeded", []string{"probabilistic_sampler: {sampling_percentage: 10, hash_seed: 22}"}, 1},
	{"tiny", []string{"probabilistic_sampler: {sampling_percentage: 0.05}"}, 1},
	{"below-a-bucket", []string{"probabilistic_sampler: {sampling_percentage: 0.001}"}, 1},
	{"nothing", []string{"probabilistic_sampler: {}"}, 1},
	{"above", []string{"probabilistic_sampler: {sampling_percentage: 150}"}, 1},
	{"equalizing", []string{"probabilistic_sampler: {mode: equalizing, sampling_percentage: 12.5}"}, 1},
	{"coarse", []string{"probabilistic_sampler: {mode: equalizing, sampling_percentage: 37, sampling_precision: 1}"}, 1},
	{"proportional", []string{"probabilistic_sampler: {mode: proportional, sampling_percentage: 66.6}"}, 1},
	{"proportional-twice", []string{
		"probabilistic_sampler/a: {mode: proportional, sampling_percentage: 60}",
		"probabilistic_sampler/b: {mode: proportional, sampling_percentage: 40}",
	}, 1},
	{"equalized-again", []string{
		"probabilistic_sampler/a: {mode: equalizing, sampling_percentage: 30}",
		"probabilistic_sampler/b: {mode: equalizing, sampling_percentage: 70}",
	}, 1},
	{"hash-twice", []string{
		"probabilistic_sampler/a: {sampling_percentage: 60}",
		"probabilistic_sampler/b: {sampling_percentage: 40, hash_seed: 3}",
	}, 1},
	{"hash-twice-open", []string{
		"probabilistic_sampler/a: {sampling_percentage: 60}",
		"probabilistic_sampler/b: {sampling_percentage: 40, hash_seed: 3, fail_closed: false}",
	}, 1},
	{"hash-then-proportional", []string{
		"probabilistic_sampler/a: {sampling_percentage: 50}",
		"probabilistic_sampler/b: {mode: proportional, sampling_percentage: 50}",
	}, 1},
	{"hash-then-equalizing", []string{
		"probabilistic_sampler/a: {sampling_percentage: 50}",
		"probabilistic_sampler/b: {mode: equalizing, sampling_percentage: 20}",
	}, 1},
	{"equalizing-then-hash", []string{
		"probabilistic_sampler/a: {mode: equalizing, sampling_percentage: 50}",
		"probabilistic_sampler/b: {sampling_percentage: 20}",
	}, 1},
	{"tail", []string{tailOf("{name: p, type: probabilistic, probabilistic: {sampling_percentage: 25}}")}, 1},
	{"tail-salted", []string{tailOf(
		"{name: p, type: probabilistic, probabilistic: {sampling_percentage: 25, hash_salt: sea}}",
	)}, 1},
	{"tail-all", []string{tailOf("{name: a, type: always_sample}")}, 1},
	{"tail-none", []string{tailOf("{name: p, type: probabilistic, probabilistic: {sampling_percentage: 0}}")}, 1},
	{"tail-of-two", []string{tailOf(
		"{name: p, type: probabilistic, probabilistic: {sampling_percentage: 25}}",
		"{name: q, type: probabilistic, probabilistic: {sampling_percentage: 25, hash_salt: b}}",
	)}, 1},
	{"tail-and-not", []string{tailOf(`{name: and, type: and, and: {and_sub_policy: [
		{name: p, type: probabilistic, probabilistic: {sampling_percentage: 50}},
		{name: n, type: not, not: {not_sub_policy: {name: q, type: probabilistic, probabilistic: {sampling_percentage: 40, hash_salt: b}}}}]}}`)}, 1},
	{"tail-drop", []string{tailOf(
		"{name: a, type: always_sample}",
		`{name: d, type: drop, drop: {drop_sub_policy: [
		{name: p, type: probabilistic, probabilistic: {sampling_percentage: 30, hash_salt: c}}]}}`,
	)}, 1},
	{"tail-then-hash", []string{
		tailOf("{name: p, type: probabilistic, probabilistic: {sampling_percentage: 50}}"),
		"probabilistic_sampler: {sampling_percentage: 50}",
	}, 1},
	{"two-ways", []string{"probabilistic_sampler: {sampling_percentage: 20}"}, 2},
}

func tailOf(policies ...string) string {
	return "tail_sampling: {decision_wait: 1s, policies: [" + strings.Join(policies, ", ") + "]}"
}

// predictableConfig has a pipeline for each case; that of two ways has a second one, with
// another sampler.
func predictableConfig(port int, backend string) string {
	var processors, exporters, pipelines strings.Builder
	for _, c := range predictable {
		var ids []string
		for i, p := range append(slices.Clone(c.processors), "batch: {timeout: 50ms}") {
			kind, config, _ := strings.Cut(p, ": ")
			kind, _, _ = strings.Cut(kind, "/")
			id := fmt.Sprintf("%s/%s-%d", kind, c.name, i)
			fmt.Fprintf(&processors, "  %s: %s\n", id, strings.ReplaceAll(config, "\n", " "))
			ids = append(ids, id)
		}
		fmt.Fprintf(&exporters, "  otlp_http/%s: {traces_endpoint: %s/%s, retry_on_failure: {enabled: false}}\n",
			c.name, backend, c.name)
		fmt.Fprintf(&pipelines, "    traces/%s: {receivers: [otlp], processors: [%s], exporters: [otlp_http/%s]}\n",
			c.name, strings.Join(ids, ", "), c.name)
		if c.paths > 1 {
			fmt.Fprintf(&pipelines, "    traces/%s-too: {receivers: [otlp], exporters: [forward]}\n", c.name)
			fmt.Fprintf(&pipelines, "    traces/%s-on: {receivers: [forward], processors: [%s], exporters: [otlp_http/%s]}\n",
				c.name, "probabilistic_sampler/seeded-0", c.name)
		}
	}
	return fmt.Sprintf(`receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:%d"}}}
processors:
%sconnectors:
  forward:
exporters:
%sservice:
  telemetry: {metrics: {level: none}}
  pipelines:
%s`, port, strings.ReplaceAll(processors.String(), "\t", ""), exporters.String(), pipelines.String())
}

// The real collector keeps the very traces that are predicted to be kept.
func TestPredictionHolds(t *testing.T) {
	binary, err := filepath.Abs("../../bin/" + Sibling)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Skipf("no collector at %s: build it with: make build", binary)
	}
	const traces = 5000
	var kept keptTraces
	backend := httptest.NewServer(&kept)
	defer backend.Close()
	port := freePort(t)
	config := predictableConfig(port, backend.URL)
	u, err := readUser(Source{Name: "predictable.yaml", Text: []byte(config)})
	if err != nil {
		t.Fatal(err)
	}
	ids := sendTraces(t, binary, config, port, traces)
	for _, c := range predictable {
		p := u.prediction("otlp_http/" + c.name)
		keeps := p.Keeps()
		if keeps == nil || len(p.Paths) != c.paths {
			t.Errorf("%s: prediction = %+v, want %d paths", c.name, p, c.paths)
			continue
		}
		wrong, all := 0, 0
		for _, id := range ids {
			if keeps(id) != kept.has(c.name, id) {
				wrong++
			}
			if keeps(id) {
				all++
			}
		}
		if wrong > 0 {
			t.Errorf("%s: of %d traces, %d predicted to be kept, %d fared otherwise", c.name, traces, all, wrong)
			continue
		}
		t.Logf("%s: %d of %d kept, as predicted", c.name, all, traces)
	}
}

// keptTraces is a backend that remembers which traces came, by the path of its URL.
type keptTraces struct {
	mu   sync.Mutex
	came map[string]bool
}

func (k *keptTraces) has(name string, id [16]byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.came["/"+name+"/"+string(id[:])]
}

func (k *keptTraces) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = z
	}
	b, err := io.ReadAll(body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(b, &request)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.came == nil {
		k.came = map[string]bool{}
	}
	for _, rs := range request.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				k.came[r.URL.Path+"/"+string(s.GetTraceId())] = true
			}
		}
	}
}

// sendTraces runs the collector, sends traces to it and ends it, which makes it decide
// and send all that it holds.
func sendTraces(t *testing.T, binary, config string, port, n int) (ids [][16]byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	file := filepath.Join(t.TempDir(), "predictable.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, "--config", file)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	spans := make([]*trace.Span, n)
	ids = make([][16]byte, n)
	for i := range n {
		ids[i] = traceID(r.Uint64(), r.Uint64())
		spans[i] = &trace.Span{TraceId: ids[i][:], SpanId: ids[i][:8], Name: "x"}
	}
	body, err := proto.Marshal(&collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{
		{ScopeSpans: []*trace.ScopeSpans{{Spans: spans}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	post(ctx, t, fmt.Sprintf("http://127.0.0.1:%d/v1/traces", port), body, &log)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	return ids
}

func traceID(hi, lo uint64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], hi)
	binary.BigEndian.PutUint64(id[8:], lo)
	return id
}

// post sends once somebody listens.
func post(ctx context.Context, t *testing.T, url string, body []byte, log fmt.Stringer) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-protobuf")
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Fatalf("post: %s", answer.Status)
			}
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("post: %v\n%s", err, log)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
