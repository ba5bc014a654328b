package otlp

// A sequence is a number of bytes that stand as they are, and one of bytes that are copied
// from a distance before them.
type sequence struct{ literals, size, distance int }

// A matcher finds what in a template is said by something before it, whatever the holes
// are filled with: it compares meanings, not bytes.
type matcher struct {
	meanings []uint32
	head     [1 << 16]int32 // the last place of each hash, plus 1
	before   []int32        // for each place the one before with its hash, plus 1
}

// The matcher looks at so many places, and takes matches from so many bytes on.
const (
	matchTries = 24
	leastMatch = 5
)

func newMatcher(meanings []uint32) *matcher {
	return &matcher{meanings: meanings, before: make([]int32, len(meanings))}
}

// sequences covers [from, end) with sequences whose matches begin at first or later. Parts
// are covered one after the other. The last sequence may have no match.
func (m *matcher) sequences(first, from, end int) []sequence {
	var all []sequence
	start := from
	for i := from; i < end; {
		size, distance := m.longest(first, i, end)
		m.insert(i)
		if size > 0 && i+1 < end {
			if next, _ := m.longest(first, i+1, end); next > size+1 {
				size = 0
			}
		}
		if size == 0 {
			i++
			continue
		}
		all = append(all, sequence{i - start, size, distance})
		for end := i + size; i+1 < end; {
			i++
			m.insert(i)
		}
		i++
		start = i
	}
	if start < end {
		all = append(all, sequence{literals: end - start})
	}
	return all
}

func (m *matcher) hash(i int) uint32 {
	h := uint32(0)
	for _, v := range m.meanings[i : i+leastMatch] {
		h = (h ^ v) * 0x9E3779B1
		h ^= h >> 15
	}
	return h >> 16
}

func (m *matcher) insert(i int) {
	if i+leastMatch > len(m.meanings) {
		return
	}
	h := m.hash(i)
	m.before[i] = m.head[h]
	m.head[h] = int32(i) + 1
}

func (m *matcher) longest(first, i, end int) (size, distance int) {
	if i+leastMatch > end {
		return 0, 0
	}
	at := int(m.head[m.hash(i)]) - 1
	for range matchTries {
		if at < first {
			break
		}
		n := 0
		for i+n < end && m.meanings[at+n] == m.meanings[i+n] {
			n++
		}
		if n > size {
			size, distance = n, i-at
		}
		at = int(m.before[at]) - 1
	}
	if size < leastMatch {
		return 0, 0
	}
	return size, distance
}
