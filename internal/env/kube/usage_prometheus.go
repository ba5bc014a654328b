package kube

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// promEvery is how often a container is asked for at most, promReach how far back a sample
// may be: twice the longest interval between scrapes that is common.
const (
	promEvery = 5 * time.Second
	promReach = "2m"
)

// ofContainer are the labels by which containers are told: those of kubelet's page, those
// where a scrape's own labels come before these, and those of before Kubernetes 1.16.
var ofContainer = [][3]string{
	{"namespace", "pod", "container"},
	{"exported_namespace", "exported_pod", "exported_container"},
	{"namespace", "pod_name", "container_name"},
}

// A promUsage is a Prometheus that scrapes the page metrics/cadvisor of kubelets. It is asked
// for its samples, and not for values at a moment: only these have the time at which they
// were measured.
type promUsage struct {
	poll
	api   promv1.API
	where string
	close func()

	mu     sync.Mutex
	labels int // of ofContainer
}

func newPromUsage(life context.Context, runs *sync.WaitGroup, s PromServer) (*promUsage, error) {
	api, closeIdle, err := s.open()
	if err != nil {
		return nil, fmt.Errorf("use Prometheus %s: %w", s, err)
	}
	p := &promUsage{api: api, where: s.String(), close: closeIdle}
	p.poll = poll{
		every: promEvery, life: life, runs: runs, ask: p.measure,
		none: errors.New("not known: Prometheus has not told it yet"),
	}
	return p, nil
}

// answers fails where it does not.
func (p *promUsage) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, _, _, err := p.api.Query(ctx, "vector(1)", time.Time{})
	return err
}

func (p *promUsage) measure(ctx context.Context, namespace string, life incarnation,
	before env.Usage,
) (env.Usage, error) {
	p.mu.Lock()
	first := p.labels
	p.mu.Unlock()
	for n := range ofContainer {
		labels := (first + n) % len(ofContainer)
		of := ofContainer[labels]
		text := fmt.Sprintf(`{__name__=~%q,%s=%q,%s=%q,%s=%q}[%s]`,
			strings.Join(cadvisorNames(), "|"), of[0], namespace, of[1], life.pod, of[2], life.container,
			promReach)
		value, _, _, err := p.api.Query(ctx, text, time.Time{})
		if err != nil {
			return env.Usage{}, fmt.Errorf("not known: ask Prometheus %s: %w", p.where, err)
		}
		matrix, ok := value.(model.Matrix)
		if !ok {
			return env.Usage{}, fmt.Errorf("not known: ask Prometheus %s: found %s, want a matrix",
				p.where, value.Type())
		}
		if usage, ok := promFigures(matrix, life); ok {
			p.mu.Lock()
			p.labels = labels
			p.mu.Unlock()
			return usage, nil
		}
	}
	return before, nil // it was not scraped yet, or not any more
}

// promFigures are the newest of an incarnation: its CPU time, and what was measured with it.
func promFigures(matrix model.Matrix, life incarnation) (u env.Usage, ok bool) {
	var last model.Time
	var own model.Matrix
	for _, series := range matrix {
		if !ofLife(series.Metric, life) || len(series.Values) == 0 {
			continue
		}
		own = append(own, series)
		if series.Metric[model.MetricNameLabel] == cpuTotal {
			last = max(last, series.Values[len(series.Values)-1].Timestamp)
		}
	}
	if last == 0 || last.Time().Before(life.began) {
		return env.Usage{}, false
	}
	figures := map[string]float64{}
	for _, series := range own {
		if i := slices.IndexFunc(series.Values, func(v model.SamplePair) bool {
			return v.Timestamp == last
		}); i >= 0 {
			figures[string(series.Metric[model.MetricNameLabel])] += float64(series.Values[i].Value)
		}
	}
	u = env.Usage{At: last.Time().UTC(), CPUSeconds: new(figures[cpuTotal])}
	addDetails(&u, figures)
	return u, true
}

// ofLife is whether a series is of one life of a container, as far as its labels tell.
func ofLife(labels model.Metric, life incarnation) bool {
	_, id, _ := strings.Cut(life.id, "://")
	group, told := labels["id"]
	return !told || id == "" || strings.Contains(string(group), id)
}

// cadvisorNames are what is asked for, as regular expressions.
func cadvisorNames() []string {
	names := []string{regexp.QuoteMeta(cpuTotal)}
	for _, name := range detailNames() {
		names = append(names, regexp.QuoteMeta(name))
	}
	return names
}
