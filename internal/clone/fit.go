package clone

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A fitted load has spans as long as those that were seen.
type fitted struct {
	shape      scenario.Shape
	perRequest int     // in whole traces
	bytes      float64 // of a span of the shape, without padding
	lacks      float64 // bytes of a span
}

// nearEnough is by how much a shape's spans may miss what is wanted.
const nearEnough = 0.05

// fit takes the shape whose spans come nearest to a size from below. A size of 0, or a
// number of spans of 0, is not known.
func fit(size, perRequest, rate float64) (fitted, error) {
	if perRequest <= 0 {
		perRequest = min(100, rate/10) // a scenario's default
	}
	best := fitted{shape: scenario.ShapeOdigosDocs}
	best.perRequest = traces(best.shape, perRequest)
	if size <= 0 {
		return best, nil
	}
	best.shape = scenario.ShapeSimple // the smallest, where all are too large
	best.perRequest = traces(best.shape, perRequest)
	for _, shape := range []scenario.Shape{
		scenario.ShapeSimple, scenario.ShapeComplex, scenario.ShapeOdigosDocs,
	} {
		spans := traces(shape, perRequest)
		bytes, err := spanBytes(shape, spans, nil)
		if err != nil {
			return fitted{}, err
		}
		if bytes <= size*(1+nearEnough) && bytes > best.bytes {
			best = fitted{shape: shape, perRequest: spans, bytes: bytes}
		}
	}
	if best.bytes > 0 && best.bytes < size*(1-nearEnough) {
		best.lacks = size - best.bytes
	}
	return best, nil
}

// traces is a number of spans in whole traces, at least one.
func traces(s scenario.Shape, spans float64) int {
	return s.Spans() * max(1, int(math.Round(spans/float64(s.Spans()))))
}

// spanBytes is how long a span of a shape is, in requests of so many.
func spanBytes(s scenario.Shape, perRequest int, attributes map[string]string) (float64, error) {
	shape, err := otlp.NewShape(string(s), nil, attributes)
	if err != nil {
		return 0, err
	}
	const seed = 1
	template := otlp.NewTemplate(shape, 0, perRequest, rand.New(rand.NewPCG(seed, seed)))
	return float64(len(template.Bytes)) / float64(perRequest), nil
}

const (
	paddingText = "kf3Zr0vQm8Tn5Xc1Lb7Wd2Hy9Ps4Gj6Ae" // of no word, though gzip finds it again
	paddingKey  = "odigos.stress.padding.%02d"

	// attributeSize is what an attribute of padding takes, at least; mostAttributes keep the
	// scenario one that can be read, mostPadding one that may be: there is a bound.
	attributeSize  = 80
	mostAttributes = 24
	mostPadding    = 16 << 10
	// overhead is what an attribute takes beside its value: its name, and seven tags and
	// lengths in the protocol's encoding.
	overhead = len("odigos.stress.padding.00") + 10
)

// padding are the attributes that a span lacks.
func (f fitted) padding() map[string]string {
	total := min(mostPadding, int(math.Round(f.lacks)))
	if total <= overhead {
		return nil
	}
	n := min(mostAttributes, max(1, total/attributeSize))
	values := total - n*overhead
	out := map[string]string{}
	for i := range n {
		length := values*(i+1)/n - values*i/n
		turned := paddingText[i:] + paddingText[:i]
		out[fmt.Sprintf(paddingKey, i+1)] = strings.Repeat(turned, length/len(turned)+1)[:length]
	}
	return out
}
