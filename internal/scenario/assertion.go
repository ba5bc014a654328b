package scenario

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// An Assertion is what its author says of a trial, held against it: `loss==0`. In a file
// it is the expression alone, or a mapping. The two further fields are k6's
// abortOnFail and delayAbortEval.
type Assertion struct {
	That Expression `yaml:"that" json:"that"`
	// AbortOnFail ends the load as soon as the samples show that the assertion fails.
	AbortOnFail bool `yaml:"abort_on_fail,omitempty" json:"abort_on_fail,omitempty"`
	// DelayAbortEval is how much of the measured time must be over before that.
	DelayAbortEval Duration `yaml:"delay_abort_eval,omitempty" json:"delay_abort_eval_seconds,omitempty"`
}

// An Expression is an assertion as its author wrote it; Condition takes it apart.
type Expression string

// Condition takes the expression apart. The error says which part of it is wrong.
func (e Expression) Condition() (Condition, error) { return ParseCondition(string(e)) }

// UnmarshalYAML reads e from a node, so that its error has a position within the text.
func (e *Expression) UnmarshalYAML(node ast.Node) error {
	text, known := scalarText(node)
	if !known || !isText(node) {
		return mismatchNode(node, wantCondition)
	}
	if _, err := ParseCondition(text); err != nil {
		wrong := asError(err)
		switch tk := node.GetToken(); {
		case tk == nil || tk.Value != text || strings.ContainsRune(text, '\n'):
			wrong.offset = 0 // its columns are not those of one line
		case tk.Type == token.DoubleQuoteType || tk.Type == token.SingleQuoteType:
			wrong.offset++
		}
		return wrong
	}
	*e = Expression(text)
	return nil
}

// A shorthand is a mapping that may be written as the value of one of its fields.
type shorthand interface {
	short() (field string, into any)
}

func (a *Assertion) short() (field string, into any) { return "that", &a.That }

// Asserting returns s with further assertions, each as a file would have it in its list;
// s itself is left as it is. Errors are as strict as Read's and call their file --assert.
func (s Scenario) Asserting(texts []string) (Scenario, error) {
	r := &reader{file: "--assert", places: map[string]place{}}
	had := len(s.Assertions)
	s.Assertions = slices.Clip(s.Assertions)
	for _, text := range texts {
		var a Assertion
		r.source, r.body = text, text
		if node := r.parse(); node != nil {
			r.decode(node, "", reflect.ValueOf(&a).Elem())
		}
		s.Assertions = append(s.Assertions, a)
	}
	if len(r.errs) == 0 {
		for _, problem := range s.check() {
			_, below, _ := strings.Cut(problem.Path, "assertions.")
			number, _, _ := strings.Cut(below, ".")
			i, err := strconv.Atoi(number)
			if err != nil || i < had {
				r.errs = append(r.errs, problem)
				continue
			}
			r.source = texts[i-had]
			r.fail(place{1, 1}, problem.Path, problem)
		}
	}
	if len(r.errs) > 0 {
		return Scenario{}, join(r.errs)
	}
	return s, nil
}

// maxAssertions is how many there may be; each is evaluated with every sample.
const maxAssertions = 100

// checkAssertions holds each assertion against what the scenario gives it to be judged
// by.
func (s Scenario) checkAssertions(p *problems) {
	if len(s.Assertions) > maxAssertions {
		p.add("assertions", fmt.Sprintf("%d assertions", len(s.Assertions)),
			fmt.Sprintf("at most %d", maxAssertions))
	}
	duration := s.Timing.Duration
	fill(&duration, defaultDuration)
	for i, a := range s.Assertions[:min(len(s.Assertions), maxAssertions)] {
		path := "assertions." + strconv.Itoa(i)
		c, err := a.That.Condition()
		if err != nil {
			wrong := *asError(err)
			wrong.Path = path + ".that"
			*p = append(*p, &wrong)
			continue
		}
		if found, want := s.Gateway.resolved().bounds(c); want != "" {
			p.add(path+".that", found, want)
		}
		if why := c.notLive(); a.AbortOnFail && why != "" {
			p.add(path+".abort_on_fail", "it with "+quote(string(a.That)), why)
		}
		switch {
		case a.DelayAbortEval > 0 && !a.AbortOnFail:
			p.add(path+".delay_abort_eval", "it without abort_on_fail", "abort_on_fail: true, too")
		case a.DelayAbortEval >= duration:
			p.add(path+".delay_abort_eval", a.DelayAbortEval.String(),
				"less than timing.duration ("+duration.String()+"), or nothing would ever be aborted")
		}
	}
}

// bounds says what a condition is a share of and the gateway does not have.
func (g Gateway) bounds(c Condition) (found, want string) {
	const without = " without "
	_, inEnv := g.Env["GOMEMLIMIT"]
	switch share := c.Unit == UnitShare; {
	case (c.Subject == CPUPeak || c.Subject == CPUAvg) && share && g.CPULimit == 0:
		return "a share" + without + "a CPU limit", "gateway.cpu_limit, or cores such as 1.5"
	case (c.Subject == MemoryPeak || c.Subject == MemoryAvg) && share && g.MemoryLimit == 0:
		return "a share" + without + "a memory limit", "gateway.memory_limit, or a size such as 500Mi"
	case c.Subject == GoMemory && share && g.GoMemLimit == 0 && !inEnv:
		return "a share" + without + "GOMEMLIMIT", "gateway.gomemlimit, or a size such as 400Mi"
	case c.Subject == Throttled && g.CPULimit == 0:
		return string(Throttled) + without + "a CPU limit", "gateway.cpu_limit; nothing else throttles"
	}
	return "", ""
}
