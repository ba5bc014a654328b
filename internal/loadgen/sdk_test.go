package loadgen

import (
	"bytes"
	"context"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func sdkConfig(endpoint string) Config {
	cfg := config(10_000, 100, 0, time.Second)
	cfg.Load.Engine, cfg.Load.Shape = scenario.EngineSDK, scenario.ShapeComplex
	cfg.Endpoints = []string{endpoint}
	return cfg
}

// What the SDK exports arrives under the identities that the book has.
func TestSDK(t *testing.T) {
	for _, protocol := range []scenario.Protocol{scenario.ProtocolGRPC, scenario.ProtocolHTTP} {
		for _, compression := range []scenario.Compression{"none", "gzip"} {
			r := &receiver{}
			endpoint := r.serve(t)
			if protocol == scenario.ProtocolHTTP {
				endpoint = r.serveHTTP(t)
			}
			cfg := sdkConfig(endpoint)
			cfg.Load.Rate, cfg.Load.Protocol, cfg.Load.Compression = 2000, protocol, compression
			g, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			sent := ran(t, g)
			if err := g.Close(); err != nil {
				t.Error(err)
			}
			if sent.All.Due != 2000 || sent.All.Unsent+sent.All.Acknowledged+sent.All.Dropped != 2000 ||
				sent.All.Acknowledged == 0 || len(sent.Errors) > 0 {
				t.Errorf("%s %s: %+v %v", protocol, compression, sent.All, sent.Errors)
			}
			if uint64(len(r.spans)) != sent.All.Acknowledged {
				t.Errorf("%s %s: %d arrived, %d acknowledged", protocol, compression, len(r.spans),
					sent.All.Acknowledged)
			}
			if smaller := sent.WireBytes < sent.EncodedBytes; smaller != (compression == "gzip") ||
				sent.ConnectionsOpened != 1 {
				t.Errorf("%s %s: %d bytes on the wire of %d, %d connections", protocol, compression,
					sent.WireBytes, sent.EncodedBytes, sent.ConnectionsOpened)
			}
			for n, times := range r.spans {
				if times != 1 || n>>48 != 2 {
					t.Errorf("span %x arrived %d times", n, times)
				}
			}
		}
	}
}

// directly runs an SDK engine without a schedule: so many slots, one after the other.
func directly(t *testing.T, cfg Config, slots uint64, before func()) (*ledger.Sent, ledger.Classes) {
	t.Helper()
	e, err := newSDK(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	var account bytes.Buffer
	b, err := newBook(&account, ledger.Header{
		RunID: "run", Stream: cfg.Stream, Start: time.Now(),
		MeasuredTo: ledger.MaxSequence,
	}, cfg.Load.SpansPerRequest, 0)
	if err != nil {
		t.Fatal(err)
	}
	made := make(chan struct{})
	e.begin(t.Context(), ledger.NewKey("run"), b, func() { made <- struct{}{} })
	for n := range slots {
		b.came()
		e.deliver(slot{n, time.Duration(n) * time.Millisecond})
		<-made
	}
	before()
	if err := e.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent, err := b.close(e.connections())
	if err != nil {
		t.Fatal(err)
	}
	return sent, sent.All
}

// With the gateway stalled, the processor's queue fills and it drops without a word;
// the book has every one of them.
func TestWhatTheSDKDropsIsCounted(t *testing.T) {
	release := make(chan struct{})
	r := &receiver{answer: func(ctx context.Context) (*collector.ExportTraceServiceResponse, error) {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return &collector.ExportTraceServiceResponse{}, nil
	}}
	cfg := sdkConfig(r.serve(t))
	_, all := directly(t, cfg, 100, func() { close(release) })
	if all.Due != 10_000 || all.Dropped < 10_000-sdkQueue-300 ||
		all.Acknowledged+all.Dropped != all.Due {
		t.Errorf("%+v, want all but the queue dropped", all)
	}
	if uint64(len(r.spans)) != all.Acknowledged {
		t.Errorf("%d arrived, %d acknowledged", len(r.spans), all.Acknowledged)
	}
}

// A gateway that never answers does not hold the end of the run for longer than the
// timeout allows.
func TestTheSDKGivesUpAtTheEnd(t *testing.T) {
	asked := make(chan struct{}, 100)
	r := &receiver{answer: func(ctx context.Context) (*collector.ExportTraceServiceResponse, error) {
		asked <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	cfg := sdkConfig(r.serve(t))
	cfg.Load.Timeout = scenario.Duration(20 * time.Millisecond)
	_, all := directly(t, cfg, 15, func() { <-asked })
	if all.Unknown == 0 || all.Dropped == 0 || all.Unknown+all.Dropped != 1500 {
		t.Errorf("%+v, want some unknown and the others dropped", all)
	}
}

func TestTheSDKIsRefused(t *testing.T) {
	for code, class := range map[codes.Code]string{
		codes.Unavailable: "retryable", codes.InvalidArgument: "permanent",
	} {
		r := &receiver{answer: func(context.Context) (*collector.ExportTraceServiceResponse, error) {
			return nil, status.Error(code, "no")
		}}
		sent, all := directly(t, sdkConfig(r.serve(t)), 3, func() {})
		got := map[string]uint64{"retryable": all.RefusedRetryable, "permanent": all.RefusedPermanent}
		if got[class] != 300 || sent.Requests[grpcCode(code)] != 3 {
			t.Errorf("%s: %+v, %v", code, all, sent.Requests)
		}
	}
	r := &receiver{answer: func(context.Context) (*collector.ExportTraceServiceResponse, error) {
		return partial(7, "too old"), nil
	}}
	sent, all := directly(t, sdkConfig(r.serve(t)), 3, func() {})
	if all.RejectedInPart != 300 || len(sent.Errors) != 1 {
		t.Errorf("in part: %+v, %v", all, sent.Errors)
	}
}
