package main

import (
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// A thinned request is one that protobuf reads, with the spans that were kept and no
// other, in the order and under the resources and scopes that they had.
func TestThin(t *testing.T) {
	shape, err := otlp.NewShape("complex", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	template := otlp.NewTemplate(shape, 0, 1000, r)
	for i, h := range template.SpanIDs { // ids that tell spans apart
		template.Bytes[h.At], template.Bytes[h.At+1] = byte(i), byte(i>>8)
	}
	whole := names(t, template.Bytes)
	var th thinning
	dropped := uint64(0)
	for range 20 {
		if err := th.thin(template.Bytes); err != nil {
			t.Fatal(err)
		}
		kept := names(t, th.out)
		if uint64(len(kept)) != th.kept || th.kept+th.dropped != uint64(len(whole)) {
			t.Fatalf("thin(%d spans) holds %d, says %d kept and %d dropped", len(whole), len(kept),
				th.kept, th.dropped)
		}
		at := 0
		for _, k := range kept {
			for at < len(whole) && whole[at] != k {
				at++
			}
			if at == len(whole) {
				t.Fatalf("thin gave %q out of order, or made it up", k)
			}
			at++
		}
		dropped += th.dropped
	}
	if dropped < 100 || dropped > 400 {
		t.Errorf("thin dropped %d of 20,000 spans: want about %v", dropped, 20_000*lossRate)
	}
	if err := th.thin(template.Bytes[:len(template.Bytes)-1]); err == nil {
		t.Error("thin of a request that was cut off: want an error")
	}
}

// names are resource, scope and span of all spans of a request, in order.
func names(t *testing.T, request []byte) (all []string) {
	t.Helper()
	var traces tracepb.TracesData // on the wire the same as a request
	if err := proto.Unmarshal(request, &traces); err != nil {
		t.Fatal(err)
	}
	for _, rs := range traces.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				all = append(all, rs.GetResource().String()+ss.GetScope().GetName()+string(s.GetSpanId()))
			}
		}
	}
	return all
}
