//go:build !linux

package local

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// errUnsupported never happens where there are no cgroups.
var errUnsupported = errors.New("not supported")

// isolate puts a child into a process group of its own, so that Ctrl-C reaches the
// tool alone. That it dies with the tool is the guardian's work here.
func isolate(cmd *exec.Cmd, _ *os.File) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// detach gives a child a session of its own: no terminal's signal reaches it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func exists(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

func killProcess(pid int) { _ = syscall.Kill(pid, syscall.SIGKILL) }

// signalGroup sends a signal to the process group that a started child leads.
func signalGroup(pid int, s syscall.Signal) { _ = syscall.Kill(-pid, s) }

// kill ends the process and the group that it leads. Without /proc a pid that was
// given away again cannot be told.
func (p process) kill() {
	signalGroup(p.PID, syscall.SIGKILL)
	killProcess(p.PID)
}

func dieWithParent() error { return nil }

func execProgram(path string, args, environ []string) error {
	return syscall.Exec(path, args, environ)
}

// awaitExit returns at once: a child cannot be awaited here without being reaped.
func awaitExit(int) {}
