package h2

import (
	"fmt"

	"google.golang.org/grpc/codes"
)

// takeHeaders takes a HEADERS frame: a request begins, or its trailers come.
func (c *serverConn) takeHeaders(h frameHeader, payload []byte) error {
	if h.stream%2 == 0 {
		return faultf(ProtocolError, "HEADERS of stream %d", h.stream)
	}
	pad := 0
	if h.flags&flagPadded != 0 {
		if len(payload) == 0 {
			return faultf(FrameSizeError, "padding without length")
		}
		pad, payload = int(payload[0]), payload[1:]
	}
	if h.flags&flagPriority != 0 {
		if len(payload) < 5 {
			return faultf(FrameSizeError, "priority without fields")
		}
		payload = payload[5:]
	}
	if pad > len(payload) {
		return faultf(ProtocolError, "more padding than frame")
	}
	payload = payload[:len(payload)-pad]
	if h.flags&flagEndHeaders != 0 {
		return c.takeBlock(h, payload)
	}
	b := &c.block
	b.stream, b.flags, b.parts, b.bytes = h.stream, h.flags, 1, append(b.bytes[:0], payload...)
	return nil
}

func (c *serverConn) takeContinuation(h frameHeader, payload []byte) error {
	b := &c.block
	switch {
	case b.stream == 0:
		return faultf(ProtocolError, "CONTINUATION of nothing")
	case len(b.bytes)+len(payload) > serverMaxHeaders:
		return faultf(EnhanceYourCalm, "a header block longer than %d bytes", serverMaxHeaders)
	case b.parts == serverMostParts:
		return faultf(EnhanceYourCalm, "a header block in more than %d frames", serverMostParts)
	}
	b.parts++
	b.bytes = append(b.bytes, payload...)
	if h.flags&flagEndHeaders == 0 {
		return nil
	}
	h.flags = b.flags
	b.stream = 0
	return c.takeBlock(h, b.bytes)
}

// takeBlock takes a whole header block.
func (c *serverConn) takeBlock(h frameHeader, block []byte) error {
	header, err := c.block.decode(block)
	if err != nil {
		return err
	}
	end := h.flags&flagEndStream != 0
	if h.stream <= c.lastStream {
		return c.takeTrailers(h.stream, header, end)
	}
	if c.leaving { // the client knows which ones are not served
		return c.calm.waste(c.now)
	}
	c.lastStream = h.stream
	c.mu.Lock()
	full := len(c.open) >= c.s.MaxStreams
	c.mu.Unlock()
	switch {
	case full:
		c.reset(h.stream, RefusedStream)
		return c.calm.waste(c.now)
	case header.size <= serverMaxHeaders && (header.malformed || header.method == "" ||
		header.scheme == "" || header.path == ""):
		c.reset(h.stream, ProtocolError)
		return c.calm.waste(c.now)
	}
	call := c.newCall(h.stream, header)
	call.halfClosed = end
	switch {
	case header.size > serverMaxHeaders:
		c.refuse(call, codes.ResourceExhausted, fmt.Sprintf(
			"the headers are longer than %d bytes", serverMaxHeaders))
	case header.method != "POST":
		c.refuseHTTP(call, 405, "want POST")
	case !isGRPC(header.contentType):
		c.refuseHTTP(call, 415, "want content type application/grpc")
	case !call.known:
		c.refuse(call, codes.Unimplemented, "nothing is served at "+header.path)
	case end:
		c.whole(call)
	default:
		return nil
	}
	return nil
}

// takeTrailers takes a header block of a request that has begun before.
func (c *serverConn) takeTrailers(stream uint32, header *serverHeader, end bool) error {
	call := c.unfinished[stream]
	if call == nil {
		c.mu.Lock()
		_, open := c.open[stream]
		c.mu.Unlock()
		if open {
			return faultf(StreamClosed, "HEADERS of stream %d after its end", stream)
		}
		return c.calm.waste(c.now) // it may have been refused meanwhile
	}
	if !end || header.method != "" || header.path != "" || header.malformed {
		c.reset(stream, ProtocolError)
		return c.calm.waste(c.now)
	}
	c.whole(call)
	return nil
}
