package record

import (
	"encoding"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/ledger"
)

// fields collects the names under which a type and all that it holds stand in JSON.
func fields(t reflect.Type, names map[string]bool, seen map[reflect.Type]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		fields(t.Elem(), names, seen)
		return
	case reflect.Struct:
	default:
		return
	}
	if seen[t] || spellsItself(t) {
		return
	}
	seen[t] = true
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names[name] = true
		}
		fields(t.Field(i).Type, names, seen)
	}
}

func spellsItself(t reflect.Type) bool {
	for _, self := range []reflect.Type{
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler](),
	} {
		if reflect.PointerTo(t).Implements(self) {
			return true
		}
	}
	return false
}

// Every file, field, metric and column is named in docs/record.md, in backquotes.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "record.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	names := map[string]bool{}
	seen := map[reflect.Type]bool{}
	for _, v := range []any{Header{}, Sample{}, Pulse{}, Profile{}, Event{}, Ending{}} {
		fields(reflect.TypeOf(v), names, seen)
	}
	if !seen[reflect.TypeFor[ledger.Fate]()] || !names["rate_spans_per_second"] {
		t.Fatal("the walk over the types did not reach the ledger or the scenario")
	}
	for _, column := range Columns {
		names[column.Name] = true
		if !strings.Contains(text, "| "+column.Meaning+" |") {
			t.Errorf("docs/record.md: column %s is to be explained as %q", column.Name, column.Meaning)
		}
	}
	for _, m := range metricColumns {
		names[string(m.metric)] = true
	}
	for _, file := range []string{
		HeaderFile, SamplesFile, PulsesFile, ProfilesFile, EventsFile, EndingFile, TestLogFile,
		UsageFile, LogFile(Gateway), LogFile(Loadgen), LogFile(Backend),
		AccountFile(Loadgen), AccountFile(Backend),
	} {
		names[file] = true
	}
	for name := range names {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/record.md does not explain `%s`", name)
		}
	}
}
