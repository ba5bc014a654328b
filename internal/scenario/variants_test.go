package scenario

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const varied = `name: oom
description: what becomes of it
load:
  rate: 10k
gateway:
  memory_limit: 300Mi
variants:
  - name: unprotected
    set:
      expect: killed
      gateway.gomemlimit: 2Gi
  - name: limiter
    description: the stock one
    set:
      gateway:
        memory_limit: 256Mi
      gateway.processors:
        - id: memory_limiter
          config: {limit_mib: 200}
      load.seed: 7
      load.rate: 5k
      load.shape: simple
      load.span_attributes: {a: "true", b: "7"}
      load.span_attributes.c: "true"
      load.span_attributes.d: "null"
`

func read(t *testing.T, file string) Scenario {
	t.Helper()
	s, err := Read("f.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVariant(t *testing.T) {
	s := read(t, varied)
	before := text(s)
	if diff := cmp.Diff([]string{"unprotected", "limiter"}, s.VariantNames()); diff != "" {
		t.Errorf("VariantNames() (-want +got):\n%s", diff)
	}
	cases := []struct {
		variant   string
		overrides []string
		want      string
	}{
		{"unprotected", nil, "name: oom-unprotected\ndescription: what becomes of it\n" +
			"load: {rate: 10k}\ngateway: {memory_limit: 300Mi, gomemlimit: 2Gi}\nexpect: killed"},
		{"limiter", nil, "name: oom-limiter\ndescription: the stock one\n" +
			"load: {rate: 5k, seed: 7, shape: simple, span_attributes: " +
			"{a: \"true\", b: \"7\", c: \"true\", d: \"null\"}}\ngateway: {memory_limit: 256Mi, " +
			"processors: [{id: memory_limiter, config: {limit_mib: 200}}]}"},
		{
			"unprotected",
			[]string{"load.rate=5k", "gateway.gomemlimit=null", "expect=null"},
			"name: oom-unprotected\ndescription: what becomes of it\n" +
				"load: {rate: 5k}\ngateway: {memory_limit: 300Mi}",
		},
	}
	for _, c := range cases {
		got, err := s.Variant(c.variant, c.overrides)
		if diff := cmp.Diff(text(read(t, c.want)), text(got)); diff != "" || err != nil {
			t.Errorf("Variant(%s, %q), %v (-want +got):\n%s", c.variant, c.overrides, err, diff)
		}
		if _, err := got.Resolved(); err != nil {
			t.Errorf("Variant(%s, %q).Resolved(): %v", c.variant, c.overrides, err)
		}
	}
	if text(s) != before {
		t.Errorf("Variant changed its receiver to %s", text(s))
	}
}

func TestVariantsSettings(t *testing.T) {
	got := read(t, varied).Variants[1].Settings()
	want := []string{
		`gateway={"memory_limit":"256Mi"}`,
		`gateway.processors=[{"config":{"limit_mib":200},"id":"memory_limiter"}]`,
		`load.rate=5k`,
		`load.seed=7`,
		`load.shape=simple`,
		`load.span_attributes={"a":"true","b":"7"}`,
		`load.span_attributes.c="true"`,
		`load.span_attributes.d="null"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Settings() (-want +got):\n%s", diff)
	}
}

func TestVariantsAreReadBack(t *testing.T) {
	s := read(t, varied)
	data, err := s.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text(s), text(read(t, string(data)))); diff != "" {
		t.Errorf("Read(YAML()) of\n%s(-want +got):\n%s", data, diff)
	}
}

// What the variants have in common need not be a trial.
func TestVariantsMayNeedWhatTheySet(t *testing.T) {
	s := read(t, `name: a
load: {pattern: burst}
variants:
  - {name: low, set: {load.burst: {rate: 2k, every: 1m, for: 5s}}}
  - {name: none, set: {load.pattern: constant}}
`)
	for _, name := range s.VariantNames() {
		one, err := s.Variant(name, nil)
		if err != nil {
			t.Errorf("Variant(%s): %v", name, err)
		}
		if _, err := one.Resolved(); err != nil {
			t.Errorf("Variant(%s).Resolved(): %v", name, err)
		}
	}
	if _, err := s.Resolved(); err == nil || !strings.Contains(err.Error(), "want one of them: low, none") {
		t.Errorf("Resolved() of two variants = %v; want their names", err)
	}
}

func TestVariantsRefused(t *testing.T) {
	const head = "name: a\nvariants:\n"
	cases := []struct{ file, want string }{
		{head + "  - name: b\n", `f.yaml:2:1: variants: found 1 variant, want at least 2`},
		{head + "  - name: Big\n  - name: c\n", `f.yaml:3:11: variants.0.name: found "Big", want lower-case`},
		{head + "  - set: {}\n  - name: c\n", `f.yaml:3:5: variants.0.name: found no name`},
		{head + "  - name: b\n  - name: b\n", `f.yaml:4:11: variants.1.name: found "b" a second time`},
		{head + "  - name: b\n  - nam: b\n", `f.yaml:4:5: variants.1.nam: found unknown field "nam"`},
		{
			head + "  - name: " + strings.Repeat("b", 62) + "\n  - name: c\n",
			`f.yaml:3:11: variants.0.name: found "bbb`,
		},
		{
			head + "  - name: b\n    set:\n      load.rte: 5k\n  - name: c\n",
			`f.yaml:5:12: variants.0.set.load.rte: found unknown field "rte", want one of`,
		},
		{
			head + "  - name: b\n    set: {load.rate: 15Ki}\n  - name: c\n",
			`f.yaml:4:22: variants.0.set.load.rate: found "15Ki", want spans per second`,
		},
		{
			head + "  - name: b\n  - name: c\n    set:\n      gateway.processors:\n        - id: batch\n        - idd: x\n",
			`f.yaml:8:16: variants.1.set.gateway.processors.1.idd: found unknown field "idd"`,
		},
		{
			head + "  - name: b\n    set: {variants: []}\n  - name: c\n",
			`f.yaml:4:11: variants.0.set.variants: found it in a variant, want a field of the trial`,
		},
		{
			head + "  - name: b\n    set: {name: x}\n  - name: c\n",
			`f.yaml:4:17: variants.0.set.name: found it in a variant, want a field of the trial`,
		},
		{
			head + "  - name: b\n  - name: c\n    set: {load.burst.rate: 5k}\n",
			`f.yaml:5:28: variants.1.set.load.burst.rate: found a burst with pattern constant, want`,
		},
		{
			head + "  - {name: b, set: {load.pattern: ramp-up}}\n  - name: c\n" +
				"load:\n  ramp: {from: 5}\n",
			`f.yaml:6:3: load.ramp: found a ramp with pattern constant in variant c, want`,
		},
		{
			// A mistake of all is told once, and where it is.
			head + "  - name: b\n  - name: c\nload:\n  rate: 0.5\n",
			`f.yaml:6:9: load.rate: found 0.5, want at least 1`,
		},
	}
	for _, c := range cases {
		_, err := Read("f.yaml", []byte(c.file))
		all := Errors(err)
		if len(all) != 1 || !strings.HasPrefix(all[0].Error(), c.want) {
			t.Errorf("Read(%s) = %v\nwant %s", c.file, err, c.want)
		}
	}
}

func TestVariantRefuses(t *testing.T) {
	s := read(t, varied)
	cases := []struct {
		s         Scenario
		variant   string
		overrides []string
		want      string
	}{
		{s, "limitr", nil, `found variant "limitr", want one of unprotected, limiter; did you mean limiter?`},
		{Scenario{Name: "x"}, "limiter", nil, `found variant "limiter", want none: x has no variants`},
		{s, "limiter", []string{"variants=null"}, `--set:1:1: variants: found a value for variants`},
		{s, "limiter", []string{"load.rte=1"}, `--set:1:6: load.rte: found unknown field`},
	}
	for _, c := range cases {
		_, err := c.s.Variant(c.variant, c.overrides)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("Variant(%s, %q) = %v; want %s", c.variant, c.overrides, err, c.want)
		}
	}
}
