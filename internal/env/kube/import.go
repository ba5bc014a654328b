package kube

import (
	"regexp"
	"slices"
	"strings"
)

// An Observed is what a gateway gets, and what becomes of it, as its own metrics tell. A
// figure that is not known is nil.
type Observed struct {
	// From is where the metrics were read, and of what time they are.
	From string `json:"from"`
	// Peak and Mean are spans per second that all pods accept together: the highest rate of
	// five minutes, and the mean. PodPeak is the highest of one pod.
	Peak    *Figure `json:"peak_spans_per_second,omitempty"`
	Mean    *Figure `json:"mean_spans_per_second,omitempty"`
	PodPeak *Figure `json:"pod_peak_spans_per_second,omitempty"`
	// HTTP is the share of spans that come over OTLP/HTTP.
	HTTP            *Figure `json:"http_share,omitempty"`
	SpanBytes       *Figure `json:"span_bytes,omitempty"`
	SpansPerRequest *Figure `json:"spans_per_request,omitempty"`
	RequestBytes    *Figure `json:"request_bytes,omitempty"`
	// Answer is how long the backend takes for an answer, in seconds, the way included.
	Answer *Figure `json:"answer_seconds,omitempty"`
	// Rejected requests were refused before decoding, for want of memory.
	Rejected *Figure `json:"rejected_requests,omitempty"`
	// Problems say why something is not known, in sentences.
	Problems []string `json:"problems,omitempty"`
}

// A Figure is a number and where it is from.
type Figure struct {
	Value float64 `json:"value"`
	// From is the query that gave it, or what was divided by what.
	From string `json:"from"`
}

// A counter is series that are summed, whatever version of the collector serves them.
type counter struct {
	// name is a regular expression of the name, without what versions put around it.
	name string
	// where holds regular expressions that labels match, label and expression in turn.
	where []string
}

// named is the regular expression of the whole name: with and without the prefix and
// _total, and with the unit that once stood in braces.
func (c counter) named() string {
	return "(otelcol_)?(" + c.name + ")(__[a-z]+_)?(_total)?"
}

// also is the counter with more conditions.
func (c counter) also(where ...string) counter {
	c.where = append(c.where[:len(c.where):len(c.where)], where...)
	return c
}

// What collectors count. A gateway scrapes itself, and sends that, too: receivers of other
// types, and exporters of other signals, are none of the load.
var (
	accepted     = counter{"receiver_accepted_spans", []string{"receiver", "otlp(/.*)?"}}
	acceptedGRPC = accepted.also("transport", "grpc")
	acceptedHTTP = accepted.also("transport", "http")

	// rejected has no prefix, and is absent until the first rejection.
	rejected = counter{"odigos_collector_memory_limiter_batch_rejections", nil}
)

// traceCall are the labels of a call of the trace service: its name is in the method since
// version 1.40 of the semantic conventions, and in a label of its own before.
var (
	traceCall    = []string{"rpc_method", ".*TraceService.*"}
	traceCallOld = []string{"rpc_service", ".*TraceService.*"}
)

// A ratio is one counter's increase over another's.
type ratio struct {
	of, per counter
	scale   float64
	says    string
}

// A reckoning is the ways to a figure; the first that the collector's metrics allow is
// taken.
type reckoning struct {
	into func(*Observed) **Figure
	ways []ratio
}

// spansPerRequest are the ways to how many spans a request has.
var spansPerRequest = []ratio{
	{
		acceptedGRPC,
		counter{"rpc_server_call_duration_seconds_count", traceCall},
		1, "spans accepted over gRPC, and calls of the trace service",
	},
	{
		acceptedGRPC,
		counter{"rpc_server_duration(_milliseconds)?_count", traceCallOld},
		1, "spans accepted over gRPC, and calls of the trace service",
	},
	{
		acceptedHTTP,
		counter{
			"http_server_(request_)?duration(_seconds|_milliseconds)?_count",
			[]string{"http_route", ".*/v1/traces"},
		},
		1, "spans accepted over HTTP, and requests to /v1/traces",
	},
	{
		acceptedHTTP,
		counter{"http_server_(request_)?duration(_seconds|_milliseconds)?_count", nil},
		1, "spans accepted over HTTP, and all requests over HTTP",
	},
}

// reckonings are all figures that are ratios. What they say of exporters is of the one that
// carries the load.
func reckonings(exporter string) []reckoning {
	sends := []string{"exporter", regexp.QuoteMeta(exporter)}
	return []reckoning{
		{func(o *Observed) **Figure { return &o.SpanBytes }, []ratio{
			{
				counter{"odigos_trace_data_size(_bytes)?", nil},
				counter{"odigos_accepted_spans", nil},
				1, "bytes and spans that Odigos' traffic metrics count",
			},
			{
				counter{"exporter_queue_batch_send_size_bytes_sum", sends},
				counter{"exporter_queue_batch_send_size_sum", sends},
				1, "bytes and spans of the requests of exporter " + exporter,
			},
			{
				counter{"processor_batch_batch_send_size_bytes_sum", nil},
				counter{"processor_batch_batch_send_size_sum", nil},
				1, "bytes and items of all batches",
			},
		}},
		{func(o *Observed) **Figure { return &o.SpansPerRequest }, spansPerRequest},
		{func(o *Observed) **Figure { return &o.RequestBytes }, []ratio{
			{
				counter{"rpc_server_request_size(_bytes)?_sum", traceCallOld},
				counter{"rpc_server_request_size(_bytes)?_count", traceCallOld},
				1, "sizes of requests over gRPC",
			},
			{
				counter{"http_server_request_body_size_bytes_sum", nil},
				counter{"http_server_request_body_size_bytes_count", nil},
				1, "sizes of requests over HTTP, as they travel",
			},
		}},
		{func(o *Observed) **Figure { return &o.Answer }, []ratio{
			{
				counter{"rpc_client_call_duration_seconds_sum", traceCall},
				counter{"rpc_client_call_duration_seconds_count", traceCall},
				1, "time and number of calls of the backend's trace service",
			},
			{
				counter{"rpc_client_duration(_milliseconds)?_sum", traceCallOld},
				counter{"rpc_client_duration(_milliseconds)?_count", traceCallOld},
				1e-3, "time and number of calls of the backend's trace service",
			},
		}},
	}
}

// selector spells a counter in PromQL, with what says whose it is.
func (c counter) selector(whose ...string) string {
	parts := []string{`__name__=~"` + c.named() + `"`}
	where := slices.Concat(whose, c.where)
	for i := 0; i+1 < len(where); i += 2 {
		parts = append(parts, where[i]+`=~"`+strings.ReplaceAll(where[i+1], `\`, `\\`)+`"`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}
