package h2

import (
	"encoding/binary"
	"time"

	"google.golang.org/grpc/codes"
)

// appendGreeting appends what a server says first: its settings, and a large window.
func (c *serverConn) appendGreeting(b []byte) []byte {
	settings := []struct {
		id    uint16
		value int
	}{
		{settingMaxConcurrentStreams, c.s.MaxStreams},
		{settingInitialWindowSize, c.streamWindow()},
		{settingMaxFrameSize, serverMaxFrame},
		{settingMaxHeaderListSize, serverMaxHeaders},
	}
	b = frameHeader{length: 6 * len(settings), kind: frameSettings}.append(b)
	for _, s := range settings {
		b = binary.BigEndian.AppendUint16(b, s.id)
		b = binary.BigEndian.AppendUint32(b, uint32(s.value))
	}
	return appendWindowUpdate(b, 0, serverConnWindow-defaultWindow)
}

// streamWindow is that of each request: it never needs an update, since nothing longer
// is accepted.
func (c *serverConn) streamWindow() int { return c.s.MaxMessage + serverWindowExcess }

func appendWindowUpdate(b []byte, stream uint32, n int) []byte {
	b = frameHeader{length: 4, kind: frameWindowUpdate, stream: stream}.append(b)
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

func appendRST(b []byte, stream uint32, code Code) []byte {
	b = frameHeader{length: 4, kind: frameRSTStream, stream: stream}.append(b)
	return binary.BigEndian.AppendUint32(b, uint32(code))
}

func appendGoAway(b []byte, last uint32, code Code, text string) []byte {
	b = frameHeader{length: 8 + len(text), kind: frameGoAway}.append(b)
	b = binary.BigEndian.AppendUint32(b, last)
	b = binary.BigEndian.AppendUint32(b, uint32(code))
	return append(b, text...)
}

// say appends a frame to what is to be written.
func (c *serverConn) say(frame func([]byte) []byte) {
	c.mu.Lock()
	c.out = frame(c.out)
	c.mu.Unlock()
}

// reset ends a request with a code and no answer.
func (c *serverConn) reset(stream uint32, code Code) {
	if call := c.close(stream); call != nil {
		c.abandon(call)
	}
	c.say(func(b []byte) []byte { return appendRST(b, stream, code) })
}

// step takes the next frame, or as much of a DATA frame as has come. It is false when
// more must come first.
func (c *serverConn) step() (more bool, err error) {
	if c.data.open {
		return c.takeData()
	}
	c.want = 0
	have := c.buf[c.r:c.w]
	if len(have) < frameHeaderLen {
		return false, nil
	}
	h := readFrameHeader(have)
	whole := frameHeaderLen + h.length
	switch {
	case !c.settled && h.kind != frameSettings:
		return false, faultf(ProtocolError, "the first frame is of type %d, want SETTINGS", h.kind)
	case h.length > serverMaxFrame:
		return false, faultf(FrameSizeError, "a frame of %d bytes", h.length)
	case c.block.stream != 0 && (h.kind != frameContinuation || h.stream != c.block.stream):
		return false, faultf(ProtocolError, "a header block is interrupted")
	case h.kind == frameData:
		return c.beginData(h)
	case h.kind > frameContinuation: // unknown: ignored, RFC 9113, 4.1
		c.r += frameHeaderLen
		c.data = serverData{open: true, left: h.length}
		return true, c.calm.waste(c.now)
	case h.length > serverMaxHeaders:
		return false, faultf(EnhanceYourCalm, "a frame of type %d of %d bytes", h.kind, h.length)
	case len(have) < whole:
		c.want = whole
		return false, nil
	}
	c.r += whole
	c.progress = c.now
	return true, c.takeWhole(h, have[frameHeaderLen:whole])
}

// takeWhole takes a whole frame that is no DATA.
func (c *serverConn) takeWhole(h frameHeader, payload []byte) error {
	switch h.kind {
	case frameHeaders:
		return c.takeHeaders(h, payload)
	case frameContinuation:
		return c.takeContinuation(h, payload)
	case frameWindowUpdate:
		return c.takeWindowUpdate(h, payload)
	case frameSettings:
		return c.takeSettings(h, payload)
	case framePing:
		return c.takePing(h, payload)
	case frameRSTStream:
		return c.takeReset(h, payload)
	case framePriority:
		if h.stream == 0 {
			return faultf(ProtocolError, "PRIORITY of stream 0")
		}
		return c.calm.waste(c.now)
	case frameGoAway: // what is under way goes on
		return c.calm.waste(c.now)
	default:
		return faultf(ProtocolError, "a client sent PUSH_PROMISE")
	}
}

func (c *serverConn) takeSettings(h frameHeader, payload []byte) error {
	switch {
	case h.stream != 0:
		return faultf(ProtocolError, "SETTINGS of stream %d", h.stream)
	case h.flags&flagAck != 0 && len(payload) == 0 && c.settled:
		return c.calm.waste(c.now)
	case len(payload)%6 != 0 || h.flags&flagAck != 0:
		return faultf(FrameSizeError, "SETTINGS of %d bytes", len(payload))
	}
	c.settled = true
	c.mu.Lock()
	defer c.mu.Unlock()
	for ; len(payload) > 0; payload = payload[6:] {
		id, value := binary.BigEndian.Uint16(payload), binary.BigEndian.Uint32(payload[2:])
		switch {
		case id == settingInitialWindowSize && value > largestWindow:
			return faultf(FlowControlError, "a window of %d", value)
		case id == settingInitialWindowSize:
			c.peer.initial = int64(value)
		case id == settingMaxFrameSize && (value < defaultMaxFrame || value > largestMaxFrame):
			return faultf(ProtocolError, "a frame size of %d", value)
		case id == settingEnablePush && value > 1:
			return faultf(ProtocolError, "ENABLE_PUSH of %d", value)
		case id == settingHeaderTableSize && value < defaultHeaderSize:
			c.peer.forgetTable()
		}
	}
	c.out = frameHeader{kind: frameSettings, flags: flagAck}.append(c.out)
	c.answerStarved()
	return c.calm.waste(c.now)
}

func (c *serverConn) takePing(h frameHeader, payload []byte) error {
	switch {
	case h.stream != 0:
		return faultf(ProtocolError, "PING of stream %d", h.stream)
	case len(payload) != 8:
		return faultf(FrameSizeError, "PING of %d bytes", len(payload))
	case h.flags&flagAck != 0:
		return c.calm.waste(c.now)
	}
	c.say(func(b []byte) []byte {
		return append(frameHeader{length: 8, kind: framePing, flags: flagAck}.append(b), payload...)
	})
	return c.calm.ping(c.now)
}

func (c *serverConn) takeReset(h frameHeader, payload []byte) error {
	switch {
	case len(payload) != 4:
		return faultf(FrameSizeError, "RST_STREAM of %d bytes", len(payload))
	case h.stream == 0 || h.stream > c.lastStream:
		return faultf(ProtocolError, "RST_STREAM of stream %d, which was never opened", h.stream)
	}
	if call := c.close(h.stream); call != nil {
		c.abandon(call)
	}
	return c.calm.waste(c.now)
}

func (c *serverConn) takeWindowUpdate(h frameHeader, payload []byte) error {
	if len(payload) != 4 {
		return faultf(FrameSizeError, "WINDOW_UPDATE of %d bytes", len(payload))
	}
	n := int64(binary.BigEndian.Uint32(payload) &^ (1 << 31))
	if h.stream > 0 {
		return c.widen(h.stream, n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n == 0 {
		return faultf(ProtocolError, "WINDOW_UPDATE of 0")
	}
	if c.peer.window += n; c.peer.window > largestWindow {
		return faultf(FlowControlError, "a window beyond 2³¹-1")
	}
	c.answerStarved()
	return c.calm.waste(c.now)
}

// widen widens the window of a request's answer.
func (c *serverConn) widen(stream uint32, n int64) error {
	if stream > c.lastStream {
		return faultf(ProtocolError, "WINDOW_UPDATE of stream %d, which was never opened", stream)
	}
	var code Code
	c.mu.Lock()
	if call := c.open[stream]; call != nil {
		call.credit += n
		switch {
		case n == 0:
			code = ProtocolError
		case c.peer.initial+call.credit > largestWindow:
			code = FlowControlError
		}
		c.answerStarved()
	}
	c.mu.Unlock()
	if code != NoError {
		c.reset(stream, code)
	}
	return c.calm.waste(c.now)
}

// close takes a request out of those that are open; nil if it is not.
func (c *serverConn) close(stream uint32) *ServerCall {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.open[stream]
	delete(c.open, stream)
	return call
}

// abandon tells who is at work on a request that its sender has gone. It was taken out
// of those that are open before.
func (c *serverConn) abandon(call *ServerCall) {
	if _, ok := c.unfinished[call.stream]; ok {
		c.drop(call)
		c.refused(call, codes.Canceled)
		return
	}
	if call.Abandoned != nil && !call.done {
		call.Abandoned()
	}
}

// watch makes the reading goroutine look at what is unfinished, in a while.
func (c *serverConn) watch() {
	if !c.armed {
		c.armed = true
		c.timer.Reset(serverTick)
	}
}

// expire refuses requests that have been coming for too long.
func (c *serverConn) expire() error {
	limit := c.now.Add(-c.s.BodyTimeout)
	partial := c.w > c.r && !c.data.open && c.want == 0
	if c.w-c.r >= frameHeaderLen && frameType(c.buf[c.r+3]) != frameData {
		partial = true
	}
	if (partial || c.block.stream != 0) && c.progress.Before(limit) {
		return faultf(EnhanceYourCalm, "a frame has been coming for more than %v", c.s.BodyTimeout)
	}
	for _, call := range c.unfinished {
		if call.begun.Before(limit) {
			c.refuse(call, codes.DeadlineExceeded, "the request was not whole after "+
				c.s.BodyTimeout.String())
		}
	}
	return nil
}

// serverCalm is what a client has made the server do in vain of late.
type serverCalm struct {
	second  time.Time
	wasted  int
	pinged  time.Time
	strikes int
}

// Bounds on what a client may do that brings no request nearer to its end. They are
// far beyond what any client does on purpose.
const (
	serverMostWaste   = 10000 // a second
	serverForgiven    = 4     // a request
	serverPingEvery   = time.Second
	serverMostStrikes = 2
)

// waste counts a frame that brings no request nearer to its end.
func (k *serverCalm) waste(now time.Time) error {
	if now.Sub(k.second) >= time.Second {
		k.second, k.wasted = now, 0
	}
	if k.wasted++; k.wasted > serverMostWaste {
		return faultf(EnhanceYourCalm, "more than %d frames to no purpose in a second", serverMostWaste)
	}
	return nil
}

// ping counts a PING. Pings to measure the bandwidth come with requests, see forgive.
func (k *serverCalm) ping(now time.Time) error {
	if now.Sub(k.pinged) < serverPingEvery {
		if k.strikes++; k.strikes > serverMostStrikes {
			return faultf(EnhanceYourCalm, "too_many_pings") // as gRPC spells it
		}
		return nil
	}
	k.pinged, k.strikes = now, 0
	return nil
}

// forgive makes up for some of it: a request was whole.
func (k *serverCalm) forgive() {
	k.strikes, k.pinged = 0, time.Time{}
	k.wasted = max(k.wasted-serverForgiven, -serverMostWaste)
}
