package otlp

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// countingPool tells when a buffer has no reference left.
type countingPool struct{ returned int }

func (p *countingPool) Get(n int) *[]byte { b := make([]byte, n); return &b }
func (p *countingPool) Put(*[]byte)       { p.returned++ }

func TestRawCodecHoldsAndFreesReferences(t *testing.T) {
	pool := new(countingPool)
	payload := bytes.Repeat([]byte("x"), 4096) // gRPC does not count references below 1 KiB
	sent := &Frame{Data: mem.BufferSlice{mem.NewBuffer(&payload, pool)}}
	wire, err := RawCodec{}.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	var received Frame
	if err := (RawCodec{}).Unmarshal(wire, &received); err != nil {
		t.Fatal(err)
	}
	wire.Free() // as gRPC does
	sent.Free()
	if pool.returned != 0 {
		t.Fatal("the buffer went back while the receiver held it")
	}
	if diff := cmp.Diff(bytes.Repeat([]byte("x"), 4096), received.Data.Materialize()); diff != "" {
		t.Errorf("Unmarshal (-sent +received):\n%s", diff)
	}
	received.Free()
	if pool.returned != 1 {
		t.Errorf("buffer returned %d times, want once", pool.returned)
	}
}

func TestRawCodecRefusesOtherMessages(t *testing.T) {
	if _, err := (RawCodec{}).Marshal("text"); err == nil {
		t.Error("Marshal(string) gave no error")
	}
	if err := (RawCodec{}).Unmarshal(nil, new(string)); err == nil {
		t.Error("Unmarshal into *string gave no error")
	}
}

func TestCompressorsRoundTrip(t *testing.T) {
	RegisterCompressors()
	RegisterCompressors()
	text := strings.Repeat("spans and more spans ", 50_000)
	for _, name := range []string{"gzip", "zstd", "snappy"} {
		if encoding.GetCompressor(name) == nil {
			t.Errorf("gRPC knows no %s", name)
		}
		compress, _ := Compress(name)
		decompress, _ := Decompressor(name)
		for range 3 { // the later rounds with what the pools hold
			var packed bytes.Buffer
			w, err := compress(&packed)
			if err != nil {
				t.Fatal(err)
			}
			_, err1 := io.WriteString(w, text)
			err2 := w.Close()
			whole := packed.Bytes()
			r, err3 := decompress(bytes.NewReader(whole))
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := io.ReadAll(r)
			if err != nil || string(got) != text {
				t.Errorf("%s: %d bytes came back of %d, error %v", name, len(got), len(text), err)
			}
			_ = r.Close()
			if err := readTruncated(decompress, whole[:len(whole)/2]); err == nil {
				t.Errorf("%s: half a message was read without an error", name)
			}
		}
	}
	if _, ok := Decompressor("br"); ok {
		t.Error(`Decompressor("br") is known`)
	}
	if _, ok := Compress("br"); ok {
		t.Error(`Compress("br") is known`)
	}
}

func readTruncated(decompress func(io.Reader) (io.ReadCloser, error), b []byte) error {
	r, err := decompress(bytes.NewReader(b))
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}
