package scenario

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
)

var update = flag.Bool("update", false, "write the JSON Schema anew")

const (
	schemaFile = "../../scenarios/scenario.schema.json"
	docFile    = "../../docs/scenario.md"
)

// A row is a field in the tables of docs/scenario.md, which say everything once:
// the schema takes its descriptions from there.
type row struct{ path, unit, initially, meaning string }

var rowPattern = regexp.MustCompile("(?m)^\\| `([a-z0-9_.\\[\\]]+)` \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\|$")

func rows(t *testing.T) []row {
	t.Helper()
	data, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []row
	for _, match := range rowPattern.FindAllStringSubmatch(string(data), -1) {
		all = append(all, row{match[1], match[2], match[3], match[4]})
	}
	return all
}

// Every field is in docs/scenario.md, once, in the order of the types.
func TestDocHasEveryField(t *testing.T) {
	var documented []string
	for _, r := range rows(t) {
		documented = append(documented, r.path)
	}
	// The document goes section by section, the types go depth first.
	want := Paths()
	slices.Sort(want)
	slices.Sort(documented)
	if diff := cmp.Diff(want, documented); diff != "" {
		t.Errorf("the fields in %s differ (-types +doc):\n%s", docFile, diff)
	}
}

// Every kind's words are in its row.
func TestDocHasEveryWord(t *testing.T) {
	for _, r := range rows(t) {
		for _, word := range kinds[typeAt(t, r.path)] {
			if !strings.Contains(r.unit, "`"+word+"`") {
				t.Errorf("%s: unit %q does not name %s", r.path, r.unit, word)
			}
		}
	}
}

// The defaults that the tables name are those that Resolved fills in: laid over a
// scenario, they change nothing.
func TestDocHasTheDefaults(t *testing.T) {
	bare := Scenario{Name: "x"}
	want, err := bare.Resolved()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, r := range rows(t) {
		value := strings.Trim(r.initially, "`")
		if value == r.initially || strings.Contains(value, "(") {
			continue
		}
		got, err := bare.With([]string{r.path + "=" + value})
		if err == nil {
			got, err = got.Resolved()
		}
		if diff := cmp.Diff(text(want), text(got)); diff != "" || err != nil {
			t.Errorf("%s has not the default %s, %v (-want +got):\n%s", r.path, value, err, diff)
		}
		checked++
	}
	if checked < 20 {
		t.Errorf("checked %d defaults; want those of the tables", checked)
	}
}

func TestDocExamplesLoad(t *testing.T) {
	data, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(data, -1)
	if len(blocks) < 5 {
		t.Errorf("%s has %d YAML blocks; want them all", docFile, len(blocks))
	}
	for _, block := range blocks {
		s, err := Read(docFile, block[1])
		if err != nil {
			t.Errorf("Read(%s): %v", block[1], err)
			continue
		}
		holds(t, s)
	}
}

// typeAt is the type of a field, without the pointer.
func typeAt(t *testing.T, path string) reflect.Type {
	t.Helper()
	typ := reflect.TypeFor[Scenario]()
	for name := range strings.SplitSeq(path, ".") {
		name, list := strings.CutSuffix(name, "[]")
		fields := fieldsOf(typ)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			t.Fatalf("no type has %s", path)
		}
		if typ = fields[i].typ; list {
			typ = typ.Elem()
		}
	}
	return typ
}

// The schema that is shipped is the one that follows from the types and the doc.
func TestSchema(t *testing.T) {
	got := generate(t)
	if *update {
		if err := os.WriteFile(schemaFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs: go test -run TestSchema -update (-want +got):\n%s", schemaFile, diff)
	}
}

func generate(t *testing.T) []byte {
	t.Helper()
	reflector := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, FieldNameTag: "yaml",
		RequiredFromJSONSchemaTags: true, Mapper: leaf,
	}
	schema := reflector.Reflect(Scenario{})
	schema.Title = "odigos-stress scenario"
	schema.Description = "A question about a gateway: does it hold under this load, " +
		"in front of this backend, within these thresholds?"
	schema.Required = []string{"name"}
	for _, r := range rows(t) {
		describeField(schema, r)
	}
	// An assertion may be its expression alone.
	assertions := below(schema, "assertions")
	assertions.Items = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "string", Description: below(schema, "assertions[].that").Description},
		assertions.Items,
	}}
	kindOf := below(schema, "gateway")
	// The one rule between fields that helps while typing.
	constant := jsonschema.NewProperties()
	constant.Set("kind", &jsonschema.Schema{Const: string(GatewayOtelcol)})
	kindOf.If = &jsonschema.Schema{Properties: constant, Required: []string{"kind"}}
	kindOf.Then = &jsonschema.Schema{Required: []string{"config", "exporter"}}

	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// below is the schema of a path.
func below(schema *jsonschema.Schema, path string) *jsonschema.Schema {
	for name := range strings.SplitSeq(path, ".") {
		name, list := strings.CutSuffix(name, "[]")
		schema, _ = schema.Properties.Get(name)
		if list {
			schema = schema.Items
		}
	}
	return schema
}

func describeField(schema *jsonschema.Schema, r row) {
	described := below(schema, r.path)
	described.Description = strings.ReplaceAll(r.meaning, "`", "")
	switch r.initially {
	case "required":
		parent, name := schema, r.path
		if dot := strings.LastIndexByte(r.path, '.'); dot >= 0 {
			parent, name = below(schema, r.path[:dot]), r.path[dot+1:]
		}
		if r.path != "load.burst" && !slices.Contains(parent.Required, name) {
			parent.Required = append(parent.Required, name)
		}
	case "none", "defaults":
	default:
		described.Description += " Default: " + strings.ReplaceAll(r.initially, "`", "") + "."
	}
	switch r.path {
	case "variants":
		described.MinItems = ptr(uint64(leastVariants))
	case "variants[].name":
		described.Pattern, described.MaxLength = goodName.String(), ptr(uint64(maxName))
	case "name":
		described.Pattern, described.MaxLength = goodName.String(), ptr(uint64(maxName))
	case "gateway.processors[].id", "gateway.exporter":
		described.Pattern = goodComponent.String()
	case "gateway.allow_exporters":
		described.Items.Pattern = goodComponent.String()
	}
}

// leaf is the schema of what a file writes as one value.
func leaf(t reflect.Type) *jsonschema.Schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if words, ok := kinds[t]; ok {
		enum := &jsonschema.Schema{Type: "string"}
		for _, word := range words {
			enum.Enum = append(enum.Enum, word)
		}
		return enum
	}
	const digits = `([0-9]+\.?[0-9]*|\.[0-9]+)`
	switch t {
	case reflect.TypeFor[Rate]():
		return quantitySchema("0", "1000000000", digits+`(k|M|G)?`)
	case reflect.TypeFor[CPU]():
		return quantitySchema("0", "1024", digits+`m?`)
	case reflect.TypeFor[Bytes]():
		return quantitySchema("0", "1125899906842624", digits+`(k|M|G|T|Ki|Mi|Gi|Ti)?`)
	case reflect.TypeFor[Ratio]():
		share := quantitySchema("0", "1", `([0-9]{1,2}(\.[0-9]*)?|100) *%`)
		share.AnyOf[0].ExclusiveMinimum, share.AnyOf[0].Minimum = "", "0"
		return share
	case reflect.TypeFor[Duration]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Const: 0},
			{Type: "string", Pattern: `^(0|(` + digits + `(ns|us|µs|ms|s|m|h|d|w|y))+)$`},
		}}
	}
	switch t.Kind() {
	case reflect.Int:
		return &jsonschema.Schema{Type: "integer", Minimum: "0"}
	case reflect.Uint64:
		return &jsonschema.Schema{Type: "integer", Minimum: "0", Maximum: "18446744073709551615"}
	case reflect.Map:
		if t.Elem().Kind() == reflect.String {
			return &jsonschema.Schema{
				Type:                 "object",
				AdditionalProperties: &jsonschema.Schema{Type: "string"},
			}
		}
		return &jsonschema.Schema{Type: "object"}
	}
	return nil
}

// quantitySchema is a number in (above, most], or its spelling.
func quantitySchema(above, most json.Number, pattern string) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "number", ExclusiveMinimum: above, Maximum: most},
		{Type: "string", Pattern: "^" + pattern + "$"},
	}}
}
