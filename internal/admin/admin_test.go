package admin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type actor struct {
	started  []Start
	marks    int
	finished int
	ready    error
	start    error
	account  func(io.Writer) error
}

func (a *actor) Ready() error { return a.ready }
func (a *actor) Status() Status {
	return Status{Phase: PhaseRunning, LastArrival: at, Error: "disk full"}
}
func (a *actor) Start(s Start) error { a.started = append(a.started, s); return a.start }
func (a *actor) Mark() error         { a.marks++; return nil }
func (a *actor) Finish() error       { a.finished++; return nil }
func (a *actor) Book() (any, error) {
	if a.ready != nil {
		return nil, a.ready
	}
	return map[string]int{"unique_spans": 3}, nil
}
func (a *actor) Account(w io.Writer) error { return a.account(w) }

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// serve runs the pages of an actor for the length of a test.
func serve(t *testing.T, a Actor) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "seven"}, func() float64 { return 7 }))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, ln, NewHandler(a, registry), slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve() = %v", err)
		}
	})
	return "http://" + ln.Addr().String()
}

func TestClientAndPages(t *testing.T) {
	a := &actor{account: func(w io.Writer) error { _, err := io.WriteString(w, "whole"); return err }}
	c := NewClient(serve(t, a), nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	start := Start{RunID: "run", At: at}
	if err := errors.Join(c.Ready(ctx), c.Start(ctx, start), c.Mark(ctx), c.Finish(ctx)); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]Start{start}, a.started); diff != "" || a.marks != 1 || a.finished != 1 {
		t.Errorf("%d marks, %d finishes, starts (-want +got):\n%s", a.marks, a.finished, diff)
	}
	status, err := c.Status(ctx)
	if status.Now.IsZero() {
		t.Error("Status has no now")
	}
	status.Now = time.Time{}
	if diff := cmp.Diff(a.Status(), status); diff != "" || err != nil {
		t.Errorf("Status: %v (-want +got):\n%s", err, diff)
	}
	var book map[string]int
	if err := c.Book(ctx, &book); err != nil || book["unique_spans"] != 3 {
		t.Errorf("Book = %v, %v", book, err)
	}
	var account bytes.Buffer
	if err := c.Account(ctx, &account); err != nil || account.String() != "whole" {
		t.Errorf("Account = %q, %v", account.String(), err)
	}
	if text, err := c.Metrics(ctx); err != nil || !strings.Contains(string(text), "\nseven 7\n") {
		t.Errorf("Metrics = %q, %v", text, err)
	}
}

func TestErrorsReachTheClient(t *testing.T) {
	a := &actor{
		ready: errors.New("gateway is away"), start: errors.New("started before"),
		account: func(io.Writer) error { return errors.New("no account yet") },
	}
	c := NewClient(serve(t, a), nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, tt := range []struct {
		call string
		err  error
		want string
	}{
		{"Ready", c.Ready(ctx), "503 Service Unavailable: gateway is away"},
		{"Start", c.Start(ctx, Start{RunID: "run", At: at}), "409 Conflict: started before"},
		{"Book", c.Book(ctx, new(int)), "409 Conflict: gateway is away"},
		{"Account", c.Account(ctx, io.Discard), "409 Conflict: no account yet"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s = %v, want %q", tt.call, tt.err, tt.want)
		}
	}
	a.account = func(w io.Writer) error {
		_, _ = w.Write(make([]byte, 100_000))
		return errors.New("disk gone")
	}
	if err := c.Account(ctx, io.Discard); err == nil {
		t.Error("an account that failed half way was taken for whole")
	}
}

func TestPagesRefuseBadRequests(t *testing.T) {
	a := new(actor)
	h := NewHandler(a, prometheus.NewRegistry())
	for _, tt := range []struct {
		method, path, body string
		code               int
		text               string
	}{
		{"GET", "/start", "", 405, "Method Not Allowed"},
		{"POST", "/status", "", 405, "Method Not Allowed"},
		{"DELETE", "/account", "", 405, "Method Not Allowed"},
		{"GET", "/", "", 404, "not found"},
		{"GET", "/debug/pprof/", "", 404, "not found"},
		{"POST", "/start", "", 400, "EOF"},
		{"POST", "/start", `{"run_id":"a"}`, 400, "at is missing"},
		{"POST", "/start", `{"at":"2026-01-02T03:04:05Z"}`, 400, "run_id is empty"},
		{"POST", "/start", `{"run":"a"}`, 400, `unknown field "run"`},
		{"POST", "/start", `{"run_id":"a","at":"2026-01-02T03:04:05Z"} 1`, 400, "something follows"},
		{"POST", "/start", `{"run_id":"` + strings.Repeat("a", maxBody) + `"}`, 400, "too large"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body)))
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.text) {
			t.Errorf("%s %s %.40q = %d %q, want %d %q", tt.method, tt.path, tt.body, w.Code, w.Body, tt.code, tt.text)
		}
	}
	if len(a.started) > 0 {
		t.Errorf("a bad request started %v", a.started)
	}
}

func TestServeTellsThatItCannot(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	err = Serve(t.Context(), ln, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "serve admin pages") {
		t.Errorf("Serve on a closed listener = %v", err)
	}
}
