//go:build !linux

package local

import "github.com/odigos-io/odigos-stress/internal/env"

// holds has nothing to ask: no limit is enforced.
func (fence) holds(cgroup, int, env.Limits) error { return nil }
