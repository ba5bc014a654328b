package h2

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// A clientHeaders is what a list of headers or trailers says that matters here.
type clientHeaders struct {
	http        int // :status; 0 for trailers
	answersGRPC bool
	encoding    string
	status      int64 // grpc-status; -1 for none
	message     string
	details     []byte
	size        int // as SETTINGS_MAX_HEADER_LIST_SIZE counts it
}

// A clientHeaderReader decodes lists. Blocks that only refer to the table and do not
// change it are decoded once and then known, until another block does change it.
type clientHeaderReader struct {
	decoder *hpack.Decoder
	block   []byte // so far
	now     clientHeaders
	known   []knownBlock
}

type knownBlock struct {
	block []byte
	says  clientHeaders
}

// maxKnown is two of each answer: its headers and its trailers.
const maxKnown = 4

func (r *clientHeaderReader) init() {
	r.decoder = hpack.NewDecoder(defaultHeaderSize, r.field)
	r.decoder.SetMaxStringLength(clientMaxHeaders)
}

// read decodes the collected block.
func (r *clientHeaderReader) read() (*clientHeaders, error) {
	lasting := true
	for _, b := range r.block {
		lasting = lasting && b > 0x80 && b < 0xff // indexed fields of one byte
	}
	if lasting {
		for i := range r.known {
			if bytes.Equal(r.known[i].block, r.block) {
				return &r.known[i].says, nil
			}
		}
	}
	r.now = clientHeaders{status: -1}
	_, err := r.decoder.Write(r.block)
	if err == nil {
		err = r.decoder.Close()
	}
	if err != nil {
		return nil, clientFaultf(CompressionError, "headers: %v", err)
	}
	switch {
	case !lasting:
		r.known = r.known[:0]
	case len(r.known) < maxKnown:
		r.known = append(r.known, knownBlock{bytes.Clone(r.block), r.now})
	}
	return &r.now, nil
}

// field takes in one field. Those of a list that is too long are only counted.
func (r *clientHeaderReader) field(f hpack.HeaderField) {
	h := &r.now
	if h.size += int(f.Size()); h.size > clientMaxHeaders {
		return
	}
	switch f.Name {
	case ":status":
		h.http, _ = strconv.Atoi(f.Value) // 0 is none
	case "content-type":
		h.answersGRPC = answersGRPC(f.Value)
	case "grpc-encoding":
		if h.encoding = f.Value; f.Value == "identity" {
			h.encoding = ""
		}
	case "grpc-status":
		h.status = statusUnknown
		if n, err := strconv.ParseUint(f.Value, 10, 32); err == nil {
			h.status = int64(n)
		}
	case "grpc-message":
		h.message = percentDecoded(f.Value)
	case "grpc-status-details-bin":
		if b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(f.Value, "=")); err == nil {
			h.details = b
		}
	}
}

func answersGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(contentType), "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// percentDecoded undoes the encoding of grpc-message; what is not valid stays as it is.
func percentDecoded(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

func (c *Client) takeHeaders(h frameHeader, b []byte) error {
	if _, err := c.callOf(h); err != nil {
		return err
	}
	b, err := unpadded(h, b)
	if err != nil {
		return err
	}
	if h.flags&flagPriority != 0 {
		if len(b) < 5 {
			return clientFaultf(FrameSizeError, "HEADERS of %d bytes with a priority", len(b))
		}
		b = b[5:]
	}
	c.headers.block = append(c.headers.block[:0], b...)
	if h.flags&flagEndHeaders == 0 {
		c.continued, c.fragments = h, 0
		return nil
	}
	return c.takeList(h)
}

func (c *Client) takeContinuation(h frameHeader, b []byte) error {
	first := c.continued
	if first.kind != frameHeaders || h.kind != frameContinuation || h.stream != first.stream {
		return clientFaultf(ProtocolError,
			"a frame of kind %d where CONTINUATION is not, or alone, allowed", h.kind)
	}
	c.fragments++
	if len(c.headers.block)+len(b) > clientMaxHeaders || c.fragments > clientMaxFragments {
		return clientFaultf(EnhanceYourCalm, "headers of more than %d bytes or in more than %d frames",
			clientMaxHeaders, clientMaxFragments)
	}
	c.headers.block = append(c.headers.block, b...)
	if h.flags&flagEndHeaders == 0 {
		return nil
	}
	c.continued = frameHeader{}
	return c.takeList(first)
}

// takeList takes in a whole list. It is decoded even where nobody waits for it: the
// table must follow.
func (c *Client) takeList(h frameHeader) error {
	list, err := c.headers.read()
	if err != nil {
		return err
	}
	call := c.streams[h.stream]
	last := h.flags&flagEndStream != 0
	switch {
	case call == nil:
	case list.size > clientMaxHeaders:
		c.failStream(call, Cancel, statusResourceExhausted, "the headers are longer than is accepted")
	case call.headed:
		c.takeTrailers(call, list, last)
	case list.http >= 100 && list.http < 200 && !last:
	case last && list.status >= 0:
		c.conclude(call, list)
	case list.http != 200:
		c.takeHTTPStatus(call, list, last)
	case last:
		call.Result.fail(statusUnknown, "the stream ended without a status")
		c.finish(call)
	case !list.answersGRPC:
		c.failStream(call, Cancel, statusUnknown, "the response is not gRPC")
	default:
		call.headed, call.encoding = true, list.encoding
	}
	return nil
}

// takeHTTPStatus ends a call that got an HTTP error, which somebody between here and
// the server may have made.
func (c *Client) takeHTTPStatus(call *Call, list *clientHeaders, last bool) {
	call.Result.fail(httpStatus(list.http), "the response has HTTP status "+strconv.Itoa(list.http))
	if last {
		c.finish(call)
	} else {
		c.reset(call, Cancel)
	}
}

// httpStatus is the code of gRPC for an HTTP status
// (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
func httpStatus(code int) uint32 {
	switch code {
	case 400:
		return statusInternal
	case 401:
		return statusUnauthenticated
	case 403:
		return statusPermissionDenied
	case 404:
		return statusUnimplemented
	case 429, 502, 503, 504:
		return statusUnavailable
	}
	return statusUnknown
}

func (c *Client) takeTrailers(call *Call, list *clientHeaders, last bool) {
	switch {
	case !last:
		c.failStream(call, ProtocolError, statusInternal, "HEADERS came twice")
	case list.status < 0:
		call.Result.fail(statusUnknown, "the trailers have no status")
		c.finish(call)
	default:
		c.conclude(call, list)
	}
}

// conclude ends a call as the server's status says.
func (c *Client) conclude(call *Call, list *clientHeaders) {
	r := &call.Result
	r.Answered = true
	r.Status, r.Message, r.Details = uint32(list.status), list.message, list.details
	if r.Status == 0 {
		c.respond(call)
	}
	c.finish(call)
}

// respond makes the response of what came as DATA: one message, after its prefix.
func (c *Client) respond(call *Call) {
	r, b := &call.Result, call.response
	if len(b) < len(call.prefix) {
		r.Status, r.Message = statusInternal, "OK without a response"
		return
	}
	length := uint64(b[1])<<24 | uint64(b[2])<<16 | uint64(b[3])<<8 | uint64(b[4])
	switch {
	case b[0] > 1 || uint64(len(b)-len(call.prefix)) != length:
		r.Status, r.Message = statusInternal, "OK with a response that is not one message"
		return
	case b[0] == 1 && call.encoding == "":
		r.Status, r.Message = statusInternal, "OK with a compressed response that names no encoding"
		return
	case b[0] == 1:
		r.Encoding = call.encoding
	}
	r.Response = b[len(call.prefix):]
}
