package verdict

import (
	"fmt"
	"maps"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A podWatch is the Watch of one of several gateways, of what its process uses.
type podWatch struct {
	*Watch
	name        string
	first, last float64 // measured looks at which it ran, in elapsed seconds
	seen        bool
}

// addPods gives each of several gateways' Watches its look at them, and returns the look
// without the account of their sum, which is held against nothing. Of one gateway it is the
// look as it is.
func (w *Watch) addPods(s record.Sample) (_ record.Sample, news []Finding) {
	names := s.Members(record.Gateway)
	if len(names) == 0 && len(w.pods) == 0 {
		return s, nil
	}
	for _, name := range names {
		p := w.pod(name)
		if s.Phase == record.PhaseMeasuring && s.Actors[name].Running {
			if !p.seen {
				p.seen, p.first = true, s.Elapsed
			}
			p.last = s.Elapsed
		}
		for _, f := range p.Add(s.WithOne(record.Gateway, name)) {
			f.Member = name
			news = append(news, f)
		}
		if w.abort == "" {
			w.abort = p.abort
		}
	}
	all := s.Actors[record.Gateway]
	all.Usage = nil
	s.Actors = maps.Clone(s.Actors)
	s.Actors[record.Gateway] = all
	return s, news
}

// pod is the Watch of one of several gateways; it is made when that is seen first.
func (w *Watch) pod(name string) *podWatch {
	for _, p := range w.pods {
		if p.name == name {
			return p
		}
	}
	p := &podWatch{Watch: NewWatch(w.header), name: name}
	p.of = name
	for _, r := range p.resources {
		r.of = name
	}
	for _, a := range p.asserted {
		a.of = name
	}
	w.pods = append(w.pods, p)
	return p
}

// asks is whether an assertion is this Watch's to hold: of several gateways what is of a
// process is held by each one's, and the rest by that of all.
func (w *Watch) asks(a *asserted) bool {
	switch {
	case w.of != "":
		return a.ofProcess()
	case len(w.pods) > 0:
		return !a.ofProcess()
	}
	return true
}

// severities are those of findings, lightest first.
var severities = []Severity{Held, Note, Reservation, Warning, Void, Critical}

// worstPod is the outcome of the i-th resource of the gateway for which it is heaviest. One
// that was there for a part of the measured time, and of which that is too little to say
// anything, takes nothing from what the others say.
func (w *Watch) worstPod(i int) Finding {
	var worst *podWatch
	var found Finding
	var others []float64
	for _, p := range w.pods {
		r := p.resources[i]
		f := r.outcome(p.pace.step())
		f.Member = p.name
		if r.points > 0 {
			others = append(others, r.max/r.limit)
		}
		weight := func(f Finding, p *podWatch) int {
			if f.Severity == Reservation && !w.throughout(p) {
				return -1
			}
			return slices.Index(severities, f.Severity)
		}
		switch {
		case worst == nil, weight(f, p) > weight(found, worst):
		case weight(f, p) < weight(found, worst) || r.max <= worst.resources[i].max:
			continue
		}
		worst, found = p, f
	}
	if n := len(w.pods); n > 1 && worst.resources[i].points > 0 {
		found.Text += fmt.Sprintf("; it is the worst of %d gateways", n)
		at := slices.Index(others, worst.resources[i].max/worst.resources[i].limit)
		if others = slices.Delete(others, at, at+1); len(others) > 0 {
			found.Text += ", the others used " + Percent(slices.Max(others)) + " at most"
		}
	}
	return found
}

// throughout is whether a gateway was there for all of the measured time, as far as it was
// seen.
func (w *Watch) throughout(p *podWatch) bool {
	return p.seen && p.first-w.from <= bridge && w.to-p.last <= bridge
}

// A judged resource is one that was held against its thresholds, with the samples in which
// its gateway has the gateway's place, and how far apart the place reads usage.
type judgedResource struct {
	*resource
	step    float64
	samples []record.Sample
}

// judgedResources are all that were held against thresholds, of several gateways each one's.
func (s *subject) judgedResources() (all []judgedResource) {
	if len(s.watch.pods) == 0 {
		for _, r := range s.watch.resources {
			all = append(all, judgedResource{r, s.watch.pace.step(), s.samples})
		}
		return all
	}
	for _, p := range s.watch.pods {
		samples := s.on(p.name).samples
		for _, r := range p.resources {
			all = append(all, judgedResource{r, p.pace.step(), samples})
		}
	}
	return all
}

// worstAsserted is of several gateways the one for which an assertion on a process is
// furthest beyond its bound, or nearest to it.
func (w *Watch) worstAsserted(i int) (worst *podWatch) {
	for _, p := range w.pods {
		a := p.asserted[i]
		switch {
		case worst == nil:
		case a.soFar.value == nil:
			continue
		case worst.asserted[i].soFar.value != nil &&
			!a.worse(*a.soFar.value, *worst.asserted[i].soFar.value):
			continue
		}
		worst = p
	}
	return worst
}
