package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/cgroups/v3/cgroup1"
	"github.com/containerd/cgroups/v3/cgroup2"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// What a probe asks for, and must find written.
var probeLimits = env.Limits{CPUCores: 0.5, MemoryBytes: 64 << 20}

// A surveyor finds the way in which limits can be enforced, by trying.
type surveyor struct {
	run  string
	self string
	// environ is that of systemd-run, which needs to know where its bus is.
	environ []string
	// hold is called before a directory is made, drop when it is gone again.
	hold, drop func(dir string)
}

// survey tries v2 where that tree has the controllers, else v1, else a scope of the
// user's service manager. What it made in order to try is gone when it returns, but
// for the parents that the fence will use.
func (s surveyor) survey(ctx context.Context, all []hierarchy) fence {
	var reasons []string
	note := func(err error) {
		if err != nil {
			reasons = append(reasons, err.Error())
		}
	}
	v2, hasV2 := find(all, "")
	if cs := controllersOf(v2.Mount); hasV2 && slices.Contains(cs, "cpu") &&
		slices.Contains(cs, "memory") {
		b, err := s.tryV2(v2, limitsV2)
		if err == nil {
			return fence{
				run: s.run, bases: map[string]base{"": b},
				how: env.Enforcement{Method: methodV2, CPU: true, Memory: true, Weight: ownWeight},
			}
		}
		note(err)
		systemd, err := s.trySystemd(ctx)
		if err == nil {
			return fence{
				run: s.run, systemd: systemd,
				how: env.Enforcement{Method: methodSystemd, CPU: true, Memory: true},
			}
		}
		note(err)
	} else {
		f, err := s.tryV1(all)
		if f.how.CPU || f.how.Memory {
			return f
		}
		note(err)
	}
	return fence{run: s.run, how: env.Enforcement{
		Method: methodNone, Reason: strings.Join(reasons, "; "),
	}}
}

// tryV1 tries each controller by itself, in the tool's own cgroup, else at the top.
func (s surveyor) tryV1(all []hierarchy) (fence, error) {
	f := fence{run: s.run, bases: map[string]base{}}
	var errs []error
	for _, controller := range []string{"cpu", "cpuacct", "memory"} {
		b, err := s.tryController(all, controller)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		f.bases[controller] = b
	}
	_, f.how.CPU = f.bases["cpu"]
	_, f.how.Memory = f.bases["memory"]
	f.how.Method, f.how.Weight = methodV1, ownWeight
	err := errors.Join(errs...)
	if err != nil {
		f.how.Reason = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return f, err
}

func (s surveyor) tryController(all []hierarchy, controller string) (base, error) {
	h, ok := find(all, controller)
	if !ok {
		return base{}, fmt.Errorf("cgroup v1 controller %s is not mounted", controller)
	}
	// The tree may be mounted as cpu,cpuacct with cpu a link to it.
	mount := filepath.Join(filepath.Dir(h.Mount), controller)
	if _, err := os.Stat(mount); err != nil {
		return base{}, fmt.Errorf("find cgroup v1 controller %s: %w", controller, err)
	}
	candidates := []base{{mount: mount, rel: "/"}}
	if own := strings.TrimPrefix(h.Own, h.Mount); h.Own != "" && own != "" {
		candidates = []base{{mount: mount, rel: own}, {mount: mount, rel: "/"}}
	}
	var errs []error
	for _, b := range candidates {
		err := s.attempt(b, func() error {
			g, err := makeV1(map[string]base{controller: b}, s.run, probeName, probeLimits)
			if err == nil {
				err = verifyV1(g, probeLimits)
			}
			return err
		})
		if err == nil {
			return b, nil
		}
		errs = append(errs, err)
	}
	return base{}, fmt.Errorf("limit by cgroup v1 %s: %w", controller, errs[0])
}

// tryV2 tries the tool's own cgroup and each above it: a cgroup that holds processes
// cannot pass controllers on, and one above may be somebody else's.
func (s surveyor) tryV2(h hierarchy, limits func(env.Limits) *cgroup2.Resources) (base, error) {
	var errs []error
	for _, dir := range ancestors(h.Own, h.Mount) {
		b := base{mount: h.Mount, rel: "/" + strings.TrimPrefix(dir[len(h.Mount):], "/")}
		err := s.attempt(b, func() error {
			g, err := makeV2(b, s.run, probeName, limits(probeLimits))
			if err == nil && limits(probeLimits).Memory != nil {
				err = verifyV2(g, probeLimits)
			}
			return err
		})
		if err == nil {
			return b, nil
		}
		errs = append(errs, err)
	}
	return base{}, fmt.Errorf("limit by cgroup v2: %w", errs[0])
}

// attempt lets a probe be made below b and takes it away. The run's directory stays
// held if it worked.
func (s surveyor) attempt(b base, try func() error) error {
	dir := b.dir(parentName, s.run)
	s.hold(dir)
	err := try()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	if clearErr := clearCgroup(ctx, dir); clearErr != nil && err == nil {
		err = clearErr
	}
	removeParent(dir)
	if err != nil {
		s.drop(dir)
	}
	return err
}

// trySystemd starts the tool in a scope with limits, and has it say what it finds.
func (s surveyor) trySystemd(ctx context.Context) (string, error) {
	path, err := exec.LookPath("systemd-run")
	if err != nil {
		return "", fmt.Errorf("limit by systemd-run: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	unit := strings.NewReplacer("@", "-").Replace(parentName + "-" + s.run + "-" + probeName)
	cmd := exec.CommandContext(ctx, path, scopeArgs(unit, probeLimits, s.self, limitsCommand)...)
	cmd.Env, cmd.WaitDelay = s.environ, time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("limit by systemd-run: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	var got scopeLimits
	if err := json.Unmarshal(out, &got); err != nil {
		return "", fmt.Errorf("limit by systemd-run: %w", err)
	}
	want := wantV2(probeLimits)
	if got.CPU != want.CPU || got.Memory != want.Memory {
		return "", fmt.Errorf("limit by systemd-run: cpu.max is %q and memory.max %q, "+
			"%q and %q were asked for: are the controllers delegated to users?",
			got.CPU, got.Memory, want.CPU, want.Memory)
	}
	return path, nil
}

// make makes the cgroup of an actor and sets its limits. The directories are below
// what the guardian knows of.
func (f fence) make(actor string, l env.Limits) (cgroup, error) {
	var g cgroup
	var err error
	switch f.how.Method {
	case methodV1:
		g, err = makeV1(f.bases, f.run, actor, l)
		if err == nil {
			err = verifyV1(g, l)
		}
	case methodV2:
		g, err = makeV2(f.bases[""], f.run, actor, limitsV2(l))
		if err == nil {
			err = verifyV2(g, l)
		}
	}
	if err != nil {
		return g, fmt.Errorf("make cgroup with cpu=%g memory=%d: %w", l.CPUCores, l.MemoryBytes, err)
	}
	return g, nil
}

// runDirs are the directories that hold all cgroups of the run.
func (f fence) runDirs() []string {
	var dirs []string
	for _, b := range f.bases {
		dirs = append(dirs, b.dir(parentName, f.run))
	}
	slices.Sort(dirs)
	return dirs
}

func makeV1(bases map[string]base, run, actor string, l env.Limits) (cgroup, error) {
	g := cgroup{Version: 1, Dirs: map[string]string{}}
	var parts []cgroup1.Subsystem
	for controller, b := range bases {
		g.Dirs[controller] = b.dir(parentName, run, actor)
		root := filepath.Dir(b.mount)
		switch controller {
		case "cpu":
			parts = append(parts, cgroup1.NewCpu(root))
		case "cpuacct":
			parts = append(parts, cgroup1.NewCpuacct(root))
		case "memory":
			parts = append(parts, cgroup1.NewMemory(root))
		}
	}
	path := func(name cgroup1.Name) (string, error) {
		b, ok := bases[string(name)]
		if !ok {
			return "", cgroup1.ErrControllerNotActive
		}
		return filepath.Join(b.rel, parentName, run, actor), nil
	}
	//nolint:unparam // the library's type
	all := func() ([]cgroup1.Subsystem, error) { return parts, nil }
	return g, again(func() error {
		_, err := cgroup1.New(path, limitsV1(l, bases["memory"]), cgroup1.WithHierarchy(all))
		return err
	})
}

func limitsV1(l env.Limits, memory base) *specs.LinuxResources {
	r := &specs.LinuxResources{}
	if l.CPUCores > 0 {
		quota, period := quotaMicros(l.CPUCores), uint64(periodMicros)
		r.CPU = &specs.LinuxCPU{Quota: &quota, Period: &period}
	}
	if l.MemoryBytes > 0 {
		limit := l.MemoryBytes
		r.Memory = &specs.LinuxMemory{Limit: &limit}
		_, err := os.Stat(memory.dir("memory.memsw.limit_in_bytes"))
		if err == nil && swapOn("/proc/swaps") {
			// Of memory and swap together: no swap. Not where there is none anyway, since
			// it would keep the kernel from counting how often the limit was met.
			r.Memory.Swap = &limit
		}
	}
	return r
}

// swapOn says whether the machine has somewhere to swap to.
func swapOn(swaps string) bool { return strings.Count(fileText(swaps), "\n") > 0 }

func verifyV1(g cgroup, l env.Limits) error {
	if dir, ok := g.Dirs["cpu"]; ok && l.CPUCores > 0 {
		quota := strconv.FormatInt(quotaMicros(l.CPUCores), 10)
		if err := verify(dir, bound{file: "cpu.cfs_quota_us", want: quota},
			bound{file: "cpu.cfs_period_us", want: strconv.Itoa(periodMicros)}); err != nil {
			return err
		}
	}
	if dir, ok := g.Dirs["memory"]; ok && l.MemoryBytes > 0 {
		limit := strconv.FormatInt(l.MemoryBytes, 10)
		return verify(dir, bound{file: "memory.limit_in_bytes", want: limit, page: true})
	}
	return nil
}

func makeV2(b base, run, actor string, r *cgroup2.Resources) (cgroup, error) {
	dir := b.dir(parentName, run, actor)
	g := cgroup{Version: 2, Dirs: map[string]string{"": dir}}
	err := again(func() error {
		m, err := cgroup2.NewManager(b.dir(), filepath.Join("/", parentName, run, actor), r)
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(dir, "memory.swap.max")); err != nil || r.Memory == nil ||
			r.Memory.Max == nil {
			return nil
		}
		none := int64(0)
		return m.Update(&cgroup2.Resources{Memory: &cgroup2.Memory{Swap: &none}})
	})
	return g, err
}

// limitsV2 names both controllers even where nothing is limited: they count, too.
func limitsV2(l env.Limits) *cgroup2.Resources {
	r := &cgroup2.Resources{CPU: &cgroup2.CPU{}, Memory: &cgroup2.Memory{}}
	if l.CPUCores > 0 {
		quota, period := quotaMicros(l.CPUCores), uint64(periodMicros)
		r.CPU.Max = cgroup2.NewCPUMax(&quota, &period)
	}
	if l.MemoryBytes > 0 {
		limit := l.MemoryBytes
		r.Memory.Max = &limit
	}
	return r
}

func wantV2(l env.Limits) scopeLimits {
	return scopeLimits{
		CPU:    fmt.Sprintf("%d %d", quotaMicros(l.CPUCores), periodMicros),
		Memory: strconv.FormatInt(l.MemoryBytes, 10),
	}
}

func verifyV2(g cgroup, l env.Limits) error {
	var bounds []bound
	if l.CPUCores > 0 {
		bounds = append(bounds, bound{file: "cpu.max", want: wantV2(l).CPU})
	}
	if l.MemoryBytes > 0 {
		bounds = append(bounds, bound{file: "memory.max", want: wantV2(l).Memory, page: true})
	}
	return verify(g.Dirs[""], bounds...)
}

// again repeats what failed because another run has just removed the shared parent.
func again(try func() error) error {
	err := try()
	for i := 0; i < 3 && errors.Is(err, fs.ErrNotExist); i++ {
		err = try()
	}
	return err
}
