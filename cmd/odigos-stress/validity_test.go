package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/trial"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

var (
	sabotages = flag.Int("sabotages", 0, "how many trials TestSabotagedIsInvalid runs; 0: it is skipped")
	keepIn    = flag.String("keep", "", "a folder into which tests of minutes put their records")
	cleanRuns = flag.Int("clean", 0, "how many trials TestCleanIsValid runs; 0: it is skipped")
)

const validityScenario = `name: validity
load: {rate: %s, shape: odigos-docs%s}
backend: {delay: 20ms}
timing: {warm_up: 3s, duration: %s, drain: 20s}
`

// A sabotage is what is done to one of our own ends, and how a verdict must call it: by
// one of these reasons.
type sabotage struct {
	name, rate, load string
	do               func(t *testing.T, p *watchedPlace)
	want             []verdict.Reason
}

// sabotagePlan are the ways in which an end of ours is starved, paused or late.
func sabotagePlan() []sabotage {
	stop := func(actor string, at, long time.Duration) func(*testing.T, *watchedPlace) {
		return func(t *testing.T, p *watchedPlace) { p.pause(t, actor, at, long) }
	}
	starve := func(actor string, share float64) func(*testing.T, *watchedPlace) {
		return func(t *testing.T, p *watchedPlace) { p.quota(t, actor, share) }
	}
	nothing := func(*testing.T, *watchedPlace) {}
	r := func(names ...verdict.Reason) []verdict.Reason { return names }
	return []sabotage{
		{"loadgen limited to 10m", "50k", ", cpu_limit: 10m", nothing, r(verdict.GeneratorCPUFull)},
		{"loadgen limited to 20m", "20k", ", cpu_limit: 20m", nothing, r(verdict.GeneratorCPUFull)},
		{"loadgen starved while it runs", "20k", "", starve(record.Loadgen, .02), r(verdict.GeneratorCPUFull)},
		{"loadgen stopped for 3 s", "5k", "", stop(record.Loadgen, 8*time.Second, 3*time.Second), r(verdict.GeneratorPaused)},
		{"loadgen stopped for 5 s", "1k", "", stop(record.Loadgen, 6*time.Second, 5*time.Second), r(verdict.GeneratorPaused)},
		{"loadgen stopped again and again", "5k", "", func(t *testing.T, p *watchedPlace) {
			for at := 5 * time.Second; at < 13*time.Second; at += time.Second {
				p.pause(t, record.Loadgen, at, 400*time.Millisecond)
			}
		}, r(verdict.GeneratorLate, verdict.GeneratorUnsent)},
		{"backend stopped for 3 s", "5k", "", stop(record.Backend, 8*time.Second, 3*time.Second), r(verdict.BackendPaused)},
		{"backend stopped for 5 s", "1k", "", stop(record.Backend, 6*time.Second, 5*time.Second), r(verdict.BackendPaused)},
		{"backend starved while it runs", "20k", "", starve(record.Backend, .02), r(verdict.BackendCPUFull)},
		{"backend stopped again and again", "5k", "", func(t *testing.T, p *watchedPlace) {
			for at := 5 * time.Second; at < 13*time.Second; at += time.Second {
				p.pause(t, record.Backend, at, 400*time.Millisecond)
			}
		}, r(verdict.BackendLate)},
	}
}

// A trial in which one of our own ends was starved, paused or late says nothing of the
// gateway, and says why.
func TestSabotagedIsInvalid(t *testing.T) {
	if *sabotages == 0 {
		t.Skip("trials of 15 s each; see -sabotages")
	}
	all := sabotagePlan()
	for i := range *sabotages {
		s := all[i%len(all)]
		t.Run(s.name, func(t *testing.T) {
			p := &watchedPlace{}
			r := p.trial(t, fmt.Sprintf(validityScenario, s.rate, s.load, "12s"),
				func() { s.do(t, p) })
			v := verdict.Judge(r)
			t.Logf("%s: %s %v", s.name, v.Validity, v.Reasons)
			if v.Validity != verdict.Unusable || !slices.ContainsFunc(s.want, func(want verdict.Reason) bool {
				return slices.Contains(v.Reasons, want)
			}) {
				t.Errorf("%s is %s for %v, want invalid for one of %v", s.name, v.Validity, v.Reasons, s.want)
				for _, f := range v.Findings {
					t.Logf("%s %s: %s", f.Severity, f.Check, f.Text)
				}
			}
		})
	}
}

// A trial with which nothing was wrong is valid; where it is degraded by the machine, a
// probe that shares nothing with the tool saw the machine under pressure, too.
func TestCleanIsValid(t *testing.T) {
	if *cleanRuns == 0 {
		t.Skip("trials of up to 40 s each; see -clean")
	}
	ofHost := []verdict.Reason{verdict.HostBusy, verdict.HostFull, verdict.HostSteal, verdict.HostPressure}
	rates := []string{"1k", "5k", "10k"}
	for i := range *cleanRuns {
		rate, measured := rates[i%len(rates)], []string{"12s", "32s"}[i%2]
		t.Run(fmt.Sprintf("%d at %s for %s", i, rate, measured), func(t *testing.T) {
			var seen pressure
			ctx, cancel := context.WithCancel(t.Context())
			var probing sync.WaitGroup
			probing.Go(func() { seen = probe(ctx) })
			r := (&watchedPlace{}).trial(t, fmt.Sprintf(validityScenario, rate, "", measured), func() {})
			cancel()
			probing.Wait()
			v := verdict.Judge(r)
			t.Logf("%s spans/s for %s: %s %v; probe: %s", rate, measured, v.Validity, v.Reasons, seen)
			for _, reason := range v.Reasons {
				if !slices.Contains(ofHost, reason) || !seen.high() {
					t.Errorf("a clean trial is %s for %s, and the probe saw %s", v.Validity, reason, seen)
					for _, f := range v.Findings {
						t.Logf("%s %s: %s", f.Severity, f.Check, f.Text)
					}
				}
			}
		})
	}
}

// A pressure is what the probe saw: how late a sleeper of 1 ms woke, how much of the
// machine was used and stolen, and in which share of the seconds one that wanted to run had
// to wait.
type pressure struct {
	late, worst  time.Duration // of a hundred sleeps the latest but one, and of all
	used, stolen float64       // shares of the machine
	crowded      float64
}

func (p pressure) String() string {
	return fmt.Sprintf("sleeps late by %v (p99), %v (worst), %.0f %% used, %.2f %% stolen, crowded in "+
		"%.0f %% of the seconds", p.late.Round(10*time.Microsecond), p.worst.Round(100*time.Microsecond),
		100*p.used, 100*p.stolen, 100*p.crowded)
}

// high is a machine that was crowded in more than one second of twenty, or stolen from.
func (p pressure) high() bool { return p.crowded > .05 || p.stolen > .01 }

// probe sleeps, and reads /proc/stat each second. A second is crowded in which 95 % of the
// machine were used, or a sleep of 1 ms took 10 ms longer.
func probe(ctx context.Context) pressure {
	type ticks struct{ used, stolen, all float64 }
	read := func() (t ticks) {
		t.used, t.stolen, t.all = procStat()
		return t
	}
	var late []time.Duration
	crowded, seconds := 0, 0
	first := read()
	for last := first; ctx.Err() == nil; seconds++ {
		worst := time.Duration(0)
		for end := time.Now().Add(time.Second); time.Now().Before(end) && ctx.Err() == nil; {
			due := time.Now().Add(time.Millisecond)
			time.Sleep(time.Millisecond)
			late = append(late, time.Since(due))
			worst = max(worst, late[len(late)-1])
		}
		now := read()
		if now.used-last.used > .95*(now.all-last.all) || worst > 10*time.Millisecond {
			crowded++
		}
		last = now
	}
	now := read()
	slices.Sort(late)
	if len(late) == 0 || now.all == first.all {
		return pressure{}
	}
	return pressure{
		late: late[len(late)*99/100], worst: late[len(late)-1],
		used:    (now.used - first.used) / (now.all - first.all),
		stolen:  (now.stolen - first.stolen) / (now.all - first.all),
		crowded: float64(crowded) / float64(seconds),
	}
}

// procStat are the first line's ticks: those used by anybody, those stolen, and all.
func procStat() (used, stolen, all float64) {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line)[1:9] {
		v, _ := strconv.ParseFloat(field, 64)
		all += v
		switch i {
		case 3, 4: // idle, and waiting for a disk
		case 7:
			stolen += v
		default:
			used += v
		}
	}
	return used, stolen, all
}

// A watchedPlace is this machine, with the processes of its actors at hand.
type watchedPlace struct {
	cuttingPlace
	mu    sync.Mutex
	pids  map[string]int
	tasks sync.WaitGroup
}

type hasPID interface{ PID() int }

// Start keeps the process id.
func (p *watchedPlace) Start(ctx context.Context, a env.Actor) (env.Instance, error) {
	i, err := p.cuttingPlace.Start(ctx, a)
	if id, ok := i.(hasPID); ok && err == nil {
		p.mu.Lock()
		p.pids[a.Name] = id.PID()
		p.mu.Unlock()
	}
	return i, err
}

// trial runs a scenario, and does something once its load has begun.
func (p *watchedPlace) trial(t *testing.T, text string, begun func()) *record.Record {
	t.Helper()
	p.pids = map[string]int{}
	var once sync.Once
	r := runTrialIn(t, newPlan(t, text, ""), p, &p.cuttingPlace, trial.Options{
		Watch: func(s record.Sample, _ []verdict.Finding) {
			if s.Phase == record.PhaseWarmUp {
				once.Do(begun)
			}
		},
	})
	p.tasks.Wait()
	if *keepIn != "" {
		to := filepath.Join(*keepIn, fmt.Sprintf("%d", time.Now().UnixNano()))
		if err := os.CopyFS(to, os.DirFS(r.Dir)); err != nil {
			t.Error(err)
		}
	}
	return r
}

func (p *watchedPlace) pid(actor string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pids[actor]
}

// pause stops an actor's process some time after the beginning of the load.
func (p *watchedPlace) pause(t *testing.T, actor string, after, how time.Duration) {
	pid := p.pid(actor)
	p.tasks.Go(func() {
		time.Sleep(after)
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Errorf("stop %s: %v", actor, err)
			return
		}
		time.Sleep(how)
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
			t.Errorf("continue %s: %v", actor, err)
		}
	})
}

// quota writes a CPU limit into the cgroup of an actor that runs.
func (p *watchedPlace) quota(t *testing.T, actor string, cores float64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", p.pid(actor)))
	if err != nil {
		t.Error(err)
		return
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		quota := int(1e5 * cores)
		switch {
		case slices.Contains(strings.Split(parts[1], ","), "cpu"):
			err = os.WriteFile(filepath.Join("/sys/fs/cgroup/cpu", parts[2], "cpu.cfs_quota_us"),
				[]byte(strconv.Itoa(quota)), 0)
		case parts[0] == "0" && strings.Contains(parts[2], "odigos-stress"):
			err = os.WriteFile(filepath.Join("/sys/fs/cgroup", parts[2], "cpu.max"),
				fmt.Appendf(nil, "%d 100000", quota), 0)
		}
		if err != nil {
			t.Errorf("starve %s: %v", actor, err)
		}
	}
}
