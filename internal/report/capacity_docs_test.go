package report_test

import (
	"encoding"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/report"
)

// fields gathers the names of all fields of a type and of those below it in the packages
// that make a capacity; the parts of a record have a description of their own.
func fields(of reflect.Type, names map[string]bool) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	own := strings.HasSuffix(of.PkgPath(), "/report") || strings.HasSuffix(of.PkgPath(), "/search") ||
		strings.HasSuffix(of.PkgPath(), "/verdict")
	if of.Kind() != reflect.Struct || !own || of.Implements(reflect.TypeFor[json.Marshaler]()) ||
		of.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return
	}
	for f := range of.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if name != "" {
			names[name] = true
		}
		fields(f.Type, names)
	}
}

// Every field of capacity.json, and every file beside it, is named in docs/record.md.
func TestCapacityDocs(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "record.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(b), "\n## A capacity\n")
	if !found {
		t.Fatal("docs/record.md has no section on a capacity")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	names := map[string]bool{
		report.CapacityFile: true, report.CapacityTextFile: true,
		"graphs/capacity.png": true, "graphs/search.png": true,
	}
	fields(reflect.TypeFor[report.Capacity](), names)
	for _, some := range []string{"standing", "difference_within", "inside_max_spans", "at_seconds"} {
		if !names[some] {
			t.Errorf("the walk over the types did not reach %s", some)
		}
	}
	for name := range names {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/record.md does not explain `%s`", name)
		}
	}
}
