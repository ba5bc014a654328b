package local

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// A Machine is what a result depends on beside the collector. A zero field could not
// be read.
type Machine struct {
	OS          string  `json:"os"`
	Arch        string  `json:"arch"`
	Kernel      string  `json:"kernel,omitempty"`
	CPUModel    string  `json:"cpu_model,omitempty"`
	Cores       int     `json:"cores"` // that this process may use
	MemoryBytes int64   `json:"memory_bytes,omitempty"`
	Cgroup      string  `json:"cgroup,omitempty"` // v1, v2 or hybrid
	Load1       float64 `json:"load1"`            // load average of one minute
}

// ThisMachine reads the facts of the machine that it runs on.
func ThisMachine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()}
	m.Kernel = fileText("/proc/sys/kernel/osrelease")
	m.CPUModel = cpuModel(fileText("/proc/cpuinfo"))
	if total := parseSizes(fileText("/proc/meminfo"))["MemTotal"]; total != nil {
		m.MemoryBytes = *total
	}
	if all, err := readHierarchies("/proc/self"); err == nil {
		m.Cgroup = cgroupLayout(all)
	}
	if fields := strings.Fields(fileText("/proc/loadavg")); len(fields) > 0 {
		m.Load1, _ = strconv.ParseFloat(fields[0], 64)
	}
	return m
}

func fileText(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return trim(text)
}

// cpuModel is the first name in /proc/cpuinfo; arm64 has numbers there instead.
func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		name, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// cgroupLayout is v2 where that tree can limit, hybrid where it is there beside v1.
func cgroupLayout(all []hierarchy) string {
	v2, has2 := find(all, "")
	_, has1 := find(all, "cpu")
	switch {
	case has1 && has2:
		return "hybrid"
	case has1:
		return "v1"
	case has2 && len(controllersOf(v2.Mount)) > 0:
		return "v2"
	}
	return ""
}
