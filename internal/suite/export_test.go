package suite

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/report"
)

// Pictures take nearly all of a report's time, and have tests of their own.
func init() {
	writeReport, writeComparison = report.WriteTexts, report.WriteComparisonTexts
	writeCapacity, writeMatrix = report.WriteCapacityTexts, report.WriteMatrixTexts
}

// WithComparedPictures has the test's comparisons drawn.
func WithComparedPictures(t *testing.T) {
	t.Helper()
	texts := writeComparison
	writeComparison = report.WriteComparison
	t.Cleanup(func() { writeComparison = texts })
}
