package local

import (
	"context"
	"fmt"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

var _ env.CloseLooker = (*Instance)(nil)

// Resolution is the period in which the kernel enforces a CPU limit: over less than that a
// figure of CPU says nothing.
func (i *Instance) Resolution() time.Duration { return 100 * time.Millisecond }

// CloseUsage is what its cgroup says, read from files that stay open; without a cgroup it
// is Usage.
func (i *Instance) CloseUsage(ctx context.Context) (env.Usage, error) {
	if err := ctx.Err(); err != nil {
		return env.Usage{}, fmt.Errorf("read usage of %s: %w", i.name, err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.state.Running {
		return i.last, fmt.Errorf("read usage of %s: it has ended", i.name)
	}
	if i.kept == nil {
		i.kept = newKeptFiles()
	}
	u := env.Usage{At: time.Now()}
	if err := i.group.usageFrom(i.kept, &u); err != nil {
		return env.Usage{}, fmt.Errorf("read usage of %s: %w", i.name, err)
	}
	if len(i.group.Dirs) == 0 {
		processUsage(i.proc.PID, &u)
	}
	return u, nil
}
