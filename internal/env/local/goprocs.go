package local

import (
	"debug/buildinfo"
	"go/version"
	"math"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
)

var _ env.GoChooser = (*Instance)(nil)

// GoMaxProcs is what the Go runtime of its program made of GOMAXPROCS by itself; 0 where
// it was told, or that is not known for sure.
func (i *Instance) GoMaxProcs() int { return i.goProcs }

// goProcs reads from the program how it was built. What is no Go program chooses nothing.
func goProcs(program string, a env.Actor, how env.Enforcement) int {
	if program == "" || a.Env["GOMAXPROCS"] != "" {
		return 0
	}
	built, err := buildinfo.ReadFile(program)
	if err != nil {
		return 0
	}
	return chosenProcs(built, a, how, runtime.NumCPU())
}

// chosenProcs is GOMAXPROCS as a runtime chooses it: the processors that the process may
// run on, which are ours; from Go 1.25 on at most the quota of its own cgroup, rounded up
// and 2 at least (runtime/cgroup_linux.go). What may choose otherwise is not known: the
// package automaxprocs, a GODEBUG of the actor's own, and a cgroup that is not ours.
func chosenProcs(built *debug.BuildInfo, a env.Actor, how env.Enforcement, cores int) int {
	for _, d := range built.Deps {
		if strings.HasSuffix(d.Path, "/automaxprocs") {
			return 0
		}
	}
	released := version.Lang(built.GoVersion)
	switch {
	case released == "":
		return 0 // between two releases
	case cores <= 2 || runtime.GOOS != "linux" || version.Compare(released, "go1.25") < 0:
		return cores
	}
	asked := a.Env["GODEBUG"]
	for _, s := range built.Settings {
		if s.Key == "DefaultGODEBUG" {
			asked += "," + s.Value
		}
	}
	switch {
	case strings.Contains(a.Env["GODEBUG"], "maxprocs"):
		return 0
	case strings.Contains(asked, "containermaxprocs=0"):
		return cores
	case !how.CPU || how.Method != methodV1 && how.Method != methodV2:
		return 0
	case a.Limits.CPUCores == 0:
		return cores
	}
	quota := float64(quotaMicros(a.Limits.CPUCores)) / periodMicros
	return min(cores, max(2, int(math.Ceil(quota))))
}
