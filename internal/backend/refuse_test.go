package backend

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestBackendRefusesWhatIsNoRequest(t *testing.T) {
	r := start(t, Config{}, "")
	r.startRun()
	good := request(t, "run", 0, 10)
	bad := append(bytes.Clone(good), 0xff)
	bomb := make([]byte, maxMessage+1)
	gz := compressed(t, "gzip", good)
	bombOf := func(encoding string) []byte { // both formats may be written one after the other
		return bytes.Repeat(compressed(t, encoding, bomb[:1<<20]), maxMessage>>20+1)
	}
	for _, tt := range []struct {
		method, path, contentType, encoding string
		body                                []byte
		code                                int
		text                                string
	}{
		{"POST", "/v1/traces", protobufType, "", bad, 400, "decode ExportTraceServiceRequest"},
		{"POST", "/v1/traces", protobufType, "gzip", good, 400, "decompress gzip"},
		{"POST", "/v1/traces", protobufType, "gzip", gz[:len(gz)-6], 400, "decompress gzip: unexpected EOF"},
		{"POST", "/v1/traces", protobufType, "zstd", good, 400, "decompress zstd"},
		{"POST", "/v1/traces", protobufType, "snappy", good, 400, "decompress snappy"},
		{"POST", "/v1/traces", protobufType, "snappy", []byte("\x80\x80\x80\x10\x00"), 400, "longer than snappy can make it"},
		{"POST", "/v1/traces", protobufType, "gzip", bombOf("gzip"), 413, "longer than 134217728 bytes"},
		{"POST", "/v1/traces", protobufType, "zstd", bombOf("zstd"), 413, "longer than 134217728 bytes"},
		{"POST", "/v1/traces", protobufType, "snappy", []byte("\xff\xff\xff\xff\x0f\x00"), 413, "longer than"},
		{"POST", "/v1/traces", protobufType, "br", good, 415, `found content encoding "br"`},
		{"POST", "/v1/traces", "application/json", "", []byte("{}"), 415, `found content type "application/json"`},
		{"POST", "/v1/traces", "", "", good, 415, `found content type ""`},
		{"GET", "/v1/traces", protobufType, "", nil, 405, "found GET, want POST"},
		{"POST", "/v1/trace", protobufType, "", good, 404, "nothing is served at /v1/trace"},
		{"POST", "/", protobufType, "", good, 404, "nothing is served at /"},
	} {
		if code, text := r.post(tt.method, tt.path, tt.contentType, tt.encoding, tt.body); code != tt.code ||
			!strings.Contains(text, tt.text) {
			t.Errorf("%s %s %q %q = %d %q, want %d %q", tt.method, tt.path, tt.contentType, tt.encoding,
				code, text, tt.code, tt.text)
		}
	}
	for _, tt := range []struct {
		name, method string
		body         []byte
		opts         []grpc.CallOption
		code         codes.Code
	}{
		{"malformed", exportTraces, bad, nil, codes.InvalidArgument},
		{"bomb", exportTraces, bomb, []grpc.CallOption{grpc.UseCompressor("gzip")}, codes.ResourceExhausted},
		{"another service", "/opentelemetry.proto.collector.profiles.v1.ProfilesService/Export", good, nil, codes.Unimplemented},
		{"another method", "/opentelemetry.proto.collector.trace.v1.TraceService/Import", good, nil, codes.Unimplemented},
	} {
		if err := r.send(tt.method, tt.body, tt.opts...); status.Code(err) != tt.code {
			t.Errorf("gRPC %s: %v, want %v", tt.name, err, tt.code)
		}
	}
	if got := r.received(); got.Unique != 0 || got.Requests["INVALID_ARGUMENT"] != 1 || got.Requests["OK"] != 0 {
		t.Errorf("received %d spans, requests %v; want none of them to count", got.Unique, got.Requests)
	}
	if err := r.send(exportTraces, good); err != nil {
		t.Errorf("a good request after the bad ones: %v", err)
	}
	if got := r.received(); got.Unique != 10 {
		t.Errorf("received %d spans, want 10", got.Unique)
	}
}
