package image_test

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/odigos-io/odigos-stress/internal/image"
)

// programFile writes the least that is an ELF file, with some more bytes.
func programFile(t *testing.T, name string, machine elf.Machine, more string, parts ...elf.ProgType) string {
	t.Helper()
	var text bytes.Buffer
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{
			0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT),
		},
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Ehsize: 64, Phentsize: 56, Phoff: 64, Phnum: uint16(len(parts)),
	}
	write := func(v any) {
		if err := binary.Write(&text, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	write(header)
	for _, part := range parts {
		write(elf.Prog64{Type: uint32(part)})
	}
	text.WriteString(more)
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func contents(programs ...string) image.Contents {
	return image.Contents{
		Tag: "example.com/tool:v1", Programs: programs, User: "65534:65534",
		Labels: map[string]string{"org.opencontainers.image.version": "v1"},
	}
}

// What is packed can be unpacked: whole, to be run, by nobody.
func TestPackReadsBack(t *testing.T) {
	first := programFile(t, "first", elf.EM_AARCH64, strings.Repeat("a", 5000))
	second := programFile(t, "second", elf.EM_AARCH64, strings.Repeat("b", 512-64))
	path := filepath.Join(t.TempDir(), "image.tar")
	var archive bytes.Buffer
	if err := image.Pack(&archive, contents(first, second)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag("example.com/tool:v1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := tarball.ImageFromPath(path, &tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(got); err != nil {
		t.Error(err)
	}
	config, err := got.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	said := []string{
		config.OS, config.Architecture, config.Config.User, strings.Join(config.Config.Entrypoint, " "),
		config.Config.Labels["org.opencontainers.image.version"],
	}
	if diff := cmp.Diff([]string{"linux", "arm64", "65534:65534", "/first", "v1"}, said); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	want := map[string]string{}
	for _, path := range []string{first, second} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want[filepath.Base(path)+" -rwxr-xr-x"] = string(text)
	}
	files := mutate.Extract(got)
	defer files.Close()
	if diff := cmp.Diff(want, untar(t, files)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// untar is the text of every file, by name and mode.
func untar(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	held := map[string]string{}
	for all := tar.NewReader(r); ; {
		h, err := all.Next()
		if errors.Is(err, io.EOF) {
			return held
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(all)
		if err != nil {
			t.Fatal(err)
		}
		held[h.Name+" "+h.FileInfo().Mode().String()] = string(text)
	}
}

func TestPackIsTheSameTwice(t *testing.T) {
	c := contents(programFile(t, "tool", elf.EM_X86_64, "text"))
	var first, second bytes.Buffer
	if err := errors.Join(image.Pack(&first, c), image.Pack(&second, c)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same contents gave different archives")
	}
}

func TestPackRefuses(t *testing.T) {
	tool := programFile(t, "tool", elf.EM_X86_64, "")
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	badTag := contents(tool)
	badTag.Tag = "No Tag"
	for want, c := range map[string]image.Contents{
		"name image":              badTag,
		"found none":              contents(),
		"no such file":            contents(filepath.Join(t.TempDir(), "nothing")),
		"found no ELF file":       contents(script),
		"linked dynamically":      contents(programFile(t, "tool", elf.EM_X86_64, "", elf.PT_INTERP)),
		"found one for EM_SPARCV": contents(programFile(t, "tool", elf.EM_SPARCV9, "")),
		"want both for one":       contents(tool, programFile(t, "other", elf.EM_AARCH64, "")),
	} {
		var out bytes.Buffer
		err := image.Pack(&out, c)
		if err == nil || !strings.Contains(err.Error(), want) || out.Len() != 0 {
			t.Errorf("Pack(%+v) = %v after %d bytes; want an error with %q", c, err, out.Len(), want)
		}
	}
}
