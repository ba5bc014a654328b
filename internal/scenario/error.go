package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// An Error is one mistake in a scenario: where it is, what was found there and
// what would be right.
type Error struct {
	// File is the name that Read was given, "--set" for an override, or empty.
	File string
	// Line and Column count from 1; 0 is not known.
	Line, Column int
	// Path is dotted, as --set takes it: load.burst.rate. Empty: the file itself.
	Path  string
	Found string
	Want  string
	// Excerpt is the source around the place with a caret below it, or empty.
	Excerpt string

	offset int // characters from the beginning of the value, where it is of one line
	inKey  int // counted from 1: the mistake is so far into the key that Path ends with
}

// Error is `file:line:column: path: found …, want …`, then the excerpt.
func (e *Error) Error() string {
	var text strings.Builder
	if e.File != "" {
		text.WriteString(e.File + ":")
	}
	if e.Line > 0 {
		fmt.Fprintf(&text, "%d:%d:", e.Line, e.Column)
	}
	if text.Len() > 0 {
		text.WriteByte(' ')
	}
	if e.Path != "" {
		text.WriteString(e.Path + ": ")
	}
	text.WriteString("found " + e.Found + ", want " + e.Want)
	if e.Excerpt != "" {
		text.WriteString("\n" + e.Excerpt)
	}
	return text.String()
}

// Errors returns every mistake in err, which Read, With or Resolved returned.
func Errors(err error) []*Error {
	var one *Error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Error
		for _, each := range joined.Unwrap() {
			all = append(all, Errors(each)...)
		}
		return all
	}
	if errors.As(err, &one) {
		return []*Error{one}
	}
	return nil
}

// maxErrors is how many mistakes are told at once.
const maxErrors = 20

// join makes one error of many, in the order of the file.
func join(all []*Error) error {
	slices.SortStableFunc(all, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	joined := make([]error, 0, len(all))
	for _, each := range all[:min(len(all), maxErrors)] {
		joined = append(joined, each)
	}
	return errors.Join(joined...)
}

// mismatch is an Error about a text, wherever it stood.
func mismatch(text, want string) *Error {
	return &Error{Found: quote(text), Want: want}
}

// quote shows text in an error: whole if short, never with control characters.
func quote(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// excerpt shows the line with one before and one after, and a caret below column.
func excerpt(source string, line, column int) string {
	lines := strings.Split(strings.ReplaceAll(source, "\r\n", "\n"), "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	var text strings.Builder
	for n := max(1, line-1); n <= min(len(lines), line+1); n++ {
		shown, caret := window(lines[n-1], column)
		if n == line {
			fmt.Fprintf(&text, "> %3d | %s\n      | %s^\n", n, shown, strings.Repeat(" ", caret))
		} else if strings.TrimSpace(shown) != "" {
			fmt.Fprintf(&text, "  %3d | %s\n", n, shown)
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// window cuts a long line around the column, counted from 1 in characters, and
// returns the place of the caret in what is left. What moves a cursor is blanked.
func window(line string, column int) (shown string, caret int) {
	const width = 90
	runes := []rune(line)
	for i, r := range runes {
		if r < ' ' || r == 0x7f {
			runes[i] = ' '
		}
	}
	caret = min(max(column-1, 0), len(runes))
	from := 0
	if caret > width-10 {
		from = caret - width/2
	}
	to := min(len(runes), from+width)
	from = min(from, to)
	return strings.TrimRight(string(runes[from:to]), " "), caret - from
}
