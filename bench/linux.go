package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// pinned keeps this process to one CPU and becomes the program that args name.
func pinned(cpu int, args []string) error {
	if len(args) == 0 {
		return errors.New("-pin: want a program to become")
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the thread that becomes the program
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("keep to CPU %d: %w", cpu, err)
	}
	return syscall.Exec(path, args, os.Environ())
}

// cpus are the CPUs that this process may use.
func cpus() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	var all []int
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	return all
}

// cpuOf is the CPU seconds that a running process has used, user and system: the
// clock that clock_getcpuclockid(3) names.
func cpuOf(pid int) (float64, error) {
	const processClock = 2 // CPUCLOCK_SCHED, of the whole process
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|processClock), &t); err != nil {
		return 0, fmt.Errorf("read CPU clock of process %d: %w", pid, err)
	}
	return float64(t.Nano()) / 1e9, nil
}
