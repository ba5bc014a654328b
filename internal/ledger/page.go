package ledger

import (
	"encoding/binary"
	"time"
)

// A page is what came of 65,536 consecutive numbers since it was begun.
type page struct {
	id               uint64
	accepted, failed tally
	samples          []receivedSample // of first accepted deliveries, as they came
	reopened         bool             // the file has an earlier page of these numbers
	touched          int64            // Unix time in nanoseconds
	older, newer     *page
}

type receivedSample struct {
	low uint16
	at  time.Duration // from the start
}

// pages are the pages that are held, by use.
type pages struct {
	byID           map[uint64]*page
	oldest, newest *page
	planes         int // held by pages
	spare          []*plane
	// retired has a bit for each page that was retired before, 64 to a word.
	retired map[uint64]uint64
	recent  [recentPages]*page // nearly always spare the look into byID
}

const recentPages = 64

func newPages() pages {
	return pages{byID: make(map[uint64]*page), retired: make(map[uint64]uint64)}
}

// page returns the page of this id, begun if need be, as one of those used last. Pages
// used at the same time are in the order in which they were first used then.
func (s *pages) page(id uint64, at int64) *page {
	recent := &s.recent[recentOf(id)]
	p := *recent
	if p == nil || p.id != id {
		if p = s.byID[id]; p == nil {
			p = &page{id: id, reopened: s.retired[id>>6]&(1<<(id&63)) != 0}
			s.byID[id] = p
			s.link(p)
		}
		*recent = p
	}
	if p.touched != at && p != s.newest {
		s.unlink(p)
		s.link(p)
	}
	p.touched = at
	return p
}

// recentOf is the place of a page among the recent ones: pages that follow one another,
// of a few streams, have places of their own.
func recentOf(id uint64) uint64 { return (id ^ id>>32*11) % recentPages }

// link makes p the page used last.
func (s *pages) link(p *page) {
	p.older = s.newest
	if s.newest == nil {
		s.oldest = p
	} else {
		s.newest.newer = p
	}
	s.newest = p
}

func (s *pages) unlink(p *page) {
	if p.older == nil {
		s.oldest = p.newer
	} else {
		p.older.newer = p.newer
	}
	if p.newer == nil {
		s.newest = p.older
	} else {
		p.newer.older = p.older
	}
	p.older, p.newer = nil, nil
}

// retire forgets a page that was written.
func (s *pages) retire(p *page) {
	s.unlink(p)
	delete(s.byID, p.id)
	if r := &s.recent[recentOf(p.id)]; *r == p {
		*r = nil
	}
	s.retired[p.id>>6] |= 1 << (p.id & 63)
	for _, t := range []*tally{&p.accepted, &p.failed} {
		s.planes -= len(t.planes)
		s.spare = append(s.spare, t.planes[:min(len(t.planes), max(0, 64-len(s.spare)))]...)
	}
}

func (s *pages) newPlane() *plane {
	s.planes++
	n := len(s.spare)
	if n == 0 {
		return new(plane)
	}
	p := s.spare[n-1]
	s.spare = s.spare[:n-1]
	*p = plane{}
	return p
}

// append appends the page's chunk.
func (p *page) append(dst []byte) []byte {
	b := binary.AppendUvarint(nil, p.id)
	b = appendTally(b, &p.accepted)
	b = appendTally(b, &p.failed)
	b = binary.AppendUvarint(b, uint64(len(p.samples)))
	for _, s := range p.samples {
		b = binary.AppendUvarint(b, uint64(s.low))
		b = binary.AppendVarint(b, int64(s.at))
	}
	return appendChunk(dst, kindReceiptsPage, b)
}
