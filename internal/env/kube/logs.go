package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// An output is what one incarnation writes: a stretch of its actor's log file. It is
// copied as it is written, since the cluster forgets it with the pod.
type output struct {
	path string
	err  error // the file cannot be written
	from int64

	mu   sync.Mutex
	to   int64
	done chan struct{} // closed when nothing more will come
}

// follow copies what an incarnation writes from its first line on.
func (k *Kube) follow(life incarnation, name string) *output {
	path := filepath.Join(k.spool, strings.ReplaceAll(name, "/", "-")+"-logs.txt")
	if k.o.LogPath != nil {
		path = k.o.LogPath(name)
	}
	o := &output{path: path, done: make(chan struct{})}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		o.from, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		o.err = fmt.Errorf("keep output of %s: %w", life.pod, err)
		k.note(o.err.Error())
		close(o.done)
		return o
	}
	o.to = o.from
	k.background.Go(func() {
		defer close(o.done)
		defer f.Close()
		k.copyLogs(k.life, life, writing{o, f})
	})
	return o
}

// A writing output counts what is written to its file.
type writing struct {
	o *output
	f *os.File
}

func (w writing) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	w.o.mu.Lock()
	w.o.to += int64(n)
	w.o.mu.Unlock()
	return n, err
}

const (
	logPause = time.Second
	// lastTries is how often the rest of the output is asked for once its container has
	// ended.
	lastTries = 3
)

// copyLogs follows until the incarnation has ended and the rest was read. A stream that
// is cut is asked for again, from where it was.
func (k *Kube) copyLogs(ctx context.Context, life incarnation, w io.Writer) {
	var copied int64
	for tries := 0; tries < lastTries; {
		changed := k.table.change() // before the look: nothing is missed after it
		ended, replaced := k.table.fate(life)
		options := &corev1.PodLogOptions{
			Container: life.container, Follow: !ended, Previous: replaced,
		}
		n, err := k.copyStream(ctx, life, options, copied, w)
		copied += n
		if ended {
			if err == nil {
				return
			}
			tries++
		}
		if ctx.Err() != nil {
			return
		}
		pause(ctx, changed, logPause)
	}
}

// copyStream leaves out the first skip bytes, and returns how many it wrote.
func (k *Kube) copyStream(
	ctx context.Context, life incarnation, o *corev1.PodLogOptions, skip int64, w io.Writer,
) (int64, error) {
	stream, err := k.access.client.CoreV1().Pods(life.namespace).GetLogs(life.pod, o).Stream(ctx)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	if _, err := io.CopyN(io.Discard, stream, skip); err != nil {
		if errors.Is(err, io.EOF) {
			return 0, nil // shorter than what was read: its file was rotated
		}
		return 0, err
	}
	return io.Copy(w, stream)
}

// fate is whether an incarnation has ended, and whether another has its place in the pod.
func (t *table) fate(life incarnation) (ended, replaced bool) {
	ended = !t.state(life).Running
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.pods[life.uid]
	if p == nil {
		return ended, false
	}
	s := statusOfContainer(p, life.container)
	return ended, s != nil && replaces(s, life)
}

// change is closed at the next change.
func (t *table) change() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

// pause waits for a change, or some time.
func pause(ctx context.Context, changed <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// settleTime bounds the wait for the last lines of a container that has ended.
const settleTime = 5 * time.Second

// settle waits until all has been copied.
func (o *output) settle() {
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case <-o.done:
	case <-timer.C:
	}
}

// open reads what has been copied so far.
func (o *output) open() (io.ReadCloser, error) {
	if o.err != nil {
		return nil, o.err
	}
	f, err := os.Open(o.path)
	if err != nil {
		return nil, fmt.Errorf("read output: %w", err)
	}
	o.mu.Lock()
	size := o.to - o.from
	o.mu.Unlock()
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, o.from, size), f}, nil
}

// lastLines are the last that a container wrote which did not become ready.
func (k *Kube) lastLines(ctx context.Context, p *corev1.Pod, container string) string {
	const lines, most = 20, 8 << 10
	s := statusOfContainer(p, container)
	if s == nil {
		return ""
	}
	options := &corev1.PodLogOptions{
		Container: container, TailLines: new(int64(lines)),
		Previous: s.State.Terminated == nil && s.LastTerminationState.Terminated != nil,
	}
	pods := k.access.client.CoreV1().Pods(p.Namespace)
	stream, err := pods.GetLogs(p.Name, options).Stream(ctx)
	if err != nil {
		return ""
	}
	defer stream.Close()
	text, _ := io.ReadAll(io.LimitReader(stream, 1<<20)) // what was read is better than nothing
	text = bytes.TrimSpace(text)
	if len(text) > most {
		text = text[len(text)-most:]
		if _, whole, ok := bytes.Cut(text, []byte("\n")); ok {
			text = whole // it begins in the middle
		}
	}
	return strings.ToValidUTF8(string(text), "�")
}

func (k *Kube) discardSpool() error {
	if k.spool == "" {
		return nil
	}
	return os.RemoveAll(k.spool)
}
