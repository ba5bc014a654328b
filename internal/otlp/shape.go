package otlp

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// A Shape is a form of trace: which services, which spans under which, with which
// attributes. What a Shape gives out depends on the random source alone.
type Shape struct {
	// Size is how many spans a trace has.
	Size int
	// Services is how many services, each a resource of its own, take part.
	Services int

	resource      func(v values, service int) []Attribute
	trace         func(v values) []Span
	resourceExtra []Attribute
	spanExtra     []Attribute
}

// A Span is one span of a trace, before it has ids and times. A parent comes before
// its children in a trace.
type Span struct {
	Service    int    // which of the Shape's services made it
	Scope      string // instrumentation scope
	Parent     int    // place in the trace; -1 for the root
	Name       string
	Kind       Kind
	Lasts      time.Duration // at most 4 s; a child's is shorter than its parent's
	Link       int           // place in the trace of a span that it links to; -1 for none
	Failed     string        // message of the error status; empty for unset
	Events     []Event
	Attributes []Attribute
}

// A Kind is a span's kind, as OTLP numbers them.
type Kind int

// The kinds of spans.
const (
	Internal Kind = 1 + iota
	Server
	Client
	Producer
	Consumer
)

// An Event is something that happened within a span.
type Event struct {
	Name       string
	Before     time.Duration // from it to the end of the span
	Attributes []Attribute
}

// An Attribute is a key with a string, int, float64, bool or []string.
type Attribute struct {
	Key   string
	Value any
	// Varies marks a string whose first VaryBytes are rewritten for every span.
	Varies bool
}

// VaryBytes is how much of a varying attribute is rewritten for every span.
const VaryBytes = 16

// NewShape returns the shape of that name (odigos-docs, simple, complex) with
// attributes added to each resource and span; a key that the shape has is replaced.
func NewShape(name string, resource, span map[string]string) (*Shape, error) {
	shape, ok := map[string]Shape{
		"odigos-docs": {Size: 2, Services: 2, resource: docsResource, trace: docsTrace},
		"simple":      {Size: 10, Services: 1, resource: simpleResource, trace: simpleTrace},
		"complex":     {Size: 20, Services: 6, resource: complexResource, trace: complexTrace},
	}[name]
	if !ok {
		return nil, fmt.Errorf("make shape %q: want odigos-docs, simple or complex", name)
	}
	shape.resourceExtra, shape.spanExtra = attributes(resource), attributes(span)
	return &shape, nil
}

// Resource returns the attributes of one instance of a service.
func (s *Shape) Resource(r *rand.Rand, service int) []Attribute {
	return replace(s.resource(values{r}, service), s.resourceExtra)
}

// Trace returns the spans of one trace.
func (s *Shape) Trace(r *rand.Rand) []Span {
	spans := s.trace(values{r})
	for i := range spans {
		spans[i].Attributes = replace(spans[i].Attributes, s.spanExtra)
	}
	return spans
}

func attributes(m map[string]string) []Attribute {
	var all []Attribute
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, Attribute{Key: key, Value: m[key]})
	}
	return all
}

// replace returns have with those of extra in the place of equal keys, or at the end.
func replace(have, extra []Attribute) []Attribute {
	for _, a := range extra {
		same := func(b Attribute) bool { return b.Key == a.Key }
		if i := slices.IndexFunc(have, same); i >= 0 {
			have[i] = a
		} else {
			have = append(have, a)
		}
	}
	return have
}
