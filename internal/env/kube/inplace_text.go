package kube

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// collectorGateway is the part of Odigos' configuration that says how large the gateway is.
const collectorGateway = "collectorGateway"

// Settings are whole numbers of collectorGateway, by their names; nil is one that is not there.
type settings map[string]*int

// settingsOf are those of these names in a configuration.
func settingsOf(text string, names []string) (settings, error) {
	doc, err := readMapping(text)
	if err != nil {
		return nil, err
	}
	section, ok := doc[collectorGateway].(map[string]any)
	if !ok && doc[collectorGateway] != nil {
		return nil, fmt.Errorf("%s: found %v, want a mapping", collectorGateway, doc[collectorGateway])
	}
	found := settings{}
	for _, name := range names {
		n, err := wholeNumber(section[name])
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", collectorGateway, name, err)
		}
		found[name] = n
	}
	return found, nil
}

func readMapping(text string) (map[string]any, error) {
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("read YAML: %s", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	return doc, nil
}

// wholeNumber is what a value of YAML or JSON says; nil where it is not there.
func wholeNumber(v any) (*int, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case uint64:
		return new(int(v)), nil
	case int64:
		return new(int(v)), nil
	case float64:
		if n := int(v); float64(n) == v {
			return &n, nil
		}
	}
	return nil, fmt.Errorf("found %v, want a whole number", v)
}

// edited is a configuration with some of its settings changed: nil takes one away. Everything
// else is as it was, to the letter: of a text for which that cannot be shown nothing is made.
// Whole is set where the section was the run's own, and goes once it is empty.
func (s settings) edited(text string, whole bool) (string, error) {
	before, err := readMapping(text)
	if err != nil {
		return "", err
	}
	out := text
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if out, err = editSetting(out, name, s[name]); err != nil {
			return "", fmt.Errorf("%s.%s: %w", collectorGateway, name, err)
		}
	}
	if whole {
		if out, err = dropEmpty(out); err != nil {
			return "", err
		}
	}
	after, err := readMapping(out)
	if err != nil {
		return "", err
	}
	if !reflect.DeepEqual(s.laidOver(before, whole), after) {
		return "", fmt.Errorf("change %s: the text would mean something else elsewhere too; want it in "+
			"block style, a line for each setting", collectorGateway)
	}
	return out, nil
}

// laidOver is what the text should mean afterwards.
func (s settings) laidOver(doc map[string]any, whole bool) map[string]any {
	out := maps.Clone(doc)
	if out == nil {
		out = map[string]any{}
	}
	section, _ := out[collectorGateway].(map[string]any)
	if section = maps.Clone(section); section == nil {
		section = map[string]any{}
	}
	for name, value := range s {
		if value == nil {
			delete(section, name)
		} else {
			section[name] = uint64(*value)
		}
	}
	out[collectorGateway] = section
	if _, was := doc[collectorGateway]; len(section) == 0 && (whole || !was) {
		delete(out, collectorGateway)
	}
	return out
}

// indentation is for a section that has no setting yet.
const indentation = "  "

// editSetting changes one line of a text.
func editSetting(text, name string, to *int) (string, error) {
	section, err := sectionOf(text)
	if err != nil {
		return "", err
	}
	lines := strings.Split(text, "\n")
	switch {
	case section == nil && to == nil:
		return text, nil
	case section == nil:
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return fmt.Sprintf("%s%s:\n%s%s: %d\n", text, collectorGateway, indentation, name, *to), nil
	}
	if entry := entryIn(section.Value, name); entry != nil {
		return editEntry(lines, entry, to)
	}
	if to == nil {
		return text, nil
	}
	at := section.Key.GetToken().Position
	indent := strings.Repeat(" ", at.Column-1) + indentation
	switch value := section.Value.(type) {
	case *ast.MappingNode:
		if value.IsFlowStyle {
			if len(value.Values) > 0 {
				return "", errors.New("found a mapping in braces, want a line for each setting")
			}
			lines[at.Line-1] = strings.Replace(lines[at.Line-1], "{}", "", 1)
			lines[at.Line-1] = strings.TrimRight(lines[at.Line-1], " ")
			break
		}
		first := value.Values[0].Key.GetToken().Position
		indent = strings.Repeat(" ", first.Column-1)
	case *ast.MappingValueNode:
		indent = strings.Repeat(" ", value.Key.GetToken().Position.Column-1)
	case *ast.NullNode:
	default:
		return "", fmt.Errorf("found %s, want a mapping", section.Value.Type())
	}
	lines = slices.Insert(lines, at.Line, fmt.Sprintf("%s%s: %d", indent, name, *to))
	return strings.Join(lines, "\n"), nil
}

// editEntry changes the number on an entry's line, or takes the line away.
func editEntry(lines []string, entry *ast.MappingValueNode, to *int) (string, error) {
	key, value := entry.Key.GetToken().Position, entry.Value.GetToken()
	if key.Line != value.Position.Line {
		return "", errors.New("found its value on another line, want it on the same")
	}
	line := lines[key.Line-1]
	if to == nil {
		if strings.TrimSpace(line[:key.Column-1]) != "" {
			return "", errors.New("found something before it on its line, want a line for each setting")
		}
		return strings.Join(slices.Delete(lines, key.Line-1, key.Line), "\n"), nil
	}
	start := value.Position.Column - 1
	if start < 0 || start > len(line) || !strings.HasPrefix(line[start:], value.Value) {
		return "", fmt.Errorf("found %q, and not where it stands", value.Value)
	}
	lines[key.Line-1] = line[:start] + strconv.Itoa(*to) + line[start+len(value.Value):]
	return strings.Join(lines, "\n"), nil
}

// dropEmpty takes the section away where nothing is in it.
func dropEmpty(text string) (string, error) {
	section, err := sectionOf(text)
	if err != nil || section == nil {
		return text, err
	}
	if _, empty := section.Value.(*ast.NullNode); !empty {
		return text, nil
	}
	lines, at := strings.Split(text, "\n"), section.Key.GetToken().Position.Line
	return strings.Join(slices.Delete(lines, at-1, at), "\n"), nil
}

// sectionOf is the entry of collectorGateway; nil where there is none.
func sectionOf(text string) (*ast.MappingValueNode, error) {
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		return nil, fmt.Errorf("read YAML: %s", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	if len(file.Docs) != 1 {
		return nil, fmt.Errorf("found %d YAML documents, want one", len(file.Docs))
	}
	switch body := file.Docs[0].Body.(type) {
	case nil:
		return nil, nil
	case *ast.MappingNode:
		if body.IsFlowStyle {
			return nil, errors.New("found a mapping in braces, want a line for each entry")
		}
		return entryIn(body, collectorGateway), nil
	case *ast.MappingValueNode:
		return entryIn(body, collectorGateway), nil
	default:
		return nil, fmt.Errorf("found %s, want a mapping", body.Type())
	}
}

// entryIn is the entry of a mapping that has this key; nil where there is none.
func entryIn(of ast.Node, key string) *ast.MappingValueNode {
	mapping, ok := of.(ast.MapNode)
	if !ok {
		return nil
	}
	for it := mapping.MapRange(); it.Next(); {
		if t := it.KeyValue().Key.GetToken(); t != nil && t.Value == key {
			return it.KeyValue()
		}
	}
	return nil
}
