package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const (
	protectionDefault = scenario.Protection("")
	protectionOdigos  = scenario.ProtectionOdigos
	protectionLimiter = scenario.ProtectionLimiter
	protectionNone    = scenario.ProtectionNone
)

// bare is a collector as others build it, without the extension of ours.
func bare(t testing.TB) gateway.Collector {
	c := collector(t, "stock")
	c.Name = "otelcol-contrib"
	c.Components["extensions"] = []string{"health_check", "pprof"}
	return c
}

// What each protection sets, for each collector: the gateway that is really started says
// it, and the notes say what is not as Odigos has it.
func TestProtection(t *testing.T) {
	stock, own := collector(t, "stock"), collector(t, "odigos")
	own.Components["processors"] = append(own.Components["processors"], "memory_limiter")
	for _, c := range []struct {
		collector gateway.Collector
		asked     scenario.Protection
		want      scenario.Protection
		memLimit  string // GOMEMLIMIT
		has, not  string // in the configuration
		note      string
	}{
		{
			stock, protectionDefault, protectionOdigos, "440MiB", "memory_admission", "memory_limiter",
			"on Odigos' conditions, though not by Odigos' code",
		},
		{
			stock, protectionOdigos, protectionOdigos, "440MiB", "memory_admission", "memory_limiter",
			"refused before decoding",
		},
		{
			stock, protectionLimiter, protectionLimiter, "440MiB", "limit_mib: 440", "memory_admission",
			"from 352 MiB of heap on",
		},
		{
			stock, protectionNone, protectionNone, "440MiB", "batch", "memory_",
			"Nothing protects the gateway's memory: it takes in",
		},
		{
			bare(t), protectionDefault, protectionNone, "440MiB", "batch", "memory_",
			"Nothing protects the gateway's memory, for otelcol-contrib has no extension memory_admission",
		},
		{
			bare(t), protectionLimiter, protectionLimiter, "440MiB", "spike_limit_mib: 88",
			"memory_admission", "from 352 MiB of heap on",
		},
		{own, protectionDefault, protectionOdigos, "440MiB", "odigosrouterconnector", "memory_", ""},
		{own, protectionOdigos, protectionOdigos, "440MiB", "odigosrouterconnector", "memory_", ""},
		{
			own, protectionLimiter, protectionLimiter, "", "limit_mib: 440", "memory_admission",
			"GOMEMLIMIT is not set",
		},
		{
			own, protectionNone, protectionNone, "", "odigosrouterconnector", "memory_",
			"GOMEMLIMIT is not set",
		},
	} {
		g := odigosGateway()
		g.Protection = c.asked
		s := newSetup(t, g, c.collector, gateway.Source{})
		name, text := fmt.Sprintf("%s, asked %q", c.collector.Name, c.asked), s.Actor.Files[gateway.ConfigFile]
		if s.Gateway.Protection != c.want || s.Actor.Env["GOMEMLIMIT"] != c.memLimit {
			t.Errorf("%s: protection %q, GOMEMLIMIT %q; want %q, %q", name, s.Gateway.Protection,
				s.Actor.Env["GOMEMLIMIT"], c.want, c.memLimit)
		}
		if !strings.Contains(text, c.has) || strings.Contains(text, c.not) {
			t.Errorf("%s: want %q and not %q in\n%s", name, c.has, c.not, text)
		}
		if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, c.note) ||
			c.note == "" && notes != "" {
			t.Errorf("%s: notes\n%s\nwant %q", name, notes, c.note)
		}
	}
}

// The limiter comes before everything that costs, its soft limit lies below GOMEMLIMIT.
func TestLimiterStandsFirst(t *testing.T) {
	g := withProcessors()
	g.Protection, g.GoMemLimit = protectionLimiter, 200<<20
	text := newSetup(t, g, collector(t, "stock"), gateway.Source{}).Actor.Files[gateway.ConfigFile]
	want := "traces/in: otlp > memory_limiter/protection resource/odigos-version memory_limiter"
	if all := strings.Join(pipelines(t, text), "\n"); !strings.Contains(all, want) {
		t.Errorf("pipelines:\n%s\nwant %q", all, want)
	}
	for _, want := range []string{"limit_mib: 200\n", "spike_limit_mib: 40\n", "check_interval: 100ms\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
}

func TestProtectionRefuses(t *testing.T) {
	none := collector(t, "stock")
	none.Components["processors"] = []string{"batch", "resource"}
	twice := odigosGateway()
	twice.Protection = protectionLimiter
	twice.Processors = []scenario.Processor{{ID: "memory_limiter/protection"}}
	small := odigosGateway()
	small.GoMemLimit = 1000
	for _, c := range []struct {
		g    scenario.Gateway
		p    scenario.Protection
		coll gateway.Collector
		want string
	}{
		{
			odigosGateway(), protectionOdigos, bare(t), "protection odigos: otelcol-contrib 0.157.0" +
				" (/bin/stock) has no extension memory_admission: it has health_check, pprof; build a" +
				" collector that has it with: make build, or set gateway.protection to limiter or none",
		},
		{odigosGateway(), protectionLimiter, none, "protection limiter: odigos-stress-otelcol 0.157.0"},
		{small, protectionLimiter, bare(t), "GOMEMLIMIT, which is 1k: set gateway.gomemlimit"},
		{twice, protectionLimiter, bare(t), "memory_limiter/protection is part of the gateway already"},
	} {
		c.g.Protection = c.p
		_, err := gateway.New(c.g, c.coll, gateway.Source{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New of %q = %v; want an error with %q", c.p, err, c.want)
		}
	}
}

// Odigos' sizes as its chart computes them: hard limit = memory − 50 MiB, GOMEMLIMIT 80 %
// of it, GOMAXPROCS the CPU limit rounded up. They reach the gateway as limits and
// environment.
func TestPresetsAreGateways(t *testing.T) {
	for preset, want := range map[scenario.Preset]string{
		scenario.PresetSizeS:  "0.3 cores, 300 MiB, GOMEMLIMIT=200MiB GOMAXPROCS=1, limiter 200 40",
		scenario.PresetSizeM:  "1 cores, 600 MiB, GOMEMLIMIT=440MiB GOMAXPROCS=1, limiter 440 88",
		scenario.PresetSizeL:  "1.25 cores, 850 MiB, GOMEMLIMIT=640MiB GOMAXPROCS=2, limiter 640 128",
		scenario.PresetSizeXL: "1.5 cores, 2000 MiB, GOMEMLIMIT=1560MiB GOMAXPROCS=2, limiter 1560 312",
	} {
		s := scenario.Scenario{Name: "a", Gateway: scenario.Gateway{
			Preset: preset, Protection: protectionLimiter,
		}}
		resolved, err := s.Resolved()
		if err != nil {
			t.Fatal(err)
		}
		a := newSetup(t, resolved.Gateway, collector(t, "stock"), gateway.Source{}).Actor
		var limit, spike int
		for line := range strings.Lines(a.Files[gateway.ConfigFile]) {
			fmt.Sscanf(strings.TrimSpace(line), "limit_mib: %d", &limit)
			fmt.Sscanf(strings.TrimSpace(line), "spike_limit_mib: %d", &spike)
		}
		got := fmt.Sprintf("%v cores, %d MiB, GOMEMLIMIT=%s GOMAXPROCS=%s, limiter %d %d",
			a.Limits.CPUCores, a.Limits.MemoryBytes>>20, a.Env["GOMEMLIMIT"], a.Env["GOMAXPROCS"],
			limit, spike)
		if got != want {
			t.Errorf("%s is %s, want %s", preset, got, want)
		}
	}
}
