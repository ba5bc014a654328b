package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// A machine is where and when the report was made, and of what.
type machine struct {
	Processor string            `json:"processor"`
	CPUs      int               `json:"cpus"`
	Memory    string            `json:"memory"`
	Kernel    string            `json:"kernel"`
	Go        string            `json:"go"`
	Commit    string            `json:"commit"`
	Date      time.Time         `json:"date"`
	Load      string            `json:"load_average"` // before the first case
	Versions  map[string]string `json:"versions"`
}

// measuredModules are those whose speed is measured here, beside our own.
var measuredModules = []string{
	"google.golang.org/grpc", "go.opentelemetry.io/collector/pdata", "go.opentelemetry.io/proto/otlp",
	"go.opentelemetry.io/otel/sdk", "github.com/klauspost/compress",
}

func describe(ctx context.Context, root string, p programs) machine {
	m := machine{
		CPUs: runtime.NumCPU(), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		Date: time.Now().UTC().Truncate(time.Minute), Versions: map[string]string{},
		Processor: matched("/proc/cpuinfo", `model name\s*: (.*)`),
		Memory:    matched("/proc/meminfo", `MemTotal:\s*(.*)`),
		Load:      matched("/proc/loadavg", `(\S+ \S+ \S+)`),
		Kernel:    matched("/proc/sys/kernel/osrelease", `^([0-9.]+)`),
	}
	if out, err := output(ctx, root, "git", "describe", "--always", "--dirty"); err == nil {
		m.Commit = out
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if slices.Contains(measuredModules, d.Path) {
				m.Versions[d.Path] = d.Version
			}
		}
	}
	if out, err := output(ctx, root, p.collector, "--version"); err == nil {
		m.Versions["collector"] = strings.Replace(out, " version", "", 1)
	}
	if b, err := os.ReadFile(filepath.Join(root, "bench", "telemetrygen", "go.mod")); err == nil {
		found := regexp.MustCompile(regexp.QuoteMeta(telemetrygenModule) + ` (v\S+)`).FindSubmatch(b)
		if found != nil {
			m.Versions["telemetrygen"] = string(found[1])
		}
	}
	return m
}

// matched is the first group of what a file of the system says; empty where it does not.
func matched(file, pattern string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	found := regexp.MustCompile(pattern).FindSubmatch(b)
	if found == nil {
		return ""
	}
	return strings.TrimSpace(string(found[1]))
}
