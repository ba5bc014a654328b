//go:build !linux

package local

import (
	"fmt"
	"syscall"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func clockCapability() env.Capability {
	return env.Capability{
		Name: "clock", Found: "not known on this system",
		Remedy: "run it on Linux to have it checked",
	}
}

func fileLimit() (soft, hard uint64, err error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, 0, fmt.Errorf("read limit of open files: %w", err)
	}
	return limit.Cur, limit.Max, nil
}
