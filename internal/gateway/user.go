package gateway

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A user is a user's collector configuration, read as far as the overlay needs it.
// References such as ${env:X} stay as they are.
type user struct {
	name string
	root ast.Node // for positions only

	receivers, processors, exporters, connectors, extensions map[string]any

	extensionsInUse []string
	pipelines       []userPipeline // by id
	telemetry       map[string]any
}

type userPipeline struct {
	id                               string
	receivers, processors, exporters []string
}

func readUser(config Source) (*user, error) {
	u := &user{name: config.Name}
	if len(strings.TrimSpace(string(config.Text))) == 0 {
		return nil, fmt.Errorf("read collector configuration %s: it is empty", config.Name)
	}
	file, err := parser.ParseBytes(config.Text, 0)
	if err != nil {
		return nil, u.syntaxError(err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("read collector configuration %s: want one YAML document, found %d",
			config.Name, len(file.Docs))
	}
	u.root = file.Docs[0].Body
	var doc map[string]any
	if err := yaml.Unmarshal(config.Text, &doc); err != nil {
		return nil, u.syntaxError(err)
	}
	if err := u.fill(doc); err != nil {
		return nil, fmt.Errorf("read collector configuration: %w", err)
	}
	return u, nil
}

func (u *user) syntaxError(err error) error {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil {
		p := y.GetToken().Position
		return fmt.Errorf("read collector configuration %s:%d:%d: %s",
			u.name, p.Line, p.Column, firstLine(y.GetMessage()))
	}
	return fmt.Errorf("read collector configuration %s: %s", u.name, firstLine(err.Error()))
}

func (u *user) fill(doc map[string]any) error {
	for _, s := range []struct {
		name string
		into *map[string]any
	}{
		{"receivers", &u.receivers},
		{"processors", &u.processors},
		{"exporters", &u.exporters},
		{"connectors", &u.connectors},
		{"extensions", &u.extensions},
	} {
		section, err := u.mapping(doc[s.name], s.name)
		if err != nil {
			return err
		}
		*s.into = section
	}
	service, err := u.mapping(doc["service"], "service")
	if err != nil {
		return err
	}
	if u.extensionsInUse, err = u.ids(service["extensions"], "service", "extensions"); err != nil {
		return err
	}
	if u.telemetry, err = u.mapping(service["telemetry"], "service", "telemetry"); err != nil {
		return err
	}
	pipelines, err := u.mapping(service["pipelines"], "service", "pipelines")
	if err != nil {
		return err
	}
	if len(pipelines) == 0 {
		return fmt.Errorf("%s: service.pipelines is missing or empty", u.at("service"))
	}
	for _, id := range sortedKeys(pipelines) {
		if err := u.fillPipeline(id, pipelines[id]); err != nil {
			return err
		}
	}
	return nil
}

func (u *user) fillPipeline(id string, value any) error {
	path := []string{"service", "pipelines", id}
	settings, err := u.mapping(value, path...)
	if err != nil {
		return err
	}
	p := userPipeline{id: id}
	for _, l := range []struct {
		name string
		into *[]string
	}{{"receivers", &p.receivers}, {"processors", &p.processors}, {"exporters", &p.exporters}} {
		if *l.into, err = u.ids(settings[l.name], append(path, l.name)...); err != nil {
			return err
		}
	}
	u.pipelines = append(u.pipelines, p)
	return nil
}

// mapping insists that v is written out in this file: what a reference stands for is
// not known, and might send anywhere.
func (u *user) mapping(v any, path ...string) (map[string]any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	default:
		return nil, u.wants(v, "a mapping", path)
	}
}

func (u *user) ids(v any, path ...string) ([]string, error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, u.wants(v, "a list of ids", path)
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		id, ok := item.(string)
		if !ok {
			return nil, u.wants(item, "an id", path)
		}
		out = append(out, strings.TrimSpace(id))
	}
	return out, nil
}

func (u *user) wants(found any, want string, path []string) error {
	hint := ""
	if s, ok := found.(string); ok && strings.Contains(s, "${") {
		hint = ": write it out here, so that it can be seen where it would send"
	}
	return fmt.Errorf("%s: %s: found %#v, want %s%s",
		u.at(path...), strings.Join(path, "."), found, want, hint)
}

// usedReceivers are the receivers of all pipelines, each once.
func (u *user) usedReceivers() []string {
	var out []string
	for _, p := range u.pipelines {
		for _, id := range p.receivers {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// at is where the path stands in the file, name:line:column, or as much of the way as
// can be followed (not through aliases and merges).
func (u *user) at(path ...string) string {
	body, where := u.root, u.name
	for _, key := range path {
		entry := entryOf(body, key)
		if entry == nil {
			break
		}
		p := entry.Key.GetToken().Position
		where = fmt.Sprintf("%s:%d:%d", u.name, p.Line, p.Column)
		body = entry.Value
	}
	return where
}

func entryOf(body ast.Node, key string) *ast.MappingValueNode {
	mapping, ok := body.(ast.MapNode)
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

func sortedKeys(of map[string]any) []string { return slices.Sorted(maps.Keys(of)) }
