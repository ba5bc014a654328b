package h2

import (
	"encoding/binary"
	"fmt"
	"slices"

	"google.golang.org/grpc/codes"
)

// serverData is the DATA frame that is being taken, or one whose content is ignored.
type serverData struct {
	open bool
	left int         // of its payload, padding included
	pad  int         // of that, padding
	call *ServerCall // nil: ignored
	end  bool        // it is the last of its request
}

// serverTiny is a DATA frame that carries too little to be of use.
const serverTiny = 64

// serverTrust is how long a message may be said to be for its buffer to be made at
// once; see collect.
const serverTrust = 1 << 20

const heldTooMuch = "too much of other requests is held"

// beginData begins a DATA frame; what there is of it is in the buffer.
func (c *serverConn) beginData(h frameHeader) (more bool, err error) {
	have := c.buf[c.r:c.w]
	call := c.unfinished[h.stream]
	size, pad, end := frameHeaderLen, 0, h.flags&flagEndStream != 0
	if h.flags&flagPadded != 0 {
		if h.length == 0 {
			return false, faultf(FrameSizeError, "padding without length")
		}
		if size++; len(have) < size {
			c.want = size
			return false, nil
		}
		if pad = int(have[frameHeaderLen]); pad >= h.length {
			return false, faultf(ProtocolError, "more padding than frame")
		}
	}
	whole := frameHeaderLen + h.length
	if call != nil && call.prefixed == 0 && end && len(have) < whole && whole <= len(c.buf) {
		c.want = whole // so that the message can stay where it is
		return false, nil
	}
	if h.stream == 0 || h.stream > c.lastStream && !c.leaving {
		return false, faultf(ProtocolError, "DATA of stream %d, which was never opened", h.stream)
	}
	if h.length < serverTiny && !end || call == nil {
		if err := c.calm.waste(c.now); err != nil {
			return false, err
		}
	}
	c.r += size
	c.progress = c.now
	c.data = serverData{open: true, left: whole - size, pad: pad, call: call, end: end}
	return true, c.charge(h, call, whole-frameHeaderLen-c.data.left+pad)
}

// charge takes a frame from the windows; of it, spare bytes are given back at once.
func (c *serverConn) charge(h frameHeader, call *ServerCall, spare int) error {
	if c.window -= h.length; c.window < 0 {
		return faultf(FlowControlError, "more than the connection's window")
	}
	if c.window < serverConnWindow/2 {
		n := serverConnWindow - c.window
		c.window = serverConnWindow
		c.say(func(b []byte) []byte { return appendWindowUpdate(b, 0, n) })
	}
	if call == nil {
		return nil
	}
	if call.window -= h.length; call.window < 0 {
		c.reset(h.stream, FlowControlError)
		return nil
	}
	if spare > 0 && !c.data.end {
		call.window += spare
		c.say(func(b []byte) []byte { return appendWindowUpdate(b, h.stream, spare) })
	}
	return nil
}

// takeData takes what has come of a DATA frame.
func (c *serverConn) takeData() (more bool, err error) {
	d := &c.data
	have := c.buf[c.r:c.w]
	n := min(len(have), d.left)
	if n == 0 && d.left > 0 {
		return false, nil
	}
	content := have[:min(n, max(d.left-d.pad, 0))]
	switch {
	case d.call == nil || len(content) == 0:
	case d.call.prefixed == 0 && d.end && n == d.left && inPlace(content):
		call := d.call
		c.progress = c.now
		call.prefixed, call.need = copy(call.prefix[:], content), len(content)-len(call.prefix)
		if c.announced(call) {
			call.Message, call.got = content[len(call.prefix):], call.need
		}
	default:
		c.collect(d.call, content)
	}
	c.r += n
	d.left -= n
	if d.left > 0 {
		return true, nil
	}
	d.open = false
	if d.call != nil && d.end {
		c.whole(d.call)
	}
	return true, nil
}

// inPlace tells whether b is one whole message.
func inPlace(b []byte) bool {
	return len(b) >= 5 && int(binary.BigEndian.Uint32(b[1:])) == len(b)-5
}

// direct is where bytes can be read to past the buffer, or nil.
func (c *serverConn) direct() []byte {
	d := &c.data
	if !d.open || d.call == nil || c.r < c.w || d.left-d.pad < serverDirect {
		return nil
	}
	call := d.call
	if call.prefixed < len(call.prefix) || call.got == call.need { // what follows is too much
		return nil
	}
	if call.got == len(call.buf) && !c.grow(call) {
		return nil
	}
	return call.buf[call.got:min(call.got+d.left-d.pad, call.need, len(call.buf))]
}

// collected tells that n bytes were read directly.
func (c *serverConn) collected(n int) {
	c.data.call.got += n
	c.data.left -= n
}

// collect adds to a message.
func (c *serverConn) collect(call *ServerCall, b []byte) {
	if missing := len(call.prefix) - call.prefixed; missing > 0 {
		n := copy(call.prefix[call.prefixed:], b)
		call.prefixed += n
		if b = b[n:]; n < missing {
			return
		}
		call.need = int(binary.BigEndian.Uint32(call.prefix[1:]))
		if !c.announced(call) {
			return
		}
	}
	if len(b) > call.need-call.got {
		c.refuse(call, codes.InvalidArgument, "more than one message in a unary call")
		return
	}
	for len(b) > 0 {
		if call.got == len(call.buf) && !c.grow(call) {
			return
		}
		n := copy(call.buf[call.got:], b)
		call.got += n
		b = b[n:]
	}
}

// announced looks at the prefix of a message. It is false if the request was refused.
func (c *serverConn) announced(call *ServerCall) bool {
	switch flag := call.prefix[0]; {
	case call.need > c.s.MaxMessage:
		c.refuse(call, codes.ResourceExhausted, fmt.Sprintf(
			"the message is of %d bytes, more than the %d that are accepted",
			call.need, c.s.MaxMessage))
	case flag > 1:
		c.refuse(call, codes.Internal, fmt.Sprintf("a message with flags %#x", flag))
	case flag == 1 && call.encoding == "":
		c.refuse(call, codes.Internal, "a compressed message without grpc-encoding")
	case flag == 1 && !slices.Contains(c.s.Encodings, call.encoding):
		c.refuseEncoding(call)
	default:
		if flag == 1 {
			call.Encoding = call.encoding
		}
		return true
	}
	return false
}

// grow makes room for more of a message. At first that is room for all of it, unless it
// is said to be twice as long as any that this connection has carried: nobody gets much
// memory for saying a number. It is false if the request was refused.
func (c *serverConn) grow(call *ServerCall) bool {
	b := c.take(min(call.need, max(c.trust, 2*call.got)))
	if b == nil {
		c.refuse(call, codes.Unavailable, heldTooMuch)
		return false
	}
	copy(b, call.buf[:call.got])
	c.giveBack(call.buf)
	call.buf = b
	return true
}

// whole ends a request: the client has sent all of it.
func (c *serverConn) whole(call *ServerCall) {
	call.halfClosed = true
	switch {
	case call.prefixed == 0:
		c.refuse(call, codes.InvalidArgument, "a unary call without a message")
		return
	case call.prefixed < len(call.prefix) || call.got < call.need:
		c.refuse(call, codes.InvalidArgument, "the request ends within its message")
		return
	}
	delete(c.unfinished, call.stream)
	c.calm.forgive()
	c.trust = max(c.trust, 2*call.need)
	if call.buf != nil {
		call.Message = call.buf[:call.need]
	}
	c.handle(call)
}
