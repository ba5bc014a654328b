package kube

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// LeastSince is the shortest time that a Prometheus is asked for: two windows of rates.
const LeastSince = 10 * time.Minute

// rateWindow is the time over which a peak is a mean.
const rateWindow = 5 * time.Minute

// queryTimeout bounds each query.
const queryTimeout = time.Minute

// whose are the labels by which scrapes of a pod are told, in the ways that are common:
// those of the Prometheus operator, of old scrape configurations, of OpenTelemetry.
var whose = [][2]string{
	{"namespace", "pod"},
	{"kubernetes_namespace", "kubernetes_pod_name"},
	{"k8s_namespace_name", "k8s_pod_name"},
	{"exported_namespace", "exported_pod"},
}

// A prometheus answers questions about one gateway up to one moment.
type prometheus struct {
	api     promv1.API
	at      time.Time
	since   model.Duration
	step    model.Duration
	whose   []string
	podName string
}

// AskPrometheus asks a Prometheus for what a gateway got in the last time before now. What
// it does not know is told in Problems; an error is a Prometheus that does not answer.
func AskPrometheus(
	ctx context.Context, s PromServer, f Found, exporter string, since time.Duration,
) (Observed, error) {
	api, closeIdle, err := s.open()
	if err != nil {
		return Observed{}, fmt.Errorf("use Prometheus %s: %w", s, err)
	}
	defer closeIdle()
	p := prometheus{
		api: api, at: f.At,
		since: model.Duration(since), step: model.Duration(rateWindow),
	}
	if since < 12*rateWindow {
		p.step = model.Duration(time.Minute)
	}
	o, err := p.observe(ctx, f, exporter)
	o.From = fmt.Sprintf("Prometheus %s, the last %s", s, p.since)
	if err != nil {
		return o, fmt.Errorf("ask Prometheus %s: %w", s, err)
	}
	return o, nil
}

func (p *prometheus) observe(ctx context.Context, f Found, exporter string) (Observed, error) {
	var o Observed
	if known, err := p.find(ctx, f); err != nil || !known {
		o.Problems = append(o.Problems, fmt.Sprintf("Prometheus has no spans accepted by pods of %s:"+
			" asked for otelcol_receiver_accepted_spans_total with the labels namespace and pod, and others"+
			" that are common.", f.Workload()))
		return o, err
	}
	rate := "rate(" + accepted.selector(p.whose...) + "[" + model.Duration(rateWindow).String() + "])"
	over := func(f, inner string) string {
		return fmt.Sprintf("%s(%s[%s:%s])", f, inner, p.since, p.step)
	}
	for _, q := range []struct {
		into **Figure
		text string
	}{
		{&o.Peak, over("max_over_time", "sum("+rate+")")},
		{&o.Mean, over("avg_over_time", "sum("+rate+")")},
		{&o.PodPeak, over("max_over_time", "max(sum by("+p.podName+") ("+rate+"))")},
		// What never came has no series: none of it is 0, where all is known.
		{&o.HTTP, "(" + p.increase(acceptedHTTP) + " or vector(0)) / " + p.increase(accepted)},
		{&o.Rejected, p.increase(rejected)},
	} {
		figure, err := p.ask(ctx, q.text, 1)
		if err != nil {
			return o, err
		}
		*q.into = figure
	}
	for _, r := range reckonings(exporter) {
		for _, way := range r.ways {
			text := p.increase(way.of) + " / " + p.increase(way.per)
			figure, err := p.ask(ctx, text, way.scale)
			if err != nil {
				return o, err
			}
			if figure != nil && figure.Value > 0 {
				*r.into(&o) = figure
				break
			}
		}
	}
	return o, nil
}

func (p *prometheus) increase(c counter) string {
	return fmt.Sprintf("sum(increase(%s[%s]))", c.selector(p.whose...), p.since)
}

// find finds out by which labels this Prometheus tells pods.
func (p *prometheus) find(ctx context.Context, f Found) (bool, error) {
	for _, labels := range whose {
		p.podName = labels[1]
		p.whose = []string{
			labels[0], regexp.QuoteMeta(f.Namespace),
			// A pod is called after its Deployment, the hash of a template, and five letters.
			labels[1], regexp.QuoteMeta(f.Deployment) + "-[a-z0-9]+-[a-z0-9]+",
		}
		figure, err := p.ask(ctx, fmt.Sprintf("count(last_over_time(%s[%s]))",
			accepted.selector(p.whose...), p.since), 1)
		if err != nil || figure != nil {
			return figure != nil, err
		}
	}
	return false, nil
}

// ask returns the one number that a query gives; nil: it gives none.
func (p *prometheus) ask(ctx context.Context, text string, scale float64) (*Figure, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	value, _, _, err := p.api.Query(ctx, text, p.at)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", text, err)
	}
	vector, ok := value.(model.Vector)
	if !ok || len(vector) > 1 {
		return nil, fmt.Errorf("query %s: found %s, want one number", text, value.Type())
	}
	if len(vector) == 0 {
		return nil, nil //nolint:nilnil // no answer is an answer
	}
	v := float64(vector[0].Value) * scale
	if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return nil, nil //nolint:nilnil // nothing was counted
	}
	return &Figure{Value: v, From: strings.TrimSpace(text)}, nil
}
