package gateway

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// componentKinds are the lists of `components` that are kept.
var componentKinds = []string{
	"receivers", "processors", "exporters", "connectors", "extensions", "providers",
}

// Identify reads what the collector at path printed for `components`. It is lenient:
// collectors of different ages list their components as names or as mappings, and
// add lists of their own.
func Identify(path string, componentsOutput []byte) (Collector, error) {
	var doc map[string]any
	if err := yaml.Unmarshal(componentsOutput, &doc); err != nil {
		return Collector{}, fmt.Errorf("identify collector %s: read what `%s components` prints: %s",
			path, path, firstLine(err.Error()))
	}
	info, _ := doc["buildinfo"].(map[string]any)
	c := Collector{Path: path, Components: map[string][]string{}}
	c.Name, _ = info["command"].(string)
	if v, ok := info["version"]; ok && v != nil {
		c.Version = strings.TrimPrefix(fmt.Sprint(v), "v")
	}
	if c.Name == "" || c.Version == "" {
		return Collector{}, fmt.Errorf("identify collector %s: `%s components` names no command and"+
			" version in its buildinfo: is it an OpenTelemetry Collector?", path, path)
	}
	for _, kind := range componentKinds {
		if ids := componentIDs(doc[kind]); len(ids) > 0 {
			c.Components[kind] = ids
		}
	}
	if len(c.Components["receivers"]) == 0 {
		return Collector{}, fmt.Errorf("identify collector %s: `%s components` lists no receiver",
			path, path)
	}
	return c, nil
}

func componentIDs(list any) []string {
	items, _ := list.([]any)
	var ids []string
	for _, item := range items {
		id := ""
		switch item := item.(type) {
		case string:
			id = item
		case map[string]any:
			for _, key := range []string{"name", "scheme"} {
				if s, ok := item[key].(string); ok && id == "" {
					id = s
				}
			}
		}
		if id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
