package report

import "testing"

// Pictures are drawn small, which takes a quarter of the time, except by tests that ask
// for FullSize.
func init() { dpi = 72 }

// FullSize draws the test's pictures as users get them.
func FullSize(t *testing.T) {
	t.Helper()
	small := dpi
	dpi = 144
	t.Cleanup(func() { dpi = small })
}
