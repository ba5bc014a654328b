//go:build !linux

package local

import (
	"context"
	"runtime"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A surveyor finds the way in which limits can be enforced: here there is none.
type surveyor struct {
	run, self  string
	environ    []string
	hold, drop func(dir string)
}

func (s surveyor) survey(context.Context, []hierarchy) fence {
	return fence{run: s.run, how: env.Enforcement{
		Method: methodNone, Reason: runtime.GOOS + " has no cgroups",
	}}
}

func (f fence) make(string, env.Limits) (cgroup, error) { return cgroup{}, nil }

func (f fence) runDirs() []string { return nil }
