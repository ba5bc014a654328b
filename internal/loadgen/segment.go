package loadgen

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Segment is the part of a load that one of several generators sends: of the slots of the
// whole schedule those that are Index modulo Of, each at its own due time. The zero value,
// like 0/1, is all of it.
//
// Slot k of the whole is slot k div Of of stream k mod Of: together the segments send
// exactly the slots that one generator would, and nothing has to be agreed between them.
type Segment struct {
	Index int `json:"index"`
	Of    int `json:"of"`
}

// ParseSegment reads I/N, such as 0/3.
func ParseSegment(text string) (Segment, error) {
	index, of, ok := strings.Cut(text, "/")
	i, err := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	s := Segment{i, n}
	if !ok || err != nil || err2 != nil || n < 1 || s.check() != nil {
		return Segment{}, fmt.Errorf("segment %q: want I/N, such as 0/3, with I below N", text)
	}
	return s, nil
}

// String is I/N.
func (s Segment) String() string { return fmt.Sprintf("%d/%d", s.Index, max(1, s.Of)) }

func (s Segment) check() error {
	if s == (Segment{}) {
		return nil
	}
	if s.Of < 1 || s.Index < 0 || s.Index >= s.Of || s.Of > ledger.MaxStream {
		return fmt.Errorf("segment %s: want I/N with 0 ≤ I < N ≤ %d", s, ledger.MaxStream)
	}
	return nil
}

// Schedule is the segment's part of the whole schedule.
func (s Segment) Schedule(whole Schedule) Schedule {
	if s.Of <= 1 {
		return whole
	}
	return segmented{whole: whole, index: uint64(s.Index), of: uint64(s.Of)}
}

// load is the segment's part of what a load may have at once. Each generator has one
// connection and one request in flight at the least.
func (s Segment) load(l scenario.Load) scenario.Load {
	l.Connections, l.InFlight = s.share(l.Connections), s.share(l.InFlight)
	return l
}

// share deals n out; the first get what is left over.
func (s Segment) share(n int) int {
	if s.Of <= 1 {
		return n
	}
	part := n / s.Of
	if s.Index < n%s.Of {
		part++
	}
	return max(1, part)
}

// before is how many of n the segments before this one get.
func (s Segment) before(n int) (sum int) {
	for i := range s.Index {
		sum += Segment{i, s.Of}.share(n)
	}
	return sum
}

type segmented struct {
	whole     Schedule
	index, of uint64
}

// Due is when the whole schedule makes the slot due.
func (s segmented) Due(n uint64) (time.Duration, bool) {
	hi, before := bits.Mul64(n, s.of)
	k, carry := bits.Add64(before, s.index, 0)
	if hi > 0 || carry > 0 {
		return 0, false
	}
	return s.whole.Due(k)
}

// Rate is the segment's even part of the whole rate.
func (s segmented) Rate(at time.Duration) float64 { return s.whole.Rate(at) / float64(s.of) }
