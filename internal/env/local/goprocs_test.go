package local

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func TestChosenProcs(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere there are no quotas")
	}
	built := func(v string, settings ...string) *debug.BuildInfo {
		b := &debug.BuildInfo{GoVersion: v}
		for _, s := range settings {
			b.Settings = append(b.Settings, debug.BuildSetting{Key: "DefaultGODEBUG", Value: s})
		}
		return b
	}
	auto := built("go1.26.1")
	auto.Deps = []*debug.Module{{Path: "go.uber.org/automaxprocs"}}
	v2 := env.Enforcement{Method: methodV2, CPU: true}
	for name, c := range map[string]struct {
		built *debug.BuildInfo
		how   env.Enforcement
		vars  map[string]string
		limit float64
		cores int
		want  int
	}{
		"a quota":                       {built("go1.26.8"), v2, nil, 3, 16, 3},
		"a quota of v1":                 {built("go1.25.0"), env.Enforcement{Method: methodV1, CPU: true}, nil, 3, 16, 3},
		"a quota, rounded up":           {built("go1.26.8"), v2, nil, 2.5, 16, 3},
		"less than two":                 {built("go1.26.8"), v2, nil, 0.5, 16, 2},
		"more than there are":           {built("go1.26.8"), v2, nil, 20, 16, 16},
		"no quota":                      {built("go1.26.8"), v2, nil, 0, 16, 16},
		"a runtime that knows no quota": {built("go1.24.7"), v2, nil, 3, 16, 16},
		"a program of old":              {built("go1.26.8", "containermaxprocs=0,updatemaxprocs=0"), v2, nil, 3, 16, 16},
		"settings of something else":    {built("go1.26.8", "tlssecpmlkem=0"), v2, nil, 3, 16, 3},
		"GODEBUG of its own":            {built("go1.26.8"), v2, map[string]string{"GODEBUG": "containermaxprocs=0"}, 3, 16, 0},
		"automaxprocs":                  {auto, v2, nil, 3, 2, 0},
		"between two releases":          {built("devel +abc"), v2, nil, 3, 16, 0},
		"somebody else's cgroup":        {built("go1.26.8"), env.Enforcement{Method: methodNone}, nil, 3, 16, 0},
		"two, whatever the quota":       {built("go1.26.8"), env.Enforcement{Method: methodNone}, nil, 1, 2, 2},
	} {
		a := env.Actor{Env: c.vars, Limits: env.Limits{CPUCores: c.limit}}
		if got := chosenProcs(c.built, a, c.how, c.cores); got != c.want {
			t.Errorf("%s: GOMAXPROCS is taken for %d, want %d", name, got, c.want)
		}
	}
}

// This very process was built by the same Go, and is asked.
func TestGoProcs(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	told := env.Actor{Env: map[string]string{"GOMAXPROCS": "3"}}
	if got := goProcs(self, told, env.Enforcement{}); got != 0 {
		t.Errorf("one that was told is taken to have chosen %d", got)
	}
	if runtime.NumCPU() <= 2 {
		if got := goProcs(self, env.Actor{}, env.Enforcement{}); got != runtime.NumCPU() {
			t.Errorf("GOMAXPROCS is taken for %d, there are %d processors", got, runtime.NumCPU())
		}
	}
	if got := goProcs("/dev/null", env.Actor{}, env.Enforcement{}); got != 0 {
		t.Errorf("what is no Go program is taken to have chosen %d", got)
	}
}
