package otlp

import (
	"fmt"

	"google.golang.org/grpc/mem"
)

// A Frame is one gRPC message as bytes. Who made it owns it: a sender may use the
// same frame again and again, a receiver calls Free when done with it.
//
// gRPC can hold on to a sent frame after the call has returned (a deadline that
// passed while the message waited for the wire, a transparent retry). A sender that
// patches the bytes for the next request makes the frame of mem.NewBuffer with a
// pool of its own: Put then tells when the last reference is gone. Frames of
// mem.SliceBuffer are for bytes that never change.
type Frame struct {
	Data mem.BufferSlice
}

// NewFrame returns a frame of bytes that never change.
func NewFrame(b []byte) *Frame { return &Frame{Data: mem.BufferSlice{mem.SliceBuffer(b)}} }

// Len is the number of bytes.
func (f *Frame) Len() int { return f.Data.Len() }

// Free gives the buffers back. The frame is empty afterwards.
func (f *Frame) Free() {
	f.Data.Free()
	f.Data = nil
}

// A RawCodec carries Frames through gRPC without looking at them. It is for
// grpc.ForceCodecV2 and grpc.ForceServerCodecV2, never for the global registry.
type RawCodec struct{}

// Marshal hands gRPC a reference of its own to the bytes of a *Frame.
func (RawCodec) Marshal(v any) (mem.BufferSlice, error) {
	f, ok := v.(*Frame)
	if !ok {
		return nil, fmt.Errorf("marshal %T: the raw codec carries only *otlp.Frame", v)
	}
	f.Data.Ref()
	return f.Data, nil
}

// Unmarshal keeps a reference to data in a *Frame; what it held is freed.
func (RawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	f, ok := v.(*Frame)
	if !ok {
		return fmt.Errorf("unmarshal into %T: the raw codec carries only *otlp.Frame", v)
	}
	data.Ref()
	f.Free()
	f.Data = data
	return nil
}

// Name is the content subtype: on the wire the messages are what protobuf's codec
// would have written.
func (RawCodec) Name() string { return "proto" }
