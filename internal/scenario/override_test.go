package scenario

import (
	"strings"
	"testing"
	"time"
)

func TestWith(t *testing.T) {
	base, err := Read("base.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	before := text(base)
	cases := []struct {
		overrides []string
		holds     func(Scenario) bool
	}{
		{nil, func(s Scenario) bool { return text(s) == before }},
		{[]string{"load.rate=15k"}, func(s Scenario) bool { return s.Load.Rate == 15000 }},
		{[]string{"load.rate=1k", "load.rate=3k"}, func(s Scenario) bool { return s.Load.Rate == 3000 }},
		{[]string{"timing.duration=30m"}, func(s Scenario) bool {
			return s.Timing.Duration == Duration(30*time.Minute)
		}},
		{[]string{"timing={duration: 30m}"}, func(s Scenario) bool {
			return s.Timing == Timing{Duration: Duration(30 * time.Minute)}
		}},
		{[]string{"load.burst.rate=40k"}, func(s Scenario) bool {
			return s.Load.Burst.Rate == 40000 && s.Load.Burst.Every == base.Load.Burst.Every
		}},
		{[]string{"load.pattern=constant", "load.burst=null"}, func(s Scenario) bool {
			return s.Load.Burst == nil && s.Load.Pattern == PatternConstant
		}},
		{[]string{"load.pattern=ramp-up", "load.burst=null", "load.ramp.from=7"}, func(s Scenario) bool {
			return s.Load.Ramp.From == 7
		}},
		{[]string{"load.seed=null", "expect=null"}, func(s Scenario) bool {
			return s.Load.Seed == 0 && s.Expect == ExpectNothing
		}},
		{[]string{"load.resource_attributes.k8s.cluster.name=a=b"}, func(s Scenario) bool {
			return s.Load.ResourceAttributes["k8s.cluster.name"] == "a=b" &&
				len(s.Load.ResourceAttributes) == 2
		}},
		{[]string{"load.span_attributes.a=null"}, func(s Scenario) bool {
			return len(s.Load.SpanAttributes) == 0
		}},
		{[]string{"backend.success_rate=50%"}, func(s Scenario) bool { return *s.Backend.SuccessRate == 0.5 }},
		{[]string{"gateway.processors=[{id: batch}]"}, func(s Scenario) bool {
			return len(s.Gateway.Processors) == 1 && s.Gateway.Processors[0].ID == "batch"
		}},
	}
	for _, c := range cases {
		got, err := base.With(c.overrides)
		if err != nil || !c.holds(got) {
			t.Errorf("With(%q) = %s, %v", c.overrides, text(got), err)
		}
		if text(base) != before {
			t.Fatalf("With(%q) changed its receiver to %s", c.overrides, text(base))
		}
	}
}

func TestWithRefuses(t *testing.T) {
	burst := &Burst{Rate: 20000, Every: Duration(time.Minute), For: Duration(10 * time.Second)}
	bursting := Scenario{Name: "b", Load: Load{Pattern: PatternBurst, Rate: 2000, Burst: burst}}
	ramp := Scenario{Name: "r", Load: Load{Pattern: PatternRampUp, Ramp: &Ramp{From: 100}}}
	cases := []struct {
		s        Scenario
		override string
		want     string
	}{
		{ramp, "load.rate", `--set: found "load.rate", want path=value, such as load.rate=15k`},
		{ramp, "=5", `--set: found "=5", want path=value`},
		{ramp, "load.rte=5", `--set:1:6: load.rte: found unknown field "rte", want one of`},
		{ramp, "lod.rate=5", `--set:1:1: lod: found unknown field "lod", want one of`},
		{ramp, "load.rate.x=5", `--set:1:11: load.rate.x: found a path below load.rate, want load.rate, which is set whole`},
		{ramp, "gateway.processors.0.id=x", `--set:1:20: gateway.processors.0.id: found a path below gateway.processors`},
		{ramp, "load..rate=5", `--set:1:6: load.: found unknown field "", want one of`},
		{ramp, "load.rate=15Ki", `--set:1:11: load.rate: found "15Ki", want spans per second`},
		{ramp, "load.rate=", `--set: load.rate: found nothing, want a value`},
		{ramp, "load.rate=[", `--set:1:11: load.rate: found text that is not YAML`},
		{ramp, "load={rate: 1, rate: 2}", `--set:1:16: load.rate: found the key a second time`},
		{ramp, "load.span_attributes.a=1", `--set:1:24: load.span_attributes.a: found the number 1, want text`},
		{Scenario{Name: "c"}, "load.rate=0.5", `--set:1:11: load.rate: found 0.5, want at least 1`},
		{ramp, "load.rate=50", `load.ramp.from: found 100, want at most load.rate, the end of the ramp (50)`},
		{ramp, "load.burst.rate=5k", `--set:1:17: load.burst: found a burst with pattern ramp-up`},
		{bursting, "load.rate=30k", `load.burst.rate: found 20000, want at least load.rate, the base between bursts (30000); see --set load.burst.rate`},
		{bursting, "timing.duration=30s", `load.burst.every: found 1m, want at most timing.duration (30s)`},
	}
	for _, c := range cases {
		_, err := c.s.With([]string{c.override})
		all := Errors(err)
		if len(all) != 1 || !strings.HasPrefix(all[0].Error(), c.want) {
			t.Errorf("With(%q) = %v; want %s", c.override, err, c.want)
		}
	}
	_, err := ramp.With([]string{"load.rate=x", "timing.drain=y"})
	if n := len(Errors(err)); n != 2 {
		t.Errorf("With(two mistakes) = %d errors: %v", n, err)
	}
}
