package local

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// The values of env.Enforcement.Method.
const (
	methodV1      = "cgroup-v1"
	methodV2      = "cgroup-v2"
	methodSystemd = "systemd"
	methodNone    = "none"
)

// parentName is the cgroup that all runs share, in the cgroup where each was started.
const parentName = "odigos-stress"

// probeName is the cgroup that is made in order to try.
const probeName = "probe"

// A fence makes the cgroups of one run, in the way that was found to work.
type fence struct {
	how   env.Enforcement
	run   string          // name of the run's own directory, with the tool's process in it
	bases map[string]base // by controller; that of v2 by ""
	// systemd is the path of systemd-run, with that method.
	systemd string
}

// A base is a cgroup in which parentName can be made.
type base struct {
	mount string // of the tree
	rel   string // below mount, with a leading slash
}

func (b base) dir(names ...string) string {
	return filepath.Join(append([]string{b.mount, b.rel}, names...)...)
}

// runName is the run's directory: it tells whose it is even to one who knows no more.
func runName(run string, tool process) string { return run + "@" + tool.String() }

// period of enforcement: the kernel's default.
const periodMicros = 100_000

// quotaMicros is the CPU time in each period; the kernel takes no less than 1 ms.
func quotaMicros(cores float64) int64 { return max(1000, int64(cores*periodMicros+0.5)) }

// A bound is one limit as it was asked for, to be compared with what the kernel says.
type bound struct {
	file string
	want string
	// page is set where the kernel rounds to whole pages.
	page bool
}

// verify reads limits back.
func verify(dir string, bounds ...bound) error {
	for _, b := range bounds {
		path := filepath.Join(dir, b.file)
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read limit back: %w", err)
		}
		got := trim(text)
		if got != b.want && (!b.page || !samePage(got, b.want)) {
			return fmt.Errorf("read limit back: %s is %q, %q was written", path, got, b.want)
		}
	}
	return nil
}

func samePage(got, want string) bool {
	g, err := strconv.ParseInt(got, 10, 64)
	w, err2 := strconv.ParseInt(want, 10, 64)
	return err == nil && err2 == nil && g <= w && w-g < int64(os.Getpagesize())
}

// scopeArgs are the arguments of systemd-run for one actor.
func scopeArgs(unit string, l env.Limits, program ...string) []string {
	args := []string{"--user", "--scope", "--quiet", "--collect", "--unit=" + unit}
	if l.CPUCores > 0 {
		// systemd takes whole percents of one core.
		percent := max(1, int64(l.CPUCores*100+0.5))
		args = append(args, "-p", "CPUQuotaPeriodSec=100ms", "-p",
			"CPUQuota="+strconv.FormatInt(percent, 10)+"%")
	}
	if l.MemoryBytes > 0 {
		args = append(args, "-p", "MemoryMax="+strconv.FormatInt(l.MemoryBytes, 10),
			"-p", "MemorySwapMax=0")
	}
	args = append(args, "-p", "MemoryAccounting=yes", "-p", "CPUAccounting=yes", "--")
	return append(args, program...)
}

// scopeGroup is the cgroup of a process that systemd-run started, once it is there:
// until then the process is still in the tool's own.
func scopeGroup(pid int, unit string) (cgroup, bool) {
	all, err := readHierarchies(filepath.Join("/proc", strconv.Itoa(pid)))
	if err != nil {
		return cgroup{}, false
	}
	h, ok := find(all, "")
	if !ok || filepath.Base(h.Own) != unit+".scope" {
		return cgroup{}, false
	}
	return cgroup{Version: 2, Dirs: map[string]string{"": h.Own}}, true
}

// removeParent removes the directory that runs share, if this was the last one.
func removeParent(runDir string) {
	if parent := filepath.Dir(runDir); filepath.Base(parent) == parentName {
		_ = os.Remove(parent) // fails while another run is in it
	}
}

// ancestors are dir and what is above it down to top, which is last.
func ancestors(dir, top string) []string {
	dirs := []string{}
	for d := dir; d != "" && d != top && len(d) > len(top); d = filepath.Dir(d) {
		dirs = append(dirs, d)
	}
	if !slices.Contains(dirs, top) {
		dirs = append(dirs, top)
	}
	return dirs
}
