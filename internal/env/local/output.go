package local

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// An output is what one instance writes: a stretch of its actor's log file. The
// child writes to the file itself, so that nothing is lost if the tool dies.
type output struct {
	path string
	from int64
	to   int64 // -1 while it runs
}

func openOutput(path string) (*os.File, output, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, output{}, fmt.Errorf("capture output: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, output{}, fmt.Errorf("capture output: %w", err)
	}
	return f, output{path: path, from: info.Size(), to: -1}, nil
}

func (o output) size() int64 {
	info, err := os.Stat(o.path)
	if err != nil {
		return o.from
	}
	return info.Size()
}

// A stretch reads a part of a file and closes it.
type stretch struct {
	io.Reader
	io.Closer
}

func (o output) open() (io.ReadCloser, error) {
	f, err := os.Open(o.path)
	if err != nil {
		return nil, fmt.Errorf("read output: %w", err)
	}
	to := o.to
	if to < 0 {
		to = o.size()
	}
	return stretch{io.NewSectionReader(f, o.from, to-o.from), f}, nil
}

// tail is the last lines, for an error.
func (o output) tail() string {
	const most, lines = 8 << 10, 20
	f, err := os.Open(o.path)
	if err != nil {
		return ""
	}
	defer f.Close()
	from := max(o.from, o.size()-most)
	text, err := io.ReadAll(io.NewSectionReader(f, from, most))
	if err != nil {
		return ""
	}
	all := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if from > o.from && len(all) > 1 {
		all = all[1:] // it begins in the middle
	}
	all = all[max(0, len(all)-lines):]
	return strings.ToValidUTF8(string(bytes.Join(all, []byte("\n"))), "�")
}

func trim(text []byte) string { return strings.TrimSpace(string(text)) }
