// Package otlp is OTLP on the wire: prepared payloads that are patched in place, a
// walker of received requests, and the codecs that carry bytes through gRPC.
package otlp

// A SpanView is what the walker shows of one span. An id that is missing or not as long
// as it should be is all zero, which OTLP says is no id.
type SpanView struct {
	TraceID   [16]byte
	SpanID    [8]byte
	StartNano uint64
	EndNano   uint64 // ours bear the due time of their batch here
}
