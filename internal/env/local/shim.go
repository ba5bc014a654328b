package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// The hidden subcommands under which the tool starts itself.
const (
	execCommand   = "__exec"   // join a cgroup, then become another program
	guardCommand  = "__guard"  // outlive the tool, and clean up after it
	limitsCommand = "__limits" // print the limits of the cgroup it is in
)

// Hidden runs a hidden subcommand, given the arguments after the program's name.
// It says false when args name none: main then goes on as usual. It must be called
// before anything else has been started.
func Hidden(args []string) (bool, error) {
	if len(args) == 0 {
		return false, nil
	}
	switch args[0] {
	case execCommand:
		return true, Exec(args[1:])
	case guardCommand:
		return true, Guard(args[1:])
	case limitsCommand:
		return true, printLimits()
	}
	return false, nil
}

// Exec joins cgroups and then becomes another program, so that all that the program
// uses is counted from its first instruction. It returns only when it failed.
//
// args are the parent's pid, any number of cgroup.procs files, --, the program's
// path, and its arguments.
func Exec(args []string) error {
	// The wish to die with the parent belongs to one thread and is kept by exec only
	// if that thread makes the call.
	runtime.LockOSThread()
	parent, files, program, err := parseExec(args)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := os.WriteFile(file, []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
			return fmt.Errorf("join cgroup: %w", err)
		}
	}
	if err := dieWithParent(); err != nil {
		return fmt.Errorf("bind to the tool: %w", err)
	}
	if os.Getppid() != parent {
		return errors.New("the tool that asked for this process has ended")
	}
	if err := execProgram(program[0], program, os.Environ()); err != nil {
		return fmt.Errorf("exec %s: %w", program[0], err)
	}
	return nil
}

func execArgs(parent int, files []string, program ...string) []string {
	args := append([]string{execCommand, strconv.Itoa(parent)}, files...)
	return append(append(args, "--"), program...)
}

func parseExec(args []string) (parent int, files, program []string, err error) {
	bad := fmt.Errorf("%s %s: want PARENT [PROCS-FILE …] -- PROGRAM [ARGUMENT …]",
		execCommand, strings.Join(args, " "))
	if len(args) == 0 {
		return 0, nil, nil, bad
	}
	if parent, err = strconv.Atoi(args[0]); err != nil {
		return 0, nil, nil, bad
	}
	for i, arg := range args[1:] {
		if arg == "--" {
			files, program = args[1:i+1], args[i+2:]
			break
		}
	}
	if len(program) == 0 {
		return 0, nil, nil, bad
	}
	return parent, files, program, nil
}

// A scopeLimits is what a process finds written in its own v2 cgroup.
type scopeLimits struct {
	CPU    string `json:"cpu"`    // cpu.max
	Memory string `json:"memory"` // memory.max
	Swap   string `json:"swap"`   // memory.swap.max
}

// printLimits tells, from inside, what a service manager made of the limits that it
// was asked for.
func printLimits() error {
	all, err := readHierarchies("/proc/self")
	if err != nil {
		return err
	}
	h, _ := find(all, "")
	return json.NewEncoder(os.Stdout).Encode(readLimits(h.Own))
}

func readLimits(dir string) scopeLimits {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if dir == "" || err != nil {
			return ""
		}
		return strings.TrimSpace(string(text))
	}
	return scopeLimits{read("cpu.max"), read("memory.max"), read("memory.swap.max")}
}
