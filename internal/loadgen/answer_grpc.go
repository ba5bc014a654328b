package loadgen

import (
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/odigos-io/odigos-stress/internal/h2"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// grpcAnswer is what the result of a call says of that many spans.
func grpcAnswer(r *h2.Result, spans int) Answer {
	var a Answer
	switch {
	case !r.Answered || r.Status != 0:
		a = grpcFailure(statusOf(r), r.Answered)
	case len(r.Response) == 0:
		a = Answer{Code: "OK", Class: ledger.Acknowledged}
	default:
		body, err := r.Response, error(nil)
		if r.Encoding != "" {
			body, err = otlp.Decompress(r.Encoding, nil, body, maxGRPCResponse)
		}
		if a = success("OK", spans, body); err != nil {
			a = Answer{
				Code: "OK", Class: ledger.Acknowledged, Err: "decode response: " + err.Error(),
			}
		}
	}
	a.Attempted, a.WireBytes = r.Began, r.SentBytes
	return a
}

// statusOf is a result's status with its details.
func statusOf(r *h2.Result) *status.Status {
	s := &spb.Status{}
	if r.Details == nil || proto.Unmarshal(r.Details, s) != nil || s.Code != int32(r.Status) {
		return status.New(codes.Code(r.Status), r.Message)
	}
	return status.FromProto(s)
}

// grpcFailure reads a status as OTLP's specification does. answered tells whether
// the server sent it: gRPC gives the same UNAVAILABLE to a connection that was cut
// under a request, which may or may not have been taken in by then.
func grpcFailure(s *status.Status, answered bool) Answer {
	a := Answer{Code: grpcCode(s.Code()), Err: s.Code().String() + ": " + s.Message()}
	hint := false
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			hint, a.Wait = true, max(info.GetRetryDelay().AsDuration(), 0)
		}
	}
	switch s.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange,
		codes.Unavailable, codes.DataLoss:
		a.Retry = true
	case codes.ResourceExhausted:
		a.Retry = hint
	}
	switch {
	case !answered || s.Code() == codes.DeadlineExceeded:
		// A deadline is never an answer about the spans, whichever end saw it first.
		a.Code, a.Class = "no answer ("+a.Code+")", ledger.Unknown
	case a.Retry:
		a.Class = ledger.RefusedRetryable
	default:
		a.Class = ledger.RefusedPermanent
	}
	return a
}

// grpcCode is a code as the specification spells it.
func grpcCode(c codes.Code) string {
	if name, ok := grpcCodes[c]; ok {
		return name
	}
	return fmt.Sprintf("CODE %d", c)
}

var grpcCodes = map[codes.Code]string{
	codes.OK: "OK", codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN",
	codes.InvalidArgument: "INVALID_ARGUMENT", codes.DeadlineExceeded: "DEADLINE_EXCEEDED",
	codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS",
	codes.PermissionDenied: "PERMISSION_DENIED", codes.ResourceExhausted: "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Aborted: "ABORTED",
	codes.OutOfRange: "OUT_OF_RANGE", codes.Unimplemented: "UNIMPLEMENTED",
	codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE", codes.DataLoss: "DATA_LOSS",
	codes.Unauthenticated: "UNAUTHENTICATED",
}
