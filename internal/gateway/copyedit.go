package gateway

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Edits are what is to be changed in a collector's configuration: entries of mappings and
// items of lists, by the dotted way to them.
type edits struct {
	// entries are new names by old ones; an empty one takes the entry out, another one empties
	// it.
	entries map[string]map[string]string
	items   map[string]map[string]string
}

func newEdits() edits {
	return edits{entries: map[string]map[string]string{}, items: map[string]map[string]string{}}
}

func (e edits) take(way, id string) { e.rename(way, id, "") }

func (e edits) rename(way, id, to string) { note(e.entries, way, id, to) }

func (e edits) item(way, id, to string) { note(e.items, way, id, to) }

func note(in map[string]map[string]string, way, id, to string) {
	if in[way] == nil {
		in[way] = map[string]string{}
	}
	in[way][id] = to
}

// text is the configuration with the edits made. It is written as it was, comments and
// all, where that can be shown to mean what it should; else anew.
func (e edits) text(config Source) ([]byte, error) {
	var want map[string]any
	if err := yaml.Unmarshal(config.Text, &want); err != nil {
		return nil, fmt.Errorf("read it: %w", err)
	}
	e.apply(want, "")
	for _, mode := range []parser.Mode{parser.ParseComments, 0} {
		file, err := parser.ParseBytes(config.Text, mode)
		if err != nil {
			return nil, fmt.Errorf("read it: %w", err)
		}
		e.applyNode(file.Docs[0].Body, "")
		ast.Walk(nullSpeller{}, file.Docs[0].Body)
		if text := []byte(file.String()); means(text, want) {
			return text, nil
		}
	}
	text, err := yaml.Marshal(ordered(want))
	if err != nil {
		return nil, fmt.Errorf("write it: %w", err)
	}
	if !means(text, want) {
		return nil, errors.New("write it: what was written does not mean what it should")
	}
	return text, nil
}

func means(text []byte, want map[string]any) bool {
	var got map[string]any
	return yaml.Unmarshal(text, &got) == nil && reflect.DeepEqual(want, got)
}

// apply makes the edits below a mapping that was read.
func (e edits) apply(in map[string]any, way string) {
	for id, to := range e.entries[way] {
		if _, ok := in[id]; !ok {
			continue
		}
		delete(in, id)
		if to != "" {
			in[to] = map[string]any{}
		}
	}
	for id, value := range in {
		below := join(way, id)
		switch value := value.(type) {
		case map[string]any:
			e.apply(value, below)
		case []any:
			if items, ok := e.items[below]; ok {
				in[id] = edited(value, items, func(v any) string { s, _ := v.(string); return s },
					func(to string) any { return to })
			}
		}
	}
}

// applyNode makes the edits below a mapping in the syntax tree.
func (e edits) applyNode(node ast.Node, way string) {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		return
	}
	entries := e.entries[way]
	mapping.Values = slices.DeleteFunc(mapping.Values, func(v *ast.MappingValueNode) bool {
		to, named := entries[keyOf(v)]
		return named && to == ""
	})
	for _, v := range mapping.Values {
		key, _ := v.Key.(*ast.StringNode)
		if to := entries[keyOf(v)]; to != "" && key != nil {
			key.Value = to
			v.Value = emptied(v)
			continue
		}
		below := join(way, keyOf(v))
		e.applyNode(v.Value, below)
		if list, ok := v.Value.(*ast.SequenceNode); ok && e.items[below] != nil {
			list.Values = edited(list.Values, e.items[below], textOf, nil)
			list.ValueHeadComments = nil
		}
	}
}

// A nullSpeller writes nulls out: in flow style {grpc: } would be written as {grpc:}, which
// other readers of YAML take for a key with a colon in it.
type nullSpeller struct{}

func (s nullSpeller) Visit(node ast.Node) ast.Visitor {
	mapping, ok := node.(*ast.MappingNode)
	if !ok || !mapping.IsFlowStyle {
		return s
	}
	for _, v := range mapping.Values {
		if null, ok := v.Value.(*ast.NullNode); ok {
			t := *null.Token
			t.Type, t.Value = token.NullType, "null"
			null.Token = &t
		}
	}
	return s
}

// edited is a list with the items renamed or taken out. Without a maker the items
// themselves are renamed.
func edited[T any](
	list []T, items map[string]string, text func(T) string, made func(string) T,
) []T {
	out := make([]T, 0, len(list))
	for _, item := range list {
		to, named := items[strings.TrimSpace(text(item))]
		switch {
		case !named:
			out = append(out, item)
		case to == "":
		case made != nil:
			out = append(out, made(to))
		default:
			if s, ok := any(item).(*ast.StringNode); ok {
				s.Value = to
			}
			out = append(out, item)
		}
	}
	return out
}

// emptied is an empty mapping in the place of an entry's value.
func emptied(v *ast.MappingValueNode) ast.Node {
	t := v.Key.GetToken()
	return ast.Mapping(t, true)
}

func keyOf(v *ast.MappingValueNode) string { return textOf(v.Key) }

func textOf(n ast.Node) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return ""
}

func join(way, id string) string {
	if way == "" {
		return id
	}
	return way + "." + id
}
