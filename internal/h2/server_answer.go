package h2

import (
	"encoding/binary"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
)

// serverPeer is what a client said of itself, and what it knows of our headers.
type serverPeer struct {
	window  int64 // of the connection
	initial int64 // of each answer
	table   serverTable
}

// A serverTable is what stands in the dynamic table of our header blocks. The first
// answer puts two fields there, so that the others take a byte for each: a client
// spends as little on an answer as we do.
type serverTable uint8

const (
	tableEmpty serverTable = iota
	tableFilled
	tableForgotten // the client wants less of a table: it must be told that there is none
	tableNone
)

// forgetTable gives the dynamic table up.
func (p *serverPeer) forgetTable() {
	if p.table != tableNone {
		p.table = tableForgotten
	}
}

// Fields of our header blocks (RFC 7541, 6 and appendix A).
const (
	fieldStatus200   = "\x88"
	contentType      = "\x10application/grpc"
	fieldType        = "\x0f\x10" + contentType // spelled out
	fieldTypeAdded   = "\x5f" + contentType     // and added to the table
	statusOK         = "\x0bgrpc-status\x010"
	fieldOK          = "\x00" + statusOK
	fieldOKAdded     = "\x40" + statusOK
	fieldTypeIndexed = "\xbf" // the second of the dynamic table
	fieldOKIndexed   = "\xbe" // the first
	emptyTable       = "\x20" // a dynamic table of size 0
	emptyMessage     = "\x00\x00\x00\x00\x00"
)

// begin begins a header block.
func (p *serverPeer) begin(b []byte) []byte {
	if p.table == tableForgotten {
		p.table = tableNone
		b = append(b, emptyTable...)
	}
	return b
}

// appendOK appends the three frames of a success.
func (p *serverPeer) appendOK(b []byte, stream uint32) []byte {
	first, last := fieldStatus200+fieldType, fieldOK
	switch p.table {
	case tableEmpty:
		first, last, p.table = fieldStatus200+fieldTypeAdded, fieldOKAdded, tableFilled
	case tableFilled:
		first, last = fieldStatus200+fieldTypeIndexed, fieldOKIndexed
	case tableForgotten:
		first, p.table = emptyTable+first, tableNone
	}
	b = frameHeader{len(first), frameHeaders, flagEndHeaders, stream}.append(b)
	b = append(b, first...)
	b = frameHeader{len(emptyMessage), frameData, 0, stream}.append(b)
	b = append(b, emptyMessage...)
	b = frameHeader{len(last), frameHeaders, flagEndHeaders | flagEndStream, stream}.append(b)
	return append(b, last...)
}

// A serverField is a header field of ours.
type serverField struct{ name, value string }

// appendHeaders appends a header block that ends its stream.
func (p *serverPeer) appendHeaders(b []byte, stream uint32, fields []serverField) []byte {
	from := len(b)
	b = p.begin(append(b, make([]byte, frameHeaderLen)...))
	for _, f := range fields {
		b = append(b, 0) // spelled out, not added
		b = appendText(appendText(b, f.name), f.value)
	}
	frameHeader{
		len(b) - from - frameHeaderLen, frameHeaders, flagEndHeaders | flagEndStream, stream,
	}.put(b[from:])
	return b
}

// appendText appends a string (RFC 7541, 5.2).
func appendText(b []byte, s string) []byte {
	if n := len(s); n < 127 {
		b = append(b, byte(n))
	} else {
		b = binary.AppendUvarint(append(b, 127), uint64(n-127))
	}
	return append(b, s...)
}

// answer answers a call, under the mutex. A success needs five bytes of the client's
// windows, and waits for them.
func (c *serverConn) answer(call *ServerCall, code codes.Code, text string, more []serverField) {
	if code == codes.OK {
		if c.peer.window < int64(len(emptyMessage)) ||
			c.peer.initial+call.credit < int64(len(emptyMessage)) {
			call.starved = true
			c.starved = append(c.starved, call)
			return
		}
		c.peer.window -= int64(len(emptyMessage))
		delete(c.open, call.stream)
		c.out = c.peer.appendOK(c.out, call.stream)
		return
	}
	fields := []serverField{
		{":status", "200"},
		{"content-type", "application/grpc"},
		{"grpc-status", strconv.Itoa(int(code))},
		{"grpc-message", percentEncoded(text)},
	}
	c.closeWith(call, append(fields, more...))
}

// closeWith ends a call with nothing but headers, under the mutex.
func (c *serverConn) closeWith(call *ServerCall, fields []serverField) {
	delete(c.open, call.stream)
	c.out = c.peer.appendHeaders(c.out, call.stream, fields)
	if !call.halfClosed { // the rest is not wanted (RFC 9113, 8.1)
		c.out = appendRST(c.out, call.stream, NoError)
	}
}

// answerStarved answers what waited for the client's windows, under the mutex.
func (c *serverConn) answerStarved() {
	waiting := c.starved
	c.starved = nil
	for _, call := range waiting {
		if c.open[call.stream] == call {
			c.answer(call, codes.OK, "", nil)
		}
	}
}

// refuseHTTP answers what is no gRPC request, as HTTP does.
func (c *serverConn) refuseHTTP(call *ServerCall, status int, text string) {
	c.drop(call)
	c.refused(call, codes.InvalidArgument)
	c.mu.Lock()
	defer c.mu.Unlock()
	call.done = true
	c.closeWith(call, []serverField{
		{":status", strconv.Itoa(status)},
		{"content-type", "application/grpc"},
		{"grpc-status", strconv.Itoa(int(codes.InvalidArgument))},
		{"grpc-message", percentEncoded(text)},
	})
}

// refuseEncoding answers a message of unknown encoding.
func (c *serverConn) refuseEncoding(call *ServerCall) {
	c.drop(call)
	c.refused(call, codes.Unimplemented)
	c.mu.Lock()
	defer c.mu.Unlock()
	call.done = true
	encodings := strings.Join(c.s.Encodings, ",")
	c.answer(call, codes.Unimplemented,
		"found grpc-encoding "+strconv.Quote(call.encoding)+", want "+encodings+" or none",
		[]serverField{{"grpc-accept-encoding", encodings}})
}

// serverLongestText bounds the text of a status: part of it is the client's.
const serverLongestText = 1024

// percentEncoded is a grpc-message (gRPC over HTTP/2, "Responses").
func percentEncoded(s string) string {
	var b strings.Builder
	for i := range min(len(s), serverLongestText) {
		if c := s[i]; c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
		} else {
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
