package clone

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// A page is a YAML file on its way.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// pageWidth is where comments are broken.
const pageWidth = 98

// comment writes a comment, broken between words.
func (p *page) comment(indent, format string, args ...any) {
	p.broken(indent+"# ", indent+"# ", fmt.Sprintf(format, args...))
}

func (p *page) broken(first, next, text string) {
	line, start := first, true
	for _, word := range strings.Fields(text) {
		if !start && len(line)+1+len(word) > pageWidth {
			p.line("%s", strings.TrimRight(line, " "))
			line, start = next, true
		}
		if !start {
			line += " "
		}
		line, start = line+word, false
	}
	p.line("%s", strings.TrimRight(line, " "))
}

// item writes what was found of the original.
func (p *page) item(name, text string) {
	p.broken(fmt.Sprintf("#   %-14s", name), "#                 ", text)
}

func (p *page) list(title string, sentences []string) {
	if len(sentences) == 0 {
		return
	}
	p.comment("", "")
	p.comment("", "%s", title)
	for _, s := range sentences {
		p.broken("# - ", "#   ", s)
	}
}

func (p *page) mapping(indent, name string, of map[string]string) {
	if len(of) == 0 {
		return
	}
	p.line("%s%s:", indent, name)
	for _, key := range slices.Sorted(maps.Keys(of)) {
		p.line("%s  %s: %s", indent, scalar(key), quoted(of[key]))
	}
}

// whole is a rate in whole spans, rounded up: less would not be what was seen.
func whole(rate float64) string { return fmt.Sprintf("%.0f", math.Ceil(rate)) }

var plain = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_./-]*$`)

func scalar(text string) string {
	switch {
	case plain.MatchString(text) && text != "true" && text != "false" && text != "null":
		return text
	default:
		return quoted(text)
	}
}

func list(of []string) string {
	all := make([]string, 0, len(of))
	for _, item := range of {
		all = append(all, scalar(item))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// quoted is a text in double quotes, which JSON and YAML share.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return `""` // no string is refused
	}
	return string(b)
}
