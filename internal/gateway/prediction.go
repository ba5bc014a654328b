package gateway

import (
	"fmt"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/sampler"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// transparent are processors that change nothing a sampler looks at (trace id,
// tracestate, sampling.priority) and drop nothing without a word.
var transparent = []string{
	"attributes", "batch", "cumulativetodelta", "groupbyattrs", "groupbytrace",
	"k8s_attributes", "k8sattributes", "memory_limiter", "redaction", "resource",
	"resource_detection", "resourcedetection", "span",
}

// mostPaths is how many ways to the backend are followed.
const mostPaths = 16

// cannot is why a gateway's samplers cannot be predicted.
type cannot string

func (c cannot) Error() string { return string(c) }

func predicted(paths [][]sampler.Sampler, err error) *sampler.Prediction {
	if err != nil {
		return &sampler.Prediction{Unpredictable: err.Error()}
	}
	return &sampler.Prediction{Paths: paths}
}

// odigosPrediction is of the scenario's own processors: the only ones that sample, on the
// only way to the backend.
func odigosPrediction(g scenario.Gateway) *sampler.Prediction {
	if len(odigosSampling(g)) == 0 {
		return nil
	}
	var steps []processor
	for _, p := range g.Processors {
		steps = append(steps, processor{p.ID, p.Config})
	}
	path, err := samplersOf(steps)
	return predicted([][]sampler.Sampler{path}, err)
}

// prediction is of every way from the receiver of the load to the exporter.
func (u *user) prediction(exporter string) *sampler.Prediction {
	if len(u.sampling()) == 0 {
		return nil
	}
	ways, err := u.ways(exporter)
	if err != nil {
		return predicted(nil, err)
	}
	var paths [][]sampler.Sampler
	for _, way := range ways {
		path, err := samplersOf(way)
		if err != nil {
			return predicted(nil, err)
		}
		paths = append(paths, path)
	}
	return predicted(paths, nil)
}

// loadReceiver is the otlp receiver that the load goes to.
func (u *user) loadReceiver() string {
	for _, p := range u.pipelines {
		i := slices.IndexFunc(p.receivers, u.isOTLPReceiver)
		if i >= 0 && typeOf(p.id) == "traces" {
			return p.receivers[i]
		}
	}
	return ""
}

// A processor is one on the way of a span.
type processor struct {
	id     string
	config map[string]any
}

// ways are the processors on each way from the receiver of the load to the exporter.
func (u *user) ways(exporter string) (ways [][]processor, err error) {
	var follow func(from string, before []processor, depth int) error
	follow = func(from string, before []processor, depth int) error {
		for _, p := range u.pipelines {
			if typeOf(p.id) != "traces" || !slices.Contains(p.receivers, from) {
				continue
			}
			way := slices.Clone(before)
			for _, id := range p.processors {
				config, _ := u.processors[id].(map[string]any)
				if _, written := u.processors[id].(string); written {
					return cannot(id + " is not written out in the configuration")
				}
				way = append(way, processor{id, config})
			}
			for _, to := range p.exporters {
				switch _, connects := u.connectors[to]; {
				case to == exporter:
					ways = append(ways, way)
				case !connects:
				case len(ways) > mostPaths || depth == mostPaths:
					return cannot("there are too many ways through the pipelines")
				case typeOf(to) == "forward":
					if err := follow(to, way, depth+1); err != nil {
						return err
					}
				case u.receivesTraces(to):
					return cannot(to + " decides which way a span goes")
				}
			}
		}
		return nil
	}
	err = follow(u.loadReceiver(), nil, 0)
	return ways, err
}

// receivesTraces tells whether a connector hands traces on.
func (u *user) receivesTraces(connector string) bool {
	return slices.ContainsFunc(u.pipelines, func(p userPipeline) bool {
		return typeOf(p.id) == "traces" && slices.Contains(p.receivers, connector)
	})
}

// samplersOf are the samplers among processors, if all of them can be predicted.
func samplersOf(way []processor) (path []sampler.Sampler, err error) {
	changed := "" // a processor that may have changed what samplers look at
	for _, p := range way {
		s, err := samplerOf(p)
		switch {
		case err != nil:
			return nil, err
		case s != nil && changed != "":
			return nil, cannot(changed + " may change what " + p.id + " decides by")
		case s != nil:
			path = append(path, *s)
		case !slices.Contains(transparent, typeOf(p.id)), setsPriority(p.config):
			changed = p.id
		}
	}
	return path, nil
}

// Priority is the attribute by which a span tells a sampler what to do.
const Priority = "sampling.priority"

func setsPriority(config map[string]any) bool {
	return strings.Contains(fmt.Sprint(config), Priority)
}

// samplerOf is nil for a processor that does not sample.
func samplerOf(p processor) (*sampler.Sampler, error) {
	switch t := typeOf(p.id); {
	case t == "probabilistic_sampler":
		s, err := probabilistic(p.config)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.id, err)
		}
		return &sampler.Sampler{ID: p.id, Probabilistic: s}, nil
	case t == "tail_sampling":
		s, err := tail(p.config)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.id, err)
		}
		return &sampler.Sampler{ID: p.id, Tail: s}, nil
	case samples(p.id):
		return nil, cannot(p.id + " does not decide by trace id")
	}
	return nil, nil
}
