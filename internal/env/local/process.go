package local

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A process is told from a later one with the same pid by when it started.
type process struct {
	PID int `json:"pid"`
	// Start is in clock ticks since boot; 0 where it cannot be known.
	Start uint64 `json:"start,omitempty"`
}

func self() process { return identify(os.Getpid()) }

// identify reads when pid started; Start is 0 when it has ended, or without /proc.
func identify(pid int) process {
	stat, err := readStat(pid)
	if err != nil {
		return process{PID: pid}
	}
	return process{PID: pid, Start: stat.start}
}

// alive says whether it still runs. A zombie does not.
func (p process) alive() bool {
	if p.Start == 0 { // on Linux it had ended when it was looked at
		return runtime.GOOS != "linux" && p.PID > 0 && exists(p.PID)
	}
	stat, err := readStat(p.PID)
	return err == nil && stat.start == p.Start && stat.state != 'Z' && stat.state != 'X'
}

func (p process) String() string { return fmt.Sprintf("%d-%d", p.PID, p.Start) }

// parseProcess reads what String writes.
func parseProcess(s string) (process, error) {
	pid, start, ok := strings.Cut(s, "-")
	n, err := strconv.Atoi(pid)
	m, err2 := strconv.ParseUint(start, 10, 64)
	if !ok || err != nil || err2 != nil || n <= 0 {
		return process{}, fmt.Errorf("%q is not PID-START", s)
	}
	return process{PID: n, Start: m}, nil
}

// A procStat is what is of use in /proc/PID/stat.
type procStat struct {
	state     byte
	user, sys uint64 // clock ticks
	start     uint64
}

func readStat(pid int) (procStat, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return procStat{}, err
	}
	return parseStat(text)
}

// parseStat reads /proc/PID/stat. The name of the program, in parentheses, may hold
// anything, parentheses and spaces too: fields are counted from the last one.
func parseStat(text []byte) (procStat, error) {
	end := bytes.LastIndexByte(text, ')')
	fields := strings.Fields(string(text[end+1:]))
	if end < 0 || len(fields) < 20 || len(fields[0]) != 1 {
		return procStat{}, fmt.Errorf("%q is no process status", text)
	}
	s := procStat{state: fields[0][0]}
	for _, f := range []struct {
		at   int
		into *uint64
	}{{11, &s.user}, {12, &s.sys}, {19, &s.start}} {
		n, err := strconv.ParseUint(fields[f.at], 10, 64)
		if err != nil {
			return procStat{}, fmt.Errorf("field %d of a process status is %q", f.at+3, fields[f.at])
		}
		*f.into = n
	}
	return s, nil
}

// ticksPerSecond is the unit of /proc/PID/stat, the same on every Linux that Go knows.
const ticksPerSecond = 100

// processUsage fills what /proc knows of one process, where the cgroup said nothing.
func processUsage(pid int, u *env.Usage) {
	if stat, err := readStat(pid); err == nil && u.CPUSeconds == nil {
		ticks := stat.user + stat.sys
		u.CPUSeconds = scaled(&ticks, ticksPerSecond)
	}
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return
	}
	sizes := parseSizes(string(text))
	u.MemoryRSS = sizes["VmRSS"]
	if u.MemoryAnon == nil {
		u.MemoryAnon = sizes["RssAnon"]
	}
}

// parseSizes reads the lines of /proc/PID/status that give a size, in bytes.
func parseSizes(text string) map[string]*int64 {
	sizes := map[string]*int64{}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if len(fields) != 2 || fields[1] != "kB" {
			continue
		}
		if n, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
			n *= 1024
			sizes[name] = &n
		}
	}
	return sizes
}
