//go:build !linux

package loadgen

// preciseWait is no more precise than Go's timers here.
func preciseWait() (wait, error) { return coarseWait, nil }
