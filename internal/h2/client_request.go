package h2

import (
	"bytes"
	"strconv"
	"time"

	"golang.org/x/net/http2/hpack"
)

// A clientRequestBlock encodes the headers of requests, which are all the same: from
// the second on, all fields are in the server's table, and the block is a constant.
type clientRequestBlock struct {
	fields  []hpack.HeaderField
	size    uint32 // of the fields in the table
	buffer  bytes.Buffer
	encoder *hpack.Encoder
	encoded int // blocks since the table last changed
	table   uint32
}

func (r *clientRequestBlock) init(cfg ClientConfig) {
	add := func(name, value string) {
		if value != "" {
			f := hpack.HeaderField{Name: name, Value: value}
			r.fields, r.size = append(r.fields, f), r.size+f.Size()
		}
	}
	add(":method", "POST")
	add(":scheme", "http")
	add(":path", cfg.Path)
	add(":authority", cfg.Authority)
	add("content-type", "application/grpc+proto")
	add("user-agent", cfg.UserAgent)
	add("te", "trailers")
	add("grpc-encoding", cfg.Encoding)
	add("grpc-accept-encoding", cfg.Encoding)
	if cfg.Timeout > 0 {
		add("grpc-timeout", timeoutValue(cfg.Timeout))
	}
	r.encoder, r.table = hpack.NewEncoder(&r.buffer), defaultHeaderSize
}

// block is the block of the next request. It is valid until the next call.
func (r *clientRequestBlock) block() []byte {
	if r.encoded >= 2 && r.size <= r.table {
		return r.buffer.Bytes()
	}
	r.buffer.Reset()
	for _, f := range r.fields {
		_ = r.encoder.WriteField(f) // a bytes.Buffer takes everything
	}
	r.encoded++
	return r.buffer.Bytes()
}

// resize obeys SETTINGS_HEADER_TABLE_SIZE.
func (r *clientRequestBlock) resize(size uint32) {
	r.table, r.encoded = min(size, defaultHeaderSize), 0
	r.encoder.SetMaxDynamicTableSizeLimit(size)
}

// timeoutValue is a duration as grpc-timeout has it: at most eight digits and a unit,
// rounded up.
func timeoutValue(d time.Duration) string {
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{
		{"n", time.Nanosecond},
		{"u", time.Microsecond},
		{"m", time.Millisecond},
		{"S", time.Second},
		{"M", time.Minute},
	} {
		if n := (d + unit.of - 1) / unit.of; n < 1e8 {
			return strconv.FormatInt(int64(n), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(d/time.Hour), 10) + "H"
}
