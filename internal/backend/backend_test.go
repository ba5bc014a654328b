package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/s2"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBackendCountsByIdentityHoweverItCame(t *testing.T) {
	r := start(t, Config{Measure: time.Hour}, "")
	r.startRun()
	n := ledger.Number(0)
	next := func() []byte { n += 10; return request(t, "run", n-10, n) }
	var wire, decoded uint64
	for _, encoding := range []string{"", "gzip", "zstd", "snappy"} {
		var opts []grpc.CallOption
		b := next()
		sent := b
		if encoding != "" {
			opts = append(opts, grpc.UseCompressor(encoding))
			sent = compressed(t, encoding, b)
		}
		if err := r.send(exportTraces, b, opts...); err != nil {
			t.Errorf("gRPC with %q: %v", encoding, err)
		}
		wire, decoded = wire+uint64(len(sent)), decoded+uint64(len(b))
		b = next()
		if sent = b; encoding != "" {
			sent = compressed(t, encoding, b)
		}
		if code, text := r.post("POST", "/v1/traces", protobufType, encoding, sent); code != 200 || text != "" {
			t.Errorf("HTTP with %q: %d %q", encoding, code, text)
		}
		wire, decoded = wire+uint64(len(sent)), decoded+uint64(len(b))
	}
	b := next()
	block := s2.EncodeSnappy(nil, b)
	if code, text := r.post("POST", "/v1/traces", protobufType+"; charset=x", "snappy", block); code != 200 {
		t.Errorf("HTTP with a snappy block: %d %q", code, text)
	}
	wire, decoded = wire+uint64(len(block)), decoded+uint64(len(b))
	got := r.received()
	if got.Unique != 90 || got.Duplicate != 0 || got.WireBytes != wire || got.DecodedBytes != decoded {
		t.Errorf("received %d unique, %d duplicate, %d wire and %d decoded bytes; want 90, 0, %d, %d",
			got.Unique, got.Duplicate, got.WireBytes, got.DecodedBytes, wire, decoded)
	}
	if diff := cmp.Diff(map[string]uint64{"OK": 9}, got.Requests); diff != "" {
		t.Errorf("Requests (-want +got):\n%s", diff)
	}
	if err := r.send(exportTraces, request(t, "run", 5, 95)); err != nil {
		t.Error(err)
	}
	if err := r.send(exportTraces, request(t, "another run", 0, 7)); err != nil {
		t.Error(err)
	}
	got = r.received()
	if got.Unique != 95 || got.Duplicate != 85 || got.Foreign != 7 || got.Latency.Count() != 95 {
		t.Errorf("received %d unique, %d duplicate, %d foreign, latency of %d; want 95, 85, 7, 95",
			got.Unique, got.Duplicate, got.Foreign, got.Latency.Count())
	}
}

func TestBackendTakesOtherSignals(t *testing.T) {
	r := start(t, Config{}, "")
	for _, method := range []string{
		"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
		"/opentelemetry.proto.collector.logs.v1.LogsService/Export",
	} {
		if err := r.send(method, []byte("anything")); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	for _, path := range []string{"/v1/metrics", "/v1/logs"} {
		if code, text := r.post("POST", path, protobufType, "", []byte("anything")); code != 200 {
			t.Errorf("POST %s: %d %s", path, code, text)
		}
	}
	if text := r.metrics(); !strings.Contains(text, `odigos_stress_backend_requests_total{code="OK",signal="logs"} 2`) {
		t.Errorf("metrics do not tell of two requests of logs:\n%s", text)
	}
	if got := r.received(); len(got.Requests) != 0 {
		t.Errorf("the book of traces has requests of other signals: %v", got.Requests)
	}
}

func TestBackendFailsItsShareOfRequests(t *testing.T) {
	fates := func(seed uint64) (failed []int) {
		rate := scenario.Ratio(0.7)
		r := start(t, Config{Seed: seed, Backend: scenario.Backend{SuccessRate: &rate}}, "")
		r.startRun()
		for i := range 200 {
			b := request(t, "run", ledger.Number(i), ledger.Number(i+1))
			var refused bool
			if i%2 == 0 {
				err := r.send(exportTraces, b)
				if refused = err != nil; refused && status.Code(err) != codes.Unavailable {
					t.Fatalf("gRPC: %v, want unavailable", err)
				}
			} else {
				code, text := r.post("POST", "/v1/traces", protobufType, "", b)
				if refused = code != 200; refused && code != 503 {
					t.Fatalf("HTTP: %d %s, want 503", code, text)
				}
			}
			if refused {
				failed = append(failed, i)
			}
		}
		got := r.received()
		if got.Failed != uint64(len(failed)) || got.Unique != uint64(200-len(failed)) {
			t.Errorf("received %d failed and %d unique, %d requests failed of 200", got.Failed, got.Unique, len(failed))
		}
		return failed
	}
	first := fates(1)
	if diff := cmp.Diff(first, fates(1)); diff != "" {
		t.Errorf("equal seeds, other fates (-first +second):\n%s", diff)
	}
	if n := len(first); n < 30 || n > 90 {
		t.Errorf("%d of 200 failed, want about 60", n)
	}
	if cmp.Equal(first, fates(2)) {
		t.Error("two seeds gave the same fates")
	}
}

func TestBackendWorksOnSoManyAtOnce(t *testing.T) {
	r := start(t, Config{Backend: scenario.Backend{MaxConcurrent: 1}}, "")
	r.startRun()
	slots := r.intake.slots
	slots <- struct{}{} // somebody is at work
	done := make(chan error, 2)
	for i := range ledger.Number(2) {
		b := request(t, "run", i, i+1)
		go func() {
			if i == 0 {
				done <- r.send(exportTraces, b)
				return
			}
			code, text := r.post("POST", "/v1/traces", protobufType, "", b)
			if code != 200 {
				done <- errors.New(text)
				return
			}
			done <- nil
		}()
	}
	for r.book.inFlight.Load() < 2 {
		if r.ctx.Err() != nil {
			t.Fatal("the requests did not arrive")
		}
		runtime.Gosched()
	}
	if got := r.received(); got.Unique != 0 {
		t.Errorf("%d spans were entered before their turn", got.Unique)
	}
	<-slots
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := r.received(); got.Unique != 2 {
		t.Errorf("received %d spans, want 2", got.Unique)
	}
}

func TestBackendClosesConnectionsBeyondItsLimit(t *testing.T) {
	r := start(t, Config{Backend: scenario.Backend{MaxConnections: 1}}, "")
	first, err := net.Dial("tcp", r.GRPC())
	if err != nil {
		t.Fatal(err)
	}
	deadline, _ := r.ctx.Deadline()
	_ = first.SetDeadline(deadline)
	if _, err := first.Read(make([]byte, 1)); err != nil { // the server's settings
		t.Fatalf("the first connection is not served: %v", err)
	}
	second, err := net.Dial("tcp", r.HTTP())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	_ = second.SetDeadline(deadline)
	if _, err := second.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the second connection: %v, want it closed", err)
	}
	_ = first.Close()
	for { // until the server has seen that the first one is gone
		if err := r.send(exportTraces, request(t, "run", 0, 1)); err == nil {
			return
		} else if r.ctx.Err() != nil {
			t.Fatalf("nothing is served after the first connection was closed: %v", err)
		}
	}
}

// Receipts are noted by the run's clock, from which this one is an hour ahead.
func TestReceiptsAreByTheRunsClock(t *testing.T) {
	r := start(t, Config{Measure: 1000 * time.Hour}, "")
	ahead := admin.Start{RunID: "run", At: begin.Add(-time.Hour), ClockAhead: time.Hour}
	if err := r.Start(ahead); err != nil {
		t.Fatal(err)
	}
	if err := r.send(exportTraces, request(t, "run", 0, 10)); err != nil {
		t.Fatal(err)
	}
	got := r.Status().LastArrival
	if off := time.Since(got); off < time.Hour || off > time.Hour+time.Minute {
		t.Errorf("the last arrival was %v ago by this clock, want an hour and a little", off)
	}
}

func TestBackendServesItsAccountWhileItGoesOn(t *testing.T) {
	dir := t.TempDir()
	r := start(t, Config{SampleEvery: 2, Measure: time.Hour}, dir)
	c := admin.NewClient("http://" + r.Admin(), nil)
	if err := c.Account(r.ctx, io.Discard); err == nil {
		t.Error("an account was served before the start")
	}
	if s, err := c.Status(r.ctx); err != nil || s.Phase != admin.PhaseHeld {
		t.Errorf("Status = %+v, %v before the start", s, err)
	}
	if err := c.Mark(r.ctx); err == nil {
		t.Error("Mark before the start gave no error")
	}
	at := admin.Start{RunID: "run", At: begin}
	if err := c.Start(r.ctx, at); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(r.ctx, at); err == nil {
		t.Error("a second start gave no error")
	}
	if err := r.send(exportTraces, request(t, "run", 0, 60)); err != nil {
		t.Fatal(err)
	}
	joined := func(account io.ReaderAt) ledger.Fate {
		t.Helper()
		var sent bytes.Buffer
		d, err := ledger.NewDispatch(&sent, ledger.Header{RunID: "run", Start: begin, MeasuredTo: 100, SampleEvery: 2})
		if err != nil {
			t.Fatal(err)
		}
		d.Settle(ledger.Settlement{Count: 100, Class: ledger.Acknowledged, Attempts: 1})
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		j, err := ledger.Join([]io.ReaderAt{bytes.NewReader(sent.Bytes())}, []io.ReaderAt{account})
		if err != nil {
			t.Fatal(err)
		}
		return j.Measured.Acknowledged
	}
	var account bytes.Buffer
	if err := c.Account(r.ctx, &account); err != nil {
		t.Fatal(err)
	}
	if f := joined(bytes.NewReader(account.Bytes())); f.Once != 60 || f.NotDelivered != 40 {
		t.Errorf("in the middle: %+v, want 60 once, 40 not", f)
	}
	if err := errors.Join(c.Mark(r.ctx), r.send(exportTraces, request(t, "run", 50, 90))); err != nil {
		t.Fatal(err)
	}
	var book ledger.Received
	if err := c.Book(r.ctx, &book); err != nil || book.Unique != 90 || book.AfterMark != 30 || book.LastArrival.IsZero() {
		t.Errorf("Book = %+v, %v; want 90 unique, 30 after mark", book, err)
	}
	text := r.metrics()
	for _, line := range []string{
		`odigos_stress_backend_spans_total{result="unique"} 90`,
		`odigos_stress_backend_spans_total{result="duplicate"} 10`,
		`odigos_stress_backend_requests_total{code="OK",signal="traces"} 2`,
		`odigos_stress_backend_in_flight_requests 0`,
		`odigos_stress_backend_connections 1`,
		`odigos_stress_backend_latency_seconds_bucket{le="0.0001"}`,
		`odigos_stress_backend_latency_seconds_count 90`,
		`go_goroutines `,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("metrics lack %s", line)
		}
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, AccountFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f := joined(f); f.Once != 80 || f.Repeatedly != 10 || f.Extra != 10 {
		t.Errorf("at the end: %+v, want 80 once, 10 repeatedly", f)
	}
}

func TestBackendLeavesNothingWhereNothingRan(t *testing.T) {
	dir := t.TempDir()
	r := start(t, Config{}, dir)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	if err := os.WriteFile(filepath.Join(dir, AccountFile), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for what, cfg := range map[string]Config{
		"an account that exists": {GRPC: "127.0.0.1:0", HTTP: "127.0.0.1:0"},
		"an address in use":      {GRPC: "127.0.0.1:0", HTTP: "256.0.0.1:0"},
	} {
		if _, err := Listen(cfg, "127.0.0.1:0", dir, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("Listen with %s gave no error", what)
		}
	}
}

func TestBackendCountsAloneWithoutAStart(t *testing.T) {
	r := start(t, Config{RunID: "run"}, "")
	if err := r.send(exportTraces, request(t, "run", 0, 10)); err != nil {
		t.Fatal(err)
	}
	if got := r.received(); got.Unique != 10 || got.Latency.Count() != 10 {
		t.Errorf("received %d spans, latency of %d; want 10", got.Unique, got.Latency.Count())
	}
}

func TestEnterAllocatesNothingPerSpan(t *testing.T) {
	b := newBook(ledger.NewReceipts(&nowhere{}))
	if err := b.receipts.Start(ledger.Run{RunID: "run", Start: begin}); err != nil {
		t.Fatal(err)
	}
	in, body := newIntake(scenario.Backend{}, 0, b), request(t, "run", 0, 1000)
	if n := testing.AllocsPerRun(100, func() {
		if err := in.receive(t.Context(), traces, body, begin); err != nil {
			t.Fatal(err)
		}
	}); n > 10 {
		t.Errorf("%v allocations a request of 1000 spans", n)
	}
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error)       { return len(b), nil }
func (nowhere) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }

func BenchmarkReceive(b *testing.B) {
	book := newBook(ledger.NewReceipts(&nowhere{}))
	_ = book.receipts.Start(ledger.Run{RunID: "run", Start: begin})
	in, body := newIntake(scenario.Backend{}, 0, book), request(b, "run", 0, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if err := in.receive(b.Context(), traces, body, begin); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/span")
}

func ExampleListen() {
	b, err := Listen(Config{GRPC: "127.0.0.1:0", HTTP: "127.0.0.1:0"}, "127.0.0.1:0", "", slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	fmt.Println(b.Run(ctx))
	// Output: <nil>
}
