package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// A log whose stream is cut is followed on from where it was, to its end.
func TestLogsGoOnAfterACut(t *testing.T) {
	const whole = "one\ntwo\nthree\n"
	store, p := podStore{table: newTable(), of: scope{namespace: "ns"}}, aPod("gateway-1")
	_ = store.Add(p.DeepCopy())
	var mu sync.Mutex
	var asked []string
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Query().Get("follow"))
		n := len(asked)
		mu.Unlock()
		if n == 1 {
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			_, _ = w.Write([]byte(whole[:6])) // and the connection breaks
			return
		}
		terminate(p, corev1.ContainerStateTerminated{ExitCode: 0})
		_ = store.Update(p.DeepCopy())
		_, _ = w.Write([]byte(whole))
	})
	path := filepath.Join(t.TempDir(), "gateway")
	k := &Kube{access: a, table: store.table, naming: naming{namespace: "ns"}}
	k.o.LogPath = func(string) string { return path }
	k.life, k.end = context.WithCancelCause(context.Background())
	life, _ := incarnationOf(p, "gateway")
	o := k.follow(life, "gateway")
	<-o.done
	k.end(errors.New("over"))
	k.background.Wait()
	text, err := os.ReadFile(path)
	if err != nil || string(text) != whole {
		t.Errorf("log: %q, %v; want %q", text, err, whole)
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(asked, " "); got != "true true " {
		t.Errorf("followed: %q; want twice, and then asked for the rest", got)
	}
}

// That output cannot be kept is a note, and no end of the trial.
func TestLogsThatCannotBeKept(t *testing.T) {
	k := &Kube{table: newTable()}
	k.o, _ = Options{RunID: "a", Image: "b"}.complete()
	k.o.LogPath = func(string) string { return filepath.Join(t.TempDir(), "none", "gateway") }
	o := k.follow(incarnation{pod: "gateway-1"}, "gateway")
	<-o.done
	if _, err := o.open(); err == nil || len(k.Notes()) != 1 {
		t.Errorf("open: %v, notes: %q", err, k.Notes())
	}
}
