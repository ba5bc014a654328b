package scenario

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCondition(t *testing.T) {
	for text, want := range map[string]Condition{
		"p(99)<500ms":               {Latency, AggregatePercentile, 99, "<", 0.5, UnitSeconds},
		"latency p(99.9) <= 2s":     {Latency, AggregatePercentile, 99.9, "<=", 2, UnitSeconds},
		" latency  p( 99 )<1m ":     {Latency, AggregatePercentile, 99, "<", 60, UnitSeconds},
		"max<1s":                    {Latency, AggregateMax, 0, "<", 1, UnitSeconds},
		"acknowledgement med<20ms":  {Acknowledgement, AggregateMedian, 0, "<", 0.02, UnitSeconds},
		"acknowledgement avg>0":     {Acknowledgement, AggregateMean, 0, ">", 0, UnitSeconds},
		"loss==0":                   {Loss, "", 0, "==", 0, UnitSpans},
		"loss<=0.1%":                {Loss, "", 0, "<=", 0.001, UnitShare},
		"loss < 10":                 {Loss, "", 0, "<", 10, UnitSpans},
		"refused!=0":                {Refused, "", 0, "!=", 0, UnitSpans},
		"throughput>=9.9k":          {Throughput, "", 0, ">=", 9900, UnitRate},
		"cpu_peak<90 %":             {CPUPeak, "", 0, "<", 0.9, UnitShare},
		"cpu_avg<900m":              {CPUAvg, "", 0, "<", 0.9, UnitCores},
		"memory_peak<500Mi":         {MemoryPeak, "", 0, "<", 500 << 20, UnitBytes},
		"go_memory<=100%":           {GoMemory, "", 0, "<=", 1, UnitShare},
		"gc_cpu<5%":                 {GCCPU, "", 0, "<", 0.05, UnitShare},
		"throttled==0":              {Throttled, "", 0, "==", 0, UnitShare},
		"queue<50%":                 {Queue, "", 0, "<", 0.5, UnitShare},
		"admission_rejections<1000": {AdmissionRejections, "", 0, "<", 1000, UnitRequests},
		"restarts==0":               {Restarts, "", 0, "==", 0, UnitRestarts},
	} {
		got, err := ParseCondition(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("ParseCondition(%q) = %v (-want +got):\n%s", text, err, diff)
		}
	}
}

// Each mistake is found at its first letter, and what would be right is said.
func TestParseConditionTellsWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int
		want   string
	}{
		{"", 0, "found nothing, want an assertion"},
		{"lossy==0", 0, "did you mean loss?"},
		{"memorypeak<90%", 0, "did you mean memory_peak?"},
		{"  throughputt>1k", 2, "did you mean throughput?"},
		{"p99<500ms", 0, "a percentile is p(99)"},
		{"latency p99<500ms", 8, "did you mean p(99)?"},
		{"latency<500ms", 7, "such as latency p(99)<500ms"},
		{"latency min<500ms", 8, "says nothing of a gateway"},
		{"latency mx<500ms", 8, "did you mean max?"},
		{"p(0)<500ms", 0, "N above 0"},
		{"p(101)<500ms", 0, "at most 100"},
		{"p(NaN)<500ms", 0, "at most 100"},
		{"p(99<500ms", 0, "p(99.9)"},
		{"loss p(99)<1", 5, "loss is one figure"},
		{"loss=0", 4, "did you mean ==?"},
		{"loss===0", 4, "did you mean ==?"},
		{"loss =< 0", 5, "did you mean <=?"},
		{"loss", 4, "found the end, want one of < <="},
		{"loss 5", 5, `want an operator`},
		{"loss<", 5, "found the end"},
		{"loss<=0.001", 6, "a share of 0.001 is 0.1%"},
		{"loss<=101%", 6, "0% to 100%"},
		{"loss<1.5", 5, "a whole number of spans"},
		{"p(99)<500", 6, "k6's 500 are 500ms"},
		{"p(99)<50%", 6, "a time with its unit"},
		{"p(99)<500ms p(50)<1s", 6, "a time with its unit"},
		{"throttled<0.05", 10, "a share of 0.05 is 5%"},
		{"cpu_peak<2 cores", 9, "cores such as 1.5"},
		{"memory_peak<500m", 12, "a size such as 500Mi"},
		{"größe p(99)<1s", 0, "one of latency"},
		{"loss≤0", 4, "did you mean <=?"},
		{"<5", 0, "what is asserted first"},
		{strings.Repeat("x", 300), 0, "an assertion such as"},
	} {
		_, err := ParseCondition(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || asError(err).offset != c.offset {
			t.Errorf("ParseCondition(%q) = %v at %d; want … %s at %d", c.text, err,
				asError(err).offset, c.want, c.offset)
		}
	}
}

func FuzzParseCondition(f *testing.F) {
	for _, seed := range []string{
		"p(99)<500ms", "loss==0", "latency p(99.9) <= 2s", "queue<50%", "größe<1", "p((", "max\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text)
		if err != nil {
			if e := asError(err); e.Found == "" || e.Want == "" || e.offset > len([]rune(text)) {
				t.Errorf("ParseCondition(%q) = %v at %d, want what is wrong and where", text, err, e.offset)
			}
			return
		}
		if c.Bound < 0 || math.IsNaN(c.Bound) || c.Unit == "" || c.Percentile > 100 {
			t.Errorf("ParseCondition(%q) = %+v", text, c)
		}
		if at := strings.Contains(string(c.Operator), "="); c.Operator != "!=" && c.Holds(c.Bound) != at {
			t.Errorf("%q holds of its own bound: %v", text, !at)
		}
	})
}

func TestConditionHolds(t *testing.T) {
	for text, want := range map[string][3]bool{ // of 9, 10, 11
		"loss<10":  {true, false, false},
		"loss<=10": {true, true, false},
		"loss>10":  {false, false, true},
		"loss>=10": {false, true, true},
		"loss==10": {false, true, false},
		"loss!=10": {true, false, true},
	} {
		c, err := ParseCondition(text)
		got := [3]bool{c.Holds(9), c.Holds(10), c.Holds(11)}
		if err != nil || got != want {
			t.Errorf("%s holds of 9, 10, 11: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestReadAssertions(t *testing.T) {
	s, err := Read("a.yaml", []byte(`name: a
timing: {duration: 1m}
assertions:
  - p(99)<500ms
  - "loss==0"
  - that: memory_peak<90%
    abort_on_fail: true
    delay_abort_eval: 30s
  - {that: 'refused<1%'}
`))
	want := []Assertion{
		{That: "p(99)<500ms"},
		{That: "loss==0"},
		{That: "memory_peak<90%", AbortOnFail: true, DelayAbortEval: 30e9},
		{That: "refused<1%"},
	}
	if diff := cmp.Diff(want, s.Assertions); diff != "" || err != nil {
		t.Fatalf("Read = %v (-want +got):\n%s", err, diff)
	}
	holds(t, s)
}

func TestReadAssertionsTellsWhere(t *testing.T) {
	const head = "name: a\ntiming: {duration: 1m}\nassertions:\n"
	for _, c := range []struct{ text, want string }{
		{"  - lossy==0\n", `a.yaml:4:5: assertions.0.that: found "lossy"`},
		{"  - loss==0\n  - loss =! 0\n", `a.yaml:5:10: assertions.1.that: found "=!"`},
		{"  - \"p(99)<500\"\n", `a.yaml:4:12: assertions.0.that: found "500"`},
		{"  - {that: loss=0}\n", `a.yaml:4:16: assertions.0.that: found "="`},
		{"  - 5\n", `a.yaml:4:5: assertions.0.that: found the number 5`},
		{"  - {tha: loss==0}\n", `did you mean that?`},
		{"  - {abort_on_fail: true}\n", `found nothing, want an assertion`},
		{"  - {that: loss==0, abort_on_fail: true}\n", "dropped, which the collector counts"},
		{"  - {that: avg<1s, abort_on_fail: true}\n", "p(N) and max can abort"},
		{"  - {that: p(50)>1s, abort_on_fail: true}\n", "< and <= can abort"},
		{"  - {that: refused==0, delay_abort_eval: 5s}\n", "abort_on_fail: true, too"},
		{"  - {that: refused==0, abort_on_fail: true, delay_abort_eval: 1d}\n", "nothing would"},
		{
			"  - cpu_peak<90%\ngateway: {kind: otelcol, config: c, exporter: otlp}\n",
			`a.yaml:4:5: assertions.0.that: found a share without a CPU limit`,
		},
		{
			"  - go_memory<90%\ngateway: {kind: otelcol, config: c, exporter: otlp}\n",
			`gateway.gomemlimit, or a size`,
		},
		{"  p(99)<500ms\n", "want a list"},
	} {
		_, err := Read("a.yaml", []byte(head+c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Read(%q) = %v; want … %s", c.text, err, c.want)
		}
	}
}

func TestAsserting(t *testing.T) {
	s := Scenario{Name: "a", Assertions: []Assertion{{That: "loss==0"}}}
	got, err := s.Asserting([]string{"p(99)<1s", "{that: refused<1%, abort_on_fail: true}"})
	want := []Assertion{
		{That: "loss==0"},
		{That: "p(99)<1s"},
		{That: "refused<1%", AbortOnFail: true},
	}
	if diff := cmp.Diff(want, got.Assertions); diff != "" || err != nil || len(s.Assertions) != 1 {
		t.Errorf("Asserting = %v (-want +got):\n%s", err, diff)
	}
	for text, want := range map[string]string{
		"lossy==0":                             `--assert:1:1: that: found "lossy"`,
		"{that: loss==0, abort_on_fail: true}": `--assert:1:1: assertions.1.abort_on_fail`,
		"":                                     "--assert: found nothing",
	} {
		if _, err := s.Asserting([]string{text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Asserting(%q) = %v; want … %s", text, err, want)
		}
	}
}

// The table of subjects in the document is that of the parser, in its order.
func TestDocHasEverySubject(t *testing.T) {
	data, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|([^|]*)\\|([^|]*)\\|([^|]*)\\| [^|]+ \\|$")
	words := map[Unit]string{
		UnitShare: "%", UnitSeconds: "time", UnitCores: "cores", UnitBytes: "size",
		UnitSpans: "spans", UnitRate: "spans/s", UnitRequests: "requests", UnitRestarts: "restarts",
	}
	var got, want []string
	_, section, _ := strings.Cut(string(data), "## assertions")
	for _, m := range pattern.FindAllStringSubmatch(section, -1) {
		got = append(got, fmt.Sprintf("%s times %v abort %v", m[1], strings.TrimSpace(m[2]) == "yes",
			strings.TrimSpace(m[4]) != "no"))
		for _, r := range rules {
			for _, u := range r.units {
				if string(r.subject) == m[1] && r.subject != Queue && !strings.Contains(m[3], words[u]) {
					t.Errorf("%s: bound %q does not name %s", m[1], m[3], words[u])
				}
			}
		}
	}
	for _, r := range rules {
		want = append(want, fmt.Sprintf("%s times %v abort %v", r.subject, r.times(), r.live))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the subjects in %s differ (-code +doc):\n%s", docFile, diff)
	}
}
