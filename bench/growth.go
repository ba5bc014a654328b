package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A growth is the memory of a process over time.
type growth struct {
	Seconds []float64 `json:"seconds"`
	MiB     []float64 `json:"mib"`
}

func (g *growth) add(at time.Duration, mib float64) {
	g.Seconds, g.MiB = append(g.Seconds, at.Seconds()), append(g.MiB, mib)
}

func (g *growth) last() float64 {
	if len(g.MiB) == 0 {
		return 0
	}
	return g.MiB[len(g.MiB)-1]
}

func (g *growth) most() float64 {
	if len(g.MiB) == 0 {
		return 0
	}
	return slices.Max(g.MiB)
}

// after is the first place past that time.
func (g *growth) after(t time.Duration) int {
	n, _ := slices.BinarySearch(g.Seconds, t.Seconds())
	return n
}

// at is the memory at that time, or at the end where there is none.
func (g *growth) at(t time.Duration) float64 {
	if n := g.after(t); n < len(g.MiB) {
		return g.MiB[n]
	}
	return g.last()
}

// slope is the least-squares slope in MiB a minute, once the first minute is over; ok is
// false with less than half a minute left.
func (g *growth) slope() (perMinute float64, ok bool) {
	from := g.after(warmUp)
	x, y := g.Seconds[from:], g.MiB[from:]
	if len(x) < 30 {
		return 0, false
	}
	var meanX, meanY, sxx, sxy float64
	for i := range x {
		meanX, meanY = meanX+x[i]/float64(len(x)), meanY+y[i]/float64(len(x))
	}
	for i := range x {
		sxx += (x[i] - meanX) * (x[i] - meanX)
		sxy += (x[i] - meanX) * (y[i] - meanY)
	}
	return sxy / sxx * 60, true
}

// anonymous is the memory of a process that is no mapping of a file, in MiB.
func anonymous(pid int) (mib float64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return rssAnon(status)
}

func rssAnon(status []byte) (mib float64, err error) {
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "RssAnon:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("read status: no RssAnon among %d bytes", len(status))
}
