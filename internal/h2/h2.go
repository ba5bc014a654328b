// Package h2 is unary gRPC over HTTP/2, both ends, in as few instructions as it takes:
// what a load generator and a mock backend need and nothing else (docs/adr/0006).
//
// It speaks over connections that it is given; it dials nothing and listens nowhere. No
// goroutine of its own outlives the Run or Serve that its caller is in.
package h2

import "encoding/binary"

// preface is what a client sends first (RFC 9113, 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// A frameType says what a frame is (RFC 9113, 6).
type frameType uint8

const (
	frameData         frameType = 0x0
	frameHeaders      frameType = 0x1
	framePriority     frameType = 0x2
	frameRSTStream    frameType = 0x3
	frameSettings     frameType = 0x4
	framePushPromise  frameType = 0x5
	framePing         frameType = 0x6
	frameGoAway       frameType = 0x7
	frameWindowUpdate frameType = 0x8
	frameContinuation frameType = 0x9
)

// The flags of frames.
const (
	flagEndStream  = 0x1 // DATA, HEADERS
	flagAck        = 0x1 // SETTINGS, PING
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// The settings of a connection (RFC 9113, 6.5.2).
const (
	settingHeaderTableSize      = 0x1
	settingEnablePush           = 0x2
	settingMaxConcurrentStreams = 0x3
	settingInitialWindowSize    = 0x4
	settingMaxFrameSize         = 0x5
	settingMaxHeaderListSize    = 0x6
)

// What holds for a peer until its SETTINGS say otherwise.
const (
	defaultWindow     = 65535
	defaultMaxFrame   = 16384
	largestMaxFrame   = 1<<24 - 1
	largestWindow     = 1<<31 - 1
	defaultHeaderSize = 4096
)

// A Code is why a stream or a connection was ended (RFC 9113, 7).
type Code uint32

// The codes.
const (
	NoError            Code = 0x0
	ProtocolError      Code = 0x1
	InternalError      Code = 0x2
	FlowControlError   Code = 0x3
	SettingsTimeout    Code = 0x4
	StreamClosed       Code = 0x5
	FrameSizeError     Code = 0x6
	RefusedStream      Code = 0x7
	Cancel             Code = 0x8
	CompressionError   Code = 0x9
	ConnectError       Code = 0xa
	EnhanceYourCalm    Code = 0xb
	InadequateSecurity Code = 0xc
	HTTP11Required     Code = 0xd
)

// frameHeaderLen is the length of a frame's header.
const frameHeaderLen = 9

// A frameHeader is the beginning of a frame.
type frameHeader struct {
	length int
	kind   frameType
	flags  uint8
	stream uint32
}

// put writes the header into the first nine bytes of b.
func (h frameHeader) put(b []byte) {
	_ = b[8]
	b[0], b[1], b[2] = byte(h.length>>16), byte(h.length>>8), byte(h.length)
	b[3], b[4] = byte(h.kind), h.flags
	binary.BigEndian.PutUint32(b[5:], h.stream)
}

// append appends the header to b.
func (h frameHeader) append(b []byte) []byte {
	b = append(b, make([]byte, frameHeaderLen)...)
	h.put(b[len(b)-frameHeaderLen:])
	return b
}

// readFrameHeader reads a header from the first nine bytes of b.
func readFrameHeader(b []byte) frameHeader {
	_ = b[8]
	return frameHeader{
		length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		kind:   frameType(b[3]), flags: b[4],
		stream: binary.BigEndian.Uint32(b[5:]) &^ (1 << 31),
	}
}
