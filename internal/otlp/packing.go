package otlp

import "fmt"

// A Packing is a Template that was compressed beforehand in such a way that its holes
// stay at fixed places: a request is patched and stays compressed.
type Packing struct {
	// Bytes are the compressed template. They are never patched themselves: their copies
	// are.
	Bytes []byte
}

// Pack compresses a template with gzip, zstd or snappy (framed).
func Pack(t *Template, encoding string) (*Packing, error) {
	return nil, fmt.Errorf("pack %d spans with %s: not yet", t.Spans, encoding)
}

// Fill makes dst, a copy of Bytes, say what plain says: a copy of the template whose holes
// are filled. It allocates nothing.
func (p *Packing) Fill(dst, plain []byte) {}
