package main

import (
	"math"
	"testing"
	"time"
)

func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		name   string
		length time.Duration
		mib    func(seconds float64) float64
		want   float64
		ok     bool
	}{
		{"steady", 3 * time.Minute, func(float64) float64 { return 40 }, 0, true},
		{"two a minute", 3 * time.Minute, func(s float64) float64 { return 40 + s/30 }, 2, true},
		{"the first minute does not count", 5 * time.Minute, func(s float64) float64 {
			return 100 * min(s, 59)
		}, 0, true},
		{"too short", 80 * time.Second, func(s float64) float64 { return s }, 0, false},
	} {
		var g growth
		for s := time.Second; s <= c.length; s += time.Second {
			g.add(s, c.mib(s.Seconds()))
		}
		if got, ok := g.slope(); ok != c.ok || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: slope() = %v, %t, want %v, %t", c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestJudgeSoak(t *testing.T) {
	grows := &growth{}
	for s := range 200 {
		grows.add(time.Duration(s)*time.Second, float64(s))
	}
	steady := &growth{}
	for s := range 200 {
		steady.add(time.Duration(s)*time.Second, 30)
	}
	for _, c := range []struct {
		name string
		o    soaked
		good bool
	}{
		{"exact", soaked{Dropped: 7, Missing: 7}, true},
		{"one more is missing", soaked{Dropped: 7, Missing: 8}, false},
		{"one came twice", soaked{Twice: 1}, false},
		{"memory grows", soaked{Memory: map[string]*growth{"backend": grows}}, false},
		{"memory does not grow", soaked{Memory: map[string]*growth{"backend": steady}}, true},
		{"memory is not known", soaked{Memory: map[string]*growth{"backend": {}}}, false},
	} {
		if err := c.o.judge(); (err == nil) != c.good {
			t.Errorf("%s: judge() = %v, want good: %t", c.name, err, c.good)
		}
	}
}

func TestRSSAnon(t *testing.T) {
	got, err := rssAnon([]byte("VmRSS:\t  9000 kB\nRssAnon:\t    2048 kB\nRssFile:\t 1 kB\n"))
	if err != nil || got != 2 {
		t.Errorf("rssAnon = %v, %v, want 2 MiB", got, err)
	}
	if _, err := rssAnon([]byte("VmRSS:\t 1 kB\n")); err == nil {
		t.Error("rssAnon without the line: want an error")
	}
}
