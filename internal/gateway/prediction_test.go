package gateway

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/sampler"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// predictionOf reads processors and pipelines of a configuration whose exporter is
// otlp_grpc and whose first otlp receiver gets the load.
func predictionOf(t *testing.T, processors, pipelines string) *sampler.Prediction {
	t.Helper()
	u, err := readUser(Source{Name: "c.yaml", Text: []byte(`
receivers: {otlp: , otlp/other: }
processors: {batch: , ` + processors + `}
connectors: {forward: , forward/2: , routing: , spanmetrics: }
exporters: {otlp_grpc: , nop: }
service: {pipelines: {` + pipelines + `}}
`)})
	if err != nil {
		t.Fatal(err)
	}
	return u.prediction("otlp_grpc")
}

const straight = "traces: {receivers: [otlp], processors: [p], exporters: [otlp_grpc]}"

// What a configuration does not prove is not predicted, and the reason is said.
func TestUnpredictable(t *testing.T) {
	one := func(id, config string) string {
		t.Helper()
		pipelines := strings.ReplaceAll(straight, "[p]", "["+id+"]")
		return predictionOf(t, id+": "+config, pipelines).Unpredictable
	}
	two := func(first, second string) string {
		t.Helper()
		return predictionOf(t, first+", "+second, "traces: {receivers: [otlp], processors: ["+
			strings.SplitN(first, ":", 2)[0]+", "+strings.SplitN(second, ":", 2)[0]+
			"], exporters: [otlp_grpc]}").Unpredictable
	}
	const tenth = "probabilistic_sampler: {sampling_percentage: 10}"
	for want, got := range map[string]string{
		"filter does not decide by trace id":                                                 one("filter", "{}"),
		"probabilistic_sampler: sampling_percentage is not written out in the configuration": one("probabilistic_sampler", `{sampling_percentage: "${env:P}"}`),
		"probabilistic_sampler: hash_seed is not written out in the configuration":           one("probabilistic_sampler", `{hash_seed: "${env:P}"}`),
		"probabilistic_sampler: fail_closed is not written out in the configuration":         one("probabilistic_sampler", `{fail_closed: "${env:P}"}`),
		`probabilistic_sampler: mode "later" is not known`:                                   one("probabilistic_sampler", "{mode: later}"),
		"probabilistic_sampler: what by_luck does is not known":                              one("probabilistic_sampler", "{by_luck: 1}"),
		"probabilistic_sampler is not written out in the configuration":                      one("probabilistic_sampler", `"${file:p}"`),
		"tail_sampling: a list of policies is not written out in the configuration":          one("tail_sampling", `{policies: "${file:p}"}`),
		"tail_sampling: policy slow does not decide by trace id (latency)":                   one("tail_sampling", "{policies: [{name: slow, type: latency}]}"),
		"tail_sampling: hash_salt is not written out in the configuration":                   one("tail_sampling", `{policies: [{name: p, type: probabilistic, probabilistic: {hash_salt: "${env:S}"}}]}`),
		"tail_sampling: policy deep does not decide by trace id (status_code)":               one("tail_sampling", "{policies: [{name: a, type: and, and: {and_sub_policy: [{name: n, type: not, not: {not_sub_policy: {name: deep, type: status_code}}}]}}]}"),
		"tail_sampling: sampling_strategy: span-ingest is not predicted":                     one("tail_sampling", "{sampling_strategy: span-ingest}"),
		"tail_sampling: maximum_trace_size_bytes: 9000 is not predicted":                     one("tail_sampling", "{maximum_trace_size_bytes: 9000}"),
		"transform may change what probabilistic_sampler decides by":                         two("transform: ", tenth),
		"attributes may change what probabilistic_sampler decides by":                        two("attributes: {actions: [{key: sampling.priority, value: 1, action: insert}]}", tenth),
		"routing decides which way a span goes": predictionOf(t, tenth, `traces: {receivers: [otlp], exporters: [routing]},
			traces/2: {receivers: [routing], processors: [probabilistic_sampler], exporters: [otlp_grpc]}`).Unpredictable,
	} {
		if got != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
}

// The ways are those of the load, through forward connectors, to the one exporter; what
// comes after the last sampler does not matter.
func TestPaths(t *testing.T) {
	tenth := sampler.Sampler{ID: "probabilistic_sampler", Probabilistic: &sampler.Probabilistic{
		Mode: sampler.HashSeed, Percentage: 10, Precision: 4, FailClosed: true,
	}}
	all := sampler.Sampler{ID: "tail_sampling", Tail: &sampler.Tail{
		Policies: []sampler.Policy{{Type: sampler.AlwaysSample}},
	}}
	processors := `probabilistic_sampler: {sampling_percentage: 10}, transform: ,
		tail_sampling: {decision_wait: 1s, policies: [{name: a, type: always_sample}]}`
	for name, c := range map[string]struct {
		pipelines string
		want      [][]sampler.Sampler
	}{
		"straight": {
			"traces: {receivers: [otlp], processors: [batch, probabilistic_sampler, transform, batch], exporters: [otlp_grpc]}",
			[][]sampler.Sampler{{tenth}},
		},
		"in a chain over a connector": {
			`traces: {receivers: [otlp], processors: [tail_sampling], exporters: [forward, spanmetrics]},
			traces/2: {receivers: [forward], processors: [probabilistic_sampler], exporters: [otlp_grpc]},
			metrics: {receivers: [spanmetrics], exporters: [nop]}`,
			[][]sampler.Sampler{{all, tenth}},
		},
		"two ways, one of them free": {
			`traces: {receivers: [otlp], processors: [tail_sampling], exporters: [otlp_grpc]},
			traces/2: {receivers: [otlp], exporters: [otlp_grpc]},
			traces/3: {receivers: [otlp/other], processors: [probabilistic_sampler], exporters: [otlp_grpc]},
			traces/4: {receivers: [otlp], processors: [probabilistic_sampler], exporters: [nop]}`,
			[][]sampler.Sampler{{all}, nil},
		},
	} {
		got := predictionOf(t, processors, c.pipelines)
		if diff := cmp.Diff(&sampler.Prediction{Paths: c.want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if p := predictionOf(t, "p: ", "traces: {receivers: [otlp], exporters: [otlp_grpc]}"); p != nil {
		t.Errorf("prediction without a sampler: %+v", p)
	}
}

func TestOdigosPrediction(t *testing.T) {
	g := scenario.Gateway{Processors: []scenario.Processor{
		{ID: "batch/mine"},
		{ID: "probabilistic_sampler", Config: map[string]any{"sampling_percentage": uint64(25)}},
	}}
	p := odigosPrediction(g)
	if p == nil || p.Keeps() == nil || p.Paths[0][0].Probabilistic.Percentage != 25 {
		t.Errorf("odigosPrediction = %+v", p)
	}
	g.Processors = append(g.Processors, scenario.Processor{ID: "odigostailsampling"})
	if p := odigosPrediction(g); p.Keeps() != nil {
		t.Errorf("odigosPrediction with Odigos' own sampler = %+v", p)
	}
}
