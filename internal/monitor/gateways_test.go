package monitor

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// A gate is one gateway that accepts so many spans a second, two of which wait.
type gate struct {
	*instance
	url string
}

// answers of a gate: what it accepted since it began.
func (g gate) text(perSecond float64) string {
	return fmt.Sprintf("otelcol_receiver_accepted_spans_total{receiver=\"otlp\",transport=\"grpc\"} %g\n"+
		"otelcol_exporter_queue_size{exporter=\"otlp\",data_type=\"traces\"} 2\n",
		perSecond*time.Since(g.began).Seconds())
}

func newGate(n int) gate {
	return gate{&instance{began: time.Now()}, fmt.Sprintf("http://gate%d", n)}
}

// target is a group of gates, in the order of their indices.
func gatesTarget(gates ...gate) Target {
	group := Target{Name: "gateway", Kind: Collector}
	for i, g := range gates {
		group.Members = append(group.Members, Target{
			Name: env.MemberName("gateway", i), Kind: Collector, Instance: g.instance, MetricsURL: g.url,
		})
	}
	return group
}

// What gateways counted rises however many of them end, come, or are started anew: what
// one counted is not lost, and not counted twice. Queues are of those that run.
func TestGatewaysThatComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		urls := map[string]gate{}
		answer := func(url string) (string, time.Duration, error) { return urls[url].text(10), 0, nil }
		known := func(g gate) gate { urls[g.url] = g; return g }
		first, second := known(newGate(0)), known(newGate(1))
		m := New([]Target{gatesTarget(first, second)}, Options{Transport: network(answer)})
		looks := 0
		samples := watch(t, m, 9*time.Second-1, func(record.Sample) {
			switch looks++; looks {
			case 3: // at 2 s, and with it 20 spans: one is gone
				second.end()
			case 5: // at 4 s: another comes
				m.Add(gatesTarget(first, second, known(newGate(2))))
			case 7: // at 6 s: the one that is gone runs anew, the others go on
				m.Add(gatesTarget(first, known(newGate(3)), urls["http://gate2"]))
			}
		})
		var accepted, queued []float64
		for i, s := range samples {
			all := s.Actors["gateway"]
			if !all.Running || all.Usage == nil {
				t.Errorf("look %d: %+v", i, all)
			}
			accepted = append(accepted, all.Metrics[record.ReceiverAccepted])
			queued = append(queued, all.Metrics[record.QueueSize])
		}
		if diff := cmp.Diff([]float64{0, 20, 40, 50, 60, 80, 100, 130, 160}, accepted); diff != "" {
			t.Errorf("accepted (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]float64{4, 4, 4, 2, 2, 4, 4, 6, 6}, queued); diff != "" {
			t.Errorf("queued (-want +got):\n%s", diff)
		}
		if gone := samples[4].Actors["gateway/1"]; gone.Running || gone.Metrics != nil {
			t.Errorf("the one that is gone is %+v, and was asked", gone)
		}
		cpu := *samples[8].Actors["gateway"].Usage.CPUSeconds
		if want := 8.0 + 2 + 4 + 2; cpu < want-0.1 || cpu > want+0.1 {
			t.Errorf("they used %v s of CPU, want %v: a core each while it ran", cpu, want)
		}
	})
}

// When the last is gone nothing is known of all, and nothing runs.
func TestNoGatewayIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(0)
		g.end()
		m := New([]Target{gatesTarget(g)}, Options{Transport: network(nil)})
		got := watch(t, m, time.Second-1, func(record.Sample) {})[0].Actors["gateway"]
		if diff := cmp.Diff(record.ActorSample{}, got); diff != "" {
			t.Errorf("a look (-want +got):\n%s", diff)
		}
	})
}
