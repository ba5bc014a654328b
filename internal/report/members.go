package report

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// endTitles are what the figures of an end are called where there are several of it.
var endTitles = map[string]string{
	"CPU, average":      "CPU of all %d, average",
	"CPU, most":         "CPU of the fullest of %d, most",
	"CPU allowed":       "CPU allowed to each of %d",
	"working set, peak": "working set of all %d, peak",
}

// endTitle names a figure of an end of the wire.
func endTitle(end, what string, f verdict.EndFigures) string {
	if several := endTitles[what]; f.Alike > 1 && several != "" {
		what = fmt.Sprintf(several, f.Alike)
	}
	return end + ": " + what
}
