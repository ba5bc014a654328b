package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// An entry is what a run leaves on disk about itself while it lives, so that a later
// one can tell what it left behind.
type entry struct {
	RunID string    `json:"run_id"`
	Tool  process   `json:"tool"`
	Boot  string    `json:"boot,omitempty"` // of the machine: a pid means nothing after the next
	Begun time.Time `json:"begun"`
	holdings
}

// owned says whether the tool that wrote it still runs.
func (e entry) owned() bool { return e.Boot == bootID() && e.Tool.alive() }

// sweep takes away what it held. After another boot only files can be left.
func (e entry) sweep(ctx context.Context) error {
	if e.Boot != bootID() {
		e.Processes, e.Cgroups = nil, nil
	}
	return e.holdings.sweep(ctx)
}

func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// registryDir is where entries of this user are, with the files of each run beside
// its entry: in $XDG_RUNTIME_DIR, else in the directory for temporary files.
func registryDir(environ []string) string {
	if dir := lookup(environ, "XDG_RUNTIME_DIR"); dir != "" && filepath.IsAbs(dir) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return filepath.Join(dir, "odigos-stress")
		}
	}
	return filepath.Join(os.TempDir(), "odigos-stress-"+strconv.Itoa(os.Getuid()))
}

// makeRegistry makes dir, and refuses one that somebody else could write to: its
// entries say what is to be killed.
func makeRegistry(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make registry of runs: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("make registry of runs: %w", err)
	}
	if owner, ok := ownerOf(info); !info.IsDir() || info.Mode().Perm()&0o022 != 0 ||
		ok && owner != os.Getuid() {
		return fmt.Errorf("make registry of runs: %s must be a directory that only you can write to; "+
			"it is %s of user %d", dir, info.Mode(), owner)
	}
	return nil
}

func entryPath(dir, run string) string { return filepath.Join(dir, run+".json") }

func writeEntry(dir string, e entry) error {
	text, err := json.MarshalIndent(e, "", "  ")
	if err == nil {
		err = renameio.WriteFile(entryPath(dir, e.RunID), text, 0o600)
	}
	if errors.Is(err, fs.ErrNotExist) { // another run ended and took the directory along
		if err = makeRegistry(dir); err == nil {
			err = renameio.WriteFile(entryPath(dir, e.RunID), text, 0o600)
		}
	}
	if err != nil {
		return fmt.Errorf("register run %s: %w", e.RunID, err)
	}
	return nil
}

// readEntries reads all entries in dir; one that cannot be read is an error of its
// own beside the others.
func readEntries(dir string) ([]entry, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []entry
	var errs []error
	for _, file := range files {
		e, err := readEntry(file)
		switch {
		case errors.Is(err, fs.ErrNotExist): // its run ended just now
		case err != nil:
			errs = append(errs, err)
		default:
			all = append(all, e)
		}
	}
	return all, errors.Join(errs...)
}

func readEntry(file string) (entry, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return entry{}, err
	}
	var e entry
	if err := json.Unmarshal(text, &e); err != nil {
		return entry{}, fmt.Errorf("read %s: %w", file, err)
	}
	if e.RunID != strings.TrimSuffix(filepath.Base(file), ".json") {
		return entry{}, fmt.Errorf("read %s: run_id is %q", file, e.RunID)
	}
	return e, nil
}
