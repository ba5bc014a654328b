package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

var (
	trials = flag.Int("trials", 1, "how many trials TestNothingUnexplained runs, each of another seed")
	first  = flag.Uint64("first-seed", 1, "the seed of the first of them")
	waits  = flag.Bool("default-waits", false,
		"run them with the collector's own decision wait and back-off, a minute and a half each")
)

// A chaos is what TestNothingUnexplained asks of one trial.
type chaos struct {
	seed          uint64
	shape         string
	rate          int
	tail, head    int    // per cent kept by tail_sampling and probabilistic_sampler
	batch, delay  int    // spans of a batch, milliseconds to the backend's answer
	wait, backOff string // settings of tail_sampling and of the exporter's retry
	measured      string
	drain         string
	cut           time.Duration // between cuts of the connections to the backend
}

// chaosOf is the trial of a seed: shape, rate and shares vary with it.
func chaosOf(seed uint64) chaos {
	r := rand.New(rand.NewPCG(seed, 0))
	pick := func(of ...int) int { return of[r.IntN(len(of))] }
	c := chaos{
		seed: seed, shape: []string{"simple", "odigos-docs", "complex"}[r.IntN(3)],
		rate: pick(2000, 3000, 5000), tail: pick(30, 60, 90), head: pick(40, 75, 100),
		batch: pick(20, 50, 200), delay: pick(50, 100, 200),
		wait: "decision_wait: 1s",
		backOff: "initial_interval: 30ms, max_interval: 100ms, max_elapsed_time: " +
			[]string{"200ms", "500ms", "2s"}[r.IntN(3)],
		measured: "4s", drain: "60s", cut: time.Duration(pick(1700, 1900, 2000, 2300)) * time.Millisecond,
	}
	if *waits {
		// An exporter may try again for five minutes, and quiet is longer than its longest pause.
		c.wait, c.backOff, c.measured, c.drain = "num_traces: 500000", "", "20s", "10m"
	}
	return c
}

func (c chaos) scenario() string {
	return fmt.Sprintf(`name: chaos
load: {rate: %d, shape: %s, seed: %d, compression: gzip, connections: 4, spans_per_request: 40}
gateway: {kind: otelcol, config: collector.yaml, exporter: otlp_grpc/backend}
backend: {success_rate: 70%%, delay: %dms}
timing: {warm_up: 1s, duration: %s, drain: %s}
`, c.rate, c.shape, c.seed, c.delay, c.measured, c.drain)
}

func (c chaos) collector() string {
	return fmt.Sprintf(`receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
        keepalive: {server_parameters: {max_connection_age: 2s, max_connection_age_grace: 10ms}}
processors:
  batch: {timeout: 100ms, send_batch_size: %d, send_batch_max_size: %d}
  tail_sampling:
    %s
    policies: [{name: some, type: probabilistic, probabilistic: {sampling_percentage: %d}}]
  probabilistic_sampler: {sampling_percentage: %d, hash_seed: %d}
exporters:
  otlp_grpc/backend:
    endpoint: collector.example:4317
    compression: gzip
    retry_on_failure: {%s}
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [tail_sampling, probabilistic_sampler, batch]
      exporters: [otlp_grpc/backend]
`, c.batch, c.batch, c.wait, c.tail, c.head, c.seed, c.backOff)
}

// Batching, gzip, two samplers, connections cut on both sides of the gateway and a backend
// that fails three requests in ten: the account holds, and nothing is left unexplained.
func TestNothingUnexplained(t *testing.T) {
	for i := range uint64(*trials) {
		c := chaosOf(*first + i)
		t.Run(fmt.Sprintf("seed=%d", c.seed), func(t *testing.T) {
			t.Parallel()
			p := newPlan(t, c.scenario(), c.collector())
			r := runTrial(t, p, c.cut)
			checkExplained(t, r)
			if t.Failed() {
				t.Logf("%+v\nrecord: %s", c, r.Dir)
			}
		})
	}
}

// checkExplained wants an account without a rest, and prints it in a line.
func checkExplained(t *testing.T, r *record.Record) {
	t.Helper()
	if r.Ending == nil || r.Ending.Received == nil || r.Ending.Predicted == nil {
		t.Fatalf("the trial has no account: %+v", r.Ending)
	}
	all, f := r.Ending.All, verdict.Measure(r).Explained
	if err := all.Check(); err != nil {
		t.Error(err)
	}
	if all.Impossible > 0 || r.Ending.Received.Foreign > 0 || !r.Ending.Drained.Complete {
		t.Errorf("%d impossible and %d foreign spans, drained: %+v", all.Impossible,
			r.Ending.Received.Foreign, r.Ending.Drained)
	}
	if f.Unexplained == nil || *f.Unexplained > 0 {
		t.Errorf("unexplained: %s", count(f.Unexplained))
	}
	if f.Contradicting == nil || *f.Contradicting > 0 {
		t.Errorf("delivered against the prediction: %s", count(f.Contradicting))
	}
	var sent, failed uint64
	for _, b := range f.Books {
		if b.Unexplained > 0 {
			t.Errorf("books differ: %+v", b)
		}
		switch {
		case b.Counter == string(record.ExporterSent):
			sent = b.Says
		case strings.HasPrefix(b.Counter, string(record.ExporterSendFailed)):
			failed = b.Says
		}
	}
	if len(f.Books) < 3 {
		t.Errorf("only %d books could be compared: %+v", len(f.Books), f.Books)
	}
	a := all.Acknowledged
	t.Logf("due %d = unsent %d + acked %d + refused %d + unknown %d; of the acked delivered %d, "+
		"sampled %d, given up %d (turned away %d), not queued %d, unexplained %s; against the "+
		"prediction %s; deliveries beyond the first %d, of the unknown delivered %d; collector: sent "+
		"%d, given up %d", all.Due, all.Unsent, a.Items,
		all.RefusedRetryable.Items+all.RefusedPermanent.Items, all.Unknown.Items, a.Delivered(),
		f.Sampled, f.GivenUp, f.TurnedAway, f.NotQueued, count(f.Unexplained), count(f.Contradicting),
		a.Extra+all.Unknown.Extra, all.Unknown.Delivered(), sent, failed)
}

func count(n *uint64) string {
	if n == nil {
		return "not known"
	}
	return fmt.Sprint(*n)
}
