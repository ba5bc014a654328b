package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// metricsPath is the aggregated API of metrics-server and of whoever stands in for it.
const metricsPath = "apis/metrics.k8s.io/v1beta1"

// metricsEvery is how often a pod is asked for at most: it is measured every 15 s as a rule.
const metricsEvery = 5 * time.Second

// A metricsAPI tells how many cores a container used over a window, and its working set at
// the window's end. Windows that follow each other are added up to a counter.
type metricsAPI struct {
	poll
	page func(ctx context.Context, path string) ([]byte, error)
}

func newMetricsAPI(life context.Context, runs *sync.WaitGroup,
	page func(ctx context.Context, path string) ([]byte, error),
) *metricsAPI {
	m := &metricsAPI{page: page}
	m.poll = poll{
		every: metricsEvery, life: life, runs: runs, ask: m.measure,
		none: errors.New("not known: the metrics API has not measured it yet"),
	}
	return m
}

// served is whether the cluster has such an API. A right to it shows when it is asked.
func (m *metricsAPI) served(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := m.page(ctx, metricsPath)
	return err == nil
}

func (m *metricsAPI) measure(ctx context.Context, namespace string, life incarnation,
	before env.Usage,
) (env.Usage, error) {
	text, err := m.page(ctx, metricsPath+"/namespaces/"+namespace+"/pods/"+life.pod)
	if apierrors.IsNotFound(err) {
		return before, nil // it was not measured yet
	}
	if err != nil {
		return before, fmt.Errorf("not known: ask the metrics API for pod %s: %w", life.pod, err)
	}
	told, ok, err := parsePodMetrics(text, life.container)
	if err != nil {
		return before, fmt.Errorf("not known: read the metrics API of pod %s: %w", life.pod, err)
	}
	if !ok {
		return before, nil
	}
	return follows(before, told, life.began), nil
}

// A metricsWindow is what a container used in a window of time.
type metricsWindow struct {
	at         time.Time // its end, to the second
	over       time.Duration
	cores      float64
	workingSet int64
}

// follows adds a window to what was used before it. One that overlaps with what is added up
// already is left out, so that a mean over five minutes counts once in five minutes. After a
// gap nobody knows what was used in it: the counter begins anew at 0, as that of a process
// that was started again.
func follows(before env.Usage, w metricsWindow, began time.Time) env.Usage {
	if w.over <= 0 || w.at.Add(-w.over).Before(began.Add(-startSlack)) {
		return before // partly of the life before, if not wholly
	}
	used := w.cores * w.over.Seconds()
	now := env.Usage{At: w.at, CPUSeconds: &used, MemoryWorkingSet: &w.workingSet}
	if before.At.IsZero() {
		return now
	}
	due := before.At.Add(w.over)
	late := w.at.Sub(due)
	switch {
	case late < -time.Second: // times are to the second
		return before
	case late <= time.Second+metricsEvery+w.over/10:
		now.At = due
		used += *before.CPUSeconds
	default:
		used = 0
	}
	return now
}

// parsePodMetrics reads a PodMetrics (k8s.io/metrics/pkg/apis/metrics/v1beta1); not ok where
// the container is not in it.
func parsePodMetrics(text []byte, container string) (w metricsWindow, ok bool, err error) {
	var pod struct {
		Timestamp  time.Time `json:"timestamp"`
		Window     string    `json:"window"`
		Containers []struct {
			Name  string                       `json:"name"`
			Usage map[string]resource.Quantity `json:"usage"`
		} `json:"containers"`
	}
	if err := json.Unmarshal(text, &pod); err != nil {
		return w, false, err
	}
	if w.over, err = time.ParseDuration(pod.Window); err != nil {
		return w, false, fmt.Errorf("window: %w", err)
	}
	w.at = pod.Timestamp
	for _, c := range pod.Containers {
		cpu, hasCPU := c.Usage["cpu"]
		memory, hasMemory := c.Usage["memory"]
		if c.Name == container && hasCPU && hasMemory {
			w.cores, w.workingSet = cpu.AsApproximateFloat64(), memory.Value()
			return w, true, nil
		}
	}
	return w, false, nil
}

// read reads a page of the API server itself.
func (a access) read(ctx context.Context, path string) ([]byte, error) {
	if a.http == nil {
		return nil, errors.New("there is no API server")
	}
	resp, err := a.get(ctx, "", strings.Split(path, "/")...)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return text, nil
	}
	if said := statusOf(resp, text); said != nil {
		return nil, said
	}
	return nil, fmt.Errorf("GET /%s: %s", path, resp.Status)
}
