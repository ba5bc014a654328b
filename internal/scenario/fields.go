package scenario

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// allowed are the spellings of a kind.
type allowed []string

func (a allowed) has(text string) bool { return slices.Contains(a, text) }

// kinds is the map of everything that is one of a few words.
var kinds = map[reflect.Type]allowed{
	reflect.TypeFor[Engine]():      {"otlp", "sdk"},
	reflect.TypeFor[PatternKind](): {"constant", "ramp-up", "burst"},
	reflect.TypeFor[Shape]():       {"odigos-docs", "simple", "complex"},
	reflect.TypeFor[Protocol]():    {"grpc", "http"},
	reflect.TypeFor[Compression](): {"none", "gzip", "zstd", "snappy"},
	reflect.TypeFor[Retry]():       {"none", "exporter"},
	reflect.TypeFor[GatewayKind](): {"odigos", "otelcol"},
	reflect.TypeFor[Preset]():      {"size_s", "size_m", "size_l", "size_xl"},
	reflect.TypeFor[OnDeath]():     {"end", "restart"},
	reflect.TypeFor[Protection]():  {"odigos", "limiter", "none"},
	reflect.TypeFor[Expect]():      {"critical", "killed"},
	reflect.TypeFor[Growth]():      {"warning", "critical"},
}

// A field is one key that a struct of the scenario has in a file.
type field struct {
	name  string
	index int
	typ   reflect.Type // without the pointer
}

func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		typ := t.Field(i).Type
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		all = append(all, field{name, i, typ})
	}
	return all
}

// Paths returns the path of everything that a scenario file can say, dotted as
// --set takes it, in the order of the types. Of a list its item's fields are
// given with [] for the place, of a mapping with free keys the mapping.
func Paths() []string { return pathsBelow(reflect.TypeFor[Scenario](), "") }

func pathsBelow(t reflect.Type, path string) []string {
	var all []string
	for _, f := range fieldsOf(t) {
		below := dotted(path, f.name)
		all = append(all, below)
		switch {
		case f.typ.Kind() == reflect.Struct:
			all = append(all, pathsBelow(f.typ, below)...)
		case f.typ.Kind() == reflect.Slice && f.typ.Elem().Kind() == reflect.Struct:
			all = append(all, pathsBelow(f.typ.Elem(), below+"[]")...)
		}
	}
	return all
}

func dotted(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// nameOf says what a value of type t is in a file.
func nameOf(t reflect.Type) string {
	if words, ok := kinds[t]; ok {
		return "one of " + strings.Join(words, ", ")
	}
	switch t.Kind() {
	case reflect.Struct:
		return "a mapping with " + strings.Join(names(fieldsOf(t)), ", ")
	case reflect.Map:
		return "a mapping"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Uint64:
		return "a whole number, not negative"
	}
	return "text"
}

func names(fields []field) []string {
	var all []string
	for _, f := range fields {
		all = append(all, f.name)
	}
	return all
}

// unknownField says which fields there are, and which was meant.
func unknownField(name, path string, fields []field) *Error {
	known := names(fields)
	want := "one of " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
	hint := suggestion(name, known)
	if hint == "" {
		for _, elsewhere := range Paths() {
			if strings.HasSuffix("."+elsewhere, "."+name) && elsewhere != dotted(path, name) {
				hint = fmt.Sprintf("; %s is %s", name, elsewhere)
				break
			}
		}
	}
	return &Error{Found: "unknown field " + quote(name), Want: want + hint}
}

// suggestion is the word that was probably meant, as the end of a sentence.
func suggestion(text string, words []string) string {
	best, least := "", 3
	for _, word := range words {
		if d := distance(fold(text), fold(word)); d < least && d < len(word) {
			best, least = word, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// fold makes the usual spellings of one word equal.
func fold(text string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(text))
}

// distance is how many letters must be changed, put in or left out to make b of
// a; two that changed places count once (optimal string alignment). Texts that
// differ much in length are far apart and not looked at.
func distance(a, b string) int {
	const far = 1 << 10
	if len(a) > 64 || len(b) > 64 {
		return far
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
