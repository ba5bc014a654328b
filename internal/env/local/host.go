package local

import (
	"fmt"
	"path/filepath"

	"github.com/prometheus/procfs"

	"github.com/odigos-io/odigos-stress/internal/env"
)

var _ env.HostReader = (*Local)(nil)

// Host is what the whole machine has used since its start, by /proc/stat.
func (l *Local) Host() (env.Host, error) { return readHost(procfs.DefaultMountPoint) }

func readHost(proc string) (env.Host, error) {
	fs, err := procfs.NewFS(proc)
	if err != nil {
		return env.Host{}, fmt.Errorf("read use of the machine: %w", err)
	}
	stat, err := fs.Stat()
	if err != nil {
		return env.Host{}, fmt.Errorf("read use of the machine: %w", err)
	}
	c := stat.CPUTotal // user includes guest
	h := env.Host{
		BusySeconds:  c.User + c.Nice + c.System + c.IRQ + c.SoftIRQ,
		StealSeconds: c.Steal,
	}
	var r reading // pressure that cannot be read is not known, and takes nothing else with it
	dir := filepath.Join(proc, "pressure")
	h.CPUStalled, _ = r.stalled(dir, "cpu") // all of the processors never wait
	h.MemoryStalled, h.MemoryStalledFull = r.stalled(dir, "memory")
	h.IOStalled, h.IOStalledFull = r.stalled(dir, "io")
	return h, nil
}
