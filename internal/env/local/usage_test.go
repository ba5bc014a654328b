package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func ptr[T any](v T) *T { return &v }

func v1Tree(root string) cgroup {
	return cgroup{Version: 1, Dirs: map[string]string{
		"cpu":     filepath.Join(root, "cpu", "a"),
		"cpuacct": filepath.Join(root, "cpuacct", "a"),
		"memory":  filepath.Join(root, "memory", "a"),
	}}
}

func v2Tree(dir string) cgroup { return cgroup{Version: 2, Dirs: map[string]string{"": dir}} }

func TestUsageOfRecordedTrees(t *testing.T) {
	for _, c := range []struct {
		name  string
		group cgroup
		want  env.Usage
	}{
		{"v1", v1Tree("testdata/v1"), env.Usage{
			CPUSeconds:  ptr(0.428865108),
			MemoryUsage: ptr[int64](104181760), MemoryWorkingSet: ptr[int64](104181760 - 72839168),
			MemoryAnon: ptr[int64](29073408), MemoryFile: ptr[int64](72843264),
			MemoryKernel: ptr[int64](2150400), MemoryPeak: ptr[int64](104181760),
			Periods: ptr[uint64](23), ThrottledPeriods: ptr[uint64](21), ThrottledSeconds: ptr(1.593427596),
			OOMKills: ptr[uint64](0), LimitHits: ptr[uint64](51),
		}},
		{"v2", v2Tree("testdata/v2/a"), env.Usage{
			CPUSeconds:  ptr(31.482915),
			MemoryUsage: ptr[int64](273612800), MemoryWorkingSet: ptr[int64](273612800 - 16388096),
			MemoryAnon: ptr[int64](215482368), MemoryFile: ptr[int64](48234496),
			MemoryKernel: ptr[int64](9203712), MemoryPeak: ptr[int64](301989888),
			Periods: ptr[uint64](1204), ThrottledPeriods: ptr[uint64](317), ThrottledSeconds: ptr(18.422061),
			OOMKills: ptr[uint64](1), LimitHits: ptr[uint64](42),
			OOMEvents: ptr[uint64](1), HighEvents: ptr[uint64](7),
			CPUStalled: ptr(20.418345), CPUStalledFull: ptr(19.022781),
			MemoryStalled: ptr(0.251044), MemoryStalledFull: ptr(0.240118),
			IOStalled: ptr(0.051234), IOStalledFull: ptr(0.05),
		}},
		{"v2 of Linux 5.10", v2Tree("testdata/v2-5.10/a"), env.Usage{
			CPUSeconds:  ptr(1.5),
			MemoryUsage: ptr[int64](4096000), MemoryWorkingSet: ptr[int64](0),
			MemoryAnon: ptr[int64](215482368), MemoryFile: ptr[int64](48234496),
			Periods: ptr[uint64](10), ThrottledPeriods: ptr[uint64](0), ThrottledSeconds: ptr(0.0),
			OOMKills: ptr[uint64](0), LimitHits: ptr[uint64](0),
			OOMEvents: ptr[uint64](0), HighEvents: ptr[uint64](0),
		}},
		{"no cgroup", cgroup{}, env.Usage{}},
		{"gone", v2Tree("testdata/nowhere"), env.Usage{}},
	} {
		var got env.Usage
		if err := c.group.usage(&got); err != nil {
			t.Errorf("%s: usage() = %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: usage() (-want +got)\n%s", c.name, diff)
		}
	}
}

// Figures that the kernel stopped to count are not known, rather than 0.
func TestLimitHitsWithSwapLimited(t *testing.T) {
	for _, c := range []struct {
		name              string
		peak, hits, swaps string
		want              *uint64
	}{
		{"far from the limit", "1000", "0", "0", ptr[uint64](0)},
		{"at the limit, not counted", "99999", "0", "0", nil},
		{"at the limit, counted", "100000", "1", "7", ptr[uint64](8)},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"memory.failcnt": c.hits, "memory.memsw.failcnt": c.swaps, "memory.max_usage_in_bytes": c.peak,
			"memory.limit_in_bytes": "100000", "memory.memsw.limit_in_bytes": "100000",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var u env.Usage
		g := cgroup{Version: 1, Dirs: map[string]string{"memory": dir}}
		if err := g.usage(&u); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, u.LimitHits); diff != "" {
			t.Errorf("%s: LimitHits (-want +got)\n%s", c.name, diff)
		}
	}
}

func TestUsageTellsWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "memory.current"), []byte("lots\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var u env.Usage
	err := v2Tree(dir).usage(&u)
	if err == nil || !strings.Contains(err.Error(), `memory.current: "lots" is no number`) {
		t.Errorf("usage() = %v", err)
	}
}

func FuzzParseTable(f *testing.F) {
	f.Add("a 1\nb 2\n")
	f.Add("")
	f.Add("a\n")
	f.Add("a -1")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := parseTable(text)
		if err == nil && len(table) > strings.Count(text, "\n")+1 {
			t.Errorf("parseTable(%q) = %v", text, table)
		}
	})
}

func FuzzParsePressure(f *testing.F) {
	f.Add("some avg10=0.00 avg60=0.12 avg300=0.08 total=251044\nfull avg10=0 total=1\n")
	f.Add("full total=1")
	f.Add("some total=")
	f.Fuzz(func(t *testing.T, text string) {
		totals, err := parsePressure(text)
		if err == nil && len(totals) > strings.Count(text, "total=") {
			t.Errorf("parsePressure(%q) = %v", text, totals)
		}
	})
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("8036 (cat) R 7936 7936 19100 0 -1 4194304 101 0 0 0 12 34 0 0 20 0 1 0 264866 3133440"))
	f.Add([]byte("1 (a) b) (c) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 1"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseStat(text)
		if err != nil && s != (procStat{}) {
			t.Errorf("parseStat(%q) = %v, %v", text, s, err)
		}
	})
}

func TestParseStat(t *testing.T) {
	got, err := parseStat([]byte("1 (a) b) (c) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 1"))
	if want := (procStat{state: 'S', user: 5, sys: 6, start: 99}); err != nil || got != want {
		t.Errorf("parseStat() = %+v, %v; want %+v", got, err, want)
	}
}
