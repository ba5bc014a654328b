package local

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// A guardian is the tool's end of the pipe to the process that cleans up after it.
// Only the tool holds the writing end: when it dies, however, the pipe ends.
type guardian struct {
	pipe *os.File
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has ended

	mu   sync.Mutex
	done bool
	note string
}

// startTime bounds how long the tool's own hidden subcommands may take to come up.
const startTime = 20 * time.Second

func startGuardian(self, logPath string, environ []string, log *slog.Logger) (*guardian, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start guardian: %w", err)
	}
	defer read.Close()
	var errOut strings.Builder
	cmd := exec.Command(self, guardCommand, logPath)
	cmd.Stdin, cmd.Stderr, cmd.Env, cmd.Dir = read, &errOut, environ, "/"
	// What it starts with must not keep it: a process that still holds its standard
	// error would.
	cmd.WaitDelay = time.Second
	detach(cmd)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		write.Close()
		return nil, fmt.Errorf("start guardian: %w", err)
	}
	timer := time.AfterFunc(startTime, func() { _ = cmd.Process.Kill() })
	line, _ := bufio.NewReader(out).ReadString('\n')
	timer.Stop()
	if strings.TrimSpace(line) != guardReady {
		write.Close()
		_ = cmd.Process.Kill()
		err := cmd.Wait()
		return nil, fmt.Errorf("start guardian: %s %s did not answer: %w: %s",
			self, guardCommand, err, strings.TrimSpace(line+errOut.String()))
	}
	g := &guardian{pipe: write, cmd: cmd, gone: make(chan struct{})}
	go g.watch(log)
	return g, nil
}

// watch notices when the guardian ends before it was told to.
func (g *guardian) watch(log *slog.Logger) {
	err := g.cmd.Wait()
	g.mu.Lock()
	if !g.done {
		g.note = fmt.Sprintf("the guardian ended early (%v): nothing cleans up if the tool is killed now",
			err)
		log.Warn(g.note)
	}
	g.mu.Unlock()
	close(g.gone)
}

// tell writes one claim. That the guardian is gone is a note, not a failure.
func (g *guardian) tell(c claim) {
	line, err := json.Marshal(c)
	if err != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	_, _ = g.pipe.Write(append(line, '\n'))
}

// finish tells the guardian that nothing is left to it, and waits for its end.
func (g *guardian) finish() {
	g.mu.Lock()
	g.done = true
	g.mu.Unlock()
	g.tell(claim{Op: "done"})
	g.pipe.Close()
	<-g.gone
}

func (g *guardian) notes() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.note == "" {
		return nil
	}
	return []string{g.note}
}
