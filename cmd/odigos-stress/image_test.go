package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/gateway"
)

func TestImage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: make build makes programs of this system, and images are of Linux")
	}
	dir := t.TempDir()
	for _, name := range []string{toolProgram, gateway.Sibling} { // the smaller one stands for both
		if err := os.Link(builtProgram(t, toolProgram), filepath.Join(dir, name)); err != nil {
			if err := os.Symlink(builtProgram(t, toolProgram), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	var stdout, stderr bytes.Buffer
	if code := run([]string{"image", path, "--programs", dir}, nil, &stdout, &stderr); code != exitPass {
		t.Fatalf("image: exit code %d: %s", code, &stderr)
	}
	if info, err := os.Stat(path); err != nil || info.Size() < 1<<20 {
		t.Errorf("%v, %v: want an archive of both programs", info, err)
	}
	if !strings.Contains(stderr.String(), ownImage()) {
		t.Errorf("%q; want the image's name, %s", &stderr, ownImage())
	}
}

func TestImageLeavesNothingHalf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image.tar")
	var stderr bytes.Buffer
	code := run([]string{"image", path, "--programs", t.TempDir()}, nil, io.Discard, &stderr)
	if code != exitCannotRun || !strings.Contains(stderr.String(), "GOOS=linux") {
		t.Errorf("image: exit code %d, %q; want %d, and what would be right", code, &stderr, exitCannotRun)
	}
	if _, err := os.Stat(path); err == nil {
		t.Errorf("it left %s", path)
	}
}

func TestImageTag(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.0": "v1.2.0", "v1.2.0-3-gabcdef-dirty": "v1.2.0-3-gabcdef-dirty", "v1+meta/x": "v1-meta-x",
	} {
		if got := imageTag(version); got != want {
			t.Errorf("imageTag(%q) = %q, want %q", version, got, want)
		}
	}
}
