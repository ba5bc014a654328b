package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/selftest"
)

// A trial runs whatever is known of its host; the record says what is.
func TestLastSelftest(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	m := record.Machine{OS: "linux", Cores: 2}
	for name, c := range map[string]struct {
		prepare func(path string) error
		known   bool
		says    string
	}{
		"none": {func(string) error { return nil }, false, "was not measured: odigos-stress selftest"},
		"of another host": {func(path string) error {
			return selftest.Keep(path, record.Selftest{Host: record.HostID{ID: "other"}})
		}, false, "was not measured"},
		"damaged": {func(path string) error {
			return os.WriteFile(path, []byte("{"), 0o644)
		}, false, "is not known (read kept result: "},
		"minutes old": {func(path string) error {
			return selftest.Keep(path, record.Selftest{
				Host: selftest.ThisHost(m), Finished: now.Add(-5 * time.Minute),
			})
		}, true, "was measured 5 minutes before this trial"},
		"days old": {func(path string) error {
			return selftest.Keep(path, record.Selftest{
				Host: selftest.ThisHost(m), Finished: now.Add(-72 * time.Hour),
			})
		}, true, "was measured 3 days before this trial"},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			t.Setenv("XDG_DATA_HOME", data)
			path := filepath.Join(data, "odigos-stress", "selftest.json")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := c.prepare(path); err != nil {
				t.Fatal(err)
			}
			found, note := lastSelftest(m, now)
			if (found != nil) != c.known || !strings.Contains(note, c.says) {
				t.Errorf("lastSelftest = %+v, %q, want %q", found, note, c.says)
			}
		})
	}
}

// The specification of XDG takes a relative directory for none.
func TestSelftestFile(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for data, want := range map[string]string{
		"/data": "/data/odigos-stress/selftest.json",
		"data":  "/home/me/.local/share/odigos-stress/selftest.json",
		"":      "/home/me/.local/share/odigos-stress/selftest.json",
	} {
		t.Setenv("XDG_DATA_HOME", data)
		if got, err := selftestFile(); err != nil || got != want {
			t.Errorf("selftestFile with %q = %s, %v, want %s", data, got, err, want)
		}
	}
}
