package scenario

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func ptr[T any](v T) *T { return &v }

func TestResolvedFillsEverything(t *testing.T) {
	got, err := Scenario{Name: "custom"}.Resolved()
	if err != nil {
		t.Fatal(err)
	}
	threshold := ResourceThreshold{ptr(Ratio(0.8)), ptr(Ratio(0.9)), Duration(10 * time.Second)}
	want := Scenario{
		Name: "custom",
		Load: Load{
			Engine: EngineOTLP, Pattern: PatternConstant, Rate: 1000, Shape: ShapeOdigosDocs,
			SpansPerRequest: 100, Protocol: ProtocolGRPC, Compression: CompressionNone,
			Connections: 1, InFlight: 16, Timeout: Duration(10 * time.Second),
			Retry: RetryNone, Seed: 1,
		},
		Gateway: Gateway{
			Kind: GatewayOdigos, Preset: PresetSizeM, CPULimit: 1, MemoryLimit: 600 << 20,
			GoMemLimit: 440 << 20, GoMaxProcs: 1, Compression: CompressionNone, OnDeath: DeathEnd,
		},
		Backend: Backend{SuccessRate: ptr(Ratio(1))},
		Thresholds: Thresholds{
			CPU: threshold, Memory: threshold,
			Loss: ptr(Ratio(0)), Refused: ptr(Ratio(0)), Growth: GrowthWarning,
		},
		Timing: Timing{
			WarmUp:   ptr(Duration(10 * time.Second)),
			Duration: Duration(10 * time.Minute), Drain: Duration(time.Minute),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Resolved() differs (-want +got):\n%s", diff)
	}
}

// What the sizes of Odigos' chart give a gateway, and what stands in for it where
// the chart's formula gives nothing useful.
func TestResolvedGateway(t *testing.T) {
	cases := []struct {
		in   Gateway
		want string
	}{
		{Gateway{}, "size_m 1 600Mi 440Mi 1"},
		{Gateway{Preset: PresetSizeS}, "size_s 0.3 300Mi 200Mi 1"},
		{Gateway{Preset: PresetSizeL}, "size_l 1.25 850Mi 640Mi 2"},
		{Gateway{Preset: PresetSizeXL}, "size_xl 1.5 2000Mi 1560Mi 2"},
		{Gateway{CPULimit: 2}, " 2 600Mi 440Mi 2"},
		{Gateway{CPULimit: 1}, "size_m 1 600Mi 440Mi 1"},
		{Gateway{Preset: PresetSizeS, MemoryLimit: 4 << 30}, " 0.3 4Gi 3236Mi 1"},
		{Gateway{CPULimit: 4, MemoryLimit: 8 << 30}, " 4 8Gi 6513Mi 4"},
		{Gateway{GoMemLimit: 100 << 20, GoMaxProcs: 8}, "size_m 1 600Mi 100Mi 8"},
		{Gateway{MemoryLimit: 128 << 20}, " 1 128Mi 62Mi 1"},
		{Gateway{MemoryLimit: 100 << 20}, " 1 100Mi 40Mi 1"},
		{Gateway{MemoryLimit: 60 << 20}, " 1 60Mi 24Mi 1"},
		{Gateway{MemoryLimit: 16 << 20}, " 1 16Mi 6Mi 1"},
		{Gateway{Kind: GatewayOtelcol, Config: "c.yaml", Exporter: "otlp"}, " 0 0 0 0"},
		{
			Gateway{Kind: GatewayOtelcol, Config: "c.yaml", Exporter: "otlp", Preset: PresetSizeM},
			"size_m 1 600Mi 0 0",
		},
	}
	for _, c := range cases {
		s, err := Scenario{Name: "x", Gateway: c.in}.Resolved()
		g := s.Gateway
		got := fmt.Sprint(string(g.Preset), " ", g.CPULimit, " ", g.MemoryLimit, " ",
			g.GoMemLimit, " ", g.GoMaxProcs)
		if err != nil || got != c.want {
			t.Errorf("Resolved(%+v) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestResolvedLoad(t *testing.T) {
	burst := &Burst{Rate: 20000, Every: Duration(time.Minute), For: Duration(10 * time.Second)}
	cases := []struct {
		in   Load
		want string // spans a request, requests in flight
	}{
		{Load{}, "100 16"},
		{Load{Rate: 100}, "10 16"},
		{Load{Rate: 110}, "10 16"},
		{Load{Rate: 1}, "2 16"},
		{Load{Rate: 1, Split: true}, "1 16"},
		{Load{Rate: 370, Split: true}, "37 16"},
		{Load{Rate: 370, Shape: ShapeSimple}, "30 16"},
		{Load{Rate: 100, Shape: ShapeComplex}, "20 16"},
		{Load{Rate: 5000}, "100 50"},
		{Load{Rate: 1e5}, "100 256"},
		{Load{Rate: 1000, Connections: 100}, "100 400"},
		{Load{Rate: 1000, InFlight: 3}, "100 3"},
		{Load{Rate: 2000, Pattern: PatternBurst, Burst: burst}, "100 200"},
		{Load{Rate: 5000, SpansPerRequest: 1000}, "1000 16"},
	}
	for _, c := range cases {
		s, err := Scenario{Name: "x", Load: c.in}.Resolved()
		got := fmt.Sprint(s.Load.SpansPerRequest, s.Load.InFlight)
		if err != nil || got != c.want {
			t.Errorf("Resolved(%+v) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestResolvedRamp(t *testing.T) {
	cases := []struct {
		rate Rate
		ramp *Ramp
		want Ramp
	}{
		{20000, nil, Ramp{100, Duration(10 * time.Minute)}},
		{100, nil, Ramp{10, Duration(10 * time.Minute)}},
		{1, nil, Ramp{1, Duration(10 * time.Minute)}},
		{20000, &Ramp{From: 50}, Ramp{50, Duration(10 * time.Minute)}},
		{20000, &Ramp{Over: Duration(time.Minute)}, Ramp{100, Duration(time.Minute)}},
	}
	for _, c := range cases {
		in := Scenario{Name: "x", Load: Load{Pattern: PatternRampUp, Rate: c.rate, Ramp: c.ramp}}
		s, err := in.Resolved()
		if err != nil || *s.Load.Ramp != c.want {
			t.Errorf("Resolved(%v, %v) = %v, %v; want %v", c.rate, c.ramp, s.Load.Ramp, err, c.want)
		}
	}
}

// Only one of the two thresholds was given: the other steps aside.
func TestResolvedThreshold(t *testing.T) {
	cases := []struct{ in, want ResourceThreshold }{
		{
			ResourceThreshold{Critical: ptr(Ratio(0.5))},
			ResourceThreshold{ptr(Ratio(0.5)), ptr(Ratio(0.5)), defaultFor},
		},
		{
			ResourceThreshold{Warning: ptr(Ratio(0.95))},
			ResourceThreshold{ptr(Ratio(0.95)), ptr(Ratio(0.95)), defaultFor},
		},
		{
			ResourceThreshold{Critical: ptr(Ratio(1))},
			ResourceThreshold{ptr(Ratio(0.8)), ptr(Ratio(1)), defaultFor},
		},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, c.in.resolved()); diff != "" {
			t.Errorf("resolved(%v) differs (-want +got):\n%s", c.in, diff)
		}
	}
}

// holds are the properties of every scenario that can be read.
func holds(t *testing.T, s Scenario) {
	t.Helper()
	for _, v := range s.Variants {
		one, err := s.Variant(v.Name, nil)
		if err != nil {
			t.Fatalf("Variant(%s): %v", v.Name, err)
		}
		holds(t, one)
	}
	if len(s.Variants) > 0 {
		return
	}
	before, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	once, err := s.Resolved()
	if err != nil {
		t.Fatalf("Resolved(%s): %v", before, err)
	}
	if after, _ := json.Marshal(s); string(after) != string(before) {
		t.Errorf("Resolved changed its receiver:\n%s\n%s", before, after)
	}
	twice, err := once.Resolved()
	if diff := cmp.Diff(once, twice); diff != "" || err != nil {
		t.Errorf("Resolved().Resolved() differs, %v (-once +twice):\n%s", err, diff)
	}
	for _, each := range []Scenario{s, once} {
		data, err := each.YAML()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Read("back.yaml", data)
		if diff := cmp.Diff(text(each), text(back)); diff != "" || err != nil {
			t.Errorf("Read(YAML()) differs, %v (-want +got):\n%s\n%s", err, diff, data)
		}
	}
	if once.Load.SpansPerRequest%once.Load.Shape.Spans() != 0 && !once.Load.Split {
		t.Errorf("Resolved(%s) splits traces of %d spans into requests of %d", before,
			once.Load.Shape.Spans(), once.Load.SpansPerRequest)
	}
	var back Scenario
	data, _ := json.Marshal(once)
	if err := json.Unmarshal(data, &back); err != nil || text(back) != text(once) {
		t.Errorf("Unmarshal(Marshal(s)) = %s, %v; want %s", text(back), err, data)
	}
}

// text is a scenario for comparing: an empty mapping and none are the same.
func text(s Scenario) string {
	data, err := json.Marshal(s)
	return fmt.Sprint(string(data), err)
}

// What the chart makes of the memory of Odigos' sizes, by its own table; and of one that is
// too small for its formula.
func TestDerive(t *testing.T) {
	const mebi = 1 << 20
	for limit, want := range map[Bytes]Derived{
		300:  {Hard: 250, Spike: 50, GoMemLimit: 200},
		600:  {Hard: 550, Spike: 110, GoMemLimit: 440},
		850:  {Hard: 800, Spike: 160, GoMemLimit: 640},
		2000: {Hard: 1950, Spike: 390, GoMemLimit: 1560},
		81:   {Hard: 40, Spike: 8, GoMemLimit: 32},
	} {
		got := Derive(limit * mebi)
		got = Derived{Hard: got.Hard / mebi, Spike: got.Spike / mebi, GoMemLimit: got.GoMemLimit / mebi}
		if got != want {
			t.Errorf("Derive(%d MiB) = %+v MiB, want %+v", limit, got, want)
		}
	}
}
