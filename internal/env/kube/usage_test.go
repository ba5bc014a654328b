package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/odigos-io/odigos-stress/internal/env"
)

const summaryText = `{"node":{"nodeName":"node-1"},"pods":[
 {"podRef":{"name":"gateway-1","namespace":"other","uid":"uid-1"},"containers":[]},
 {"podRef":{"name":"gateway-1","namespace":"ns","uid":"uid-1"},"containers":[
  {"name":"gateway","startTime":"2026-11-26T04:00:00Z",
   "cpu":{"time":"2026-11-26T04:01:02Z","usageNanoCores":1,"usageCoreNanoSeconds":12500000000,
    "psi":{"full":{"total":1},"some":{"total":2}}},
   "memory":{"time":"2026-11-26T04:01:02Z","usageBytes":300,"workingSetBytes":200,"rssBytes":100}}]}]}`

// cadvisorText is a page of kubelet with one container, its pod, and another.
func cadvisorText(pressure string) string {
	const labels = `{container="gateway",id="/kubepods/pod1/abc",image="i",name="abc",namespace="ns",pod="gateway-1"`
	const pod = `{container="",id="/kubepods/pod1",image="",name="",namespace="ns",pod="gateway-1"`
	var b strings.Builder
	line := func(name, more, value string) {
		fmt.Fprintf(&b, "# TYPE %s counter\n%s%s%s} %s 1795665662345\n%s%s%s} 77 1795665662345\n",
			name, name, labels, more, value, name, pod, more)
	}
	line("container_cpu_usage_seconds_total", `,cpu="total"`, "12.5")
	line("container_cpu_cfs_periods_total", "", "600")
	line("container_cpu_cfs_throttled_periods_total", "", "6")
	line("container_cpu_cfs_throttled_seconds_total", "", "0.25")
	line("container_memory_usage_bytes", "", "300")
	line("container_memory_working_set_bytes", "", "200")
	line("container_memory_rss", "", "100")
	line("container_memory_cache", "", "150")
	line("container_memory_kernel_usage", "", "0")
	line("container_memory_max_usage_bytes", "", "400")
	line("container_oom_events_total", "", "0")
	line("container_pressure_cpu_waiting_seconds_total", "", pressure)
	line("container_pressure_cpu_stalled_seconds_total", "", "0")
	line("container_pressure_memory_waiting_seconds_total", "", "0")
	return b.String()
}

var measured = incarnation{
	uid: "uid-1", pod: "gateway-1", node: "node-1", container: "gateway", id: "containerd://abc",
	began: time.Date(2026, 11, 26, 4, 0, 1, 0, time.UTC),
}

func figuresOf(ask func(ctx context.Context, node, path string) ([]byte, error)) *figures {
	return newFigures(context.Background(), &sync.WaitGroup{}, ask)
}

func TestUsage(t *testing.T) {
	short := env.Usage{
		At: time.Date(2026, 11, 26, 4, 1, 2, 0, time.UTC), CPUSeconds: new(12.5),
		MemoryUsage: new(int64(300)), MemoryWorkingSet: new(int64(200)), MemoryAnon: new(int64(100)),
	}
	long := short
	long.At = time.UnixMilli(1795665662345).UTC()
	long.MemoryFile, long.MemoryPeak = new(int64(150)), new(int64(400))
	long.Periods, long.ThrottledPeriods, long.OOMKills = new(uint64(600)), new(uint64(6)), new(uint64(0))
	long.ThrottledSeconds = new(0.25)
	pressed := long
	pressed.CPUStalled, pressed.CPUStalledFull, pressed.MemoryStalled = new(1.5), new(0.0), new(0.0)
	memory := short
	memory.CPUSeconds = nil
	restarted := measured
	restarted.began = measured.began.Add(time.Minute)
	another := measured
	another.uid = "uid-2"
	for _, c := range []struct {
		name     string
		life     incarnation
		cadvisor string
		summary  string // empty: summaryText
		want     env.Usage
		fails    string
	}{
		{name: "all of it", life: measured, cadvisor: cadvisorText("1.5"), want: pressed},
		{name: "no pressure on cgroup v1", life: measured, cadvisor: cadvisorText("0"), want: long},
		{name: "no cadvisor", life: measured, want: short},
		{
			name: "a runtime that tells of memory alone", life: measured,
			summary: strings.ReplaceAll(summaryText, "12500000000", "0"), want: memory,
		},
		{
			name: "cadvisor of another moment", life: measured,
			cadvisor: strings.ReplaceAll(cadvisorText("1.5"), "12.5", "12.6"), want: short,
		},
		{name: "of the life before", life: restarted, fails: "not measured it yet"},
		{name: "of another pod", life: another, fails: "not measured it yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := figuresOf(func(_ context.Context, node, path string) ([]byte, error) {
				switch {
				case node != "node-1":
					return nil, errors.New("no such node")
				case path == summaryPath:
					return []byte(cmp.Or(c.summary, summaryText)), nil
				case c.cadvisor != "":
					return []byte(c.cadvisor), nil
				}
				return nil, errors.New("no such page")
			})
			got, err := f.of(context.Background(), "ns", c.life)
			if c.fails != "" {
				contains(t, "usage", err, c.fails)
				return
			}
			if diff := gocmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("usage, %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// A node is asked once a second whoever wants to know, for its long page only when there
// is something new, and one that refuses once a minute.
func TestKubeletIsNotAskedTooOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		var answer error
		f := figuresOf(func(_ context.Context, _, path string) ([]byte, error) {
			asked[path]++
			if path == cadvisorPath {
				return []byte(cadvisorText("1.5")), answer
			}
			return []byte(summaryText), answer
		})
		for range 10 {
			for range 3 {
				if _, err := f.of(context.Background(), "ns", measured); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
		}
		if diff := gocmp.Diff(map[string]int{summaryPath: 10, cadvisorPath: 1}, asked); diff != "" {
			t.Errorf("asked in 10 s (-want +got):\n%s", diff)
		}
		answer = apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "node-1", errors.New("no"))
		clear(asked)
		for range 120 {
			_, err := f.of(context.Background(), "ns", measured)
			contains(t, "usage", err, "not known: ask the kubelet of node-1", "forbidden")
			time.Sleep(time.Second)
		}
		if got := asked[summaryPath]; got != 2 && got != 3 {
			t.Errorf("asked %d times in two minutes who refuses", got)
		}
	})
}

// A page that lacks what the summary tells is not asked for each second.
func TestCadvisorThatLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		f := figuresOf(func(_ context.Context, _, path string) ([]byte, error) {
			asked[path]++
			if path == cadvisorPath {
				return []byte(strings.ReplaceAll(cadvisorText("0"), "12.5", "12.4")), nil
			}
			return []byte(summaryText), nil
		})
		for range 20 {
			if _, err := f.of(context.Background(), "ns", measured); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if diff := gocmp.Diff(map[string]int{summaryPath: 20, cadvisorPath: 4}, asked); diff != "" {
			t.Errorf("asked in 20 s (-want +got):\n%s", diff)
		}
	})
}

// Of a node with many pods nothing is kept but what is the run's.
func TestCadvisorOfALargeNode(t *testing.T) {
	others := strings.Repeat(strings.ReplaceAll(cadvisorText("1.5"), "abc", "another"), 100)
	f := figuresOf(func(_ context.Context, _, path string) ([]byte, error) {
		if path == cadvisorPath {
			return []byte(others + cadvisorText("1.5") + others), nil
		}
		return []byte(summaryText), nil
	})
	u, err := f.of(context.Background(), "ns", measured)
	if err != nil || u.ThrottledSeconds == nil || *u.ThrottledSeconds != 0.25 {
		t.Errorf("usage %+v, %v", u, err)
	}
	if kept := len(f.nodes["node-1"].cadvisor); kept == 0 || kept > len(cadvisorText("1.5")) {
		t.Errorf("%d bytes of %d are kept, want the %d that are its own, at most", kept, 2*len(others),
			len(cadvisorText("1.5")))
	}
}

// A kubelet that needs longer than a look has time is heard all the same, one question at a
// time.
func TestSlowKubelet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asking, most := 0, 0
		life, end := context.WithCancel(context.Background())
		var runs sync.WaitGroup
		f := newFigures(life, &runs, func(ctx context.Context, _, path string) ([]byte, error) {
			asking++
			most = max(most, asking)
			defer func() { asking-- }()
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(2 * time.Second):
			}
			if path == cadvisorPath {
				return nil, errors.New("no such page")
			}
			return []byte(summaryText), nil
		})
		known := 0
		for range 20 {
			look, cancel := context.WithTimeout(context.Background(), 800*time.Millisecond)
			if _, err := f.of(look, "ns", measured); err == nil {
				known++
			} else {
				contains(t, "usage", err, "has not answered yet")
			}
			cancel()
			time.Sleep(200 * time.Millisecond)
		}
		end()
		runs.Wait()
		if known < 15 || most != 1 {
			t.Errorf("known at %d looks of 20, %d questions at once", known, most)
		}
	})
}
