//go:build !linux

package main

import "errors"

func pinned(int, []string) error {
	return errors.New("-pin: a process can be kept to a CPU on Linux only")
}

func cpus() []int { return nil }

func cpuOf(int) (float64, error) {
	return 0, errors.New("the CPU time of a running process can be read on Linux only")
}
