package record_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A suite keeps records below its own directory, at which "latest" points.
func TestRecordsOfASuite(t *testing.T) {
	root := t.TempDir()
	dir, err := record.MakeDir(root, "20260314-092653_oom_1000sps")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, record.SuiteFile), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := record.PointLatest(dir); err != nil {
		t.Fatal(err)
	}
	if latest, err := record.LatestDir(root); err != nil || latest != dir || !record.IsSuite(latest) {
		t.Errorf("LatestDir = %s, %v; want the suite %s", latest, err, dir)
	}
	_, err = record.OpenLatest(root)
	if err == nil || !strings.Contains(err.Error(), "none of which has been recorded") {
		t.Errorf("OpenLatest of an empty suite: %v", err)
	}

	part := filepath.Join(dir, "variants", "limiter")
	log, err := record.CreateIn(part, record.Header{RunID: "r"})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(record.Ending{Finished: time.Unix(1, 0)}); err != nil {
		t.Fatal(err)
	}
	if _, err := record.CreateIn(part, record.Header{}); err == nil {
		t.Error("CreateIn wrote to a directory that was there")
	}
	r, err := record.Open(part)
	if err != nil || r.Header.RunID != "r" || r.Header.SchemaVersion != record.SchemaVersion {
		t.Errorf("Open(%s) = %+v, %v", part, r, err)
	}
	if latest, err := record.LatestDir(root); err != nil || latest != dir {
		t.Errorf("LatestDir = %s, %v; want still the suite", latest, err)
	}
	if _, err = record.OpenLatest(root); err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("OpenLatest of a suite: %v; want the record named", err)
	}
	if _, err = record.Open(root); err == nil || !strings.Contains(err.Error(), "not a record") {
		t.Errorf("Open(%s): %v", root, err)
	}
}
