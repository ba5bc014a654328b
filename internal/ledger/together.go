package ledger

import (
	"math"
	"time"
)

// SentTogether is the book of all senders of a run: what one that sent the load of all of
// them would have written, but for what cannot be summed. That is Stream, of the first;
// SlopeError, the worst that is known; and Errors, of which there may be more. A
// distribution that one of them does not have is nil. There is at least one sender.
func SentTogether(all []*Sent) *Sent {
	if len(all) == 1 {
		return all[0]
	}
	sum := &Sent{
		Stream: all[0].Stream, Start: all[0].Start, Requests: map[string]uint64{},
		Lateness: merged(all, func(s *Sent) *Histogram { return s.Lateness }),
		Answer:   merged(all, func(s *Sent) *Histogram { return s.Answer }),
	}
	for _, s := range all {
		if s.Start.Before(sum.Start) {
			sum.Start = s.Start
		}
		sum.Finished = max(sum.Finished, s.Finished)
		sum.All.plus(s.All)
		sum.Measured.plus(s.Measured)
		addCounts(&sum.Requests, s.Requests)
		addCounts(&sum.Errors, s.Errors)
		sum.EncodedBytes += s.EncodedBytes
		sum.WireBytes += s.WireBytes
		sum.ConnectionsOpened += s.ConnectionsOpened
		sum.CPUSeconds += s.CPUSeconds
		if e := s.SlopeError; e != nil &&
			(sum.SlopeError == nil || math.Abs(*e) > math.Abs(*sum.SlopeError)) {
			sum.SlopeError = e
		}
	}
	return sum
}

// ReceivedTogether is the book of all receivers of a run. A span that came to two of them
// is unique to each: Unique, AfterMark and Latency count it twice and Duplicate does not,
// until the books are joined (see Received.Correct). There is at least one receiver.
func ReceivedTogether(all []*Received) *Received {
	if len(all) == 1 {
		return all[0]
	}
	sum := &Received{
		Requests:     map[string]uint64{},
		RequestSpans: merged(all, func(r *Received) *Histogram { return r.RequestSpans }),
		Latency:      merged(all, func(r *Received) *Histogram { return r.Latency }),
	}
	for _, r := range all {
		sum.Unique += r.Unique
		sum.Duplicate += r.Duplicate
		sum.Failed += r.Failed
		sum.Foreign += r.Foreign
		sum.AfterMark += r.AfterMark
		sum.AfterClose += r.AfterClose
		addCounts(&sum.Requests, r.Requests)
		sum.DecodedBytes += r.DecodedBytes
		sum.WireBytes += r.WireBytes
		sum.CPUSeconds += r.CPUSeconds
		sum.LastArrival = latest(sum.LastArrival, r.LastArrival)
	}
	return sum
}

// Correct moves from Unique to Duplicate what came to another receiver first, as the joined
// accounts of all of them tell.
func (r *Received) Correct(j *Joined) {
	first := j.All.Impossible
	for class := Acknowledged; class < numClasses; class++ {
		first += j.All.fate(class).Delivered()
	}
	if again := r.Unique - min(first, r.Unique); again > 0 {
		r.Unique -= again
		r.Duplicate += again
	}
}

// plus adds the counts of another sender.
func (c *Classes) plus(d Classes) {
	c.Due += d.Due
	c.Attempts += d.Attempts
	for class := range numClasses {
		*c.of(class) += *d.of(class)
	}
}

// addCounts leaves nil what has no counts.
func addCounts(to *map[string]uint64, more map[string]uint64) {
	if *to == nil && len(more) > 0 {
		*to = map[string]uint64{}
	}
	for name, n := range more {
		(*to)[name] += n
	}
}

func merged[Book any](all []*Book, of func(*Book) *Histogram) *Histogram {
	sum := NewHistogram()
	for _, b := range all {
		h := of(b)
		if h == nil {
			return nil
		}
		sum.Merge(h)
	}
	return sum
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
