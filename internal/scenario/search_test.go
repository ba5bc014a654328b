package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const seconds = Duration(time.Second)

func TestSearchedDefaults(t *testing.T) {
	whole := Search{
		From: 1000, UpTo: 1e6, Precision: 0.03, Budget: 600 * seconds,
		Duration: 20 * seconds, Probe: 6 * seconds, Confirm: 40 * seconds, WarmUp: 3 * seconds,
	}
	with := func(change func(*Search)) Search {
		s := whole
		change(&s)
		return s
	}
	for text, want := range map[string]Search{
		"name: x": whole,
		"{name: x, load: {rate: 5k}}": with(func(s *Search) {
			s.From = 5000
		}),
		"{name: x, load: {rate: 5k}, search: {from: 2M}}": with(func(s *Search) {
			s.From, s.UpTo = 2e6, 2e6
		}),
		"{name: x, thresholds: {memory: {for: 30s}}}": with(func(s *Search) {
			s.Duration, s.Confirm = 37*seconds, 74*seconds
		}),
		"{name: x, search: {probe: 25s}}": with(func(s *Search) {
			s.Probe, s.Duration, s.Confirm = 25*seconds, 25*seconds, 50*seconds
		}),
		"{name: x, thresholds: {cpu: {for: 1s}, memory: {for: 2s}}, search: {duration: 9s, warm_up: 1s}}": with(
			func(s *Search) {
				s.Duration, s.WarmUp = 9*seconds, seconds
			}),
		"{name: x, gateway: {kind: otelcol, config: c, exporter: otlp}, search: {duration: 2s}}": with(
			func(s *Search) {
				s.Duration, s.Probe = 2*seconds, 2*seconds // nothing is limited
			}),
	} {
		s, err := read(t, text).Searched()
		if err != nil {
			t.Errorf("Searched of %s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, *s.Search); diff != "" {
			t.Errorf("Searched of %s (-want +got):\n%s", text, diff)
		}
	}
}

// Each trial has the defaults that follow from its own rate, and no search.
func TestTrialAt(t *testing.T) {
	s, err := read(t, "{name: x, timing: {duration: 1h, warm_up: 5m, drain: 30s}}").Searched()
	if err != nil {
		t.Fatal(err)
	}
	for rate, inFlight := range map[Rate]int{500: 16, 20_000: 200} {
		at := s.TrialAt(rate, s.Search.Probe)
		if at.Search != nil {
			t.Errorf("a trial at %v has a search", rate)
		}
		got, err := at.Resolved()
		if err != nil {
			t.Fatal(err)
		}
		if got.Load.Rate != rate || got.Load.InFlight != inFlight {
			t.Errorf("a trial at %v has rate %v, %d in flight; want %d", rate, got.Load.Rate,
				got.Load.InFlight, inFlight)
		}
		if got.Timing.Total() != 9*time.Second || got.Timing.Drain != 30*seconds {
			t.Errorf("a trial at %v takes %v and drains for %v", rate, got.Timing.Total(), got.Timing.Drain)
		}
	}
	if s.Search == nil {
		t.Error("TrialAt took the search from the scenario it was made of")
	}
}

// A single trial has no use for the section, whatever the rest of the scenario is.
func TestResolvedHasNoSearch(t *testing.T) {
	s, err := read(t, "{name: x, load: {pattern: ramp-up}, search: {from: 4k}}").Resolved()
	if err != nil || s.Search != nil {
		t.Errorf("Resolved: search %v, %v; want none", s.Search, err)
	}
}

func TestSearchedRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{name: x, load: {pattern: ramp-up}}": "load.pattern: found ramp-up, want constant",
		"{name: x, load: {pattern: burst, burst: {rate: 2k, every: 1m, for: 1s}}}": "load.pattern: found " +
			"burst",
		"{name: x, expect: killed}":                                                               "expect: found killed, want nothing",
		"{name: x, gateway: {on_death: restart}}":                                                 "gateway.on_death: found restart, want end",
		"{name: x, variants: [{name: a}, {name: b}]}":                                             "variants: found 2 variants, want one of them",
		"{name: x, assertions: [{that: refused==0, abort_on_fail: true, delay_abort_eval: 10s}]}": "a trial of 6s",
	} {
		if _, err := read(t, text).Searched(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Searched of %s: %v; want %s", text, err, want)
		}
	}
}

func TestReadRefusesSearches(t *testing.T) {
	for text, want := range map[string]string{
		"from: 0.5":                   "search.from: found 0.5, want at least 1 span per second",
		"from: 5k, up_to: 4k":         "search.up_to: found 4000, want at least search.from",
		"precision: 0.1%":             "search.precision: found 0.1%, want 0.5% to 50%",
		"precision: 60%":              "search.precision: found 60%",
		"duration: 10s":               "search.duration: found 10s, want at least 17s: thresholds.cpu.for (10s)",
		"duration: 30s, probe: 31s":   "search.probe: found 31s, want at most search.duration",
		"duration: 30s, confirm: 29s": "search.confirm: found 29s, want at least search.duration",
		"probe: 500ms":                "search.probe: found 500ms, want at least 1s",
		"duration: 20s, probe: 5s":    "search.probe: found 5s, want at least 6s: usage counts",
		"warm_up: 1500us":             "search.warm_up: found 1.5ms, want whole milliseconds",
		"budget: 20s":                 "search.budget: found 20s, want at least 23s",
		"fro: 1k":                     "did you mean from",
	} {
		_, err := Read("x.yaml", []byte("name: x\nsearch: {"+text+"}"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Read with search %s: %v; want %s", text, err, want)
		}
	}
}
