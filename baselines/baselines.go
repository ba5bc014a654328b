// Package baselines is the capacities that come with the program, as they were measured:
// what size reckons from where nobody names others.
package baselines

import (
	"embed"

	"github.com/odigos-io/odigos-stress/internal/baseline"
)

// Files are the baselines, each in a file that bears its name, and what they are in
// README.md: the pattern takes both endings, because a pattern that finds nothing does not
// compile, and there may be no baseline.
//
//go:embed *.[jm]*
var Files embed.FS

// Called is what errors and tables call them.
const Called = "baselines"

// All are the baselines, by name.
func All() ([]baseline.Baseline, error) { return baseline.ListFS(Files, Called) }
