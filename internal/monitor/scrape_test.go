package monitor

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/record"
)

type metrics = map[record.Metric]float64

// The names of one collector with two settings, and of Odigos' older one, give the
// same metrics.
func TestReadCollector(t *testing.T) {
	captured := "../../collector/testdata/"
	tests := []struct {
		file   string
		target Target
		want   metrics
	}{
		{captured + "metrics.txt", Target{}, stock(metrics{
			record.ProcessRSS: 4.1955328e+07, record.HeapAlloc: 5.214792e+06,
			record.RuntimeSys: 2.2386952e+07, record.Uptime: 1.139837395,
			record.ExportCallSum: 0.002946482,
		})},
		{captured + "metrics-suffixed.txt", Target{}, stock(metrics{
			record.ProcessRSS: 4.2029056e+07, record.HeapAlloc: 5.210104e+06,
			record.RuntimeSys: 1.8192648e+07, record.Uptime: 1.134089922,
			record.ExportCallSum: 0.001516483,
		})},
		{"testdata/odigos-0.151.txt", Target{}, odigos},
		{
			"testdata/odigos-0.151.txt",
			Target{Exporters: []string{"otlp_grpc/generic-stress-mock"}},
			odigos,
		},
	}
	for _, test := range tests {
		got := readCollector(&test.target, parseFile(t, test.file))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("readCollector(%s) (-want +got):\n%s", test.file, diff)
		}
	}
}

// stock is what both scrapes of the stock collector hold, after 40 spans.
func stock(m metrics) metrics {
	for metric, v := range (metrics{
		record.ReceiverAccepted: 40, record.ReceiverRefused: 0, record.ReceiverFailed: 0,
		record.ExporterSent: 40, record.ExporterSendFailed: 0, record.ExporterEnqueueFailed: 0,
		record.QueueSize: 0, record.QueueCapacity: 1000, record.BatchSizeSum: 40,
		record.BatchSizeCount: 1, record.BatchByTimeout: 1, record.BatchBySize: 0,
		record.ExportCallCount: 1, record.ProcessCPU: 0.03,
	}) {
		m[metric] = v
	}
	return m
}

var odigos = metrics{
	record.AdmissionRejections: 17, record.QueueSize: 22, record.QueueCapacity: 1000,
	record.ExporterSent: 25212, record.ExporterSendFailed: 0, record.ExporterEnqueueFailed: 0,
	record.ReceiverAccepted: 25212, record.ReceiverFailed: 0, record.ReceiverRefused: 0,
	record.BatchSizeSum: 75636, record.BatchSizeCount: 378, record.BatchByTimeout: 378,
	record.BatchBySize: 0, record.ProcessingSum: 0.5, record.ProcessingCount: 756,
	record.ExportCallSum: 1.5, record.ExportCallCount: 126, record.ProcessCPU: 7.25,
	record.ProcessRSS: 1.13e8, record.HeapAlloc: 4.1e7, record.RuntimeSys: 8.2e7,
	record.Uptime: 61.5,
}

func TestReadCollectorInTrouble(t *testing.T) {
	got := readCollector(&Target{}, parseFile(t, "../../collector/testdata/metrics-failing.txt"))
	for metric, want := range (metrics{
		record.ExporterSendFailed: 40, record.ExporterSent: 0,
		record.ExporterEnqueueFailed: 38, record.QueueSize: 1, record.QueueCapacity: 1001,
	}) {
		if v, ok := got[metric]; !ok || v != want {
			t.Errorf("%s = %v, %v; want %v", metric, v, ok, want)
		}
	}
}

func TestReadCollectorOtherNames(t *testing.T) {
	tests := []struct {
		line   string
		metric record.Metric
		want   float64
	}{
		{`otelcol_exporter_sent_spans__spans__total{exporter="otlp/x"} 5`, record.ExporterSent, 5},
		{`exporter_sent_spans{exporter="otlp/x"} 6`, record.ExporterSent, 6},
		{`otelcol_processor_refused_spans{processor="memory_limiter"} 7`, record.ProcessorRefused, 7},
		{`otelcol_processor_accepted_spans{processor="memory_limiter"} 7`, record.ProcessorRefused, 0},
		{`otelcol_odigos_accepted_spans_total 3`, record.AdmissionRejections, 0},
		{`target_info{service_name="odigosotelcol"} 1`, record.AdmissionRejections, 0},
		{
			`odigos_collector_memory_limiter_batch_rejections_total{otel_scope_name="github.com/` +
				`odigos-io/odigos-stress/collector/memoryadmission"} 5`, record.AdmissionRejections, 5,
		},
		{
			"# TYPE rpc_client_duration_milliseconds histogram\n" +
				`rpc_client_duration_milliseconds_sum{rpc_service="opentelemetry.proto.collector.trace.v1.TraceService"} 1500` +
				"\n" + `rpc_client_duration_milliseconds_count{rpc_service="opentelemetry.proto.collector.trace.v1.TraceService"} 9`,
			record.ExportCallSum, 1.5,
		},
	}
	for _, test := range tests {
		got := readCollector(&Target{}, parseText(t, test.line+"\n"))
		if v, ok := got[test.metric]; !ok || v != test.want {
			t.Errorf("readCollector(%q)[%s] = %v, %v; want %v", test.line, test.metric, v, ok, test.want)
		}
	}
	for _, line := range []string{ // none of these is of the load, or known at all
		`otelcol_exporter_sent_spans{exporter="debug"} 5`,
		`otelcol_exporter_sent_spans{exporter="nop/copy"} 5`,
		`otelcol_exporter_sent_spans{exporter="otlp_grpc/odigos-own-telemetry-ui"} 5`,
		`otelcol_receiver_accepted_spans{receiver="otlpjsonfile"} 5`,
		`otelcol_exporter_queue_size{exporter="otlp",data_type="logs"} 5`,
		`otelcol_exporter_queue_size{exporter="otlp",data_type="traces"} NaN`,
		`otelcol_exporter_sent_log_records{exporter="otlp"} 5`,
	} {
		if got := readCollector(&Target{}, parseText(t, line+"\n")); len(got) != 0 {
			t.Errorf("readCollector(%q) = %v, want nothing", line, got)
		}
	}
}

const loadgenScrape = `# TYPE odigos_stress_loadgen_due_spans_total counter
odigos_stress_loadgen_due_spans_total 1000
odigos_stress_loadgen_target_rate 500
# TYPE odigos_stress_loadgen_spans_total counter
odigos_stress_loadgen_spans_total{class="acknowledged"} 900
odigos_stress_loadgen_spans_total{class="unsent"} 60
odigos_stress_loadgen_spans_total{class="refused_retryable"} 40
odigos_stress_loadgen_attempted_spans_total 940
odigos_stress_loadgen_encoded_bytes_total 2e6
odigos_stress_loadgen_wire_bytes_total 1e6
odigos_stress_loadgen_in_flight_requests 3
process_cpu_seconds_total 1.5
# TYPE odigos_stress_loadgen_answer_seconds histogram
`

func TestReadLoadgen(t *testing.T) {
	first := parseText(t, loadgenScrape+answers(50, 100, 100))
	second := parseText(t, loadgenScrape+answers(150, 298, 300))
	want := metrics{
		record.LoadDue: 1000, record.LoadTarget: 500, record.LoadAcknowledged: 900,
		record.LoadUnsent: 60, record.LoadRefusedRetryable: 40, record.LoadAttempts: 940,
		record.LoadEncodedBytes: 2e6, record.LoadWireBytes: 1e6, record.LoadInFlight: 3,
		record.ProcessCPU: 1.5,
	}
	got, last := readOwn(Loadgen, first, nil)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the first scrape, with no quantiles yet (-want +got):\n%s", diff)
	}
	// 200 entries since: 100 up to 10 ms, 98 more up to 20 ms, 2 beyond all bounds.
	want[record.LoadAnswerP50], want[record.LoadAnswerP99] = 0.01, 0.02
	got, _ = readOwn(Loadgen, second, last)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the second scrape (-want +got):\n%s", diff)
	}
}

func answers(upTo10ms, upTo20ms, all int) string {
	line := func(le string, n int) string {
		return `odigos_stress_loadgen_answer_seconds_bucket{le="` + le + `"} ` + strconv.Itoa(n) + "\n"
	}
	return line("0.01", upTo10ms) + line("0.02", upTo20ms) + line("+Inf", all) +
		"odigos_stress_loadgen_answer_seconds_sum 1\n" +
		"odigos_stress_loadgen_answer_seconds_count " + strconv.Itoa(all) + "\n"
}

func TestReadBackend(t *testing.T) {
	text := `odigos_stress_backend_spans_total{result="unique"} 10
odigos_stress_backend_spans_total{result="duplicate"} 2
odigos_stress_backend_spans_total{result="failed"} 3
odigos_stress_backend_spans_total{result="foreign"} 4
odigos_stress_backend_requests_total{signal="traces",code="OK"} 5
odigos_stress_backend_requests_total{signal="metrics",code="UNAVAILABLE"} 6
odigos_stress_backend_decoded_bytes_total 7
odigos_stress_backend_wire_bytes_total 8
odigos_stress_backend_in_flight_requests 9
odigos_stress_backend_connections 1
`
	want := metrics{
		record.BackendUnique: 10, record.BackendDuplicate: 2,
		record.BackendFailed: 3, record.BackendForeign: 4, record.BackendRequests: 11,
		record.BackendDecoded: 7, record.BackendWire: 8, record.BackendInFlight: 9,
		record.BackendConnections: 1,
	}
	got, _ := readOwn(Backend, parseText(t, text), nil)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("readOwn(backend) (-want +got):\n%s", diff)
	}
}

func parseText(t *testing.T, text string) []point {
	t.Helper()
	points, err := parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return points
}

func parseFile(t *testing.T, path string) []point {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return parseText(t, string(b))
}

func TestParseRefusesWhatIsNoMetrics(t *testing.T) {
	if points, err := parse(strings.NewReader("<html>\n")); err == nil {
		t.Errorf("parse(<html>) = %v, want an error", points)
	}
}

// Whatever an actor answers: no panic, and only finite values, which the record can
// hold.
func FuzzScrape(f *testing.F) {
	for _, path := range []string{"testdata/odigos-0.151.txt", "../../collector/testdata/metrics.txt"} {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(loadgenScrape + answers(1, 200, 300)))
	f.Fuzz(func(t *testing.T, body []byte) {
		points, err := parse(bytes.NewReader(body))
		if err != nil {
			return
		}
		var all []metrics
		for _, kind := range []Kind{Collector, Loadgen, Backend} {
			first, last := read(&Target{Kind: kind}, points, nil)
			for name := range last { // as if nothing had come before
				none := append([]bucket(nil), last[name]...)
				for i := range none {
					none[i].count = 0
				}
				last[name] = none
			}
			second, _ := read(&Target{Kind: kind}, points, last)
			all = append(all, first, second)
		}
		for _, m := range all {
			for metric, v := range m {
				if !finite(v) {
					t.Errorf("%s = %v", metric, v)
				}
			}
		}
	})
}
