package monitor

import "sort"

// distributions are the buckets of an actor's histograms at one scrape, by name.
type distributions map[string][]bucket

// since gives the entries that came between two scrapes. ok is false where the
// buckets changed or a count fell: the actor was started anew.
func since(before, now []bucket) (entries []bucket, ok bool) {
	if len(before) != len(now) {
		return nil, false
	}
	for i := range now {
		b := bucket{now[i].bound, now[i].count - before[i].count}
		if before[i].bound != b.bound || b.count < 0 ||
			i > 0 && b.count < entries[i-1].count {
			return nil, false
		}
		entries = append(entries, b)
	}
	return entries, true
}

// quantile interpolates in a straight line within the bucket that holds the share q.
// ok is false where the entries are fewer than bear it (100 for the 99th percentile),
// and where it lies beyond the last finite bound.
func quantile(entries []bucket, q float64) (value float64, ok bool) {
	if len(entries) == 0 {
		return 0, false
	}
	total := entries[len(entries)-1].count
	if total*(1-q) < 1-1e-9 {
		return 0, false
	}
	rank := q * total
	i := sort.Search(len(entries), func(i int) bool { return entries[i].count >= rank })
	if i == len(entries) || !finite(entries[i].bound) {
		return 0, false
	}
	var below bucket // durations begin at 0
	if i > 0 {
		below = entries[i-1]
	}
	within := entries[i].count - below.count
	if within <= 0 {
		return entries[i].bound, true
	}
	return below.bound + (entries[i].bound-below.bound)*(rank-below.count)/within, true
}

// together adds up two series of one histogram. Where their bounds differ there is no
// sum, and nothing is kept.
func together(a, b []bucket) []bucket {
	if a == nil {
		return b
	}
	if len(a) != len(b) {
		return []bucket{}
	}
	both := make([]bucket, len(a))
	for i := range a {
		if a[i].bound != b[i].bound {
			return []bucket{}
		}
		both[i] = bucket{a[i].bound, a[i].count + b[i].count}
	}
	return both
}
