package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// The markers between which a document holds what was measured.
const (
	beginMark = "<!-- bench: begin -->\n"
	endMark   = "<!-- bench: end -->\n"
)

// writeInto replaces what stands between the markers of a file.
func writeInto(file, text string) error {
	document, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("-write: %w", err)
	}
	changed, err := between(string(document), text)
	if err != nil {
		return fmt.Errorf("-write %s: %w", file, err)
	}
	return os.WriteFile(file, []byte(changed), 0o644)
}

func between(document, text string) (string, error) {
	before, rest, ok := strings.Cut(document, beginMark)
	_, after, closed := strings.Cut(rest, endMark)
	if !ok || !closed {
		return "", errors.New("want the lines " + strings.TrimSpace(beginMark) + " and " +
			strings.TrimSpace(endMark) + ", in this order")
	}
	return before + beginMark + "\n" + text + "\n" + endMark + after, nil
}
