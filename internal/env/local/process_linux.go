package local

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// errUnsupported is how the kernel answers for a file it was told not to fill.
var errUnsupported error = unix.EOPNOTSUPP

// isolate puts a child into a process group of its own, so that Ctrl-C reaches the
// tool alone, and lets it die with the thread that starts it.
func isolate(cmd *exec.Cmd, cgroupDir *os.File) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if cgroupDir != nil {
		cmd.SysProcAttr.UseCgroupFD = true
		cmd.SysProcAttr.CgroupFD = int(cgroupDir.Fd())
	}
}

// detach gives a child a session of its own: no terminal's signal reaches it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func exists(pid int) bool {
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

func killProcess(pid int) { _ = unix.Kill(pid, unix.SIGKILL) }

// signalGroup sends a signal to the process group that a started child leads.
func signalGroup(pid int, s syscall.Signal) { _ = unix.Kill(-pid, s) }

// kill ends exactly this process, and the group that it leads, never a later one
// that was given its pid: the descriptor is bound before the start is compared.
func (p process) kill() {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		if errors.Is(err, unix.ENOSYS) && p.alive() {
			signalGroup(p.PID, syscall.SIGKILL)
			killProcess(p.PID)
		}
		return
	}
	defer func() { _ = unix.Close(fd) }()
	if !p.alive() {
		return
	}
	if group, err := unix.Getpgid(p.PID); err == nil && group == p.PID {
		signalGroup(p.PID, syscall.SIGKILL)
	}
	_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
}

// dieWithParent asks for SIGKILL when the thread that started this process ends.
// It holds for the calling thread, which must be the one that calls exec.
func dieWithParent() error {
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
}

func execProgram(path string, args, environ []string) error {
	return unix.Exec(path, args, environ)
}

// awaitExit returns when a child has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
