// Package otlp is OTLP on the wire: prepared payloads that are patched in place, a
// walker of received requests, and the codecs that carry bytes through gRPC.
package otlp

// A SpanView is what the walker shows of one span; the slices alias the request.
type SpanView struct {
	TraceID   []byte // 16 bytes in a valid span
	SpanID    []byte // 8 bytes in a valid span
	StartNano uint64
	EndNano   uint64 // ours bear the due time of their batch here
}
