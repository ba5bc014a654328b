package gateway

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// What the collector's components do where a configuration says nothing.
const (
	defaultBatchTimeout  = 200 * time.Millisecond
	defaultGroupWait     = time.Second
	defaultDecisionWait  = 30 * time.Second
	defaultRetryInterval = 30 * time.Second
	// decisionTick is how often tail_sampling looks which traces have waited long enough:
	// one may wait that much longer, and never less.
	decisionTick = time.Second
	// retrySpread is by how much a back-off may exceed its interval at random.
	retrySpread = 1.5
)

// Waits are how long a span may rest in a gateway that has nothing else to do.
type Waits struct {
	// Pipeline is the sum over all processors that hold spans back.
	Pipeline time.Duration
	// Retry is the longest back-off of the exporter to the backend.
	Retry time.Duration
}

// processorWait is how long a processor holds a span back.
func processorWait(id string, config map[string]any) time.Duration {
	switch typeOf(id) {
	case "batch":
		return setting(config, "timeout", defaultBatchTimeout)
	case "groupbytrace":
		return setting(config, "wait_duration", defaultGroupWait)
	case "tail_sampling":
		wait := setting(config, "decision_wait", defaultDecisionWait)
		return max(wait, decisionTick) + decisionTick
	}
	return 0
}

// setting reads a duration; what cannot be read, such as a reference, is the default.
func setting(config map[string]any, name string, otherwise time.Duration) time.Duration {
	text, ok := config[name].(string)
	if !ok {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return otherwise
	}
	return d
}

// retryWait is the longest back-off of an exporter.
func retryWait(exporter map[string]any) time.Duration {
	retry, _ := exporter["retry_on_failure"].(map[string]any)
	if enabled, ok := retry["enabled"].(bool); ok && !enabled {
		return 0
	}
	return time.Duration(retrySpread * float64(setting(retry, "max_interval", defaultRetryInterval)))
}

// odigosWaits: three batches, whatever the scenario adds, and the default back-off.
func odigosWaits(g scenario.Gateway) Waits {
	w := Waits{Pipeline: 3 * defaultBatchTimeout, Retry: retryWait(nil)}
	for _, p := range g.Processors {
		w.Pipeline += processorWait(p.ID, p.Config)
	}
	return w
}

// waits of a user's configuration; a processor counts once for each pipeline.
func (u *user) waits(exporter string) Waits {
	var w Waits
	for _, p := range u.pipelines {
		for _, id := range p.processors {
			config, _ := u.processors[id].(map[string]any)
			w.Pipeline += processorWait(id, config)
		}
	}
	settings, _ := u.exporters[exporter].(map[string]any)
	w.Retry = retryWait(settings)
	queue, _ := settings["sending_queue"].(map[string]any)
	if batch, ok := queue["batch"].(map[string]any); ok {
		w.Pipeline += setting(batch, "flush_timeout", defaultBatchTimeout)
	}
	return w
}
