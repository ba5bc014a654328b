// Package selftest measures both ends of the wire against each other, with no gateway
// between them: what this host's load generator and backend can do at most, how well
// the schedule is kept, and how far the figures spread.
//
//	loadgen ══OTLP══▶ backend
//
// The two run as processes of their own in the same place as a trial's, so that what
// is measured is what runs. Nothing is read but the books that they keep, and each
// pass counts only when its account joins without a span lost, repeated or unknown.
package selftest

import (
	"context"
	"fmt"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// Options say how a selftest is made.
type Options struct {
	// Quick takes short windows: figures are coarse, and there in a quarter of the time.
	Quick bool
	// Dir takes the accounts, one pair at a time. It must exist.
	Dir string
	// Watch, when set, hears what is measured next: step n of all.
	Watch func(n, all int, what string)

	// For tests, which are in a hurry; zero is as it should be.
	lengths  lengths
	inFlight int
}

// The spans per second of the steps that do not look for the ceiling.
var pacedRates = []scenario.Rate{1_000, 10_000}

const (
	// pacedRequest makes 1,000 sends a second of 10,000 spans.
	pacedRequest = 10
	noiseRate    = scenario.Rate(10_000)
	noiseWindows = 5
)

// workloads are those whose ceiling is looked for: Odigos' documented one, and the
// one that the ends are compared with others by.
var workloads = []scenario.Load{
	{Shape: scenario.ShapeOdigosDocs, SpansPerRequest: 100},
	{Shape: scenario.ShapeSimple, SpansPerRequest: 1000},
}

var compressions = []scenario.Compression{scenario.CompressionNone, scenario.CompressionGzip}

// lengths are how long the steps measure.
type lengths struct {
	warmUp, probe, ceiling, pacing, window time.Duration
}

var (
	full = lengths{
		warmUp: 300 * time.Millisecond, probe: 500 * time.Millisecond,
		ceiling: 3 * time.Second, pacing: 5 * time.Second, window: 2 * time.Second,
	}
	quick = lengths{
		warmUp: 100 * time.Millisecond, probe: 600 * time.Millisecond,
		pacing: time.Second, window: 400 * time.Millisecond,
	}
)

// Run measures everything, one step after the other. The caller fills in who measured,
// where and when. An error means that there is no result: an end could not be started,
// or a span was lost between them.
func Run(ctx context.Context, place env.Environment, o Options) (record.Selftest, error) {
	s := &session{place: place, options: o, lengths: o.lengths}
	switch {
	case s.lengths != (lengths{}):
	case o.Quick:
		s.lengths = quick
	default:
		s.lengths = full
	}
	s.steps = len(workloads)*len(compressions) + len(pacedRates) + noiseWindows
	begun := time.Now()
	result := record.Selftest{SchemaVersion: record.SelftestVersion, Quick: o.Quick}
	for _, step := range []func(context.Context, *record.Selftest) error{
		s.ceilings, s.pacing, s.noise,
	} {
		if err := step(ctx, &result); err != nil {
			return record.Selftest{}, err
		}
	}
	result.Seconds = time.Since(begun).Seconds()
	return result, nil
}

// A session is one selftest under way.
type session struct {
	place   env.Environment
	options Options
	lengths lengths
	steps   int
	step    int // begun
	passes  int // begun
}

func (s *session) begin(format string, args ...any) string {
	s.step++
	what := fmt.Sprintf(format, args...)
	if s.options.Watch != nil {
		s.options.Watch(s.step, s.steps, what)
	}
	return what
}

// ceilings looks for the ceiling of each workload, plain and compressed.
func (s *session) ceilings(ctx context.Context, result *record.Selftest) error {
	for _, w := range workloads {
		for _, c := range compressions {
			w.Compression = c
			what := s.begin("ceiling of %s, %d spans a request, compression %s",
				w.Shape, w.SpansPerRequest, c)
			found, err := s.ceiling(ctx, w)
			if err != nil {
				return fmt.Errorf("measure %s: %w", what, err)
			}
			result.Ceilings = append(result.Ceilings, found)
		}
	}
	return nil
}

// pacing keeps schedules that ask for little.
func (s *session) pacing(ctx context.Context, result *record.Selftest) error {
	for _, rate := range pacedRates {
		what := s.begin("pacing at %s spans/s", rate)
		p, err := s.pass(ctx, scenario.Load{
			Shape: scenario.ShapeOdigosDocs, SpansPerRequest: pacedRequest, Rate: rate,
		}, s.lengths.warmUp, s.lengths.pacing)
		if err != nil {
			return fmt.Errorf("measure %s: %w", what, err)
		}
		late := p.sent.Lateness
		result.Pacing = append(result.Pacing, record.Pacing{
			Workload: workload(p.load), Rate: float64(rate), Slots: late.Count(),
			LatenessP50: quantile(late, 0.5, late.Count()),
			LatenessP99: quantile(late, 0.99, late.Count()),
			SlopeError:  p.sent.SlopeError,
		})
	}
	return nil
}

// noise measures the same again and again. The latency floor is of all its windows.
func (s *session) noise(ctx context.Context, result *record.Selftest) error {
	var sender, receiver []float64
	latency, requests := ledger.NewHistogram(), int64(0)
	for n := range noiseWindows {
		what := s.begin("noise and latency at %s spans/s, window %d", noiseRate, n+1)
		p, err := s.pass(ctx, scenario.Load{
			Shape: scenario.ShapeOdigosDocs, SpansPerRequest: 100, Rate: noiseRate,
		}, s.lengths.warmUp, s.lengths.window)
		if err != nil {
			return fmt.Errorf("measure %s: %w", what, err)
		}
		a, b := p.cpuPerSpan()
		sender, receiver = append(sender, a), append(receiver, b)
		latency.Merge(p.received.Latency)
		requests += p.sent.Lateness.Count()
		result.Noise.Workload = workload(p.load)
	}
	result.Noise.Rate, result.Noise.Windows = float64(noiseRate), noiseWindows
	result.Noise.WindowSeconds = s.lengths.window.Seconds()
	result.Noise.LoadgenMedian, result.Noise.LoadgenSpread = spread(sender)
	result.Noise.BackendMedian, result.Noise.BackendSpread = spread(receiver)
	result.Floor = record.Floor{
		Workload: result.Noise.Workload, Rate: float64(noiseRate), Requests: requests,
		P50: quantile(latency, 0.5, requests), P99: quantile(latency, 0.99, requests),
	}
	return nil
}
