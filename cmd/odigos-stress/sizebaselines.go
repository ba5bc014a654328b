package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/odigos-io/odigos-stress/baselines"
	"github.com/odigos-io/odigos-stress/internal/baseline"
)

// findBaselines reads the baselines of a directory, and says where it looked: where none is
// named in defaultBaselines, and without such a directory in the program.
func findBaselines(dir string) (all []baseline.Baseline, where string, err error) {
	where = dir
	if dir == "" {
		where = "./" + defaultBaselines
	}
	switch _, err := os.Stat(where); {
	case dir == "" && errors.Is(err, fs.ErrNotExist):
		all, err := baselines.All()
		return all, "this program", err
	case err != nil:
		return nil, where, fmt.Errorf("list baselines: %w", err)
	}
	all, err = baseline.List(where)
	return all, where, err
}
