package profile

import "strings"

const (
	workCompression = "compression"
	workDecoding    = "decoding"
	workEncoding    = "encoding"
	workCopying     = "copying"
	workPdata       = "pdata"
	workGRPC        = "grpc"
	workHTTP        = "http"
	workTLS         = "tls"
	workNetwork     = "network"
)

// libraries by the beginning of their path, and what they are asked to do.
var libraries = []struct{ prefix, work string }{
	{"github.com/klauspost/compress", workCompression},
	{"compress/", workCompression},
	{"hash/crc32", workCompression},
	{"github.com/golang/snappy", workCompression},
	{"github.com/pierrec/lz4", workCompression},
	{"github.com/DataDog/zstd", workCompression},
	{"github.com/valyala/gozstd", workCompression},
	{"google.golang.org/grpc/encoding/gzip", workCompression},
	{collector + "config/configcompression", workCompression},
	{"github.com/mostynb/go-grpc-compression", workCompression},
	{"google.golang.org/grpc", workGRPC},
	{"golang.org/x/net/http2", workHTTP},
	{"net/http", workHTTP},
	{"crypto/", workTLS},
	{"internal/poll", workNetwork},
	{"syscall", workNetwork},
	{"net", workNetwork},
}

// workOf is what a library's function does; empty where it does not tell.
func workOf(pkg, name string) string {
	if strings.HasPrefix(pkg, collector+"pdata/") {
		return pdataWork(name)
	}
	for _, l := range libraries {
		if strings.HasPrefix(pkg, l.prefix) {
			return l.work
		}
	}
	return ""
}

// pdataWork reads the verb in a function's name. Older versions' messages are of
// gogo/protobuf and in lower case below; what has no verb may yet be called by one.
func pdataWork(name string) string {
	switch lower := strings.ToLower(name); {
	case strings.Contains(lower, "unmarshal"), strings.Contains(lower, "consume"):
		return workDecoding
	case strings.Contains(lower, "marshal"), strings.Contains(lower, "size"),
		strings.HasPrefix(lower, "sov"), strings.HasPrefix(lower, "encode"):
		return workEncoding
	case strings.Contains(lower, "copy"):
		return workCopying
	}
	return workPdata
}

// isPdata tells the kinds of work on the telemetry itself.
func isPdata(work string) bool {
	switch work {
	case workDecoding, workEncoding, workCopying, workPdata:
		return true
	}
	return false
}
