package local

import (
	"fmt"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// holds asks the kernel whether a process that was started is bound: it is in each of
// its cgroups, and the limits are there as they were written. A service manager puts it
// where it puts it, and was asked what it makes of limits beforehand.
func (f fence) holds(g cgroup, pid int, l env.Limits) error {
	if f.how.Method != methodV1 && f.how.Method != methodV2 {
		return nil
	}
	for _, dir := range g.Dirs {
		if !slices.Contains(pidsIn(dir), pid) {
			return fmt.Errorf("process %d is not in its cgroup %s: no limit would bind it", pid, dir)
		}
	}
	if g.Version == 2 {
		return verifyV2(g, l)
	}
	return verifyV1(g, l)
}
