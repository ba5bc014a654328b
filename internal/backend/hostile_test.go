package backend

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// TestBackendRefusesOverGRPC has hostile requests over gRPC, each followed by a good one
// on the same connection.
func TestBackendRefusesOverGRPC(t *testing.T) {
	r := start(t, Config{}, "")
	r.startRun()
	bomb := make([]byte, maxMessage+1)
	n := ledger.Number(0)
	for _, tt := range []struct {
		encoding string
		body     []byte
		code     codes.Code
		text     string
	}{
		{"gzip", []byte("no gzip at all"), codes.InvalidArgument, "decompress gzip"},
		{"gzip", compressed(t, "gzip", make([]byte, 1<<20))[:900], codes.InvalidArgument, "decompress gzip"},
		{"gzip", compressed(t, "gzip", bomb), codes.ResourceExhausted, "longer than 134217728 bytes"},
		{"zstd", bytes.Repeat(compressed(t, "zstd", bomb[:1<<20]), maxMessage>>20+1), codes.ResourceExhausted, "longer than"},
		{"snappy", []byte("no snappy at all"), codes.InvalidArgument, "decompress snappy"},
		{"snappy", bytes.Repeat(compressed(t, "snappy", bomb[:8<<20]), maxMessage>>23+1), codes.ResourceExhausted, "longer than"},
		{"", bomb, codes.ResourceExhausted, "of 134217729 bytes, more than the 134217728"},
		{"", []byte{0xff}, codes.InvalidArgument, "decode ExportTraceServiceRequest"},
		{"", append(request(t, "run", 5000, 5010), 0xff), codes.InvalidArgument, "decode ExportTraceServiceRequest"},
	} {
		sender := r
		if tt.encoding != "" {
			sender = &rig{conn: dialAsIs(t, r.GRPC(), tt.encoding), ctx: r.ctx}
		}
		err := sender.send(exportTraces, tt.body)
		if s := status.Convert(err); s.Code() != tt.code || !strings.Contains(s.Message(), tt.text) {
			t.Errorf("%d bytes of %q: %v, want %v %q", len(tt.body), tt.encoding, err, tt.code, tt.text)
		}
		if tt.encoding == "" {
			err = sender.send(exportTraces, request(t, "run", n, n+10))
		} else {
			err = sender.send(exportTraces, compressed(t, tt.encoding, request(t, "run", n, n+10)))
		}
		if err != nil {
			t.Errorf("a good request after %d bytes of %q: %v", len(tt.body), tt.encoding, err)
		}
		n += 10
	}
	got := r.received()
	if got.Unique != uint64(n) || got.Requests["OK"] != 9 || got.Requests["INVALID_ARGUMENT"] != 5 ||
		got.Requests["RESOURCE_EXHAUSTED"] != 4 {
		t.Errorf("received %d spans, requests %v; want %d spans, 9 OK, 5 INVALID_ARGUMENT, 4 RESOURCE_EXHAUSTED",
			got.Unique, got.Requests, n)
	}
	if n := r.book.inFlight.Load(); n != 0 {
		t.Errorf("%d requests are in flight at the end", n)
	}
}

// asIs is a gRPC compressor that leaves what it is given as it is, so that a client can
// say anything under the name of an encoding.
type asIs string

func (asIs) Do(w io.Writer, b []byte) error {
	_, err := w.Write(b)
	return err
}

func (a asIs) Type() string { return string(a) }

func dialAsIs(t *testing.T, addr, encoding string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(otlp.RawCodec{})),
		grpc.WithCompressor(asIs(encoding))) //nolint:staticcheck // the one way that is not for the whole process
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestBackendAnswersAfterItsDelay(t *testing.T) {
	const delay = 50 * time.Millisecond
	rate := scenario.Ratio(0)
	r := start(t, Config{Backend: scenario.Backend{Delay: scenario.Duration(delay), SuccessRate: &rate}}, "")
	r.startRun()
	for _, encoding := range []string{"", "gzip"} {
		var opts []grpc.CallOption
		if encoding != "" {
			opts = append(opts, grpc.UseCompressor(encoding))
		}
		begin := time.Now()
		err := r.send(exportTraces, bytes.Repeat(request(t, "run", 0, 100), 100), opts...)
		if status.Code(err) != codes.Unavailable || time.Since(begin) < delay {
			t.Errorf("with %q: %v after %v, want unavailable after %v", encoding, err, time.Since(begin), delay)
		}
	}
}

// TestBackendCountsWhoLeft has senders that leave while their answer is delayed, or while
// their request waits for its turn.
func TestBackendCountsWhoLeft(t *testing.T) {
	r := start(t, Config{Backend: scenario.Backend{Delay: scenario.Duration(time.Hour)}}, "")
	r.startRun()
	ctx, cancel := context.WithCancel(r.ctx)
	for i, encoding := range []string{"", "gzip"} {
		n := ledger.Number(1000 * i)
		body := request(t, "run", n, n+1000)
		go func() {
			var opts []grpc.CallOption
			if encoding != "" {
				opts = append(opts, grpc.UseCompressor(encoding))
			}
			_ = (&rig{conn: r.conn, ctx: ctx}).send(exportTraces, body, opts...)
		}()
	}
	r.until("2000 spans are entered", func() bool { return r.received().Unique == 2000 })
	if n := r.book.inFlight.Load(); n != 2 {
		t.Errorf("%d requests are in flight, want 2", n)
	}
	cancel()
	r.until("both are cancelled", func() bool { return r.received().Requests["CANCELLED"] == 2 })
	short, cancel := context.WithTimeout(r.ctx, 50*time.Millisecond)
	defer cancel()
	if err := (&rig{conn: r.conn, ctx: short}).send(exportTraces, request(t, "run", 2000, 2001)); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("with a deadline: %v", err)
	}
	r.until("nothing is in flight", func() bool { return r.book.inFlight.Load() == 0 })
	if got := r.received(); got.Unique != 2001 || got.Requests["OK"] != 0 {
		t.Errorf("received %d spans, requests %v; want 2001 and none OK", got.Unique, got.Requests)
	}
}

// TestBackendCountsEachOnce has a sender that leaves before its answer is due, and one
// that stays until after that.
func TestBackendCountsEachOnce(t *testing.T) {
	r := start(t, Config{Backend: scenario.Backend{Delay: scenario.Duration(100 * time.Millisecond)}}, "")
	r.startRun()
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan error, 1)
	go func() { done <- (&rig{conn: r.conn, ctx: ctx}).send(exportTraces, request(t, "run", 0, 10)) }()
	r.until("the first is entered", func() bool { return r.received().Unique == 10 })
	cancel()
	<-done
	if err := r.send(exportTraces, request(t, "run", 10, 20)); err != nil {
		t.Error(err)
	}
	got, answers := r.received(), uint64(0)
	for _, n := range got.Requests {
		answers += n
	}
	if n := r.book.inFlight.Load(); n != 0 || answers != 2 {
		t.Errorf("%d requests are in flight, %v were answered; want 0 and 2", n, got.Requests)
	}
}

func TestBackendForgetsWhoLeftBeforeTheirTurn(t *testing.T) {
	r := start(t, Config{Backend: scenario.Backend{MaxConcurrent: 3}}, "")
	r.startRun()
	for range 3 {
		r.intake.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan error, 1)
	go func() { done <- (&rig{conn: r.conn, ctx: ctx}).send(exportTraces, request(t, "run", 0, 10)) }()
	r.until("the request waits", func() bool { return r.book.inFlight.Load() == 1 })
	cancel()
	<-done
	r.until("it was forgotten", func() bool { return r.received().Requests["CANCELLED"] == 1 && r.book.inFlight.Load() == 0 })
	for range 3 {
		<-r.intake.slots
	}
	if got := r.received(); got.Unique != 0 {
		t.Errorf("%d spans were entered", got.Unique)
	}
}

func TestBackendCutsConnections(t *testing.T) {
	r := start(t, Config{Backend: scenario.Backend{CutEvery: scenario.Duration(20 * time.Millisecond)}}, "")
	r.startRun()
	// A request that is under way: it is not entered, however much of it came.
	body := request(t, "run", 0, 1000)
	conn, err := net.Dial("tcp", r.HTTP())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	deadline, _ := r.ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	fmt.Fprintf(conn, "POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", protobufType, len(body))
	_, _ = conn.Write(body[:len(body)-1])
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the connection was not cut: %d, %v", n, err)
	}
	// Senders that come again: what was answered is in the book, and a cut is seen.
	answered, cuts := uint64(0), 0
	for n := ledger.Number(1000); cuts == 0 || answered == 0; n += 10 {
		switch err := r.send(exportTraces, request(t, "run", n, n+10)); status.Code(err) {
		case codes.OK:
			answered += 10
		case codes.Unavailable:
			cuts++
		default:
			t.Fatal(err)
		}
	}
	if got := r.received(); got.Unique < answered {
		t.Errorf("received %d spans, %d were answered", got.Unique, answered)
	}
}

// TestBackendCutsAtOnce holds requests that wait for their answer while it cuts.
func TestBackendCutsAtOnce(t *testing.T) {
	r := start(t, Config{Backend: scenario.Backend{Delay: scenario.Duration(time.Hour)}}, "")
	r.startRun()
	done := make(chan error, 2)
	go func() { done <- r.send(exportTraces, request(t, "run", 0, 10)) }()
	go func() {
		req, _ := http.NewRequestWithContext(r.ctx, http.MethodPost, "http://"+r.HTTP()+"/v1/traces",
			bytes.NewReader(request(t, "run", 10, 20)))
		req.Header.Set("Content-Type", protobufType)
		resp, err := r.http.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- err
	}()
	r.until("both are entered", func() bool { return r.received().Unique == 20 })
	if n := r.connections.cut(); n != 2 {
		t.Errorf("%d connections were cut, want 2", n)
	}
	for range 2 {
		if err := <-done; err == nil {
			t.Error("a request that was cut succeeded")
		}
	}
	r.until("nothing is in flight", func() bool { return r.book.inFlight.Load() == 0 && r.connections.number() == 0 })
	if got := r.received(); got.Unique != 20 || got.Requests["CANCELLED"] != 1 {
		t.Errorf("received %d spans, requests %v; want 20, the one over gRPC cancelled", got.Unique, got.Requests)
	}
}

// TestBackendGivesUpSlowHTTP has clients that are slow, or lie about a length. Limits are
// those of the servers, made short.
func TestBackendGivesUpSlowHTTP(t *testing.T) {
	b, err := Listen(Config{GRPC: "127.0.0.1:0", HTTP: "127.0.0.1:0", RunID: "run"}, "127.0.0.1:0", "",
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b.http.ReadHeaderTimeout, b.http.ReadTimeout = 50*time.Millisecond, 100*time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	body := request(t, "run", 0, 1000)
	gz := compressed(t, "gzip", body)
	head := func(length int, more string) string {
		return fmt.Sprintf("POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n", protobufType, length, more)
	}
	for _, tt := range []struct {
		name string
		says string
		over bool // the client says that this is all
		want string
	}{
		{"slow header", "POST /v1/traces HTTP/1.1\r\nHost:", false, ""},
		{"slow body", head(len(body), "") + string(body[:len(body)-1]), false, "HTTP/1.1 503 "},
		{"slow compressed body", head(len(gz), "Content-Encoding: gzip\r\n") + string(gz[:len(gz)-9]), false, "HTTP/1.1 503 "},
		{"no compressed body", head(len(gz), "Content-Encoding: gzip\r\n"), false, "HTTP/1.1 503 "},
		{"slow snappy block", head(len(gz), "Content-Encoding: snappy\r\n") + "xx", false, "HTTP/1.1 503 "},
		{"short body", head(len(body), "") + string(body[:len(body)-1]), true, "HTTP/1.1 400 "},
		{"long body announced", head(maxMessage+1, ""), false, "HTTP/1.1 413 "},
		{"negative length", head(-1, ""), false, "HTTP/1.1 400 "},
		{"two lengths", head(5, "Content-Length: 6\r\n"), false, "HTTP/1.1 400 "},
		{"long header", head(5, "X: "+strings.Repeat("x", 80<<10)+"\r\n"), false, "HTTP/1.1 431 "},
	} {
		conn, err := net.Dial("tcp", b.HTTP())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		go func() {
			_, _ = io.WriteString(conn, tt.says)
			if tt.over {
				_ = conn.(*net.TCPConn).CloseWrite()
			}
		}()
		line, _ := bufio.NewReader(conn).ReadString('\n')
		if !strings.HasPrefix(line, tt.want) || tt.want == "" && line != "" {
			t.Errorf("%s: %q, want %q", tt.name, line, tt.want)
		}
		_ = conn.Close()
	}
	if got := b.book.receipts.Counts(); got.Unique != 0 {
		t.Errorf("%d spans were entered", got.Unique)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestBackendStopsWhoeverIsThere(t *testing.T) {
	r := start(t, Config{Backend: scenario.Backend{Delay: scenario.Duration(time.Hour)}}, "")
	r.startRun()
	idle, err := net.Dial("tcp", r.GRPC())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	done := make(chan error, 1)
	go func() { done <- r.send(exportTraces, request(t, "run", 0, 10)) }()
	r.until("the request is entered", func() bool { return r.received().Unique == 10 })
	begin := time.Now()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if after := time.Since(begin); after < stopLimit {
		t.Errorf("it stopped after %v, want the request to have %v", after, stopLimit)
	}
	if err := <-done; status.Code(err) != codes.Unavailable {
		t.Errorf("the request: %v, want unavailable", err)
	}
}

// until waits until something is so.
func (r *rig) until(what string, is func() bool) {
	r.t.Helper()
	for !is() {
		if r.ctx.Err() != nil {
			r.t.Fatalf("it did not come about that %s: %+v", what, r.received())
		}
		runtime.Gosched()
	}
}
