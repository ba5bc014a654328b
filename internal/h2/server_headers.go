package h2

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2/hpack"
)

// A serverHeader is what the header of a request says, as far as it matters.
type serverHeader struct {
	method, scheme, path  string
	contentType, encoding string
	timeout               time.Duration // 0: none
	size                  int           // as RFC 9113 counts it
	regular               bool          // a field came that is not a pseudo header
	malformed             bool
}

// serverBlock collects and decodes header blocks.
type serverBlock struct {
	decoder *hpack.Decoder
	found   serverHeader

	stream uint32 // whose block is being collected; 0: none
	flags  uint8
	parts  int
	bytes  []byte

	// seen is the last block that was decoded and said seenAs. It is valid as long as no
	// block has changed the dynamic table since: then the same bytes say the same again.
	seen   []byte
	seenAs serverHeader
	valid  bool
}

// serverMostParts is how many frames a header block may be sent in.
const serverMostParts = 64

func (b *serverBlock) init() {
	b.decoder = hpack.NewDecoder(defaultHeaderSize, b.found.take)
	b.decoder.SetMaxStringLength(serverMaxHeaders)
}

// decode decodes a whole block. An error ends the connection: the two ends do not know
// the same dynamic table any more.
func (b *serverBlock) decode(block []byte) (*serverHeader, error) {
	if b.valid && bytes.Equal(block, b.seen) {
		return &b.seenAs, nil
	}
	b.found = serverHeader{}
	if _, err := b.decoder.Write(block); err != nil {
		return nil, faultf(CompressionError, "decode header: %v", err)
	}
	if err := b.decoder.Close(); err != nil {
		return nil, faultf(CompressionError, "decode header: %v", err)
	}
	if b.valid = leavesTable(block); b.valid {
		b.seen, b.seenAs = append(b.seen[:0], block...), b.found
	}
	return &b.found, nil
}

// leavesTable tells of a well-formed header block whether it leaves the dynamic table as
// it was (RFC 7541, 6): it only refers to entries, or spells fields out without adding
// them. When in doubt it says no.
func leavesTable(b []byte) bool {
	text := func() bool {
		n, rest, ok := prefixed(b, 7)
		if !ok || n > len(rest) {
			return false
		}
		b = rest[n:]
		return true
	}
	for len(b) > 0 {
		first := b[0]
		switch {
		case first&0x80 != 0: // an indexed field
			var ok bool
			if _, b, ok = prefixed(b, 7); !ok {
				return false
			}
		case first&0xe0 != 0: // a field that is added, or a new size of the table
			return false
		default: // a field that is not added
			name, rest, ok := prefixed(b, 4)
			if b = rest; !ok || name == 0 && !text() || !text() {
				return false
			}
		}
	}
	return true
}

// prefixed reads an integer whose first byte has so many bits for it (RFC 7541, 5.1).
func prefixed(b []byte, bits uint) (n int, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	most := 1<<bits - 1
	if n = int(b[0]) & most; n < most {
		return n, b[1:], true
	}
	for i, c := range b[1:min(len(b), 5)] {
		n += int(c&0x7f) << (7 * i)
		if c < 0x80 {
			return n, b[i+2:], true
		}
	}
	return 0, nil, false
}

// take takes a field.
func (h *serverHeader) take(f hpack.HeaderField) {
	if h.size += len(f.Name) + len(f.Value) + 32; h.size > serverMaxHeaders {
		return // refused, see takeBlock
	}
	if strings.HasPrefix(f.Name, ":") {
		h.takePseudo(f)
		return
	}
	h.regular = true
	switch f.Name {
	case "content-type":
		h.contentType = f.Value
	case "grpc-encoding":
		h.encoding = f.Value
	case "grpc-timeout":
		var ok bool
		h.timeout, ok = parseTimeout(f.Value)
		h.malformed = h.malformed || !ok
	case "te":
		h.malformed = h.malformed || f.Value != "trailers"
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		h.malformed = true
	default:
		for i := range len(f.Name) {
			if c := f.Name[i]; c <= ' ' || c >= 0x7f || 'A' <= c && c <= 'Z' {
				h.malformed = true
			}
		}
		h.malformed = h.malformed || f.Name == ""
	}
}

func (h *serverHeader) takePseudo(f hpack.HeaderField) {
	var to *string
	switch f.Name {
	case ":method":
		to = &h.method
	case ":scheme":
		to = &h.scheme
	case ":path":
		to = &h.path
	case ":authority":
		h.malformed = h.malformed || h.regular
		return
	}
	if to == nil || *to != "" || h.regular {
		h.malformed = true
		return
	}
	*to = f.Value
}

// parseTimeout reads a grpc-timeout: at most eight digits and a unit.
func parseTimeout(s string) (time.Duration, bool) {
	if len(s) < 2 || len(s) > 9 {
		return 0, false
	}
	var unit time.Duration
	switch s[len(s)-1] {
	case 'H':
		unit = time.Hour
	case 'M':
		unit = time.Minute
	case 'S':
		unit = time.Second
	case 'm':
		unit = time.Millisecond
	case 'u':
		unit = time.Microsecond
	case 'n':
		unit = time.Nanosecond
	default:
		return 0, false
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
	if err != nil {
		return 0, false
	}
	const longest = 1<<63 - 1
	if time.Duration(n) > longest/unit {
		return longest, true
	}
	return max(time.Duration(n)*unit, 1), true
}

// isGRPC tells whether a content type is one of gRPC with protobuf.
func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(contentType, "application/grpc")
	rest, _, _ = strings.Cut(rest, ";")
	return ok && (rest == "" || rest == "+proto")
}
