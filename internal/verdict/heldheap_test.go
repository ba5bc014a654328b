package verdict_test

import (
	"math"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/profile"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// Where GOMEMLIMIT holds memory down the heap profiles tell what a span takes, and from
// that what would have been needed.
func TestHeldByHeapProfiles(t *testing.T) {
	const live, base = 6 << 10, 4 << 20
	r := dyingOwn()
	for i := range r.Samples {
		if g, at := r.Samples[i].Actors[record.Gateway], r.Samples[i].Elapsed; g.Usage != nil && at > 0 && at < 40 {
			g.Usage.MemoryAnon = new(int64(500 << 20))
		}
	}
	take := func(at ...float64) {
		r.Profiles = nil
		for _, at := range at {
			r.Profiles = append(r.Profiles, record.Profile{
				Elapsed: at, Actor: record.Gateway, Kind: record.ProfileHeap,
				Parsed: &profile.Profile{Kind: profile.Heap, Total: base + heldMore*at*live},
			})
		}
	}
	take(5.5, 10.25, 39.9) // the last is after the last look: what was held then is not known
	if h := verdict.Measure(r).Deaths[0].Held; h != nil {
		t.Fatalf("two profiles make a line: %+v", h)
	}
	take(5.5, 10.25, 20, 38)
	h := verdict.Measure(r).Deaths[0].Held
	if h == nil || !h.OfHeap() || h.Looks != 4 || math.Abs(h.PerSpan-live) > 1 ||
		math.Abs(h.Base-base) > 1e4 || math.Abs(h.Growth-heldMore) > 1 {
		t.Fatalf("held is %+v, want %d bytes a span by the heap", h, live)
	}
	var texts []string
	for _, a := range verdict.Advise(r) {
		texts = append(texts, a.Effect)
	}
	// 140,000 spans × 6 KiB × 1.25, since GOMEMLIMIT is below the limit, is 1,025 MiB.
	const want = "(4 MiB + 140,000 spans × 7.5 KiB) ÷ 0.85 = 1211 MiB"
	if all := strings.Join(texts, "\n"); !strings.Contains(all, want) {
		t.Errorf("no advice computes %q:\n%s", want, all)
	}
}
