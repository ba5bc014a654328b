package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
)

// Only the standard library and modules that the collector requires anyway are imported here:
// the builder writes go.mod anew, and would look up the latest version of any other.

var update = flag.Bool("update", false, "let the builder write this folder anew; wants a network")

// sources are the files that the builder writes and this folder keeps.
var sources = []string{"components.go", "main.go", "main_others.go", "main_windows.go"}

// A manifest is builder.yaml as the builder reads it.
type manifest struct {
	Dist struct {
		Module  string `mapstructure:"module"`
		Name    string `mapstructure:"name"`
		Version string `mapstructure:"version"`
	} `mapstructure:"dist"`
	Receivers  []part `mapstructure:"receivers"`
	Processors []part `mapstructure:"processors"`
	Exporters  []part `mapstructure:"exporters"`
	Extensions []part `mapstructure:"extensions"`
	Connectors []part `mapstructure:"connectors"`
	Providers  []part `mapstructure:"providers"`
}

// A part is one component of the collector: its module and, after a space, its version.
type part struct {
	GoMod string `mapstructure:"gomod"`
}

func (m manifest) parts() []part {
	return slices.Concat(m.Receivers, m.Processors, m.Exporters,
		m.Extensions, m.Connectors, m.Providers)
}

func TestSourcesAreWhatTheBuilderWrites(t *testing.T) {
	dir := t.TempDir()
	builder := filepath.Join(dir, "builder")
	output(t, ".", "go", "build", "-trimpath", "-mod=readonly", "-buildvcs=false",
		"-modfile=tools/go.mod", "-o", builder, "go.opentelemetry.io/collector/cmd/builder")

	if *update {
		output(t, ".", builder, "--config=builder.yaml", "--skip-compilation")
	}

	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "builder.yaml"), read(t, "builder.yaml"),
		0o644); err != nil {
		t.Fatal(err)
	}
	// Without its modules the builder starts no go command and needs no network.
	output(t, out, builder, "--config=builder.yaml", "--skip-get-modules", "--skip-compilation")

	for _, name := range sources {
		want, got := string(read(t, filepath.Join(out, name))), string(read(t, name))
		if d := diff(want, got); d != "" {
			t.Errorf("%s is not what the builder writes (-builder +committed):\n%s", name, d)
		}
	}
	written, err := filepath.Glob(filepath.Join(out, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range written {
		written[i] = filepath.Base(written[i])
	}
	if !slices.Equal(written, sources) {
		t.Errorf("the builder writes %v, this folder keeps %v", written, sources)
	}
}

// The rest of go.mod follows from its direct requirements, which follow from builder.yaml
// and from what the sources import.
func TestModuleRequiresWhatTheBuilderLists(t *testing.T) {
	m := readManifest(t)
	var mod struct {
		Module  struct{ Path string }
		Require []struct {
			Path, Version string
			Indirect      bool
		}
		Replace, Exclude []any
	}
	if err := json.Unmarshal(output(t, ".", "go", "mod", "edit", "-json"), &mod); err != nil {
		t.Fatal(err)
	}
	if mod.Module.Path != m.Dist.Module {
		t.Errorf("go.mod: module %s, builder.yaml says %s", mod.Module.Path, m.Dist.Module)
	}
	if len(mod.Replace)+len(mod.Exclude) > 0 {
		t.Errorf("go.mod: has replace or exclude lines, with which go install refuses it")
	}

	direct := map[string]string{}
	for _, r := range mod.Require {
		if !r.Indirect {
			direct[r.Path] = r.Version
		}
	}
	const core = "go.opentelemetry.io/collector/otelcol"
	for _, p := range append(m.parts(), part{core + " v" + m.Dist.Version}) {
		path, version, _ := strings.Cut(p.GoMod, " ")
		if path == m.Dist.Module {
			continue // a package of this module
		}
		if direct[path] != version {
			t.Errorf("go.mod: requires %s %q, builder.yaml wants %q", path, direct[path], version)
		}
	}
	imported := importedModules(t, slices.Collect(maps.Keys(direct)))
	for path := range direct {
		if !imported[path] {
			t.Errorf("go.mod: requires %s, which no source imports", path)
		}
	}
}

func TestComponentsAreThoseListed(t *testing.T) {
	if *update {
		t.Skip("this test was compiled with the components of before the update")
	}
	f, err := components()
	if err != nil {
		t.Fatal(err)
	}
	m := readManifest(t)
	for _, kind := range []struct {
		name    string
		listed  []part
		modules map[component.Type]string
		types   []component.Type
	}{
		{"receivers", m.Receivers, f.ReceiverModules, keys(f.Receivers)},
		{"processors", m.Processors, f.ProcessorModules, keys(f.Processors)},
		{"exporters", m.Exporters, f.ExporterModules, keys(f.Exporters)},
		{"extensions", m.Extensions, f.ExtensionModules, keys(f.Extensions)},
		{"connectors", m.Connectors, f.ConnectorModules, keys(f.Connectors)},
	} {
		var want []string
		for _, p := range kind.listed {
			want = append(want, p.GoMod)
		}
		got := map[string]bool{} // a component and its deprecated alias share a module
		for _, typ := range kind.types {
			got[kind.modules[typ]] = true
		}
		slices.Sort(want)
		have := slices.Sorted(maps.Keys(got))
		if !slices.Equal(have, want) {
			t.Errorf("components().%s (-listed +made):\n%s", kind.name,
				diff(strings.Join(want, "\n"), strings.Join(have, "\n")))
		}
	}
}

func readManifest(t *testing.T) manifest {
	t.Helper()
	p := fileprovider.NewFactory().Create(confmap.ProviderSettings{})
	got, err := p.Retrieve(context.Background(), "file:builder.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := got.AsConf()
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := conf.Unmarshal(&m, confmap.WithIgnoreUnused()); err != nil {
		t.Fatal(err)
	}
	if len(m.parts()) == 0 {
		t.Fatal("builder.yaml lists no component")
	}
	return m
}

// importedModules says which of the modules the Go files of this module import from.
func importedModules(t *testing.T, modules []string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, below...)
	// The longest module whose path begins an import owns it.
	slices.SortFunc(modules, func(a, b string) int { return len(b) - len(a) })
	owns := map[string]bool{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range f.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(modules, func(m string) bool {
				return path == m || strings.HasPrefix(path, m+"/")
			})
			if i >= 0 {
				owns[modules[i]] = true
			}
		}
	}
	return owns
}

func output(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, stderr.String())
	}
	return out
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// diff shows the lines from the first to the last that differ; it is empty if none does.
func diff(want, got string) string {
	if want == got {
		return ""
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	first := 1
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b, first = a[1:], b[1:], first+1
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	var s strings.Builder
	fmt.Fprintf(&s, "from line %d:\n", first)
	for _, line := range a {
		fmt.Fprintf(&s, "-%s\n", line)
	}
	for _, line := range b {
		fmt.Fprintf(&s, "+%s\n", line)
	}
	return s.String()
}

func keys[F any](m map[component.Type]F) []component.Type {
	return slices.Collect(maps.Keys(m))
}
