package monitor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// What samplers dropped is summed over processors, and 0 where one has decided and dropped
// nothing; without a sampler it is not known.
func TestReadSamplers(t *testing.T) {
	const probabilistic = "otelcol_processor_probabilistic_sampler_count_traces_sampled"
	const tail = "otelcol_processor_tail_sampling_"
	for _, c := range []struct {
		text string
		want metrics
	}{
		{"otelcol_processor_batch_x 1\n", metrics{}},
		{
			probabilistic + `{policy="trace_id_hash",sampled="true"} 2992` + "\n",
			metrics{record.SamplerDropped: 0},
		},
		{
			probabilistic + `{policy="trace_id_hash",sampled="false"} 3122` + "\n" +
				probabilistic + `_total{policy="trace_id_w3c",sampled="false"} 8` + "\n",
			metrics{record.SamplerDropped: 3130},
		},
		{
			tail + `global_count_traces_sampled{decision="not_sampled",sampled="false"} 2943` + "\n" +
				tail + `global_count_traces_sampled{decision="dropped",sampled="false"} 7` + "\n" +
				tail + `global_count_traces_sampled{decision="sampled",sampled="true"} 3057` + "\n" +
				tail + `count_traces_sampled{decision="not_sampled",policy="p",sampled="false"} 9` + "\n" +
				tail + "sampling_trace_dropped_too_early 5\n" + tail + "traces_dropped_too_large 2\n",
			metrics{record.TailDropped: 2950, record.TailEvicted: 7},
		},
	} {
		if diff := cmp.Diff(c.want, readCollector(&Target{}, parseText(t, c.text))); diff != "" {
			t.Errorf("readCollector(%s) (-want +got):\n%s", c.text, diff)
		}
	}
}
