package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Variant is the scenario with some of its fields set otherwise: one trial of those
// that are held beside each other.
type Variant struct {
	// Name is lower-case words joined by dashes; the variant's record bears it.
	Name        string `yaml:"name" json:"name"`
	Description string `yaml:"description,omitempty" json:"description,omitempty"`
	// Set is what is laid over the scenario, by path, as With takes it.
	Set map[string]any `yaml:"set,omitempty" json:"set,omitempty"`
}

// leastVariants can be compared.
const leastVariants = 2

// ownFields are the fields that make a scenario what it is, and not the trial: a variant has
// its own of them.
var ownFields = []string{"name", "description", "variants"}

// Settings are what the variant sets, as overrides, in the order in which they are laid:
// by path, so that a section goes before what is in it.
func (v Variant) Settings() []string {
	var all []string
	for _, path := range slices.Sorted(maps.Keys(v.Set)) {
		all = append(all, path+"="+flow(v.Set[path]))
	}
	return all
}

// bare are texts that need no quotes.
var bare = regexp.MustCompile(`^([a-z][a-z_-]+|[0-9]+(k|M|m|s|h|Ki|Mi|Gi|%))$`)

// flow writes a value as With reads it: JSON is YAML.
func flow(value any) string {
	switch value {
	case "null", "true", "false":
	default:
		if s, ok := value.(string); ok && bare.MatchString(s) {
			return s
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value) // a number that JSON has not, such as .inf
	}
	return string(text)
}

// VariantNames are the names of the variants, in their order.
func (s Scenario) VariantNames() []string {
	var all []string
	for _, v := range s.Variants {
		all = append(all, v.Name)
	}
	return all
}

// Variant returns the trial of one variant: the scenario, over it what the variant sets,
// and over that the overrides, as With takes them. Its name is the scenario's and the
// variant's. It has no variants.
func (s Scenario) Variant(name string, overrides []string) (Scenario, error) {
	i := slices.IndexFunc(s.Variants, func(v Variant) bool { return v.Name == name })
	if i < 0 {
		return Scenario{}, s.noVariant(name)
	}
	varied, wrong := s.vary(i)
	if len(wrong) > 0 {
		return Scenario{}, join(wrong)
	}
	return varied.With(overrides)
}

func (s Scenario) noVariant(name string) error {
	if len(s.Variants) == 0 {
		return &Error{Found: "variant " + quote(name), Want: "none: " + s.Name + " has no variants"}
	}
	names := s.VariantNames()
	return &Error{
		Found: "variant " + quote(name),
		Want:  "one of " + strings.Join(names, ", ") + suggestion(name, names),
	}
}

// vary lays what the variant sets over the scenario. Mistakes in it have paths below
// variants.N.set; those that only the whole shows are at the setting that said it, or
// at the scenario's own.
func (s Scenario) vary(i int) (Scenario, problems) {
	v := s.Variants[i]
	varied := s
	varied.Variants = nil
	varied.Name = s.Name + "-" + v.Name
	if v.Description != "" {
		varied.Description = v.Description
	}
	var wrong problems
	set := fmt.Sprintf("variants.%d.set", i)
	for _, path := range slices.Sorted(maps.Keys(v.Set)) {
		if head, _, _ := strings.Cut(path, "."); slices.Contains(ownFields, head) {
			wrong.add(dotted(set, path), "it in a variant", "a field of the trial; "+
				"a variant has its name and description beside set, and no variants")
		}
	}
	if len(wrong) > 0 {
		return varied, wrong
	}
	for _, setting := range v.Settings() {
		path, _, _ := strings.Cut(setting, "=")
		r := &reader{places: map[string]place{}}
		r.override(setting, &varied)
		for _, e := range r.errs {
			placed := &Error{Path: dotted(set, e.Path), Found: e.Found, Want: e.Want}
			if e.Column > 0 && e.Column <= utf8.RuneCountInString(path) {
				placed.Path, placed.inKey = dotted(set, path), e.Column
			}
			wrong = append(wrong, placed)
		}
	}
	if len(wrong) > 0 {
		return varied, wrong
	}
	for _, e := range varied.check() {
		if said := v.said(e.Path); said != "" {
			e.Path = dotted(set, said)
		}
		wrong = append(wrong, e)
	}
	return varied, wrong
}

// said is the path of the setting that a mistake is about; empty when it is about none.
func (v Variant) said(path string) string {
	for _, set := range slices.Sorted(maps.Keys(v.Set)) {
		if strings.HasPrefix(path+".", set+".") || strings.HasPrefix(set, path+".") {
			return set
		}
	}
	return ""
}

// checkVariants notes what is wrong with the variants: with their names, and with each
// of the trials that they make. A mistake that all of them share is told once.
func (s Scenario) checkVariants(p *problems) {
	if n := len(s.Variants); n < leastVariants {
		p.add("variants", fmt.Sprintf("%d variant", n), fmt.Sprintf("at least %d, to be compared",
			leastVariants))
	}
	first := map[string]int{}
	var found mistakes
	for i, v := range s.Variants {
		path := fmt.Sprintf("variants.%d", i)
		switch before, twice := first[v.Name]; {
		case v.Name == "":
			p.add(path+".name", "no name", "lower-case words joined by dashes, such as unprotected")
			continue
		case !goodName.MatchString(v.Name):
			p.add(path+".name", quote(v.Name),
				"lower-case words of letters and digits joined by dashes")
			continue
		case len(s.Name)+1+len(v.Name) > maxName:
			p.add(path+".name", quote(v.Name), fmt.Sprintf("a shorter name: with the scenario's and "+
				"a dash it has more than %d characters", maxName))
			continue
		case twice:
			p.add(path+".name", quote(v.Name)+" a second time",
				fmt.Sprintf("a name of its own; variants.%d has it, too", before))
			continue
		}
		first[v.Name] = i
		_, wrong := s.vary(i)
		for _, e := range wrong {
			found = found.with(e, v.Name)
		}
	}
	for _, m := range found {
		if len(m.variants) < len(s.Variants) && !strings.HasPrefix(m.Path, "variants.") {
			m.Found += " in variant " + strings.Join(m.variants, ", ")
		}
		*p = append(*p, m.Error)
	}
}

// A mistake is one of some variants.
type mistake struct {
	*Error
	variants []string
}

type mistakes []mistake

// with adds a mistake of a variant, or the variant to those that have it.
func (m mistakes) with(e *Error, variant string) mistakes {
	i := slices.IndexFunc(m, func(other mistake) bool {
		return other.Path == e.Path && other.Found == e.Found && other.Want == e.Want
	})
	if i < 0 {
		return append(m, mistake{e, []string{variant}})
	}
	m[i].variants = append(m[i].variants, variant)
	return m
}
