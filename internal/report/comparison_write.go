package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteComparison puts a comparison into the directory of its suite, each file whole or
// not at all: the figures, the text and the pictures.
func WriteComparison(dir string, c Comparison) error {
	if err := WriteComparisonTexts(dir, c); err != nil {
		return err
	}
	for _, picture := range comparisonPictures {
		file := filepath.Join(GraphsDir, picture.name+".png")
		if err := write(dir, file, func(w io.Writer) error { return picture.draw(w, c) }); err != nil {
			return err
		}
	}
	return nil
}

// WriteComparisonTexts is WriteComparison without the pictures.
func WriteComparisonTexts(dir string, c Comparison) error {
	if err := os.MkdirAll(filepath.Join(dir, GraphsDir), 0o755); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	for file, format := range map[string]ComparisonFormat{
		ComparisonFile: ComparisonJSON, ComparisonTextFile: ComparisonMarkdown,
	} {
		if err := write(dir, file, func(w io.Writer) error { return format(w, c) }); err != nil {
			return err
		}
	}
	return nil
}
