package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/renameio/v2"
)

// extension of a baseline's file, which bears its name.
const extension = ".json"

// maxName keeps the name of a file well within what file systems take.
const maxName = 100

var nameForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// CheckName says what is wrong with a name: it must be the name of one file in whatever
// directory baselines are kept in.
func CheckName(name string) error {
	if len(name) > maxName || !nameForm.MatchString(name) {
		return fmt.Errorf("name baseline: found %q, want lower-case words of letters and digits "+
			"joined by dashes, at most %d characters, such as odigos-1-600mi", name, maxName)
	}
	return nil
}

// Path is where the baseline of that name lies in dir.
func Path(dir, name string) string { return filepath.Join(dir, name+extension) }

// Write puts b into dir, which is made where it is missing, whole or not at all. One of
// the same name is replaced.
func Write(dir string, b Baseline) error {
	b.SchemaVersion = SchemaVersion
	if err := b.Check(); err != nil {
		return fmt.Errorf("write baseline %q: %w", b.Name, err)
	}
	data, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return fmt.Errorf("write baseline %s: %w", b.Name, err)
	}
	if err = os.MkdirAll(dir, 0o755); err == nil {
		err = renameio.WriteFile(Path(dir, b.Name), append(data, '\n'), 0o644,
			renameio.WithTempDir(dir))
	}
	if err != nil {
		return fmt.Errorf("write baseline %s: %w", b.Name, err)
	}
	return nil
}

// Read reads the baseline of that name in dir.
func Read(dir, name string) (Baseline, error) {
	if err := CheckName(name); err != nil {
		return Baseline{}, err
	}
	data, err := os.ReadFile(Path(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return Baseline{}, fmt.Errorf("read baseline: found no %s: %s", Path(dir, name), there(dir))
	}
	if err != nil {
		return Baseline{}, fmt.Errorf("read baseline: %w", err)
	}
	return Decode(Path(dir, name), data)
}

// there names the baselines of a directory, for an error.
func there(dir string) string {
	names, err := names(os.DirFS(dir))
	if err != nil || len(names) == 0 {
		return "there is no baseline in " + dir
	}
	return "want one of " + strings.Join(names, ", ")
}

// Decode reads what a baseline's file holds; errors begin with the file. Fields that this
// program does not know are passed over, since a later one may have added them.
func Decode(file string, data []byte) (Baseline, error) {
	var b Baseline
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&b); err != nil {
		return Baseline{}, fmt.Errorf("read baseline %s: %w", file, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Baseline{}, fmt.Errorf("read baseline %s: found something after the baseline, want "+
			"one object", file)
	}
	if err := b.Check(); err != nil {
		return Baseline{}, fmt.Errorf("read baseline %s: %w", file, err)
	}
	if want := strings.TrimSuffix(path.Base(filepath.ToSlash(file)), extension); b.Name != want {
		return Baseline{}, fmt.Errorf("read baseline %s: name: found %q, want %q, as the file is called",
			file, b.Name, want)
	}
	return b, nil
}

// List reads all baselines of a directory, by name. A directory that is not there has none.
func List(dir string) ([]Baseline, error) { return ListFS(os.DirFS(dir), dir) }

// ListFS reads all baselines of a file system, by name; errors call it by its own name.
func ListFS(files fs.FS, called string) ([]Baseline, error) {
	names, err := names(files)
	if err != nil {
		return nil, fmt.Errorf("list baselines in %s: %w", called, err)
	}
	all := make([]Baseline, 0, len(names))
	var errs []error
	for _, name := range names {
		data, err := fs.ReadFile(files, name+extension)
		if err != nil {
			errs = append(errs, fmt.Errorf("read baseline: %w", err))
			continue
		}
		b, err := Decode(Path(called, name), data)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, b)
	}
	return all, errors.Join(errs...)
}

// names are those of the files that are baselines, sorted.
func names(files fs.FS) (names []string, err error) {
	entries, err := fs.ReadDir(files, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), extension); ok && !e.IsDir() && name != "" &&
			!strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names, err
}
