package h2

import (
	"encoding/binary"
	"strconv"
)

// takeFrame takes in one frame. An error ends the connection. The caller holds the
// lock, as for all that follows.
func (c *Client) takeFrame(h frameHeader, b []byte) error {
	if c.continued.kind == frameHeaders || h.kind == frameContinuation {
		return c.takeContinuation(h, b)
	}
	switch h.kind {
	case frameData:
		return c.takeData(h, b)
	case frameHeaders:
		return c.takeHeaders(h, b)
	case frameRSTStream:
		return c.takeReset(h, b)
	case frameSettings:
		return c.takeSettings(h, b)
	case framePing:
		return c.takePing(h, b)
	case frameGoAway:
		return c.takeGoAway(h, b)
	case frameWindowUpdate:
		return c.takeWindowUpdate(h, b)
	case framePushPromise:
		return clientFaultf(ProtocolError, "PUSH_PROMISE, which was not allowed")
	case framePriority:
		if len(b) != 5 {
			return clientFaultf(FrameSizeError, "PRIORITY of %d bytes", len(b))
		}
	}
	return nil // what is not known is to be ignored
}

// callOf is the call of a frame's stream; nil when it is over. Streams that never were
// are an error.
func (c *Client) callOf(h frameHeader) (*Call, error) {
	if h.stream == 0 || h.stream%2 == 0 || h.stream >= c.nextID {
		return nil, clientFaultf(ProtocolError, "a frame of kind %d on stream %d, which is idle",
			h.kind, h.stream)
	}
	return c.streams[h.stream], nil
}

// unpadded takes the padding off.
func unpadded(h frameHeader, b []byte) ([]byte, error) {
	if h.flags&flagPadded == 0 {
		return b, nil
	}
	if len(b) == 0 || int(b[0]) >= len(b) {
		return nil, clientFaultf(ProtocolError, "padding that is longer than its frame")
	}
	return b[1 : len(b)-int(b[0])], nil
}

func (c *Client) takeData(h frameHeader, b []byte) error {
	call, err := c.callOf(h)
	if err != nil {
		return err
	}
	whole := len(b)
	if b, err = unpadded(h, b); err != nil {
		return err
	}
	if c.received += whole; c.received >= defaultWindow/2 {
		if err := c.giveWindow(0, &c.received); err != nil {
			return err
		}
	}
	switch {
	case call == nil:
		return nil
	case !call.headed:
		c.failStream(call, ProtocolError, statusInternal, "DATA came before HEADERS")
		return nil
	case len(call.response)+len(b) > c.maxResponse+len(call.prefix):
		c.failStream(call, Cancel, statusResourceExhausted, "the response is longer than is accepted")
		return nil
	}
	call.response = append(call.response, b...)
	if h.flags&flagEndStream != 0 {
		call.Result.fail(statusInternal, "the stream ended without trailers")
		c.finish(call)
		return nil
	}
	if call.received += whole; call.received >= defaultWindow/2 {
		return c.giveWindow(call.id, &call.received)
	}
	return nil
}

// giveWindow gives back what was received.
func (c *Client) giveWindow(stream uint32, received *int) error {
	c.control = frameHeader{length: 4, kind: frameWindowUpdate, stream: stream}.append(c.control)
	c.control = binary.BigEndian.AppendUint32(c.control, uint32(*received))
	*received = 0
	return c.replied()
}

// replied counts a frame that the server made us send: one that does not read them
// must not fill our memory.
func (c *Client) replied() error {
	if c.replies++; c.replies > clientMaxReplies {
		return clientFaultf(EnhanceYourCalm, "%d frames to be answered, and no answer is read",
			c.replies)
	}
	return nil
}

// failStream ends a call whose stream makes no sense, or is too much.
func (c *Client) failStream(call *Call, code Code, status uint32, text string) {
	call.Result.fail(status, text)
	c.reset(call, code)
}

// finish ends a call whose stream the server has ended. One that is still sending
// tells the server that the rest will not come.
func (c *Client) finish(call *Call) {
	if call.left() > 0 {
		c.reset(call, Cancel)
		return
	}
	c.end(call)
}

func (c *Client) takeReset(h frameHeader, b []byte) error {
	call, err := c.callOf(h)
	if err != nil {
		return err
	}
	if len(b) != 4 {
		return clientFaultf(FrameSizeError, "RST_STREAM of %d bytes", len(b))
	}
	if call == nil {
		return nil
	}
	code := Code(binary.BigEndian.Uint32(b))
	call.Result.fail(resetStatus(code), "the server reset the stream: "+code.String())
	call.Result.Unseen = code == RefusedStream
	c.end(call)
	return nil
}

// resetStatus is what a reset means in gRPC (PROTOCOL-HTTP2, Errors).
func resetStatus(code Code) uint32 {
	switch code {
	case RefusedStream:
		return statusUnavailable
	case Cancel:
		return statusCanceled
	case EnhanceYourCalm, FlowControlError:
		return statusResourceExhausted
	case InadequateSecurity:
		return statusPermissionDenied
	}
	return statusInternal
}

func (c *Client) takeSettings(h frameHeader, b []byte) error {
	switch {
	case h.stream != 0:
		return clientFaultf(ProtocolError, "SETTINGS on stream %d", h.stream)
	case h.flags&flagAck != 0 && len(b) > 0, len(b)%6 != 0:
		return clientFaultf(FrameSizeError, "SETTINGS of %d bytes", len(b))
	case h.flags&flagAck != 0:
		return nil
	}
	for ; len(b) > 0; b = b[6:] {
		id, value := binary.BigEndian.Uint16(b), binary.BigEndian.Uint32(b[2:])
		if err := c.set(id, value); err != nil {
			return err
		}
	}
	c.control = frameHeader{kind: frameSettings, flags: flagAck}.append(c.control)
	if !c.isReady {
		c.isReady = true
		close(c.ready)
	}
	return c.replied()
}

func (c *Client) set(id uint16, value uint32) error {
	switch id {
	case settingHeaderTableSize:
		c.request.resize(value)
	case settingMaxConcurrentStreams:
		c.maxCalls = int(value)
	case settingInitialWindowSize:
		if value > largestWindow {
			return clientFaultf(FlowControlError, "an initial window of %d bytes", value)
		}
		more := int64(value) - c.initial
		c.initial = int64(value)
		for _, call := range c.streams {
			if err := c.widen(call, more); err != nil {
				return err
			}
		}
	case settingMaxFrameSize:
		if value < defaultMaxFrame || value > largestMaxFrame {
			return clientFaultf(ProtocolError, "a largest frame of %d bytes", value)
		}
		c.maxFrame = min(int(value), largestFrame)
	}
	return nil
}

// widen changes the window of a stream; a negative change can make it negative.
func (c *Client) widen(call *Call, more int64) error {
	if call.window += more; call.window > largestWindow {
		return clientFaultf(FlowControlError, "a window of %d bytes", call.window)
	}
	if call.window > 0 && call.left() > 0 && call.list == nil {
		c.sending.push(call)
	}
	return nil
}

func (c *Client) takePing(h frameHeader, b []byte) error {
	switch {
	case h.stream != 0:
		return clientFaultf(ProtocolError, "PING on stream %d", h.stream)
	case len(b) != 8:
		return clientFaultf(FrameSizeError, "PING of %d bytes", len(b))
	case h.flags&flagAck != 0:
		return nil
	}
	c.control = frameHeader{length: 8, kind: framePing, flags: flagAck}.append(c.control)
	c.control = append(c.control, b...)
	return c.replied()
}

func (c *Client) takeGoAway(h frameHeader, b []byte) error {
	switch {
	case h.stream != 0:
		return clientFaultf(ProtocolError, "GOAWAY on stream %d", h.stream)
	case len(b) < 8:
		return clientFaultf(FrameSizeError, "GOAWAY of %d bytes", len(b))
	}
	last := binary.BigEndian.Uint32(b) &^ (1 << 31)
	code := Code(binary.BigEndian.Uint32(b[4:]))
	c.lastID = min(c.lastID, last)
	c.leave()
	for id, call := range c.streams {
		if id > c.lastID {
			call.Result.fail(statusUnavailable, "the server is going away: "+code.String())
			call.Result.Unseen = true
			c.end(call)
		}
	}
	return nil
}

func (c *Client) takeWindowUpdate(h frameHeader, b []byte) error {
	if len(b) != 4 {
		return clientFaultf(FrameSizeError, "WINDOW_UPDATE of %d bytes", len(b))
	}
	more := int64(binary.BigEndian.Uint32(b) &^ (1 << 31))
	if h.stream == 0 {
		if c.window += more; more == 0 || c.window > largestWindow {
			return clientFaultf(FlowControlError, "a window of %d bytes, %d more", c.window, more)
		}
		return nil
	}
	call, err := c.callOf(h)
	if err != nil || call == nil {
		return err
	}
	if more == 0 || call.window+more > largestWindow {
		c.failStream(call, FlowControlError, statusInternal, "WINDOW_UPDATE is out of range")
		return nil
	}
	return c.widen(call, more)
}

// String is the code as RFC 9113 spells it.
func (c Code) String() string {
	names := [...]string{
		"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
		"STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
		"CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
	}
	if int(c) < len(names) {
		return names[c]
	}
	return "code " + strconv.FormatUint(uint64(c), 10)
}
