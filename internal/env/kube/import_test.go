package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	ktesting "k8s.io/client-go/testing"
)

const exporterOfTest = "otlp_grpc/generic-tempo"

// served is what a pod of Odigos' gateway says of itself after n rounds of traffic: in
// each 20,000 spans in 400 requests over gRPC and none over HTTP.
func served(n int) string {
	return fmt.Sprintf(`# TYPE otelcol_receiver_accepted_spans_total counter
otelcol_receiver_accepted_spans_total{receiver="otlp",transport="grpc"} %d
otelcol_receiver_accepted_spans_total{receiver="prometheus/self-metrics",transport="http"} 99
# TYPE otelcol_odigos_accepted_spans_total counter
otelcol_odigos_accepted_spans_total %d
# TYPE otelcol_odigos_trace_data_size_bytes_total counter
otelcol_odigos_trace_data_size_bytes_total %d
# TYPE rpc_server_call_duration_seconds histogram
rpc_server_call_duration_seconds_bucket{rpc_method="opentelemetry.proto.collector.trace.v1.TraceService/Export",le="+Inf"} %d
rpc_server_call_duration_seconds_sum{rpc_method="opentelemetry.proto.collector.trace.v1.TraceService/Export"} 1
rpc_server_call_duration_seconds_count{rpc_method="opentelemetry.proto.collector.trace.v1.TraceService/Export"} %d
# TYPE rpc_client_duration_milliseconds histogram
rpc_client_duration_milliseconds_bucket{rpc_service="opentelemetry.proto.collector.trace.v1.TraceService",le="+Inf"} %d
rpc_client_duration_milliseconds_sum{rpc_service="opentelemetry.proto.collector.trace.v1.TraceService"} %d
rpc_client_duration_milliseconds_count{rpc_service="opentelemetry.proto.collector.trace.v1.TraceService"} %d
odigos_collector_memory_limiter_batch_rejections_total 3
`, 20_000*n, 20_000*n, 20_000*1204*n, 400*n, 400*n, 400*n, 400*35*n, 400*n)
}

type scraped struct {
	text string
	err  error
}

func (s scraped) DoRaw(context.Context) ([]byte, error) { return []byte(s.text), s.err }

func (s scraped) Stream(context.Context) (io.ReadCloser, error) { return nil, s.err }

// servePods lets each pod answer by its name and how often it was asked before.
func servePods(c *fake.Clientset, serve func(name string, nth int) (string, error)) {
	asked := map[string]int{}
	var mu sync.Mutex
	c.AddProxyReactor("pods", func(a ktesting.Action) (bool, rest.ResponseWrapper, error) {
		mu.Lock()
		defer mu.Unlock()
		p := a.(ktesting.ProxyGetAction)
		text, err := serve(p.GetName()+":"+p.GetPort()+"/"+p.GetPath(), asked[p.GetName()])
		asked[p.GetName()]++
		return true, scraped{text, err}, nil
	})
}

func gatewayFound() Found {
	return Found{
		Namespace: "odigos-system", Deployment: "odigos-gateway",
		Pods: []Pod{{Name: "odigos-gateway-6d4f-aaaaa"}, {Name: "odigos-gateway-6d4f-bbbbb"}},
		At:   time.Date(2026, 11, 26, 4, 0, 0, 0, time.UTC),
	}
}

func TestWatchPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fake.NewClientset()
		servePods(c, func(name string, nth int) (string, error) {
			if !strings.HasSuffix(name, ":8888/metrics") {
				t.Errorf("asked for %s", name)
			}
			if strings.Contains(name, "aaaaa") {
				return served(1 + 3*nth), nil
			}
			return served(1 + nth), nil
		})
		got, err := watchPods(t.Context(), c, gatewayFound(), exporterOfTest, 0)
		if err != nil {
			t.Fatal(err)
		}
		const ofTwo = "spans accepted in 10s, by 2 pods"
		want := Observed{
			From:    "the pods' own metrics, over 10s",
			Mean:    &Figure{8000, ofTwo},
			PodPeak: &Figure{6000, ofTwo + ", of the busiest"},
			HTTP:    &Figure{0, "spans accepted over HTTP, and all"},
			SpanBytes: &Figure{
				1204, "bytes and spans that Odigos' traffic metrics count",
			},
			SpansPerRequest: &Figure{50, "spans accepted over gRPC, and calls of the trace service"},
			Answer:          &Figure{0.035, "time and number of calls of the backend's trace service"},
			Rejected:        &Figure{0, "requests rejected in 10s"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestWatchPodsSaysWhatItDoesNotKnow(t *testing.T) {
	for _, c := range []struct {
		name  string
		pods  []Pod
		serve func(name string, nth int) (string, error)
		want  string
	}{
		{"no pods", nil, nil, "There is no pod whose metrics could be read."},
		{
			"no port", gatewayFound().Pods,
			func(string, int) (string, error) { return "", errors.New("connection refused") },
			"Metrics of pod odigos-gateway-6d4f-aaaaa are not known: read port 8888: connection refused.",
		},
		{
			"no metrics", gatewayFound().Pods, func(string, int) (string, error) { return "<html>", nil },
			"parse metrics of port 8888",
		},
		{
			"another program", gatewayFound().Pods, func(string, int) (string, error) { return "up 1\n", nil },
			"The rate is not known: a pod does not tell how many spans it accepts.",
		},
		{
			"a restart", gatewayFound().Pods, func(_ string, nth int) (string, error) { return served(2 - nth), nil },
			"The rate is not known",
		},
		{
			"a death", gatewayFound().Pods,
			func(_ string, nth int) (string, error) {
				if nth > 0 {
					return "", errors.New("gone")
				}
				return served(1), nil
			},
			"The rate is not known",
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := fake.NewClientset()
			servePods(client, c.serve)
			f := gatewayFound()
			f.Pods = c.pods
			got, err := watchPods(t.Context(), client, f, exporterOfTest, 0)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(got.Problems, "\n"), c.want) {
				t.Errorf("%s: %q, want %q in it", c.name, got.Problems, c.want)
			}
			if got.Mean != nil || got.PodPeak != nil || got.SpanBytes != nil {
				t.Errorf("%s: found %+v", c.name, got)
			}
		})
	}
}

// A promQL is a Prometheus that answers queries by regular expressions of them.
func promQL(t *testing.T, rules map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		answer := map[string]any{"resultType": "vector", "result": []any{}}
		for pattern, value := range rules {
			if regexp.MustCompile(pattern).MatchString(query) {
				answer["result"] = []any{map[string]any{
					"metric": map[string]string{}, "value": []any{1.0, value},
				}}
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": answer})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestAskPrometheus(t *testing.T) {
	url := promQL(t, map[string]string{
		`^count\(last_over_time\(.*kubernetes_pod_name=~"odigos-gateway-\[a-z0-9\]\+-\[a-z0-9\]\+"`: "2",
		`^max_over_time\(sum\(rate`:                              "15000.5",
		`^avg_over_time`:                                         "4000",
		`^max_over_time\(max\(sum by\(kubernetes_pod_name\)`:     "9000",
		`vector\(0\)`:                                            "0.25",
		`memory_limiter_batch_rejections`:                        "12",
		`odigos_trace_data_size.* / .*odigos_accepted_spans`:     "NaN",
		`exporter_queue_batch_send_size_bytes_sum.*/.*send_size`: "700",
		`rpc_client_duration`:                                    "250",
	})
	got, err := AskPrometheus(t.Context(), PromServer{URL: url}, gatewayFound(), exporterOfTest, 7*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]*Figure{
		"peak": got.Peak, "mean": got.Mean, "pod": got.PodPeak, "http": got.HTTP, "span": got.SpanBytes,
		"per request": got.SpansPerRequest, "answer": got.Answer, "rejected": got.Rejected,
	}
	for name, want := range map[string]float64{
		"peak": 15000.5, "mean": 4000, "pod": 9000, "http": 0.25, "span": 700, "answer": 0.25,
		"rejected": 12,
	} {
		if values[name] == nil || values[name].Value != want {
			t.Errorf("%s: %+v, want %v", name, values[name], want)
		}
	}
	if got.SpansPerRequest != nil || got.RequestBytes != nil || len(got.Problems) > 0 {
		t.Errorf("found %+v", got)
	}
	if want := "Prometheus " + url + ", the last 1w"; got.From != want {
		t.Errorf("From = %q, want %q", got.From, want)
	}
	const peak = `max_over_time(sum(rate({__name__=~"(otelcol_)?(receiver_accepted_spans)(__[a-z]+_)?` +
		`(_total)?",kubernetes_namespace=~"odigos-system",kubernetes_pod_name=~"odigos-gateway-` +
		`[a-z0-9]+-[a-z0-9]+",receiver=~"otlp(/.*)?"}[5m]))[1w:5m])`
	if got.Peak.From != peak {
		t.Errorf("the peak is of %s,\nwant %s", got.Peak.From, peak)
	}
}

func TestAskPrometheusThatKnowsNothing(t *testing.T) {
	got, err := AskPrometheus(t.Context(), PromServer{URL: promQL(t, nil)}, gatewayFound(), exporterOfTest, time.Hour)
	if err != nil || len(got.Problems) != 1 ||
		!strings.HasPrefix(got.Problems[0],
			"Prometheus has no spans accepted by pods of odigos-system/odigos-gateway") {
		t.Errorf("found %q, %v", got.Problems, err)
	}
	if got.Peak != nil || got.HTTP != nil {
		t.Errorf("found %+v", got)
	}
}

// An error names the Prometheus, and no password.
func TestAskPrometheusThatDoesNotAnswer(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	url := strings.Replace(s.URL, "http://", "http://me:pass@", 1)
	_, err := AskPrometheus(t.Context(), PromServer{URL: url}, gatewayFound(), exporterOfTest, time.Hour)
	if err == nil || !strings.Contains(err.Error(), "ask Prometheus http://me:xxxxx@") ||
		strings.Contains(err.Error(), "pass") {
		t.Errorf("error %v", err)
	}
}

// Every name that a version of the collector gave to a counter is known.
func TestCountersAreKnownByAllTheirNames(t *testing.T) {
	for _, name := range []string{
		"otelcol_receiver_accepted_spans", "otelcol_receiver_accepted_spans_total",
		"otelcol_receiver_accepted_spans__spans__total", "receiver_accepted_spans_total",
	} {
		if !whole(accepted.named()).MatchString(name) {
			t.Errorf("%s is not %s", name, accepted.named())
		}
	}
	if whole(accepted.named()).MatchString("otelcol_receiver_accepted_spans_bytes") {
		t.Error("a name of another counter is taken")
	}
}
