package scenario

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxSize is how long a scenario file may be.
const maxSize = 64 << 10

// Read reads one scenario file; name is how its errors call it. Nothing is
// guessed: an unknown field, a key given twice, a value of another type and a
// scenario that contradicts itself are errors, each an *Error with its place, and
// all of them joined (see Errors). Defaults are not filled in: see Resolved.
func Read(name string, data []byte) (Scenario, error) {
	r := &reader{
		file: name, source: string(data), body: string(data),
		places: map[string]place{}, keys: map[string]place{},
	}
	root := r.parse()
	var s Scenario
	if root != nil {
		r.decode(root, "", reflect.ValueOf(&s).Elem())
	}
	if len(r.errs) == 0 {
		r.check(s)
	}
	if len(r.errs) > 0 {
		return Scenario{}, join(r.errs)
	}
	return s, nil
}

// YAML is s as a file that Read reads back; what was left to its default stays so.
func (s Scenario) YAML() ([]byte, error) {
	data, err := yaml.MarshalWithOptions(s, yaml.IndentSequence(true))
	if err != nil {
		return nil, fmt.Errorf("write scenario: %w", err)
	}
	return data, nil
}

// A reader walks the nodes of one source along the fields of a Scenario. It does
// what the library's decoder does, which stops at the first error and does not
// know the path to it.
type reader struct {
	file   string
	source string // what excerpts show
	body   string // what is YAML: the source, or its end
	shift  int    // how many characters of the source's first line precede the body
	root   string // the path that the body is the value of
	errs   []*Error
	places map[string]place // by path, of what was given
	keys   map[string]place // by path, of the keys of mappings with free ones
}

// A place is where something stands in the source.
type place struct{ line, column int }

// fail notes a mistake at a place.
func (r *reader) fail(where place, path string, e *Error) {
	e.File, e.Path, e.Line, e.Column = r.file, path, where.line, where.column+e.offset
	if e.Line == 1 {
		e.Column += r.shift
	}
	e.Excerpt = excerpt(r.source, e.Line, e.Column)
	r.errs = append(r.errs, e)
}

// parse returns the one document of the source, or notes why there is none.
func (r *reader) parse() (root ast.Node) {
	switch {
	case len(r.body) > maxSize:
		r.fail(place{}, r.root, &Error{
			Found: fmt.Sprintf("%d bytes", len(r.body)),
			Want:  fmt.Sprintf("at most %d", maxSize),
		})
		return nil
	case !utf8.ValidString(r.body):
		r.fail(place{}, r.root, &Error{Found: "bytes that are not UTF-8", Want: "UTF-8 text"})
		return nil
	}
	// A text that makes the library panic is a text that cannot be read, too.
	defer func() {
		if cause := recover(); cause != nil {
			root = nil
			r.fail(place{}, r.root, &Error{
				Found: fmt.Sprintf("YAML that the parser gave up on (%v)", cause),
				Want:  "valid YAML",
			})
		}
	}()
	file, err := parser.ParseBytes([]byte(r.body), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return nil
	}
	for _, document := range file.Docs {
		switch {
		case document.Body == nil:
		case root != nil:
			r.fail(start(document.Body), r.root, &Error{
				Found: "a second document",
				Want:  "one",
			})
		default:
			root = document.Body
		}
	}
	if root == nil {
		r.fail(place{}, r.root, &Error{Found: "nothing", Want: "a value"})
	}
	return root
}

func (r *reader) syntax(err error) {
	var where place
	message := err.Error()
	var located yaml.Error
	if errors.As(err, &located) {
		message = located.GetMessage()
		if tk := located.GetToken(); tk != nil && tk.Position != nil {
			where = place{tk.Position.Line, tk.Position.Column}
		}
	}
	r.fail(where, r.root, &Error{Found: "text that is not YAML", Want: "valid YAML: " + message})
}

// decode reads node into v, which path names.
func (r *reader) decode(node ast.Node, path string, v reflect.Value) {
	where := start(node)
	if _, known := r.places[path]; !known || scalar(node) {
		r.places[path] = where
	}
	switch node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.DirectiveNode:
		r.fail(where, path, &Error{Found: describe(node), Want: "the value itself"})
		return
	case *ast.NullNode:
		switch v.Kind() {
		case reflect.Struct, reflect.Map, reflect.Slice, reflect.Pointer, reflect.Interface:
			v.SetZero() // a heading whose lines are all commented out
			return
		}
	}
	if into, ok := v.Addr().Interface().(yaml.NodeUnmarshaler); ok {
		if err := into.UnmarshalYAML(node); err != nil {
			r.fail(where, path, asError(err))
		}
		return
	}
	r.decodeKind(node, where, path, v)
}

func (r *reader) decodeKind(node ast.Node, where place, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.decode(node, path, v.Elem())
	case reflect.Struct:
		if into, ok := v.Addr().Interface().(shorthand); ok && scalar(node) {
			v.SetZero()
			field, value := into.short()
			r.decode(node, dotted(path, field), reflect.ValueOf(value).Elem())
			return
		}
		r.decodeStruct(node, where, path, v)
	case reflect.Map:
		r.decodeMap(node, where, path, v)
	case reflect.Slice:
		r.decodeSlice(node, where, path, v)
	case reflect.Interface:
		if value := r.free(node, path); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		if wrong := setScalar(node, v); wrong != nil {
			r.fail(where, path, wrong)
		}
	}
}

func (r *reader) decodeStruct(node ast.Node, where place, path string, v reflect.Value) {
	v.SetZero()
	fields := fieldsOf(v.Type())
	for _, entry := range r.entries(node, where, path, v.Type()) {
		below := dotted(path, entry.name)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == entry.name })
		if i < 0 {
			r.fail(entry.place, below, unknownField(entry.name, path, fields))
			continue
		}
		r.places[below] = entry.place
		r.decode(entry.value, below, v.Field(fields[i].index))
	}
}

func (r *reader) decodeMap(node ast.Node, where place, path string, v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	for _, entry := range r.entries(node, where, path, v.Type()) {
		below := dotted(path, entry.name)
		r.places[below] = entry.place
		if r.keys != nil {
			r.keys[below] = entry.place
		}
		value := reflect.New(v.Type().Elem()).Elem()
		r.decode(entry.value, below, value)
		v.SetMapIndex(reflect.ValueOf(entry.name), value)
	}
}

func (r *reader) decodeSlice(node ast.Node, where place, path string, v reflect.Value) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		r.fail(where, path, mismatchNode(node, "a list of "+nameOf(v.Type().Elem())))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
	for i, item := range list.Values {
		below := dotted(path, strconv.Itoa(i))
		if item == nil {
			r.fail(where, below, &Error{Found: "nothing", Want: nameOf(v.Type().Elem())})
			continue
		}
		r.decode(item, below, v.Index(i))
	}
}

// An entry is one line of a mapping.
type entry struct {
	name  string
	place place
	value ast.Node
}

// entries returns the lines of a mapping, without those that are mistakes.
func (r *reader) entries(node ast.Node, where place, path string, t reflect.Type) []entry {
	var pairs []*ast.MappingValueNode
	switch node := node.(type) {
	case *ast.MappingNode:
		pairs = node.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{node}
	default:
		r.fail(where, path, mismatchNode(node, nameOf(t)))
		return nil
	}
	var found []entry
	first := map[string]int{}
	for _, pair := range pairs {
		key, ok := pair.Key.(*ast.StringNode)
		if !ok || pair.Value == nil {
			r.fail(start(pair), path, &Error{
				Found: describe(pair.Key) + " as a key",
				Want:  "a field name, without anchors, merges or complex keys",
			})
			continue
		}
		here := start(key)
		if line, twice := first[key.Value]; twice {
			r.fail(here, dotted(path, key.Value), &Error{
				Found: "the key a second time", Want: fmt.Sprintf("it once; it is in line %d, too", line),
			})
			continue
		}
		first[key.Value] = here.line
		found = append(found, entry{key.Value, here, pair.Value})
	}
	return found
}

// free reads what belongs to the collector and not to the scenario.
func (r *reader) free(node ast.Node, path string) any {
	switch node := node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		var into map[string]any
		r.decode(node, path, reflect.ValueOf(&into).Elem())
		return into
	case *ast.SequenceNode:
		var into []any
		r.decode(node, path, reflect.ValueOf(&into).Elem())
		return into
	}
	value, wrong := freeScalar(node)
	if wrong != nil {
		r.fail(start(node), path, wrong)
	}
	return value
}

// check notes what contradicts itself, at the nearest place that was given.
func (r *reader) check(s Scenario) {
	for _, problem := range s.check() {
		path := problem.Path
		where, given := r.places[path]
		for !given && path != "" {
			path = path[:max(0, strings.LastIndexByte(path, '.'))]
			where, given = r.places[path]
		}
		if key, known := r.keys[problem.Path]; known && problem.inKey > 0 {
			where = place{key.line, key.column + problem.inKey - 1}
		}
		r.fail(where, problem.Path, problem)
	}
}
