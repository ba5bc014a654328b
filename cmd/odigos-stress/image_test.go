package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/odigos-io/odigos-stress/internal/gateway"
)

// programsDir holds both programs, of which the smaller one stands for both.
func programsDir(t *testing.T) (dir string, text []byte) {
	t.Helper()
	text, err := os.ReadFile(builtProgram(t, toolProgram))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, name := range []string{toolProgram, gateway.Sibling} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir, text
}

func TestImageReadsBack(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: make build makes programs of this system, and images are of Linux")
	}
	dir, text := programsDir(t)
	path := filepath.Join(t.TempDir(), "image.tar")
	var stdout, stderr bytes.Buffer
	if code := run([]string{"image", path, "--programs", dir}, nil, &stdout, &stderr); code != exitPass {
		t.Fatalf("image: exit code %d: %s", code, &stderr)
	}
	tag, err := name.NewTag(ownImage(), name.StrictValidation)
	if err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(path, &tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image); err != nil {
		t.Error(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	got := []string{config.OS, config.Architecture, config.Config.User, config.Config.Entrypoint[0]}
	want := []string{"linux", runtime.GOARCH, "65534:65534", "/odigos-stress"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	files := mutate.Extract(image)
	defer files.Close()
	held := map[string]bool{}
	for all := tar.NewReader(files); ; {
		h, err := all.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(all)
		if err != nil {
			t.Fatal(err)
		}
		held[h.Name] = h.Mode == 0o755 && bytes.Equal(content, text)
	}
	if diff := cmp.Diff(map[string]bool{toolProgram: true, gateway.Sibling: true}, held); diff != "" {
		t.Errorf("files that are whole and can be run (-want +got):\n%s", diff)
	}
}

func TestImageIsTheSameTwice(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: make build makes programs of this system, and images are of Linux")
	}
	dir, _ := programsDir(t)
	tag, err := name.NewTag("example.com/odigos-stress:one")
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := errors.Join(writeImage(&first, tag, dir), writeImage(&second, tag, dir)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same programs gave different images")
	}
}

func TestImageRefuses(t *testing.T) {
	text := t.TempDir()
	if err := os.WriteFile(filepath.Join(text, toolProgram), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--programs", t.TempDir()}, exitCannotRun, "GOOS=linux make build"},
		{[]string{"--programs", text}, exitCannotRun, "found no ELF file"},
		{[]string{"--tag", "No Tag"}, exitUsage, "--tag: found"},
	} {
		path := filepath.Join(t.TempDir(), "image.tar")
		var stderr bytes.Buffer
		code := run(append([]string{"image", path}, c.args...), nil, io.Discard, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("image %v: exit code %d, %q; want %d with %q", c.args, code, &stderr, c.code, c.want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("image %v left %s", c.args, path)
		}
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
