// Package scenarios is the scenarios that come with the program: files to run, to
// read and to copy.
package scenarios

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// Files are the scenario files, each bearing its scenario's name, and the JSON
// Schema that they name in their first lines.
//
//go:embed *.yaml scenario.schema.json
var Files embed.FS

const extension = ".yaml"

// All returns the shipped scenarios, sorted by name, without their defaults.
func All() ([]scenario.Scenario, error) {
	entries, err := Files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list scenarios: %w", err)
	}
	var all []scenario.Scenario
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), extension)
		if !ok {
			continue
		}
		s, err := Get(name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Get returns the shipped scenario of that name, without its defaults.
func Get(name string) (scenario.Scenario, error) {
	data, err := File(name)
	if err != nil {
		return scenario.Scenario{}, err
	}
	return scenario.Read(path.Join("scenarios", name+extension), data)
}

// File returns the file of the shipped scenario of that name, with its comments.
// The error for another name lists those there are.
func File(name string) ([]byte, error) {
	data, err := Files.ReadFile(name + extension)
	if err != nil {
		return nil, fmt.Errorf("find scenario: found %q, want one of %s, or a file such as ./%s%s",
			name, strings.Join(names(), ", "), name, extension)
	}
	return data, nil
}

// Schema is the JSON Schema of scenario files.
func Schema() []byte {
	data, _ := Files.ReadFile("scenario.schema.json") // it would not compile without
	return data
}

func names() []string {
	entries, _ := Files.ReadDir(".")
	var all []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), extension); ok {
			all = append(all, name)
		}
	}
	return all
}
