package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Limits of a request to these pages.
const (
	maxBody       = 64 << 10
	maxHeader     = 16 << 10
	readTimeout   = 10 * time.Second
	shutdownLimit = 2 * time.Second
)

// NewHandler returns the pages of an actor. Errors are plain text.
func NewHandler(a Actor, metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { ok(w) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusServiceUnavailable, a.Ready())
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		s := a.Status()
		s.Now = time.Now().UTC()
		writeJSON(w, s)
	})
	mux.HandleFunc("POST /start", func(w http.ResponseWriter, r *http.Request) {
		s, err := readStart(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, http.StatusConflict, a.Start(s))
	})
	mux.HandleFunc("POST /mark", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusConflict, a.Mark())
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusConflict, a.Finish())
	})
	mux.HandleFunc("GET /book", func(w http.ResponseWriter, _ *http.Request) {
		book, err := a.Book()
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		writeJSON(w, book)
	})
	mux.HandleFunc("GET /account", func(w http.ResponseWriter, _ *http.Request) {
		account(w, a)
	})
	return mux
}

// Serve serves h on ln until ctx ends, then closes ln and lets what is under way end,
// for two seconds at most. It returns nil when it ended because ctx did.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	s := &http.Server{
		Handler:        h,
		ReadTimeout:    readTimeout,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve admin pages: %w", err)
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if err := s.Shutdown(limit); err != nil {
		_ = s.Close() // what is cut off was asked to end in time
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve admin pages: %w", err)
	}
	return nil
}

// readStart reads exactly one Start.
func readStart(r io.Reader) (s Start, err error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, fmt.Errorf("read start: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return s, errors.New("read start: something follows the JSON object")
	}
	if s.RunID == "" {
		return s, errors.New("read start: run_id is empty")
	}
	if s.At.IsZero() {
		return s, errors.New("read start: at is missing, want a time as in RFC 3339")
	}
	return s, nil
}

func ok(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
}

func answer(w http.ResponseWriter, code int, err error) {
	if err != nil {
		http.Error(w, err.Error(), code)
		return
	}
	ok(w)
}

func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n'))
}

// account sends the account. When it fails half way the connection is cut, so that
// nobody takes a part for the whole.
func account(w http.ResponseWriter, a Actor) {
	w.Header().Set("Content-Type", "application/octet-stream")
	c := &counted{w: w}
	err := a.Account(c)
	switch {
	case err != nil && c.n == 0:
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		panic(http.ErrAbortHandler)
	}
}

type counted struct {
	w io.Writer
	n int
}

func (c *counted) Write(b []byte) (int, error) {
	c.n += len(b)
	return c.w.Write(b)
}
