package local

import (
	"os/exec"
	"runtime"
	"sync"
)

// A spawner starts children from one thread that lives as long as it does. The
// kernel binds the death of a child to the thread that started it, and Go ends
// threads as it likes.
type spawner struct {
	work chan func()
	once sync.Once
	done chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	s.work <- func() { result <- cmd.Start() }
	return <-result
}

// stop ends the thread. Children that still run die with it.
func (s *spawner) stop() {
	s.once.Do(func() { close(s.work) })
	<-s.done
}
