package loadgen

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Sender delivers requests. It is safe for concurrent use.
type Sender interface {
	// Send begins one attempt, bounded by the sender's timeout, and never waits for the
	// network. The flight is answered once, by any goroutine and perhaps before Send
	// returns; what went wrong is in the answer.
	Send(f *flight)
	// Busy is whether what is sent now would wait before it leaves: then it is better
	// made ready when it does leave.
	Busy() bool
	// Cancel ends what is under way, and all that is sent later, without an answer.
	Cancel()
	// Connections is how many connections were opened so far.
	Connections() uint64
	Close() error
}

// An Answer is what became of one attempt.
type Answer struct {
	// Code is what was answered: OK, UNAVAILABLE, HTTP 503; or why nothing was:
	// "no answer (UNAVAILABLE)".
	Code     string
	Class    ledger.Class
	Rejected int // spans, by a partial success
	// Retry is set when OTLP lets a client try again, after Wait at the least.
	Retry bool
	Wait  time.Duration
	// Attempted is whether the request was given to a connection; WireBytes is then
	// the length of its body as it travelled.
	Attempted bool
	WireBytes int
	Err       string // empty for a success without reservation
}

// userAgent names us to the gateway, in the form that OTLP exporters use.
const userAgent = "odigos-stress-loadgen/1"

// NewSender returns what sends a load over its protocol. Endpoints are taken in turn
// by the load's connections.
func NewSender(load scenario.Load, endpoints []string) (Sender, error) {
	return newSender(load, endpoints, newDialer(0))
}

func newSender(load scenario.Load, endpoints []string, d *dialer) (Sender, error) {
	if len(endpoints) == 0 {
		return nil, fmt.Errorf("make sender: no endpoint")
	}
	if load.Timeout <= 0 {
		return nil, fmt.Errorf("make sender: timeout is %v: want more than 0",
			time.Duration(load.Timeout))
	}
	switch load.Compression {
	case scenario.CompressionNone, scenario.CompressionGzip, scenario.CompressionZstd,
		scenario.CompressionSnappy:
	default:
		return nil, fmt.Errorf("make sender: unknown compression %q", load.Compression)
	}
	switch load.Protocol {
	case scenario.ProtocolGRPC:
		return newGRPCSender(load, endpoints, d)
	case scenario.ProtocolHTTP:
		return newHTTPSender(load, endpoints, d)
	}
	return nil, fmt.Errorf("make sender: unknown protocol %q", load.Protocol)
}

// turns hands out 0 … n-1 in turn.
type turns struct {
	n    uint64
	last atomic.Uint64
}

func (t *turns) next() uint64 { return t.last.Add(1) % t.n }

// success is the answer to a request that was accepted, wholly or in part.
func success(code string, spans int, response []byte) Answer {
	rejected, message, err := partialSuccess(response)
	if err != nil {
		return Answer{Code: code, Class: ledger.Acknowledged, Err: "decode response: " + err.Error()}
	}
	return accepted(code, spans, rejected, message)
}

// accepted is success for a response that was read.
func accepted(code string, spans int, rejected int64, message string) Answer {
	a := Answer{Code: code, Class: ledger.Acknowledged}
	switch {
	case rejected > 0:
		a.Class, a.Rejected = ledger.RejectedInPart, int(min(rejected, int64(spans)))
		a.Err = "partial success: " + message
	case message != "":
		a.Err = "success with a warning: " + message
	}
	return a
}

// partialSuccess reads an ExportTraceServiceResponse: field 1 is a message with the
// number of rejected spans and a text.
func partialSuccess(b []byte) (rejected int64, message string, err error) {
	err = each(b, func(n protowire.Number, _ uint64, part []byte) error {
		if n != 1 || part == nil {
			return nil
		}
		return each(part, func(n protowire.Number, v uint64, text []byte) error {
			switch {
			case n == 1 && text == nil:
				rejected = max(int64(v), 0)
			case n == 2 && text != nil:
				message = strings.ToValidUTF8(string(text), "\uFFFD")
			}
			return nil
		})
	})
	return rejected, message, err
}

// each calls visit for every field of a message that is a varint, or bytes (which
// are then not nil).
func each(b []byte, visit func(n protowire.Number, v uint64, bytes []byte) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		var v uint64
		var bytes []byte
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if err := visit(number, v, bytes); err != nil {
			return err
		}
	}
	return nil
}
