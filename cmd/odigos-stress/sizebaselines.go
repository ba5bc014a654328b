package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/odigos-io/odigos-stress/internal/baseline"
)

// baselinesDir is where baselines are looked for when no directory is named.
const baselinesDir = "baselines"

// findBaselines reads the baselines of a directory, and says where it looked.
func findBaselines(dir string) (all []baseline.Baseline, where string, err error) {
	where = dir
	if dir == "" {
		where = "./" + baselinesDir
	}
	files, err := filepath.Glob(filepath.Join(where, "*.json"))
	if err != nil {
		return nil, where, fmt.Errorf("list baselines: %w", err)
	}
	if _, err := os.Stat(where); dir != "" && errors.Is(err, fs.ErrNotExist) {
		return nil, where, fmt.Errorf("list baselines: %w", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, where, fmt.Errorf("read baseline: %w", err)
		}
		var b baseline.Baseline
		if err := json.Unmarshal(text, &b); err != nil {
			return nil, where, fmt.Errorf("read baseline %s: %w", name, err)
		}
		if b.SchemaVersion != baseline.SchemaVersion {
			return nil, where, fmt.Errorf("read baseline %s: found schema_version %d, want %d", name,
				b.SchemaVersion, baseline.SchemaVersion)
		}
		all = append(all, b)
	}
	return all, where, nil
}
