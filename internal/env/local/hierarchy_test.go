package local

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	hybridMounts = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`
	hybridOwn = `9:name=systemd:/
4:memory:/runner/feb0
2:cpu,cpuacct:/
0::/
`
	unifiedMounts = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
	dockerMounts  = `700 690 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory
701 690 0:31 /docker/abc /mnt/with\040space rw - cgroup2 cgroup rw
`
)

func TestParseHierarchies(t *testing.T) {
	for _, c := range []struct {
		name, mounts, own string
		want              []hierarchy
	}{
		{"hybrid", hybridMounts, hybridOwn, []hierarchy{
			{1, "/sys/fs/cgroup/cpu,cpuacct", []string{"cpu", "cpuacct"}, "/sys/fs/cgroup/cpu,cpuacct"},
			{1, "/sys/fs/cgroup/memory", []string{"memory"}, "/sys/fs/cgroup/memory/runner/feb0"},
			{1, "/sys/fs/cgroup/systemd", []string{"name=systemd"}, "/sys/fs/cgroup/systemd"},
			{2, "/sys/fs/cgroup/unified", nil, "/sys/fs/cgroup/unified"},
		}},
		{"v2", unifiedMounts, "0::/user.slice/user-1000.slice/session-3.scope\n", []hierarchy{
			{2, "/sys/fs/cgroup", nil, "/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope"},
		}},
		{"docker, its own part mounted", dockerMounts, "4:memory:/docker/abc/x\n0::/docker/abc\n", []hierarchy{
			{1, "/sys/fs/cgroup/memory", []string{"memory"}, "/sys/fs/cgroup/memory/x"},
			{2, "/mnt/with space", nil, "/mnt/with space"},
		}},
		{"own cgroup not visible", dockerMounts, "4:memory:/docker/abcdef\n0::/../other\n", []hierarchy{
			{1, "/sys/fs/cgroup/memory", []string{"memory"}, ""},
			{2, "/mnt/with space", nil, ""},
		}},
		{"nothing", "", "", nil},
	} {
		got := parseHierarchies(c.mounts, c.own)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: parseHierarchies (-want +got)\n%s", c.name, diff)
		}
	}
}

func TestAncestors(t *testing.T) {
	for _, c := range []struct {
		dir, top string
		want     []string
	}{
		{"/c/a/b", "/c", []string{"/c/a/b", "/c/a", "/c"}},
		{"/c", "/c", []string{"/c"}},
		{"", "/c", []string{"/c"}},
	} {
		if diff := cmp.Diff(c.want, ancestors(c.dir, c.top)); diff != "" {
			t.Errorf("ancestors(%q, %q) (-want +got)\n%s", c.dir, c.top, diff)
		}
	}
}

func FuzzParseHierarchies(f *testing.F) {
	f.Add(hybridMounts, hybridOwn)
	f.Add(dockerMounts, "4:memory:/docker/abc/x\n")
	f.Add(unifiedMounts, "0::/..\n")
	f.Fuzz(func(t *testing.T, mounts, own string) {
		for _, h := range parseHierarchies(mounts, own) {
			if h.Version != 1 && h.Version != 2 || h.Version == 1 && len(h.Controllers) == 0 {
				t.Errorf("parseHierarchies(%q, %q) = %+v", mounts, own, h)
			}
		}
	})
}
