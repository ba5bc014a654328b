package report

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A CapacityFormat writes a capacity for one kind of reader.
type CapacityFormat func(w io.Writer, c Capacity) error

// CapacityFormats are the kinds of readers of a capacity.
var CapacityFormats = map[string]CapacityFormat{
	"json":     CapacityJSON,
	"markdown": CapacityMarkdown,
	"text":     CapacityText,
}

// CapacityJSON is for programs: capacity.json.
func CapacityJSON(w io.Writer, c Capacity) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(c.Concluded()); err != nil {
		return fmt.Errorf("write capacity: %w", err)
	}
	return nil
}

// WriteCapacity puts a capacity into its directory, each file whole or not at all: the
// figures, the text and the pictures.
func WriteCapacity(dir string, c Capacity) error {
	c = c.Concluded()
	if err := WriteCapacityTexts(dir, c); err != nil {
		return err
	}
	for _, picture := range capacityPictures {
		file := filepath.Join(GraphsDir, picture.name+".png")
		if err := write(dir, file, func(w io.Writer) error { return picture.draw(w, c) }); err != nil {
			return err
		}
	}
	return nil
}

// WriteCapacityTexts is WriteCapacity without the pictures.
func WriteCapacityTexts(dir string, c Capacity) error {
	c = c.Concluded()
	if err := os.MkdirAll(filepath.Join(dir, GraphsDir), 0o755); err != nil {
		return fmt.Errorf("write capacity: %w", err)
	}
	for file, format := range map[string]CapacityFormat{
		CapacityFile: CapacityJSON, CapacityTextFile: CapacityMarkdown,
	} {
		if err := write(dir, file, func(w io.Writer) error { return format(w, c) }); err != nil {
			return err
		}
	}
	return nil
}
