package odigostest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// A destination is a backend that spans are sent to.
type destination struct {
	name     string // of its exporter and pipeline, without the type
	exporter string
	settings map[string]any
}

// A processor is one of the gateway's, from a Processor.
type processor struct {
	id       string
	settings map[string]any
	order    int64
}

// A rendering is what the gateway's configuration is made of.
type rendering struct {
	destinations []destination
	processors   []processor
	// sampling is the share of traces that is kept, in percent; nil: no sampling.
	sampling *float64
	wait     string // for the rest of a trace, before it is sampled
	graph    bool
}

const (
	batch     = "batch/generic-batch-processor"
	router    = "forward/traces-router" // Odigos has a connector of its own in its place
	postGroup = "forward/traces-post-groupby"
	ownIn     = "otlp/odigos-own-metrics-in"
	ownOut    = "otlp_grpc/odigos-own-telemetry-ui"
	graphOut  = "prometheus/servicegraph"
	versionID = "resource/odigos-version"
	podNameID = "resource/pod-name"
	roleID    = "resource/odigos-collector-role"
	// groupByTrace and tailSampling are what an enabled Sampling adds. The collector here has
	// not Odigos' own tail sampler: a probabilistic one bears its name.
	groupByTrace = "groupbytrace"
	tailSampling = "probabilistic_sampler/odigostailsampling"
)

type mapping = map[string]any

// text is the configuration. The receiver for spans is there once something takes them.
func (r rendering) text() (string, error) {
	receivers := mapping{ownIn: mapping{"protocols": mapping{
		"http": mapping{"endpoint": "0.0.0.0:44318"},
	}}}
	exporters := mapping{ownOut: mapping{
		"endpoint": "ui." + Namespace + ":4317", "compression": "none",
		"retry_on_failure": mapping{"enabled": false}, "tls": mapping{"insecure": true},
	}}
	processors := mapping{
		batch:     mapping{},
		versionID: upsert("odigos.version", "${ODIGOS_VERSION}"),
		podNameID: upsert("k8s.pod.name", "${POD_NAME}"),
		roleID:    upsert("odigos.collector.role", "CLUSTER_GATEWAY"),
	}
	connectors := mapping{}
	pipelines := mapping{"metrics/otelcol": pipeline(
		[]string{ownIn}, []string{podNameID, roleID}, []string{ownOut},
	)}
	if len(r.destinations) > 0 {
		receivers["otlp"] = otlp()
		for _, p := range r.processors {
			processors[p.id] = p.settings
		}
		r.traces(connectors, exporters, processors, pipelines)
	}
	out, err := yaml.Marshal(mapping{
		"receivers": receivers, "exporters": exporters, "processors": processors,
		"connectors": connectors,
		"extensions": mapping{
			"health_check": mapping{"endpoint": "0.0.0.0:13133"},
			"pprof":        mapping{"endpoint": "0.0.0.0:1777"},
		},
		"service": mapping{
			"extensions": []string{"health_check", "pprof"}, "pipelines": pipelines,
			"telemetry": telemetry(),
		},
	})
	if err != nil {
		return "", fmt.Errorf("render the gateway's configuration: %w", err)
	}
	return string(out), nil
}

// traces adds the pipelines of spans, in the order in which they go through them.
func (r rendering) traces(connectors, exporters, processors, pipelines mapping) {
	before, after := []string{versionID}, []string{}
	for _, p := range r.processors {
		if p.order < 0 {
			before = append(before, p.id)
		} else {
			after = append(after, p.id)
		}
	}
	ends := []string{router}
	connectors[router] = mapping{}
	if r.graph {
		connectors["servicegraph"] = mapping{
			"dimensions": []string{"service.name"}, "store": mapping{"ttl": "15s"},
			"store_expiration_loop": "5s",
		}
		exporters[graphOut] = mapping{"endpoint": "localhost:9090", "namespace": "servicegraph"}
		pipelines["metrics/servicegraph"] = pipeline([]string{"servicegraph"}, []string{},
			[]string{graphOut})
		ends = append(ends, "servicegraph")
	}
	if r.sampling == nil {
		pipelines["traces/in"] = pipeline([]string{"otlp"},
			slices.Concat(before, []string{batch}, after), ends)
	} else {
		connectors[postGroup] = mapping{}
		processors[groupByTrace] = mapping{"wait_duration": cmp.Or(r.wait, "30s")}
		processors[tailSampling] = mapping{"sampling_percentage": *r.sampling}
		pipelines["traces/in"] = pipeline([]string{"otlp"},
			slices.Concat([]string{versionID, groupByTrace}, before[1:], after), []string{postGroup})
		pipelines["traces/exporting"] = pipeline([]string{postGroup},
			[]string{tailSampling, batch}, ends)
	}
	var ways []string
	for _, d := range r.destinations {
		way := "forward/traces/" + d.name
		ways = append(ways, way)
		connectors[way], exporters[d.exporter] = mapping{}, d.settings
		pipelines["traces/"+d.name] = pipeline([]string{way}, []string{batch}, []string{d.exporter})
	}
	pipelines["traces/default"] = pipeline([]string{router}, []string{batch}, ways)
}

func otlp() mapping {
	return mapping{"protocols": mapping{
		"grpc": mapping{
			"endpoint": "0.0.0.0:4317", "max_recv_msg_size_mib": 128,
			"keepalive": mapping{"server_parameters": mapping{
				"max_connection_age": "15s", "max_connection_age_grace": "2s",
			}},
		},
		"http": mapping{"endpoint": "0.0.0.0:4318"},
	}}
}

func upsert(key, value string) mapping {
	return mapping{"attributes": []any{
		mapping{"action": "upsert", "key": key, "value": value},
	}}
}

func pipeline(receivers, processors, exporters []string) mapping {
	return mapping{"receivers": receivers, "processors": processors, "exporters": exporters}
}

func telemetry() mapping {
	return mapping{
		"metrics": mapping{"level": "detailed", "readers": []any{
			mapping{"pull": mapping{"exporter": mapping{"prometheus": mapping{
				"host": "0.0.0.0", "port": 8888,
			}}}},
		}},
		"logs": mapping{"level": "info"},
		"resource": mapping{"attributes": []any{
			mapping{"name": "k8s.pod.name", "value": "${POD_NAME}"},
		}},
	}
}

// sortProcessors puts them in the order in which they run.
func sortProcessors(all []processor) {
	slices.SortFunc(all, func(a, b processor) int {
		return cmp.Or(cmp.Compare(a.order, b.order), strings.Compare(a.id, b.id))
	})
}
