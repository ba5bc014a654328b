package gateway

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Ran is what of a collector's configuration decides how much the gateway holds: the
// way of a span from the receiver of the load to the backend's exporter, as the
// collector took it, its defaults filled in.
type Ran struct {
	// Receiver is where the load comes in; Streams is how many calls it serves at once
	// over one connection, nil where it sets no limit or over HTTP/1.
	Receiver string
	Streams  *float64
	// Way are the processors in the order in which a span meets them.
	Way []Step
	// Exporter is the one to the backend.
	Exporter string
	Queue    Queue
	// Compression of the exporter; empty where it is not known.
	Compression string
	// Timeout is how long an export waits for its answer; 0 where it is not known.
	Timeout time.Duration

	pipelines []userPipeline
}

// A Step is one processor on the way.
type Step struct {
	Pipeline string
	ID       string
	Type     string
	Config   map[string]any
}

// A Queue is the exporter's sending queue.
type Queue struct {
	Enabled bool
	// Consumers is how many exports may be under way at once; Size is what the queue
	// holds, in units of Sizer. They are nil where the configuration does not say them
	// in a way that can be read here.
	Consumers, Size *float64
	Sizer           string // requests, items or bytes
	// Batch: what leaves the queue is put together into batches.
	Batch bool
}

// What a collector's exporters do where a configuration says nothing.
const (
	DefaultConsumers = 10
	DefaultQueueSize = 1000
	// ByRequests is how a queue is counted unless told otherwise.
	ByRequests = "requests"

	defaultGRPCTimeout = 5 * time.Second
	defaultHTTPTimeout = 30 * time.Second
)

// ReadRan reads the configuration that an actor was started with: its file, and what
// was laid over it. References to variables of the actor are followed.
func ReadRan(a env.Actor, g scenario.Gateway) (*Ran, error) {
	if a.Files[ConfigFile] == "" {
		return nil, fmt.Errorf("read what ran: the gateway has no %s", ConfigFile)
	}
	merged := map[string]any{}
	for _, file := range []string{ConfigFile, OverlayFile} {
		var doc map[string]any
		if err := yaml.Unmarshal([]byte(a.Files[file]), &doc); err != nil {
			return nil, fmt.Errorf("read what ran: %s: %w", file, err)
		}
		merge(merged, doc)
	}
	u := &user{name: ConfigFile}
	if err := u.fill(follow(merged, a.Env).(map[string]any)); err != nil {
		return nil, fmt.Errorf("read what ran: %w", err)
	}
	exporter := g.Exporter
	if g.Kind != scenario.GatewayOtelcol {
		for id := range u.exporters {
			if strings.HasSuffix(id, "/"+idDestination) || strings.HasSuffix(id, "/"+idInstalled) {
				exporter = id
			}
		}
	}
	return u.ran(exporter)
}

// merge lays over upon to, as a collector does: mappings key by key, lists whole.
func merge(to, over map[string]any) {
	for key, value := range over {
		below, ok := to[key].(map[string]any)
		if laid, both := value.(map[string]any); ok && both {
			merge(below, laid)
			continue
		}
		to[key] = value
	}
}

var reference = regexp.MustCompile(`^\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}$`)

// follow replaces values that are one reference to a known variable. What refers to an
// address is left as it is.
func follow(v any, vars map[string]string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			out[key] = follow(v[key], vars)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = follow(v[i], vars)
		}
		return out
	case string:
		found := reference.FindStringSubmatch(v)
		if found == nil {
			return v
		}
		text, ok := vars[found[1]]
		if !ok {
			text = found[2]
		}
		if text == "" || strings.Contains(text, "$(") {
			return v
		}
		var scalar any
		if yaml.Unmarshal([]byte(text), &scalar) != nil {
			return v
		}
		return scalar
	}
	return v
}

func (u *user) ran(exporter string) (*Ran, error) {
	if _, ok := u.exporters[exporter]; !ok {
		return nil, fmt.Errorf("read what ran: it has no exporter %q", exporter)
	}
	r := &Ran{Receiver: u.loadReceiver(), Exporter: exporter, pipelines: u.pipelines}
	way, ok := u.oneWay(r.Receiver, exporter, nil)
	if !ok {
		return nil, errors.New("read what ran: no way leads from the receiver of the load to " +
			exporter)
	}
	r.Way = way
	settings, _ := u.exporters[exporter].(map[string]any)
	r.Queue = queueOf(settings)
	http := pointable[typeOf(exporter)]
	r.Timeout = defaultGRPCTimeout
	if http {
		r.Timeout = defaultHTTPTimeout
	}
	r.Timeout = setting(settings, "timeout", r.Timeout)
	r.Compression = compressionOf(settings)
	receiver, _ := u.receivers[r.Receiver].(map[string]any)
	protocols, _ := receiver["protocols"].(map[string]any)
	grpc, _ := protocols["grpc"].(map[string]any)
	if n, err := number("", grpc["max_concurrent_streams"]); err == nil && n > 0 {
		r.Streams = &n
	}
	return r, nil
}

// oneWay is the first way through the pipelines that is found.
func (u *user) oneWay(from, exporter string, seen []string) ([]Step, bool) {
	for _, p := range u.pipelines {
		if typeOf(p.id) != "traces" || !slices.Contains(p.receivers, from) ||
			slices.Contains(seen, p.id) {
			continue
		}
		var steps []Step
		for _, id := range p.processors {
			config, _ := u.processors[id].(map[string]any)
			steps = append(steps, Step{p.id, id, typeOf(id), config})
		}
		if slices.Contains(p.exporters, exporter) {
			return steps, true
		}
		for _, to := range p.exporters {
			if _, connects := u.connectors[to]; !connects {
				continue
			}
			if rest, ok := u.oneWay(to, exporter, append(seen, p.id)); ok {
				return append(steps, rest...), true
			}
		}
	}
	return nil, false
}

func queueOf(exporter map[string]any) Queue {
	q := Queue{Enabled: true, Sizer: ByRequests}
	settings, _ := exporter["sending_queue"].(map[string]any)
	if enabled, ok := settings["enabled"].(bool); ok {
		q.Enabled = enabled
	}
	q.Consumers = numberOr(settings, "num_consumers", DefaultConsumers)
	q.Size = numberOr(settings, "queue_size", DefaultQueueSize)
	if sizer, ok := settings["sizer"].(string); ok {
		q.Sizer = sizer
	}
	_, q.Batch = settings["batch"]
	if batch, ok := settings["batch"].(map[string]any); ok {
		if enabled, there := batch["enabled"].(bool); there {
			q.Batch = enabled
		}
	}
	return q
}

// numberOr is nil for what is there and is no number.
func numberOr(settings map[string]any, key string, otherwise float64) *float64 {
	v, there := settings[key]
	if !there || v == nil {
		return &otherwise
	}
	n, err := number(key, v)
	if err != nil {
		return nil
	}
	return &n
}

// compressionOf is gzip where nothing is said, as with every OTLP exporter.
func compressionOf(exporter map[string]any) string {
	v, there := exporter["compression"]
	text, ok := v.(string)
	switch {
	case !there || v == nil:
		return "gzip"
	case !ok || strings.Contains(text, "$"):
		return ""
	case text == "":
		return "none"
	}
	return text
}

// Of are the steps of a type, in order.
func (r *Ran) Of(kind string) (out []Step) {
	for _, s := range r.Way {
		if s.Type == kind {
			out = append(out, s)
		}
	}
	return out
}

// Batches is whether anything on the way puts spans of several requests together.
func (r *Ran) Batches() bool { return r.Queue.Batch || len(r.Of("batch")) > 0 }

// Before are the processors of a type that a span meets only after one of another type.
func (r *Ran) Before(first, then string) (out []Step) {
	met := false
	for _, s := range r.Way {
		met = met || s.Type == first
		if met && s.Type == then {
			out = append(out, s)
		}
	}
	return out
}

// Processors are those of each pipeline on the way, in its order.
func (r *Ran) Processors() (pipelines []string, of map[string][]string) {
	of = map[string][]string{}
	for _, p := range r.pipelines {
		of[p.id] = slices.Clone(p.processors)
	}
	for _, s := range r.Way {
		if !slices.Contains(pipelines, s.Pipeline) {
			pipelines = append(pipelines, s.Pipeline)
		}
	}
	return pipelines, of
}

// First is the pipeline into which the load comes.
func (r *Ran) First() string {
	for _, p := range r.pipelines {
		if typeOf(p.id) == "traces" && slices.Contains(p.receivers, r.Receiver) {
			return p.id
		}
	}
	return ""
}
