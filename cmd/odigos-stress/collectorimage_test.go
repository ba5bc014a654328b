package main

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"

	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// serveImage starts a registry that has a program as an image, and sets $IMAGE to the
// image's name: registry PROGRAM [NAME=VALUE...]
func serveImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: registry PROGRAM [NAME=VALUE...]")
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	ts.Defer(server.Close)
	ref, err := name.ParseReference(server.Listener.Addr().String() + "/odigos-stress-otelcol:test")
	ts.Check(err)
	img, err := imageHolding(ts.MkAbs(args[0]), args[1:])
	ts.Check(err)
	ts.Check(remote.Write(ref, img))
	digest, err := img.Digest()
	ts.Check(err)
	ts.Setenv("IMAGE", ref.String())
	ts.Setenv("DIGEST", digest.String())
}

// imageHolding is an image of this machine's platform whose entrypoint is a program.
func imageHolding(program string, environ []string) (v1.Image, error) {
	text, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err = w.WriteHeader(&tar.Header{
		Name: "bin/otelcol", Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg,
	})
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }
	layer, err := tarball.LayerFromOpener(opener)
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(img, &v1.ConfigFile{
		OS: runtime.GOOS, Architecture: runtime.GOARCH,
		RootFS: file.RootFS,
		Config: v1.Config{
			Entrypoint: []string{"/bin/otelcol"}, Cmd: []string{"--config", "/etc/otel.yaml"}, Env: environ,
		},
	})
}

// What was typed goes before a variable; two of a kind are refused.
func TestImageOf(t *testing.T) {
	for _, c := range []struct {
		name             string
		image, bin       string
		imageEnv, binEnv bool
		want, err        string
	}{
		{name: "neither"},
		{name: "image", image: "i", want: "i"},
		{name: "program", bin: "b"},
		{name: "both typed", image: "i", bin: "b", err: "want one of both"},
		{name: "both by variables", image: "i", bin: "b", imageEnv: true, binEnv: true, err: "want one of both"},
		{name: "image typed", image: "i", bin: "b", binEnv: true, want: "i"},
		{name: "program typed", image: "i", bin: "b", imageEnv: true},
	} {
		q := question{
			flagSet: pflag.NewFlagSet("", pflag.ContinueOnError), collectorBin: c.bin,
			image: collectorImage{ref: c.image},
		}
		for flag, byEnv := range map[string]bool{"collector-image": c.imageEnv, "collector-bin": c.binEnv} {
			q.flagSet.String(flag, "", "")
			if byEnv {
				q.flagSet.Lookup(flag).Annotations = map[string][]string{originAnnotation: {"X"}}
			}
		}
		got, _, err := q.imageOf(scenario.Gateway{})
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: imageOf() = %q, %v, want %q, %q", c.name, got, err, c.want, c.err)
		}
	}
}

// A search that goes on takes the very image of its trials, from the cache; not a tag that
// has moved meanwhile, and not what somebody wrote over it.
func TestAgainOfAnImage(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	push := func(environ ...string) string {
		ref, err := name.ParseReference(server.Listener.Addr().String() + "/collector:test")
		if err != nil {
			t.Fatal(err)
		}
		img, err := imageHolding(builtProgram(t, "odigos-stress-otelcol"), environ)
		if err == nil {
			err = remote.Write(ref, img)
		}
		if err != nil {
			t.Fatal(err)
		}
		return ref.String()
	}
	ref := push("LEVEL=one")
	var said bytes.Buffer
	q := question{flagSet: pflag.NewFlagSet("", pflag.ContinueOnError)}
	q.image.stderr = func() io.Writer { return &said }
	first, err := q.image.collector(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "pulling "+ref) {
		t.Errorf("told %q, want what is pulled", said.String())
	}
	push("LEVEL=two")
	was := record.Collector{Program: first.Path, SHA256: first.SHA256, Image: first.Image}
	again := func() (gateway.Collector, error) {
		found, err := q.again(t.Context(), earlier{environment: onMachine, collector: was, machine: thisMachine()})
		return found.collector, err
	}
	found, err := again()
	if err != nil || found.Image != first.Image || found.Env["LEVEL"] != "one" {
		t.Errorf("again() = %+v, %v, want image %s", found, err, first.Image)
	}
	changed, err := os.OpenFile(first.Path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = changed.WriteString("more")
	changed.Close()
	_, err = again()
	if err == nil || !strings.Contains(err.Error(), "changed since it was unpacked") ||
		!strings.Contains(err.Error(), filepath.Dir(filepath.Dir(filepath.Dir(first.Path)))) {
		t.Errorf("again(a program that was changed) = %v, want what to do", err)
	}
}
