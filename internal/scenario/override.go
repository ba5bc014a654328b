package scenario

import (
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// With returns s with each override, path=value, applied in its order; s itself is
// left as it is. A path is dotted as in Paths, a value is YAML, and null takes
// back what the file said. Of a mapping with free keys the rest of the path is the
// key, dots included; a list is replaced whole. Errors are as strict as Read's and
// call their file --set.
//
// Overrides belong before Resolved, whose defaults follow from what they change: a
// new rate changes the size of a request, but neither a ramp's start nor a burst's
// height. Of a scenario with variants they go over what the variants have in common, and
// below what each sets; Variant lays them over that.
func (s Scenario) With(overrides []string) (Scenario, error) {
	r := &reader{file: "--set", places: map[string]place{}}
	for _, override := range overrides {
		r.override(override, &s)
	}
	if len(r.errs) == 0 {
		r.checkOverridden(s, overrides)
	}
	if len(r.errs) > 0 {
		return Scenario{}, join(r.errs)
	}
	return s, nil
}

// override applies one.
func (r *reader) override(text string, s *Scenario) {
	path, ok := r.open(text)
	if !ok {
		r.fail(place{}, "", &Error{Found: quote(text), Want: "path=value, such as load.rate=15k"})
		return
	}
	if head, _, _ := strings.Cut(path, "."); head == "variants" {
		r.fail(place{1, 1 - r.shift}, path, &Error{
			Found: "a value for variants",
			Want:  "a field that all variants take; --variant NAME runs one of them",
		})
		return
	}
	target, key := r.target(path, reflect.ValueOf(s).Elem())
	if !target.IsValid() {
		return
	}
	node := r.parse()
	if node == nil {
		return
	}
	_, null := node.(*ast.NullNode)
	switch {
	case key != "":
		r.setKey(node, path, target, key)
	case null:
		target.SetZero()
	default:
		r.decode(node, path, target)
	}
}

// open makes text, path=value, the source of what is read next.
func (r *reader) open(text string) (path string, ok bool) {
	path, value, ok := strings.Cut(text, "=")
	if !ok || path == "" {
		r.source, r.body, r.shift, r.root = "", "", 0, ""
		return "", false
	}
	r.source, r.body, r.shift, r.root = text, value, utf8.RuneCountInString(path)+1, path
	return path, true
}

// target returns what path names, in copies of whatever the scenario shares with
// others, and the key if it is one of a mapping with free keys.
func (r *reader) target(path string, v reflect.Value) (target reflect.Value, key string) {
	above, rest := "", path
	for rest != "" {
		name, below, _ := strings.Cut(rest, ".")
		here := place{1, utf8.RuneCountInString(dotted(above, "x")) - r.shift}
		if v.Kind() == reflect.Pointer {
			v = own(v)
		}
		switch v.Kind() {
		case reflect.Map:
			return v, rest
		case reflect.Struct:
		default:
			r.fail(here, path, &Error{
				Found: "a path below " + above,
				Want:  above + ", which is set whole",
			})
			return reflect.Value{}, ""
		}
		fields := fieldsOf(v.Type())
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			r.fail(here, dotted(above, name), unknownField(name, above, fields))
			return reflect.Value{}, ""
		}
		v, above, rest = v.Field(fields[i].index), dotted(above, name), below
	}
	return v, ""
}

// own replaces a pointer by one to a copy, or to a zero value, and returns that.
func own(pointer reflect.Value) reflect.Value {
	copied := reflect.New(pointer.Type().Elem())
	if !pointer.IsNil() {
		copied.Elem().Set(pointer.Elem())
	}
	pointer.Set(copied)
	return copied.Elem()
}

// setKey sets or, with null, removes one key in a copy of a mapping.
func (r *reader) setKey(node ast.Node, path string, mapping reflect.Value, key string) {
	copied := reflect.MakeMap(mapping.Type())
	for k, v := range mapping.Seq2() {
		copied.SetMapIndex(k, v)
	}
	var value reflect.Value // none: remove
	if _, null := node.(*ast.NullNode); !null {
		value = reflect.New(mapping.Type().Elem()).Elem()
		r.decode(node, path, value)
	}
	copied.SetMapIndex(reflect.ValueOf(key), value)
	mapping.Set(copied)
}

// checkOverridden notes what contradicts itself, at the override that said it if
// one did.
func (r *reader) checkOverridden(s Scenario, overrides []string) {
	for _, problem := range s.check() {
		said := slices.IndexFunc(overrides, func(override string) bool {
			path, _, _ := strings.Cut(override, "=")
			return strings.HasPrefix(problem.Path+".", path+".") ||
				strings.HasPrefix(path, problem.Path+".")
		})
		if said < 0 {
			r.errs = append(r.errs, problem)
			continue
		}
		r.open(overrides[said])
		r.fail(place{1, 1}, problem.Path, problem)
	}
}
