package local

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/cgroups/v3/cgroup2"
	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func mustWrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What is written, on a tree of plain files.
func TestLimitsV1(t *testing.T) {
	root := t.TempDir()
	bases := map[string]base{}
	for _, c := range []string{"cpu", "cpuacct", "memory"} {
		bases[c] = base{mount: filepath.Join(root, c), rel: "/own"}
	}
	l := env.Limits{CPUCores: 1.25, MemoryBytes: 600 << 20}
	g, err := makeV1(bases, "run@1-2", "gateway", l)
	if err != nil {
		t.Fatal(err)
	}
	at := func(c, file string) string {
		return mustRead(t, filepath.Join(root, c, "own/odigos-stress/run@1-2/gateway", file))
	}
	got := []string{
		at("cpu", "cpu.cfs_quota_us"), at("cpu", "cpu.cfs_period_us"),
		at("memory", "memory.limit_in_bytes"),
	}
	if diff := cmp.Diff([]string{"125000", "100000", "629145600"}, got); diff != "" {
		t.Errorf("limits (-want +got)\n%s", diff)
	}
	if err := verifyV1(g, l); err != nil {
		t.Errorf("verifyV1() = %v", err)
	}
	l.MemoryBytes++ // the kernel rounds down to pages
	if err := verifyV1(g, l); err != nil {
		t.Errorf("verifyV1(one byte more) = %v", err)
	}
	l.CPUCores = 2
	if err := verifyV1(g, l); err == nil || !strings.Contains(err.Error(), `"125000", "200000" was written`) {
		t.Errorf("verifyV1(another limit) = %v", err)
	}
}

func TestLimitsV2(t *testing.T) {
	root := t.TempDir()
	own := filepath.Join(root, "user.slice")
	actor := filepath.Join(own, "odigos-stress/run@1-2/gateway")
	parents := []string{own, filepath.Dir(filepath.Dir(actor)), filepath.Dir(actor)}
	for _, dir := range parents {
		mustWrite(t, filepath.Join(dir, "cgroup.subtree_control"), "")
	}
	mustWrite(t, filepath.Join(actor, "memory.swap.max"), "max\n")
	l := env.Limits{CPUCores: 0.5, MemoryBytes: 64 << 20}
	g, err := makeV2(base{mount: root, rel: "/user.slice"}, "run@1-2", "gateway", limitsV2(l))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range parents {
		if got := mustRead(t, filepath.Join(dir, "cgroup.subtree_control")); got != "+cpu +memory" {
			t.Errorf("%s passes on %q", dir, got)
		}
	}
	want := scopeLimits{CPU: "50000 100000", Memory: "67108864", Swap: "0"}
	if got := readLimits(g.Dirs[""]); got != want {
		t.Errorf("limits = %+v; want %+v", got, want)
	}
	if err := verifyV2(g, l); err != nil {
		t.Errorf("verifyV2() = %v", err)
	}
	mustWrite(t, filepath.Join(actor, "cpu.max"), "max 100000\n")
	if err := verifyV2(g, l); err == nil {
		t.Error("verifyV2() did not see that the CPU limit is not there")
	}
}

// An actor without limits is in a cgroup that counts and does not limit.
func TestNoLimitsV2(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"", "odigos-stress", "odigos-stress/run@1-2"} {
		mustWrite(t, filepath.Join(root, dir, "cgroup.subtree_control"), "")
	}
	g, err := makeV2(base{mount: root, rel: "/"}, "run@1-2", "backend", limitsV2(env.Limits{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"cpu.max", "memory.max"} {
		if _, err := os.Stat(filepath.Join(g.Dirs[""], file)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was written", file)
		}
	}
}

// The rules of the real v2 tree, with whatever controller it has: a cgroup that holds
// processes passes nothing on, and the next one above is taken.
func TestV2OnTheRealTree(t *testing.T) {
	all, err := readHierarchies("/proc/self")
	if err != nil {
		t.Skip(err)
	}
	h, ok := find(all, "")
	if !ok || !slices.Contains(controllersOf(h.Mount), "hugetlb") {
		t.Skip("no v2 tree with the controller hugetlb")
	}
	// It has nothing to do with what is limited here, which is why it is used: all that
	// is asked is where a cgroup can be made.
	hugetlb := func(env.Limits) *cgroup2.Resources {
		return &cgroup2.Resources{HugeTlb: &cgroup2.HugeTlb{}}
	}
	passed := filepath.Join(h.Mount, "cgroup.subtree_control")
	if !strings.Contains(mustRead(t, passed), "hugetlb") {
		t.Cleanup(func() { mustWrite(t, passed, "-hugetlb") })
	}
	busy := filepath.Join(h.Mount, "odigos-stress-test-busy")
	if err := os.Mkdir(busy, 0o755); err != nil {
		t.Skipf("cannot make a cgroup: %v", err)
	}
	t.Cleanup(func() {
		if err := clearCgroup(t.Context(), busy); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	spawner := newSpawner()
	defer spawner.stop()
	occupy := func(dir string) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleVariable+"=deaf", "ADDR=127.0.0.1:0")
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		isolate(cmd, f)
		if err := spawner.start(cmd); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	first := occupy(busy)
	var held []string
	s := surveyor{
		run:  "v2-test@1-1",
		hold: func(dir string) { held = append(held, dir) },
		drop: func(dir string) { held = slices.DeleteFunc(held, func(d string) bool { return d == dir }) },
	}
	b, err := s.tryV2(hierarchy{Version: 2, Mount: h.Mount, Own: busy}, hugetlb)
	if err != nil || b.dir() != h.Mount {
		t.Errorf("tryV2(busy) = %s, %v; want the mount", b.dir(), err)
	}
	if want := []string{filepath.Join(h.Mount, parentName, s.run)}; !slices.Equal(held, want) {
		t.Errorf("held: %q; want %q", held, want)
	}
	g, err := makeV2(b, s.run, "gateway", hugetlb(env.Limits{}))
	if err != nil {
		t.Fatal(err)
	}
	second := occupy(g.Dirs[""])
	if pids := pidsIn(g.Dirs[""]); !slices.Equal(pids, []int{second.Process.Pid}) {
		t.Errorf("the cgroup holds %v; want %d from the start", pids, second.Process.Pid)
	}
	go func() { _ = second.Wait() }()
	if err := clearCgroup(t.Context(), b.dir(parentName, s.run)); err != nil {
		t.Error(err)
	}
	removeParent(b.dir(parentName, s.run))
	go func() { _ = first.Wait() }()
	if err := clearCgroup(t.Context(), busy); err != nil {
		t.Error(err)
	}
}

// systemd-run that lets its command run, but limits nothing, is found out.
func TestSystemdThatDoesNotLimit(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"$@\" > " + dir + "/args\n" +
		"while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"\n"
	mustWrite(t, filepath.Join(dir, "systemd-run"), script)
	if err := os.Chmod(filepath.Join(dir, "systemd-run"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	s := surveyor{run: "x@1-2", self: os.Args[0], environ: os.Environ()}
	_, err := s.trySystemd(t.Context())
	if err == nil || !strings.Contains(err.Error(), "controllers delegated") {
		t.Errorf("trySystemd() = %v", err)
	}
	got := strings.Fields(mustRead(t, filepath.Join(dir, "args")))
	want := strings.Fields("--user --scope --quiet --collect --unit=odigos-stress-x-1-2-probe " +
		"-p CPUQuotaPeriodSec=100ms -p CPUQuota=50% -p MemoryMax=67108864 -p MemorySwapMax=0 " +
		"-p MemoryAccounting=yes -p CPUAccounting=yes -- " + os.Args[0] + " __limits")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arguments of systemd-run (-want +got)\n%s", diff)
	}
}

// Where no cgroup can be made the run goes on, and says why nothing is enforced.
func TestNoFence(t *testing.T) {
	s := surveyor{run: "x@1-2", self: os.Args[0], hold: func(string) {}, drop: func(string) {}}
	f := s.survey(t.Context(), nil)
	if f.how.Method != methodNone || f.how.CPU || f.how.Memory ||
		!strings.Contains(f.how.Reason, "cpu is not mounted") {
		t.Errorf("survey(nothing) = %+v", f.how)
	}
	// A tree that refuses: its parent is a file.
	file := filepath.Join(t.TempDir(), "memory")
	mustWrite(t, file, "")
	f = s.survey(t.Context(), []hierarchy{{Version: 1, Mount: file, Controllers: []string{"memory"}}})
	if f.how.Memory || !strings.Contains(f.how.Reason, "not a directory") {
		t.Errorf("survey(refusing) = %+v", f.how)
	}
}

// Without a fence an actor runs, is measured by /proc, and dies with the tool.
func TestActorWithoutCgroup(t *testing.T) {
	l := place(t)
	for _, dir := range l.fence.runDirs() {
		_ = l.drop(claim{Cgroup: dir})
	}
	l.fence = fence{run: l.fence.run, how: env.Enforcement{Method: methodNone}}
	i := start(t, l, actor("gateway", "serve"))
	u, err := i.Usage(t.Context())
	if err != nil || u.CPUSeconds == nil || u.MemoryRSS == nil || u.MemoryAnon == nil {
		t.Errorf("Usage() = %+v, %v", u, err)
	}
	if u.MemoryUsage != nil || u.Periods != nil || u.OOMKills != nil {
		t.Errorf("Usage() = %+v; want what is not known to be nil", u)
	}
	state, err := i.Stop(t.Context())
	if err != nil || state.OOMKilled != nil {
		t.Errorf("Stop() = %+v, %v", state, err)
	}
	if last, _ := i.Usage(t.Context()); last.CPUSeconds == nil {
		t.Error("the CPU time it had used in the end is not known")
	}
}
