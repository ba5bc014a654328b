package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A reg is a registry that counts what it is asked.
type reg struct {
	*httptest.Server
	handler         http.Handler
	requests, blobs atomic.Int64
	// instead answers in place of the registry where it returns true.
	instead atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
}

func newReg(t *testing.T) *reg {
	t.Helper()
	r := &reg{handler: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.requests.Add(1)
		if q.Method == http.MethodGet && strings.Contains(q.URL.Path, "/blobs/") {
			r.blobs.Add(1)
		}
		if f := r.instead.Load(); f != nil && (*f)(w, q) {
			return
		}
		r.handler.ServeHTTP(w, q)
	}))
	t.Cleanup(r.Close)
	t.Setenv("HOME", t.TempDir()) // nobody's credentials
	t.Setenv("DOCKER_CONFIG", "")
	return r
}

func (r *reg) answers(f func(w http.ResponseWriter, q *http.Request) bool) { r.instead.Store(&f) }

func (r *reg) ref(rest string) string { return r.Listener.Addr().String() + "/" + rest }

// push stores an image under a name, and returns its digest.
func (r *reg) push(t *testing.T, rest string, img v1.Image) string {
	t.Helper()
	ref, err := name.ParseReference(r.ref(rest))
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	return digestOf(t, img)
}

func digestOf(t *testing.T, of interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	digest, err := of.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// An entry is a file of a layer; a directory ends with a slash.
type entry struct {
	name, content string
	mode          int64
	kind          byte   // 0: a file or a directory, by its name
	link          string // of kinds that have one
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	b, err := writeTar(entries)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeTar(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{
			Name: e.name, Mode: e.mode, Typeflag: e.kind, Linkname: e.link, Size: int64(len(e.content)),
			Format: tar.FormatPAX,
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if h.Typeflag == 0 && strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

func layerWith(t *testing.T, how compression.Compression, entries ...entry) v1.Layer {
	t.Helper()
	content := tarOf(t, entries...)
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	options := []tarball.LayerOption{tarball.WithCompression(how)}
	if how == compression.ZStd {
		options = append(options, tarball.WithMediaType(types.OCILayerZStd))
	}
	l, err := tarball.LayerFromOpener(opener, options...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func imageOf(t *testing.T, c v1.Config, layers ...v1.Layer) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layers...)
	if err != nil {
		t.Fatal(err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", "amd64", c
	img, err = mutate.ConfigFile(img, file)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// self is the test binary, as a file of a layer.
func self(t *testing.T, as string) entry {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return entry{name: as, content: string(text), mode: 0o4755}
}

func TestPullWithCredentials(t *testing.T) {
	r := newReg(t)
	r.push(t, "a/secret:v1", twoLayers(t))
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:mine"))
	r.answers(func(w http.ResponseWriter, q *http.Request) bool {
		if q.Header.Get("Authorization") == want {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="tests"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	o := Options{Dir: t.TempDir(), Platform: here}
	_, err := Pull(t.Context(), r.ref("a/secret:v1"), o)
	if err == nil || !strings.Contains(err.Error(), "docker login "+r.Listener.Addr().String()) {
		t.Errorf("Pull(without credentials) = %v, want that some are needed", err)
	}
	dir := t.TempDir()
	config := fmt.Sprintf(`{"auths": {%q: {"username": "me", "password": "mine"}}}`, r.Listener.Addr())
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", dir)
	if _, err := Pull(t.Context(), r.ref("a/secret:v1"), o); err != nil {
		t.Errorf("Pull(with credentials) = %v", err)
	}
}

func TestPullExplains(t *testing.T) {
	r := newReg(t)
	r.push(t, "a/arm:v1", forARM(t))
	digest := r.push(t, "a/collector:v1", twoLayers(t))
	chart := mutate.ConfigMediaType(twoLayers(t), "application/vnd.cncf.helm.config.v1+json")
	r.push(t, "a/chart:v1", chart)
	other := strings.Repeat("0", 64)
	for _, c := range []struct{ ref, want string }{
		{r.ref("a/collector:v2"), "it has no such image"},
		{r.ref("other/collector:v1"), "want a repository and a tag that are there"},
		{r.ref("a/collector@sha256:" + other), "it has no such image"},
		{r.ref("A/collector:v1"), "want one such as " + example},
		{"", "want one such as " + example},
		{r.ref("a/arm:v1"), "found the image for linux/arm64, want linux/amd64"},
		{r.ref("a/chart:v1"), "want that of a container image"},
		{r.ref("a/collector@" + digest[:40]), "want one such as"},
	} {
		_, err := Pull(t.Context(), c.ref, Options{Dir: t.TempDir(), Platform: here})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Pull(%q) = %v, want %q in it", c.ref, err, c.want)
		}
	}
}

func forARM(t *testing.T) v1.Image {
	t.Helper()
	img := imageOf(t, v1.Config{})
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.Architecture = "arm64"
	if img, err = mutate.ConfigFile(img, file); err != nil {
		t.Fatal(err)
	}
	return img
}

// An inProcess carries requests to a handler without a network, and hangs in the body of
// what ends with the suffix.
type inProcess struct {
	handler http.Handler
	hang    string
}

func (p inProcess) RoundTrip(q *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	p.handler.ServeHTTP(rec, q)
	resp := rec.Result()
	resp.Request = q
	if strings.HasSuffix(q.URL.Path, p.hang) {
		resp.Body = hanging{q.Context()}
	}
	return resp, nil
}

type hanging struct{ ctx context.Context }

func (h hanging) Read([]byte) (int, error) { <-h.ctx.Done(); return 0, h.ctx.Err() }
func (h hanging) Close() error             { return nil }

func TestPullGivesUp(t *testing.T) {
	r := newReg(t)
	img := imageOf(t, v1.Config{}, layerWith(t, compression.GZip, entry{name: "f", content: "f"}))
	r.push(t, "a/b:v1", img)
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	interrupted := errors.New("interrupted")
	for what, c := range map[string]struct {
		hang  string
		cause error
		want  string
	}{
		"a registry that stalls":     {digestOf(t, layers[0]), nil, "nothing came for 1m0s"},
		"an interrupt":               {digestOf(t, layers[0]), interrupted, "interrupted"},
		"an interrupt while it asks": {"manifests/v1", interrupted, "interrupted"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if c.cause != nil {
				time.AfterFunc(time.Second, func() { cancel(c.cause) })
			}
			_, err := Pull(ctx, "registry.example/a/b:v1", Options{
				Dir: t.TempDir(), Platform: here,
				Transport: inProcess{r.handler, c.hang},
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: Pull() = %v, want %q in it", what, err, c.want)
			}
		})
	}
}
