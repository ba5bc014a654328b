package main

import (
	"fmt"
	"os"
	"syscall"
)

// locked calls f while it holds a lock on a file; without a name it just calls f.
func locked(file string, f func()) error {
	if file == "" {
		f()
		return nil
	}
	h, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("-lock: %w", err)
	}
	defer h.Close() // and the lock with it
	if err := syscall.Flock(int(h.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("-lock %s: %w", file, err)
	}
	f()
	return nil
}
