package otlp

import (
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"
)

// RegisterCompressors makes gzip, zstd and snappy known to gRPC, in this process
// for good; every later call does nothing. gRPC keeps its compressors in a global
// table without a lock, so it comes before the first connection or server.
var RegisterCompressors = sync.OnceFunc(func() {
	for _, c := range shared() {
		encoding.RegisterCompressor(c)
	}
})

// zstdWindow bounds what a sender can make a receiver hold beside the message, and
// is far more than one request needs.
const zstdWindow = 512 << 10

// zstdMaxWindow is the largest window that is accepted: RFC 8878 asks receivers to
// support 8 MiB.
const zstdMaxWindow = 8 << 20

// compressors lists the compressors by the names they have in gRPC and in HTTP's
// Content-Encoding. Levels are the default, which is what exporters use.
func compressors() []*compressor {
	return []*compressor{
		{
			name: "gzip",
			newWriter: func() resetWriter {
				return gzip.NewWriter(io.Discard)
			},
			newReader: func() resetReader { return new(gzip.Reader) },
		},
		{
			name: "zstd",
			newWriter: func() resetWriter {
				w, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), // valid options
					zstd.WithWindowSize(zstdWindow))
				return w
			},
			newReader: func() resetReader {
				r, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), // valid options
					zstd.WithDecoderMaxWindow(zstdMaxWindow))
				return r
			},
		},
		{
			name: "snappy", // framed, as collectors' gRPC has it
			newWriter: func() resetWriter {
				return s2Writer{s2.NewWriter(nil, s2.WriterSnappyCompat(), s2.WriterConcurrency(1))}
			},
			newReader: func() resetReader {
				return s2Reader{s2.NewReader(nil, s2.ReaderMaxBlockSize(64<<10))}
			},
		},
	}
}

// Decompressor returns what undoes the encoding of that name (gzip, zstd, snappy in
// its framed form); ok is false for any other. The readers it makes go back to a
// pool when they are closed, and decode as they are read: the bound on the result
// is the caller's.
func Decompressor(name string) (decompress func(io.Reader) (io.ReadCloser, error), ok bool) {
	for _, c := range shared() {
		if c.name == name {
			return c.open, true
		}
	}
	return nil, false
}

// Compress returns what applies the encoding of that name to what is written to it;
// closing it gives the writer back to a pool.
func Compress(name string) (compress func(io.Writer) (io.WriteCloser, error), ok bool) {
	for _, c := range shared() {
		if c.name == name {
			return c.Compress, true
		}
	}
	return nil, false
}

var shared = sync.OnceValue(compressors)

type resetWriter interface {
	io.WriteCloser
	Reset(io.Writer)
}

type resetReader interface {
	io.Reader
	Reset(io.Reader) error
}

type s2Writer struct{ *s2.Writer }

type s2Reader struct{ *s2.Reader }

func (r s2Reader) Reset(src io.Reader) error {
	r.Reader.Reset(src)
	return nil
}

// A compressor pools the writers and readers of one encoding.
type compressor struct {
	name             string
	newWriter        func() resetWriter
	newReader        func() resetReader
	writers, readers sync.Pool
}

func (c *compressor) Name() string { return c.name }

func (c *compressor) Compress(w io.Writer) (io.WriteCloser, error) {
	inner, ok := c.writers.Get().(resetWriter)
	if !ok {
		inner = c.newWriter()
	}
	inner.Reset(w)
	return &pooledWriter{resetWriter: inner, pool: &c.writers}, nil
}

func (c *compressor) Decompress(r io.Reader) (io.Reader, error) { return c.open(r) }

func (c *compressor) open(r io.Reader) (io.ReadCloser, error) {
	inner, ok := c.readers.Get().(resetReader)
	if !ok {
		inner = c.newReader()
	}
	if err := inner.Reset(r); err != nil {
		c.readers.Put(inner)
		return nil, err
	}
	return &pooledReader{resetReader: inner, pool: &c.readers}, nil
}

type pooledWriter struct {
	resetWriter
	pool *sync.Pool
}

func (w *pooledWriter) Close() error {
	err := w.resetWriter.Close()
	w.Reset(nil) // holds on to nothing of the message
	w.pool.Put(w.resetWriter)
	return err
}

type pooledReader struct {
	resetReader
	pool *sync.Pool
}

// Close gives the reader back. It keeps a reference to its source until the next
// use: a gzip reader cannot be reset to nothing.
func (r *pooledReader) Close() error {
	r.pool.Put(r.resetReader)
	return nil
}
