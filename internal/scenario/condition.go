package scenario

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Condition is an assertion taken apart:
//
//	condition = [subject] [aggregation] operator bound
//
// after k6's thresholds. Without a subject it is about latency.
type Condition struct {
	Subject     Subject
	Aggregation Aggregation // of times only
	// Percentile is the N of p(N), above 0 and at most 100.
	Percentile float64
	Operator   Operator
	// Bound is in the base unit: a share of 1, seconds, cores, bytes, spans, requests,
	// restarts or spans per second.
	Bound float64
	Unit  Unit
}

// A Subject is what an assertion is about.
type Subject string

// The subjects, in the order of docs/scenario.md.
const (
	Latency             Subject = "latency"
	Acknowledgement     Subject = "acknowledgement"
	Loss                Subject = "loss"
	Undelivered         Subject = "undelivered"
	Refused             Subject = "refused"
	Unanswered          Subject = "unanswered"
	Unsent              Subject = "unsent"
	Duplicated          Subject = "duplicated"
	Dropped             Subject = "dropped"
	AdmissionRejections Subject = "admission_rejections"
	Throughput          Subject = "throughput"
	Offered             Subject = "offered"
	CPUPeak             Subject = "cpu_peak"
	CPUAvg              Subject = "cpu_avg"
	Throttled           Subject = "throttled"
	MemoryPeak          Subject = "memory_peak"
	MemoryAvg           Subject = "memory_avg"
	GoMemory            Subject = "go_memory"
	GCCPU               Subject = "gc_cpu"
	Queue               Subject = "queue"
	Restarts            Subject = "restarts"
)

// An Aggregation makes one time of many.
type Aggregation string

// The aggregations, as k6 names them.
const (
	AggregatePercentile Aggregation = "p"
	AggregateMedian     Aggregation = "med"
	AggregateMax        Aggregation = "max"
	AggregateMean       Aggregation = "avg"
)

// An Operator compares a figure with the bound.
type Operator string

// Holds tells whether the figure is as the condition says.
func (c Condition) Holds(figure float64) bool {
	switch c.Operator {
	case "<":
		return figure < c.Bound
	case "<=":
		return figure <= c.Bound
	case ">":
		return figure > c.Bound
	case ">=":
		return figure >= c.Bound
	case "==":
		return figure == c.Bound
	}
	return figure != c.Bound
}

// Upper is whether the condition is an upper bound: a figure that grows can only come to
// break it.
func (c Condition) Upper() bool {
	return c.Operator == "<" || c.Operator == "<=" || c.Operator == "==" && c.Bound == 0
}

// A Unit is what a bound is in.
type Unit string

// The units.
const (
	UnitShare    Unit = "share"
	UnitSeconds  Unit = "seconds"
	UnitCores    Unit = "cores"
	UnitBytes    Unit = "bytes"
	UnitSpans    Unit = "spans"
	UnitRate     Unit = "spans/s"
	UnitRequests Unit = "requests"
	UnitRestarts Unit = "restarts"
)

// A rule is what may be said of a subject. The first unit is that of a bare number.
type rule struct {
	subject Subject
	units   []Unit
	live    bool // samples show it while the trial runs
}

var rules = []rule{
	{Latency, []Unit{UnitSeconds}, true},
	{Acknowledgement, []Unit{UnitSeconds}, true},
	{Loss, []Unit{UnitSpans, UnitShare}, false},
	{Undelivered, []Unit{UnitSpans, UnitShare}, false},
	{Refused, []Unit{UnitSpans, UnitShare}, true},
	{Unanswered, []Unit{UnitSpans, UnitShare}, false},
	{Unsent, []Unit{UnitSpans, UnitShare}, true},
	{Duplicated, []Unit{UnitSpans, UnitShare}, true},
	{Dropped, []Unit{UnitSpans, UnitShare}, true},
	{AdmissionRejections, []Unit{UnitRequests}, true},
	{Throughput, []Unit{UnitRate}, true},
	{Offered, []Unit{UnitRate}, true},
	{CPUPeak, []Unit{UnitCores, UnitShare}, true},
	{CPUAvg, []Unit{UnitCores, UnitShare}, true},
	{Throttled, []Unit{UnitShare}, true},
	{MemoryPeak, []Unit{UnitBytes, UnitShare}, true},
	{MemoryAvg, []Unit{UnitBytes, UnitShare}, true},
	{GoMemory, []Unit{UnitBytes, UnitShare}, true},
	{GCCPU, []Unit{UnitShare}, true},
	{Queue, []Unit{UnitRequests, UnitShare}, true},
	{Restarts, []Unit{UnitRestarts}, true},
}

func (c Condition) rule() rule {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.subject == c.Subject })
	return rules[i]
}

func (r rule) times() bool { return r.units[0] == UnitSeconds }

func subjects() []string {
	var all []string
	for _, r := range rules {
		all = append(all, string(r.subject))
	}
	return all
}

// notLive says why no sample can show that the condition is broken, and what can be
// asked instead; empty when one can.
func (c Condition) notLive() string {
	const ledger = "no abort: only the accounts tell, which are joined after the drain"
	switch {
	case c.Subject == Loss || c.Subject == Undelivered:
		return ledger + "; dropped, which the collector counts as it gives up, can abort"
	case !c.rule().live:
		return ledger
	case c.rule().times() && c.Aggregation == AggregateMean:
		return "no abort: samples have percentiles, and no mean; p(N) and max can abort"
	case c.rule().times() && !c.Upper():
		return "no abort: samples can show that times are above a bound; < and <= can abort"
	}
	return ""
}

const wantCondition = "an assertion such as p(99)<500ms, loss==0 or memory_peak<90%"

// maxCondition is how long an assertion may be.
const maxCondition = 200

// ParseCondition reads an assertion. Its error is an *Error that says which part of the
// text is wrong and what would be right.
func ParseCondition(text string) (Condition, error) {
	p := &conditionParser{rest: text}
	if len(text) > maxCondition || !utf8.ValidString(text) {
		return Condition{}, &Error{Found: quote(text), Want: wantCondition}
	}
	c, wrong := p.condition()
	if wrong != nil {
		return Condition{}, wrong
	}
	return c, nil
}

// A conditionParser goes over an assertion from left to right.
type conditionParser struct {
	rest string // what was not read yet
	at   int    // how many characters were
}

var (
	wordPattern       = regexp.MustCompile(`^[\pL\pN_.-]+`)
	percentilePattern = regexp.MustCompile(`^p\s*\(([^)]*)\)?`)
	operatorPattern   = regexp.MustCompile(`^[<>=!~≤≥≠]+`)
)

func (p *conditionParser) take(length int) {
	p.at += utf8.RuneCountInString(p.rest[:length])
	p.rest = p.rest[length:]
}

func (p *conditionParser) space() {
	p.take(len(p.rest) - len(strings.TrimLeft(p.rest, " \t\r\n")))
}

// wrong is an error about what comes next.
func (p *conditionParser) wrong(found, want string) *Error {
	return &Error{Found: found, Want: want, offset: p.at}
}

func (p *conditionParser) next() string {
	if p.rest == "" {
		return "the end"
	}
	return quote(p.rest)
}

func (p *conditionParser) condition() (c Condition, wrong *Error) {
	p.space()
	if p.rest == "" {
		return c, p.wrong("nothing", wantCondition)
	}
	if wrong = p.subject(&c); wrong != nil {
		return c, wrong
	}
	if wrong = p.aggregation(&c); wrong != nil {
		return c, wrong
	}
	p.space()
	if wrong = p.operator(&c); wrong != nil {
		return c, wrong
	}
	p.space()
	return c, p.bound(&c)
}

// subject reads what the condition is about; an aggregation alone is about latency.
func (p *conditionParser) subject(c *Condition) *Error {
	word := wordPattern.FindString(p.rest)
	switch {
	case isAggregation(word) || percentilePattern.MatchString(p.rest):
		c.Subject = Latency
		return nil
	case slices.Contains(subjects(), word):
		c.Subject = Subject(word)
		p.take(len(word))
		p.space()
		return nil
	case word == "":
		return p.wrong(p.next(), "what is asserted first: p(N), med, max, avg, or one of "+
			strings.Join(subjects(), ", "))
	}
	hint := suggestion(word, subjects())
	if n := strings.TrimPrefix(word, "p"); hint == "" && n != word && isNumber(n) {
		hint = "; a percentile is p(" + n + ")"
	}
	return p.wrong(quote(word), "p(N), med, max, avg (of latency), or one of "+
		strings.Join(subjects(), ", ")+hint)
}

func isAggregation(word string) bool {
	switch Aggregation(word) {
	case AggregateMedian, AggregateMax, AggregateMean:
		return true
	}
	return false
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

// aggregation reads how one time is made of many, where the subject is a time.
func (p *conditionParser) aggregation(c *Condition) *Error {
	const want = "p(N), med, max or avg"
	word := wordPattern.FindString(p.rest)
	isPercentile := percentilePattern.MatchString(p.rest)
	if !c.rule().times() {
		if word != "" || isPercentile {
			return p.wrong(p.next(), fmt.Sprintf("an operator: %s is one figure, only latency and "+
				"acknowledgement have %s", c.Subject, want))
		}
		return nil
	}
	switch {
	case isPercentile:
		return p.percentile(c)
	case isAggregation(word):
		c.Aggregation = Aggregation(word)
		p.take(len(word))
		return nil
	case word == "min":
		return p.wrong(quote(word), want+"; the least of many times says nothing of a gateway")
	case word != "":
		hint := suggestion(word, []string{"med", "max", "avg"})
		if n := strings.TrimPrefix(word, "p"); n != word && isNumber(n) {
			hint = "; did you mean p(" + n + ")?"
		}
		return p.wrong(quote(word), want+hint)
	}
	return p.wrong(p.next(), fmt.Sprintf("%s after %s, such as %[2]s p(99)<500ms", want, c.Subject))
}

func (p *conditionParser) percentile(c *Condition) *Error {
	const want = "p(N) with N above 0 and at most 100, such as p(99) or p(99.9)"
	found := percentilePattern.FindStringSubmatch(p.rest)
	n, err := strconv.ParseFloat(strings.TrimSpace(found[1]), 64)
	if err != nil || !strings.HasSuffix(found[0], ")") || math.IsNaN(n) || n <= 0 || n > 100 {
		return p.wrong(quote(found[0]), want)
	}
	c.Aggregation, c.Percentile = AggregatePercentile, n
	p.take(len(found[0]))
	return nil
}

// operators by their spelling, and what others were probably meant to be.
var (
	operators = []string{"<", "<=", ">", ">=", "==", "!="}
	meant     = map[string]string{
		"=": "==", "===": "==", "=<": "<=", "=>": ">=", "<>": "!=", "!==": "!=",
		"≤": "<=", "≥": ">=", "≠": "!=", "<<": "<", ">>": ">",
	}
)

func (p *conditionParser) operator(c *Condition) *Error {
	found := operatorPattern.FindString(p.rest)
	if !slices.Contains(operators, found) {
		hint := ""
		if word := meant[found]; word != "" {
			hint = "; did you mean " + word + "?"
		}
		if found == "" {
			found = p.next()
		} else {
			found = quote(found)
		}
		return p.wrong(found, "one of "+strings.Join(operators, " ")+hint)
	}
	c.Operator = Operator(found)
	p.take(len(found))
	return nil
}
