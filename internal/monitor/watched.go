package monitor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// maxScrape is how much of an answer is read. A collector serves some 100 KB.
const maxScrape = 16 << 20

// A watched target is a target and what the last look left of it.
type watched struct {
	Target
	last distributions // of the last scrape that was answered
	vars goVars
	// since is when its process began, as near as is known.
	since time.Time

	members []*watched
	// Of several gateways: what each counted last, and what those did whose places
	// others have taken.
	latest, gone counts
	// before is whose place this one takes; nil once it has taken over from it.
	before *watched
}

func newWatched(t Target) *watched {
	w := &watched{Target: t}
	for _, member := range t.Members {
		w.members = append(w.members, newWatched(member))
	}
	return w
}

// looks is a look at the target, or at each of its members and at all of them together.
func (w *watched) looks(ctx context.Context,
	transport http.RoundTripper,
) map[string]record.ActorSample {
	w.takeOver()
	if len(w.members) == 0 {
		return map[string]record.ActorSample{w.Name: w.scaled(w.look(ctx, transport))}
	}
	each := make([]record.ActorSample, len(w.members))
	var group sync.WaitGroup
	for i, member := range w.members {
		group.Go(func() { each[i] = member.look(ctx, transport) })
	}
	group.Wait()
	all := map[string]record.ActorSample{w.Name: w.scaled(w.sum(each))}
	for i, member := range w.members {
		all[member.Name] = each[i]
	}
	return all
}

// scaled adds to a look how many there are, where the place knows that.
func (w *watched) scaled(a record.ActorSample) record.ActorSample {
	if s, ok := w.Instance.(env.Scaled); ok {
		if scale, known := s.Scale(); known {
			a.Scale = &scale
		}
	}
	return a
}

// look asks for usage and metrics side by side. What is not answered stays unknown.
func (w *watched) look(ctx context.Context, transport http.RoundTripper) record.ActorSample {
	var a record.ActorSample
	if a.Running = w.Instance.State().Running; !a.Running {
		return a
	}
	var group sync.WaitGroup
	if w.MetricsURL != "" {
		group.Go(func() {
			began := time.Now()
			metrics, err := w.scrape(ctx, transport)
			a.ScrapeSeconds = time.Since(began).Seconds()
			a.Metrics = metrics
			if err != nil {
				a.ScrapeError = err.Error()
			}
		})
	}
	var vars *memStats
	if w.Kind == Collector {
		// What is not served stays unknown, and is no fault of the look.
		group.Go(func() { vars, _ = w.vars.read(ctx, transport, w.VarsURL) })
	}
	usage, err := w.Instance.Usage(ctx)
	group.Wait()
	w.addRuntime(&a, vars)
	if err != nil {
		a.UsageError = err.Error()
	} else {
		a.Usage = &usage
	}
	// An actor that died under the look is not a silent one.
	if a.UsageError != "" || a.ScrapeError != "" {
		a.Running = w.Instance.State().Running
	}
	return a
}

// addRuntime adds to what a collector answered what is known of its Go runtime.
func (w *watched) addRuntime(a *record.ActorSample, vars *memStats) {
	if w.Kind != Collector || a.Metrics == nil && vars == nil {
		return
	}
	if a.Metrics == nil {
		a.Metrics = map[record.Metric]float64{}
	}
	if uptime, ok := a.Metrics[record.Uptime]; ok && w.since.IsZero() {
		w.since = time.Now().Add(-time.Duration(uptime * float64(time.Second)))
	}
	maps.Copy(a.Metrics, goFigures(vars, w.Go, w.since))
}

func (w *watched) scrape(ctx context.Context,
	transport http.RoundTripper,
) (map[record.Metric]float64, error) {
	body, err := get(ctx, transport, w.MetricsURL)
	if err != nil {
		return nil, fmt.Errorf("scrape %s: %w", w.Name, err)
	}
	points, err := parse(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("scrape %s: %w", w.Name, err)
	}
	metrics, now := read(&w.Target, points, w.last)
	w.last = now
	return metrics, nil
}

func get(ctx context.Context, transport http.RoundTripper, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/plain;version=0.0.4")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxScrape+1))
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", url, err)
	}
	if len(body) > maxScrape {
		return nil, fmt.Errorf("GET %s: answer is larger than %d MiB", url, maxScrape>>20)
	}
	return body, nil
}
