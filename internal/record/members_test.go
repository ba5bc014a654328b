package record

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// pods is a look at two gateways, and at all of them.
func pods(elapsed, accepted float64, heaps ...float64) Sample {
	s := usageSample(elapsed, 0, env.Usage{MemoryWorkingSet: new(int64(300))})
	a := s.Actors[Gateway]
	a.Metrics = map[Metric]float64{ReceiverAccepted: accepted, HeapAlloc: 0}
	for i, heap := range heaps {
		a.Metrics[HeapAlloc] += heap
		s.Actors[env.MemberName(Gateway, i)] = ActorSample{
			Running: true, Usage: &env.Usage{MemoryWorkingSet: new(int64(heap))},
			Metrics: map[Metric]float64{ReceiverAccepted: accepted / float64(len(heaps)), HeapAlloc: heap},
		}
	}
	s.Actors[Gateway] = a
	return s
}

// The members of a record are those that were asked for and those that were seen, by
// number and not by letter.
func TestMembers(t *testing.T) {
	heaps := make([]float64, 11)
	r := &Record{Samples: []Sample{pods(0, 0, heaps[:2]...), pods(1, 0, heaps...)}}
	r.Header.Actors = []env.Actor{{Name: Gateway, Replicas: 3}, {Name: Backend, Replicas: 1}}
	want := []string{
		"gateway/0", "gateway/1", "gateway/2", "gateway/3", "gateway/4", "gateway/5", "gateway/6",
		"gateway/7", "gateway/8", "gateway/9", "gateway/10",
	}
	if diff := cmp.Diff(want, r.Members(Gateway)); diff != "" {
		t.Errorf("Members(gateway) (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, r.Samples[1].Members(Gateway)); diff != "" {
		t.Errorf("the second sample's Members(gateway) (-want +got):\n%s", diff)
	}
	if got := r.Members(Backend); len(got) > 0 {
		t.Errorf("Members(backend) = %q, want none", got)
	}
}

// With one member in the place of all, the process is the member's and the flow is all's;
// the record itself stays as it is.
func TestWithOne(t *testing.T) {
	r := &Record{
		Samples:  []Sample{pods(0, 100, 10, 20)},
		Pulses:   []Pulse{{Actors: map[string]*env.Usage{Gateway: {}, "gateway/1": {At: began}}}},
		Profiles: []Profile{{Actor: "gateway/0"}, {Actor: "gateway/1", Kind: ProfileHeap}},
	}
	before := pods(0, 100, 10, 20)
	one := r.WithOne(Gateway, "gateway/1")
	want := ActorSample{
		Running: true, Usage: &env.Usage{MemoryWorkingSet: new(int64(20))},
		Metrics: map[Metric]float64{ReceiverAccepted: 100, HeapAlloc: 20},
	}
	if diff := cmp.Diff(want, one.Samples[0].Actors[Gateway]); diff != "" {
		t.Errorf("the gateway (-want +got):\n%s", diff)
	}
	if u := one.Pulses[0].Actors[Gateway]; u == nil || u.At != began {
		t.Errorf("the gateway in a pulse is %+v", u)
	}
	if diff := cmp.Diff([]Profile{{Actor: "gateway/0"}, {Actor: Gateway, Kind: ProfileHeap}}, one.Profiles); diff != "" {
		t.Errorf("profiles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, r.Samples[0]); diff != "" {
		t.Errorf("the record has changed (-want +got):\n%s", diff)
	}
}

// Each member has the columns of its actor, behind all others.
func TestMembersHaveColumns(t *testing.T) {
	r := &Record{Samples: []Sample{pods(0, 100, 10, 20)}}
	rows := table(t, r)
	for name, want := range map[string]string{
		"gateway_receiver_accepted_spans": "100", "gateway_1_receiver_accepted_spans": "50",
		"gateway_0_memory_working_set_bytes": "10", "gateway_1_memory_working_set_bytes": "20",
		"gateway_1_running": "1",
	} {
		if got := rows[0][name]; got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	columns := columnsOf(r)
	of := 0
	for _, c := range Columns {
		// How many there are is of all together.
		if strings.HasPrefix(c.Name, "gateway_") && !strings.HasPrefix(c.Name, "gateway_replicas_") {
			of++
		}
	}
	if got := len(columns) - len(Columns); got != 2*of {
		t.Errorf("two members have %d columns, want %d", got, 2*of)
	}
}
