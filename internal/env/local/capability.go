package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// Capabilities are what this machine can do for a trial. Limits are not looked up
// but tried, in cgroups that are gone when it returns.
func Capabilities(ctx context.Context, o Options) []env.Capability {
	if o.RunID == "" {
		o.RunID = "doctor-" + strconv.Itoa(os.Getpid())
	}
	all, _ := readHierarchies("/proc/self") // without /proc there are none
	var cs []env.Capability
	l, err := New(o)
	if err != nil {
		cs = append(cs, env.Capability{
			Name: "start", Found: err.Error(),
			Remedy: "make " + registryDir(os.Environ()) + " writable, or set XDG_RUNTIME_DIR",
		})
	} else {
		cs = append(cs, limitCapabilities(l.Enforcement())...)
		if err := l.Close(); err != nil {
			cs = append(cs, env.Capability{
				Name: "clean-up", Found: err.Error(),
				Remedy: "odigos-stress cleanup",
			})
		}
	}
	m := ThisMachine()
	return append(cs, ownQuota(all, m.Cores), swapCapability(all), pressureCapability(all),
		oomCapability(all), clockCapability(), coresCapability(m), memoryCapability(m),
		filesCapability(), loadCapability(m))
}

const (
	scopeRemedy = "run it as root, or in a scope of your own: " +
		"systemd-run --user --scope -p Delegate=yes odigos-stress …"
	cgroupRemedy = "run it on Linux with cgroups mounted at /sys/fs/cgroup; " +
		"results are degraded without"
)

func limitCapabilities(e env.Enforcement) []env.Capability {
	remedy := scopeRemedy
	if runtime.GOOS != "linux" {
		remedy = cgroupRemedy
	}
	one := func(name string, ok bool) env.Capability {
		c := env.Capability{Name: name, OK: ok, Found: "enforced by " + e.Method + ", tried"}
		if !ok {
			c.Found, c.Remedy = "not enforced: "+e.Reason, remedy
		}
		return c
	}
	return []env.Capability{one("limit-cpu", e.CPU), one("limit-memory", e.Memory)}
}

// ownQuota is the least CPU that a cgroup above the tool lets it have: a limit of an
// actor beyond that cannot bind.
func ownQuota(all []hierarchy, cores int) env.Capability {
	c := env.Capability{Name: "own-cpu-quota", OK: true, Found: "none"}
	h, ok := find(all, "cpu")
	if !ok {
		h, ok = find(all, "")
	}
	if !ok || h.Own == "" {
		c.Found = "not known: the tool's own cgroup is not visible"
		return c
	}
	least := float64(cores)
	for _, dir := range ancestors(h.Own, h.Mount) {
		if quota, ok := quotaOf(dir, h.Version); ok && quota < least {
			least = quota
			c = env.Capability{
				Name:   "own-cpu-quota",
				Found:  fmt.Sprintf("%g cores, by %s", quota, dir),
				Remedy: "start it outside of that cgroup, or keep the sum of all limits below",
			}
		}
	}
	return c
}

// quotaOf is the CPU limit of one cgroup in cores.
func quotaOf(dir string, version int) (float64, bool) {
	quota, period := fileText(filepath.Join(dir, "cpu.cfs_quota_us")),
		fileText(filepath.Join(dir, "cpu.cfs_period_us"))
	if version == 2 {
		quota, period, _ = strings.Cut(fileText(filepath.Join(dir, "cpu.max")), " ")
	}
	q, err := strconv.ParseFloat(quota, 64)
	p, err2 := strconv.ParseFloat(period, 64)
	if err != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0, false
	}
	return q / p, true
}

func swapCapability(all []hierarchy) env.Capability {
	c := env.Capability{Name: "swap", OK: true}
	if lines := strings.Count(fileText("/proc/swaps"), "\n"); lines == 0 {
		c.Found = "no swap is on"
		return c
	}
	h, ok := find(all, "memory")
	if ok {
		_, err := os.Stat(filepath.Join(h.Mount, "memory.memsw.limit_in_bytes"))
		c.OK = err == nil
	} else if h, ok = find(all, ""); ok && h.Own != h.Mount {
		_, err := os.Stat(filepath.Join(h.Own, "memory.swap.max"))
		c.OK = err == nil
	}
	c.Found = "swap is on, and limited with memory"
	if !c.OK {
		c.Found = "swap is on and cannot be limited: an actor over its memory limit slows down first"
		c.Remedy = "swapoff -a, or boot with swapaccount=1"
	}
	return c
}

func pressureCapability(all []hierarchy) env.Capability {
	_, v1 := find(all, "memory")
	if _, err := os.Stat("/proc/pressure/cpu"); err != nil {
		return env.Capability{
			Name: "pressure", Found: "the kernel has no PSI, or it is turned off",
			Remedy: "boot with psi=1; stall times of actors are not known without",
		}
	}
	if v1 {
		return env.Capability{
			Name:   "pressure",
			Found:  "PSI of the machine; cgroup v1 has none of an actor",
			Remedy: "boot with systemd.unified_cgroup_hierarchy=1",
		}
	}
	return env.Capability{Name: "pressure", OK: true, Found: "PSI of the machine and of each cgroup"}
}

func oomCapability(all []hierarchy) env.Capability {
	c := env.Capability{Name: "oom-events", OK: true, Found: "memory.events counts kills"}
	h, v1 := find(all, "memory")
	if v1 {
		c.Found = "memory.oom_control counts kills"
		table, err := parseTable(fileText(filepath.Join(h.Mount, "memory.oom_control")))
		if err != nil || value(table, "oom_kill") == nil {
			c.OK, c.Found = false, "memory.oom_control does not count kills"
			c.Remedy = "use Linux 4.13 or later"
		}
		return c
	}
	if v2, ok := find(all, ""); !ok || len(controllersOf(v2.Mount)) == 0 {
		c.OK, c.Remedy = false, cgroupRemedy
		c.Found = "no cgroups: a kill for want of memory cannot be told"
	}
	return c
}

func coresCapability(m Machine) env.Capability {
	c := env.Capability{Name: "cores", OK: m.Cores >= 2, Found: strconv.Itoa(m.Cores) + " usable"}
	if !c.OK {
		c.Remedy = "use a machine with at least 2: one for the gateway, one for the ends"
	}
	return c
}

func memoryCapability(m Machine) env.Capability {
	available := parseSizes(fileText("/proc/meminfo"))["MemAvailable"]
	if available == nil {
		return env.Capability{Name: "memory", OK: true, Found: "not known"}
	}
	const wanted = 2 << 30
	c := env.Capability{
		Name: "memory", OK: *available >= wanted,
		Found: fmt.Sprintf("%d MiB available of %d MiB", *available>>20, m.MemoryBytes>>20),
	}
	if !c.OK {
		c.Remedy = "free some: below 2 GiB the ends compete with the gateway"
	}
	return c
}

func filesCapability() env.Capability {
	soft, hard, err := fileLimit()
	if err != nil {
		return env.Capability{Name: "open-files", Found: err.Error(), Remedy: "ulimit -n 65536"}
	}
	const wanted = 4096
	c := env.Capability{
		Name: "open-files", OK: hard >= wanted,
		Found: fmt.Sprintf("%d, can be raised to %d", soft, hard),
	}
	if !c.OK {
		c.Remedy = "ulimit -Hn 65536 (as root), or LimitNOFILE=65536 in the unit that starts it"
	}
	return c
}

func loadCapability(m Machine) env.Capability {
	c := env.Capability{
		Name: "load", OK: m.Load1 < float64(m.Cores)/2,
		Found: fmt.Sprintf("load average %.2f on %d cores", m.Load1, m.Cores),
	}
	if !c.OK {
		c.Remedy = "wait until the machine is idle (uptime shows it): " +
			"what else runs takes from the gateway"
	}
	return c
}
