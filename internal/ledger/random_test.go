package ledger

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"testing"
)

// A tallyOf counts how often each value comes.
type tallyOf []uint64

// random tells what is wrong with counts that should be those of a fair die: Pearson's
// statistic is so far from its mean, the degrees of freedom, that chance does it less than
// once in 10^8 times. Too regular is wrong too, where there are more values than two.
func (c tallyOf) random(what string) error {
	sum, chi := uint64(0), 0.0
	for _, n := range c {
		sum += n
	}
	want := float64(sum) / float64(len(c))
	for _, n := range c {
		chi += (float64(n) - want) * (float64(n) - want) / want
	}
	freedom := float64(len(c) - 1)
	if off := (chi - freedom) / math.Sqrt(2*freedom); off > 25 || len(c) > 2 && math.Abs(off) > 8 {
		return fmt.Errorf("%s: chi-square is %.1f, want %.0f", what, chi, freedom)
	}
	return nil
}

// randomness is what is wrong with the ids that put makes of consecutive numbers, as a
// sampler sees them: by bits, by bytes, from one id to the next, by the last 56 bits (as
// consistent probability sampling takes them), by FNV (as the probabilistic sampler of
// the collector did and does).
func randomness(put func(dst []byte, n Number), size int, first Number) (wrong []error) {
	const numbers = 1 << 17
	ones, flips, bytes := make([]tallyOf, 8*size), make([]tallyOf, 8*size), make([]tallyOf, size)
	for i := range ones {
		ones[i], flips[i] = make(tallyOf, 2), make(tallyOf, 2)
	}
	for i := range bytes {
		bytes[i] = make(tallyOf, 256)
	}
	low56, hashed, pairs := make(tallyOf, 1024), make(tallyOf, 1024), make(tallyOf, 1024)
	id, last := make([]byte, size), make([]byte, size)
	put(last, first)
	for n := first + 1; n <= first+numbers; n++ {
		put(id, n)
		for i, v := range id {
			bytes[i][v]++
			for k := range 8 {
				ones[8*i+k][v>>k&1]++
				flips[8*i+k][(v^last[i])>>k&1]++
			}
		}
		low56[binary.BigEndian.Uint64(id[size-8:])<<8>>54]++
		h := fnv.New32a()
		_, _ = h.Write(id)
		hashed[h.Sum32()&0x3fff>>4]++
		pairs[int(id[size-1]&31)<<5|int(last[size-1]&31)]++
		id, last = last, id
	}
	check := func(what string, c tallyOf) {
		if err := c.random(what); err != nil {
			wrong = append(wrong, err)
		}
	}
	for i := range ones {
		check(fmt.Sprintf("bit %d", i), ones[i])
		check(fmt.Sprintf("flips of bit %d", i), flips[i])
	}
	for i := range bytes {
		check(fmt.Sprintf("byte %d", i), bytes[i])
	}
	check("the last 56 bits", low56)
	check("FNV", hashed)
	check("neighbours", pairs)
	return wrong
}

func TestIDsLookRandomToSamplers(t *testing.T) {
	for _, run := range []string{"a", "2026-01-02T03-04-05Z"} {
		key := NewKey(run)
		for _, first := range []Number{0, 1 << 40, 7<<48 | 1<<20} {
			for _, id := range []struct {
				name string
				put  func([]byte, Number)
				size int
			}{{"trace", key.PutTraceID, 16}, {"span", key.PutSpanID, 8}} {
				for _, err := range randomness(id.put, id.size, first) {
					t.Errorf("run %q, %s ids from %d on: %v", run, id.name, first, err)
				}
			}
		}
	}
}

// The test of randomness sees what is not random, though each looks well at first.
func TestRandomnessFindsWhatIsNot(t *testing.T) {
	key := NewKey("run")
	for _, tt := range []struct {
		name string
		put  func([]byte, Number)
	}{
		{"a counter", func(dst []byte, n Number) { binary.BigEndian.PutUint64(dst, uint64(n)) }},
		{"a multiple", func(dst []byte, n Number) { binary.BigEndian.PutUint64(dst, uint64(n)*golden) }},
		{"a bit that is set too often", func(dst []byte, n Number) {
			key.PutSpanID(dst, n)
			if n%32 == 0 {
				dst[3] |= 1
			}
		}},
		{"a byte that is never 7", func(dst []byte, n Number) {
			if key.PutSpanID(dst, n); dst[6] == 7 {
				dst[6] = 8
			}
		}},
	} {
		if len(randomness(tt.put, 8, 0)) == 0 {
			t.Errorf("%s was taken for random", tt.name)
		}
	}
}
