// Package otlp is OTLP on the wire: prepared payloads that are patched in place, a
// walker of received requests, and the codecs that carry bytes through gRPC.
package otlp

// A SpanView is what the walker shows of one span. Ids are big endian, as they are
// written; one that is missing or not as long as it should be is 0, which OTLP says is no
// id.
type SpanView struct {
	TraceHigh, TraceLow uint64
	SpanID              uint64
	StartNano           uint64
	EndNano             uint64 // ours bear the due time of their batch here
}
