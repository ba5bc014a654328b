package loadgen

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// serveHTTP serves r over HTTP and returns its URL.
func (r *receiver) serveHTTP(t *testing.T) string {
	t.Helper()
	r.key, r.spans = ledger.NewKey("run"), map[ledger.Number]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body := io.Reader(q.Body)
		if name := q.Header.Get("Content-Encoding"); name != "" {
			open, ok := otlp.Decompressor(name)
			if !ok {
				t.Errorf("content encoding %q", name)
				return
			}
			plain, err := open(q.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = plain
		}
		b, err := io.ReadAll(body)
		var in collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(b, &in)
		}
		if err != nil || q.URL.Path != "/v1/traces" ||
			q.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s %s %v: %v", q.Method, q.URL, q.Header, err)
		}
		out, err := r.Export(q.Context(), &in)
		if err != nil {
			t.Error(err)
		}
		b, _ = proto.Marshal(out)
		_, _ = w.Write(b)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestHTTPAnswers(t *testing.T) {
	for _, test := range []struct {
		status     int
		retryAfter string
		class      ledger.Class
		retry      bool
		wait       time.Duration
	}{
		{200, "", ledger.Acknowledged, false, 0},
		{202, "", ledger.Acknowledged, false, 0},
		{400, "", ledger.RefusedPermanent, false, 0},
		{404, "", ledger.RefusedPermanent, false, 0},
		{429, "7", ledger.RefusedRetryable, true, 7 * time.Second},
		{500, "7", ledger.RefusedPermanent, false, 0},
		{502, "", ledger.RefusedRetryable, true, 0},
		{503, "soon", ledger.RefusedRetryable, true, 0},
		{504, "Mon, 02 Jan 2006 15:04:05 GMT", ledger.RefusedRetryable, true, 0},
		{301, "", ledger.RefusedPermanent, false, 0},
	} {
		got := httpAnswer(test.status, test.retryAfter, nil, 20)
		if got.Class != test.class || got.Retry != test.retry || got.Wait != test.wait {
			t.Errorf("httpAnswer(%d, %q) = %+v, want %v, %v, %v", test.status, test.retryAfter, got,
				test.class, test.retry, test.wait)
		}
	}
}

func TestHTTPWithoutAnAnswer(t *testing.T) {
	load := config(1000, 20, 0, time.Second).Load
	load.Protocol, load.Timeout = scenario.ProtocolHTTP, scenario.Duration(50*time.Millisecond)
	release := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer hang.Close()
	defer close(release)
	got, _ := rigOf(t, load, hang.URL).send(0)
	if got.Class != ledger.Unknown || got.Code != "no answer (deadline)" || !got.Attempted {
		t.Errorf("deadline: %+v", got)
	}
	load.Timeout = scenario.Duration(10 * time.Second)
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}))
	defer cut.Close()
	s := rigOf(t, load, cut.URL)
	if got, _ = s.send(0); got.Class != ledger.Unknown || !got.Attempted {
		t.Errorf("cut: %+v", got)
	}
	cut.Close()
	got, _ = s.send(1)
	if got.Class != ledger.Unknown || got.Code != "no answer (no connection)" || got.Attempted {
		t.Errorf("nobody there: %+v", got)
	}
}
