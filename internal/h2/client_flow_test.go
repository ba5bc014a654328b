package h2

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
)

// With one stream at a time the other calls wait their turn, and nobody has seen them
// when the connection ends.
func TestClientKeepsToTheServersStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(3)
		s := newScript()
		_ = s.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
		_, _ = p.server.Write(s.Bytes())
		<-p.Ready()
		s.Reset()
		s.answer(1, "one")
		got, _ := p.play(s.Bytes())
		want := []outcome{
			{Response: "one", Answered: true},
			{Status: statusUnavailable, Text: "read frame: the server closed the connection"},
			{Status: statusUnavailable, Text: errLeaving.Error(), Unseen: true},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
	})
}

// A window that shrinks below nothing stops a stream until it is positive again; not a
// byte more is sent than was allowed.
func TestClientKeepsToTheServersWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := NewClient(near, ClientConfig{Path: "/s/m"})
		ran := make(chan error, 1)
		go func() { ran <- c.Run() }()
		var got, most int
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.ReadFull(far, make([]byte, len(preface)))
			framer := http2.NewFramer(nil, far)
			for {
				f, err := framer.ReadFrame()
				if err != nil {
					return
				}
				if d, ok := f.(*http2.DataFrame); ok {
					got, most = got+len(d.Data()), max(most, len(d.Data()))
				}
			}
		}()
		framer := http2.NewFramer(far, nil)
		step := func(want int, write func() error) {
			t.Helper()
			if err := write(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got != want {
				t.Errorf("%d bytes were sent, want %d", got, want)
			}
		}
		window := func(n uint32) func() error {
			return func() error {
				return framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: n})
			}
		}
		step(0, window(1000))
		done := false
		call := &Call{
			Message: make([]byte, 300_000), Deadline: time.Now().Add(time.Hour),
			Done: func() { done = true },
		}
		step(1000, func() error { return c.Start(call) })
		step(1000, window(0)) // the stream is at -1000
		step(1000, func() error { return framer.WriteWindowUpdate(1, 1000) })
		step(1003, func() error { return framer.WriteWindowUpdate(1, 3) })
		step(defaultWindow, window(1<<20)) // now the connection's counts
		step(defaultWindow, func() error {
			return framer.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20})
		})
		step(300_005, func() error { return framer.WriteWindowUpdate(0, 1<<20) })
		if most <= defaultMaxFrame {
			t.Errorf("the largest frame has %d bytes although more are allowed", most)
		}
		s := newScript()
		s.answer(1, "")
		step(300_005, func() error { _, err := far.Write(s.Bytes()); return err })
		if !done || call.Result.SentBytes != 300_000 {
			t.Errorf("done: %v, %+v", done, call.Result)
		}
		_ = far.Close()
		<-ran
		<-read
	})
}

// Calls end at their deadlines, in any order of starting, and the server is told.
func TestClientDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(0)
		began := time.Now()
		ended := map[time.Duration]time.Duration{}
		for _, after := range []time.Duration{3 * time.Second, time.Second, 2 * time.Second} {
			c := &Call{Message: []byte("x"), Deadline: began.Add(after)}
			c.Done = func() {
				if r := c.Result; r.Status != statusDeadlineExceeded || r.Answered || !r.Began {
					t.Errorf("%+v", r)
				}
				ended[after] = time.Since(began)
			}
			if err := p.Start(c); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for after, at := range ended {
			if at != after {
				t.Errorf("the call of %v ended after %v", after, at)
			}
		}
		if len(ended) != 3 {
			t.Errorf("%d calls ended, want 3", len(ended))
		}
		_ = p.Close()
		<-p.ran
		resets := 0
		framer := http2.NewFramer(nil, bytes.NewReader((<-p.sent)[len(preface):]))
		for f, err := framer.ReadFrame(); err == nil; f, err = framer.ReadFrame() {
			if r, ok := f.(*http2.RSTStreamFrame); ok && r.ErrCode == http2.ErrCodeCancel {
				resets++
			}
		}
		if resets != 3 {
			t.Errorf("%d streams were reset, want 3", resets)
		}
	})
}

// Whatever a server sends: no panic, no hang, and every call ends exactly once.
func FuzzClient(f *testing.F) {
	for _, say := range []func(*script){
		func(s *script) { s.answer(1, "hi"); s.answer(3, "hi"); s.answer(5, "hi") },
		func(s *script) { _ = s.WriteGoAway(1, 0, nil); s.answer(1, "") },
		func(s *script) { _ = s.WriteRSTStream(3, 7); _ = s.WritePing(false, [8]byte{}); s.answer(1, "") },
		func(s *script) { _ = s.WriteSettings(http2.Setting{ID: 3, Val: 0}, http2.Setting{ID: 4, Val: 1}) },
		func(s *script) { _ = s.WriteSettings(http2.Setting{ID: 1, Val: 0}); _ = s.WriteWindowUpdate(1, 9) },
		func(s *script) { open(s); _ = s.WriteContinuation(1, true, s.list("grpc-status", "1")) },
	} {
		s := newScript()
		_ = s.WriteSettings()
		say(s)
		f.Add(s.Bytes())
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		synctest.Test(t, func(t *testing.T) {
			p := newParty(3)
			_, _ = p.play(script)
			for i, n := range p.done {
				if n != 1 {
					t.Errorf("call %d ended %d times", i, n)
				}
			}
		})
	})
}
