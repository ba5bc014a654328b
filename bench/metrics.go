package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// A reading is what a process said of itself at a moment. All of it only rises.
type reading struct {
	spans              float64 // acknowledged, of the load generator
	arrived            float64 // for the first time, of the backend
	allocated, mallocs float64
}

// scrape reads the metrics of the tool's ends.
func scrape(ctx context.Context, admin string) (reading, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		return reading{}, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return reading{}, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return reading{}, fmt.Errorf("GET %s: %s", r.URL, answer.Status)
	}
	return readMetrics(answer.Body)
}

func readMetrics(in io.Reader) (reading, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(in)
	if err != nil {
		return reading{}, fmt.Errorf("parse metrics: %w", err)
	}
	sum := func(name, value string) (total float64) {
		for _, m := range families[name].GetMetric() {
			if value == "" || hasLabel(m, value) {
				total += m.GetCounter().GetValue()
			}
		}
		return total
	}
	out := reading{
		spans:     sum("odigos_stress_loadgen_spans_total", "acknowledged"),
		arrived:   sum("odigos_stress_backend_spans_total", "unique"),
		allocated: sum("go_memstats_alloc_bytes_total", ""),
		mallocs:   sum("go_memstats_mallocs_total", ""),
	}
	if out.allocated == 0 || out.mallocs == 0 {
		return reading{}, fmt.Errorf("read metrics: no allocations among %d families", len(families))
	}
	return out, nil
}

func hasLabel(m *dto.Metric, value string) bool {
	return slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetValue() == value })
}

// watchAllocations scrapes a load generator twice while it runs. The function it
// returns gives the allocations between the two, per span: what preparing costs is
// not in them. They are nil when a scrape came too late.
func watchAllocations(ctx context.Context, admin string, length time.Duration,
) func() (allocated, mallocs *float64) {
	ctx, cancel := context.WithCancel(ctx)
	at := make(chan [2]reading, 1)
	go func() {
		defer close(at)
		var both [2]reading
		for i, share := range []float64{0.4, 0.5} {
			select {
			case <-time.After(time.Duration(share * float64(length))):
			case <-ctx.Done():
				return
			}
			r, err := scrape(ctx, admin)
			if err != nil {
				return // it has ended, or has not begun: not known
			}
			both[i] = r
		}
		at <- both
	}()
	return func() (allocated, mallocs *float64) {
		cancel()
		both, ok := <-at
		spans := both[1].spans - both[0].spans
		if !ok || spans <= 0 {
			return nil, nil
		}
		a, m := (both[1].allocated-both[0].allocated)/spans, (both[1].mallocs-both[0].mallocs)/spans
		return &a, &m
	}
}
