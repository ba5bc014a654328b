package verdict_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// onNodes has the actors on nodes of a cluster, of which a and b have so many cores. The
// gateway uses nearly one.
func onNodes(gateway, loadgen, backend string, a, b int) madeUp {
	return madeUp{
		trial: func(t *trials.Trial) { t.CPU = func(float64) float64 { return .88 } },
		record: func(r *record.Record) {
			r.Header.Environment = "kubernetes"
			r.Header.Nodes = []record.Machine{{Name: "a", Cores: a}, {Name: "b", Cores: b}}
			r.Header.Machine = r.Header.Nodes[0]
			r.Ending.Nodes = map[string]string{
				record.Gateway: gateway, record.Loadgen: loadgen, record.Backend: backend,
			}
		},
	}
}

// Each node is held against what was used on it, and a full one is named.
func TestNodes(t *testing.T) {
	unknownLoadgen := func(r *record.Record) {
		each(r, record.Loadgen, func(_ *record.Sample, a *record.ActorSample) { a.Usage = nil })
	}
	for _, c := range []struct {
		name string
		made madeUp
		more func(*record.Record)
		want []string
	}{
		{
			"one node", onNodes("a", "a", "a", 4, 4), nil,
			[]string{"held: the actors used 0.93 of the machine's 4 cores on average"},
		},
		{
			"the gateway's is full", onNodes("a", "a", "b", 1, 4), nil,
			[]string{
				"reservation: on node a gateway, loadgen used 0.90 of 1 cores on average: they had to wait " +
					"for each other",
				"held: on node b backend used 0.03 of 4 cores on average",
			},
		},
		{
			"the gateway is alone",
			madeUp{
				trial:  func(t *trials.Trial) { t.CPU = func(float64) float64 { return .94 } },
				record: onNodes("a", "b", "b", 1, 4).record,
			},
			nil,
			[]string{
				"held: on node a gateway used 0.94 of 1 cores on average",
				"held: on node b backend, loadgen used 0.05 of 4 cores on average",
			},
		},
		{
			"not known", onNodes("a", "b", "c", 2, 4), unknownLoadgen,
			[]string{
				"held: on node a gateway used 0.88 of 2 cores on average",
				"note: how much of node b its actors used is not known: of loadgen nothing is",
				"note: the cores of node c, which backend ran on, are not known",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.made.made()
			if c.more != nil {
				c.more(r)
			}
			var got []string
			for _, f := range verdict.Judge(r).Findings {
				if f.Check == "host" {
					got = append(got, string(f.Severity)+": "+f.Text)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// An end without a limit is allowed the cores of its own node.
func TestAllowedOfItsNode(t *testing.T) {
	f := verdict.Measure(onNodes("a", "b", "a", 2, 8).made())
	if f.Loadgen.Allowed == nil || *f.Loadgen.Allowed != 8 || *f.Backend.Allowed != 2 {
		t.Errorf("allowed %v and %v cores, want 8 and 2", *f.Loadgen.Allowed, *f.Backend.Allowed)
	}
}
