package loadgen

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// templateBytes bounds the templates of a run, so that they stay in the caches: a
// patch costs a few nanoseconds a span there and three times that in memory.
const templateBytes = 1 << 20

// maxVariants is how many templates are taken in turn when they are small.
const maxVariants = 64

// A Request is one encoded request, to be sent as it is. It is patched again when the
// last who holds it has released it.
type Request struct {
	Bytes []byte // plain
	Wire  []byte // what is sent: Bytes themselves unless they are compressed
	Spans int

	holders atomic.Int32
	of      int // template
	home    *payloads
}

// hold keeps the request as it is until one release more.
func (r *Request) hold() { r.holders.Add(1) }

// release gives up what payloads.get, or hold, gave. Nothing of the request may be
// touched afterwards: another may already be in it.
func (r *Request) release() {
	if r.holders.Add(-1) == 0 {
		r.home.put(r)
	}
}

// payloads hands out requests: copies of prepared templates, patched. Equal seeds,
// run ids and start times give equal bytes. A copy that comes back stays what it is,
// so that mostly nothing is copied and only the holes are written.
type payloads struct {
	templates []*otlp.Template // by phase, then variant
	packings  []*otlp.Packing  // of the templates; nil where nothing is compressed beforehand
	online    string           // the encoding of what is compressed when it is sent
	variants  uint64
	size      uint64 // spans in a trace
	batch     uint64
	numbers   ledger.Number // of sequence 0
	patcher   patcher

	mu    sync.Mutex
	free  [][]*Request // by template
	alive int
	limit int // of alive, beyond which copies of other templates are overwritten
}

// newPayloads prepares the templates: all that is slow happens here. inFlight is how
// many requests are usually out at once. The key of the run is put into the patcher
// before the first request.
func newPayloads(shape *otlp.Shape, load *scenario.Load, stream uint16) (*payloads, error) {
	batch := load.SpansPerRequest
	r := rand.New(rand.NewPCG(load.Seed, 0x6f64696773))
	phases := shape.Size / gcd(shape.Size, batch)
	p := &payloads{
		size: uint64(shape.Size), batch: uint64(batch),
		numbers: ledger.Number(stream) << 48,
		patcher: patcher{text: varyingText(r)},
	}
	first := otlp.NewTemplate(shape, 0, batch, r)
	variants := min(max(templateBytes/phases/max(len(first.Bytes), 1), 2), maxVariants)
	p.variants = uint64(variants)
	for phase := range phases {
		for v := range variants {
			t := first
			if phase+v > 0 {
				t = otlp.NewTemplate(shape, phase*gcd(shape.Size, batch), batch, r)
			}
			p.templates = append(p.templates, t)
		}
	}
	p.free = make([][]*Request, len(p.templates))
	p.limit = load.InFlight + len(p.templates)
	switch {
	case load.Compression == scenario.CompressionNone:
		return p, nil
	case load.CompressOnline:
		p.online = string(load.Compression)
		return p, nil
	}
	for _, t := range p.templates {
		packing, err := otlp.Pack(t, string(load.Compression))
		if err != nil {
			return nil, fmt.Errorf("prepare payloads: %w", err)
		}
		p.packings = append(p.packings, packing)
	}
	return p, nil
}

// get returns batch n, due at that Unix time in nanoseconds. The caller releases it.
func (p *payloads) get(n, due uint64) *Request {
	first := n * p.batch
	phase := first % p.size / uint64(gcd(int(p.size), int(p.batch)))
	r := p.take(int(phase*p.variants + n%p.variants))
	p.patcher.patch(r.Bytes, p.templates[r.of], p.numbers+ledger.Number(first), due)
	switch {
	case p.packings != nil:
		p.packings[r.of].Fill(r.Wire, r.Bytes)
	case p.online != "":
		r.Wire = compressed(p.online, r.Wire[:0], r.Bytes)
	}
	return r
}

// compressed appends plain to dst, compressed.
func compressed(encoding string, dst, plain []byte) []byte {
	compress, ok := otlp.Compress(encoding)
	if !ok {
		panic("compress with " + encoding + ": not one of the scenario's")
	}
	b := bytes.NewBuffer(dst)
	w, err := compress(b)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err = cmp.Or(err, w.Close()); err != nil {
		panic(fmt.Sprintf("compress with %s into memory: %v", encoding, err))
	}
	return b.Bytes()
}

// take returns a copy of a template that nobody else holds.
func (p *payloads) take(of int) *Request {
	r := p.recycled(of)
	if r == nil {
		r = &Request{home: p, of: -1}
	}
	if r.of != of {
		t := p.templates[of]
		r.Bytes = append(r.Bytes[:0], t.Bytes...)
		r.of, r.Spans = of, t.Spans
		switch {
		case p.packings != nil:
			r.Wire = append(r.Wire[:0], p.packings[of].Bytes...)
		case p.online == "":
			r.Wire = r.Bytes
		}
	}
	r.holders.Store(1)
	return r
}

// recycled returns a copy that came back, one of the same template if there is one,
// or nil.
func (p *payloads) recycled(of int) *Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free[of]) == 0 && p.alive >= p.limit {
		full := func(f []*Request) bool { return len(f) > 0 }
		of = max(slices.IndexFunc(p.free, full), 0)
	}
	if n := len(p.free[of]); n > 0 {
		r := p.free[of][n-1]
		p.free[of] = p.free[of][:n-1]
		return r
	}
	p.alive++
	return nil
}

// put takes a request back, for the next of its template: it is the one in the caches.
func (p *payloads) put(r *Request) {
	p.mu.Lock()
	p.free[r.of] = append(p.free[r.of], r)
	p.mu.Unlock()
}

// A patcher fills the holes of templates.
type patcher struct {
	key  ledger.Key
	text []byte // what varying values are cut from
}

// patch writes what belongs to the request whose first span is first into b, a copy
// of t. It allocates nothing.
func (p *patcher) patch(b []byte, t *otlp.Template, first ledger.Number, due uint64) {
	var trace [16]byte
	last := int32(math.MinInt32)
	for _, h := range t.TraceIDs {
		if h.Sequence != last {
			last = h.Sequence
			p.key.PutTraceID(trace[:], first+ledger.Number(last))
		}
		*(*[16]byte)(b[h.At:]) = trace
	}
	var span [8]byte
	last = math.MinInt32
	for _, h := range t.SpanIDs {
		if h.Sequence != last {
			last = h.Sequence
			p.key.PutSpanID(span[:], first+ledger.Number(last))
		}
		*(*[8]byte)(b[h.At:]) = span
	}
	for _, h := range t.Times {
		binary.LittleEndian.PutUint64(b[h.At:], due-uint64(h.Before))
	}
	for _, h := range t.Varying {
		at := (uint64(first) + uint64(h.Sequence)) * 0x9E3779B97F4A7C15 >> 48
		*(*[otlp.VaryBytes]byte)(b[h.At:]) = *(*[otlp.VaryBytes]byte)(p.text[at:])
	}
}

// varyingText is random hexadecimal text, long enough to be cut at any 16-bit place.
func varyingText(r *rand.Rand) []byte {
	b := make([]byte, 1<<16+otlp.VaryBytes)
	for i := range b {
		b[i] = "0123456789abcdef"[r.IntN(16)]
	}
	return b
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
