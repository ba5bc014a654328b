package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// asProgram makes the test binary the program of an image.
const asProgram = "ODIGOS_STRESS_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		fmt.Println("this ran out of an image")
		return
	}
	os.Exit(m.Run())
}

// here is the platform of the tests' images, whatever runs the tests.
const here = "linux/amd64"

// listing is what lies below a directory: modes, links and contents by path.
func listing(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			var target string
			if target, err = os.Readlink(path); err == nil {
				text = "-> " + target
			}
		case info.Size() > 100 && !d.IsDir():
			text += " large"
		case info.Mode().IsRegular():
			var content []byte
			if content, err = os.ReadFile(path); err == nil {
				text += " " + string(content)
			}
		}
		rel, _ := filepath.Rel(dir, path)
		found[rel] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// twoLayers are an image in which nearly everything is; its program cannot run.
func twoLayers(t *testing.T) v1.Image {
	t.Helper()
	return twoLayersOf(t, entry{name: "otelcol", content: "program", mode: 0o755})
}

func twoLayersOf(t *testing.T, program entry) v1.Image {
	t.Helper()
	return imageOf(t, v1.Config{
		Entrypoint: []string{"/otelcol"}, Cmd: []string{"--config", "/etc/otel.yaml"},
		Env: []string{"PATH=/bin", "SSL_CERT_FILE=/etc/certs.crt", "A=$b"}, User: "65534",
	},
		layerWith(t, compression.GZip,
			program, entry{name: "etc/"}, entry{name: "etc/old", content: "old"},
			entry{name: "etc/certs.crt", content: "certificates"},
			entry{name: "usr/lib/"}, entry{name: "lib", kind: tar.TypeSymlink, link: "usr/lib"},
		),
		layerWith(t, compression.ZStd,
			entry{name: "etc/.wh.old"}, entry{name: "./lib/b", content: "b", mode: 0o666}),
	)
}

func TestPull(t *testing.T) {
	r := newReg(t)
	digest := r.push(t, "a/collector:v1", twoLayersOf(t, self(t, "otelcol")))
	dir := t.TempDir()
	var done, total int64
	o := Options{Dir: dir, Platform: here, Progress: func(d, of int64) { done, total = d, of }}
	ref := r.ref("a/collector:v1")
	u, err := Pull(t.Context(), ref, o)
	if err != nil {
		t.Fatal(err)
	}
	if want := ref + "@" + digest; u.Image != want {
		t.Errorf("Image = %s, want %s", u.Image, want)
	}
	if done != total || done == 0 {
		t.Errorf("progress ended at %d of %d bytes, want all of some", done, total)
	}
	want := map[string]string{
		"otelcol": "-rwxr-xr-x large", "etc": "drwxr-xr-x", "etc/certs.crt": "-rw-r--r-- certificates",
		"usr": "drwxr-xr-x", "usr/lib": "drwxr-xr-x", "usr/lib/b": "-rw-r--r-- b", "lib": "-> usr/lib",
	}
	if diff := cmp.Diff(want, listing(t, u.Root)); diff != "" {
		t.Errorf("unpacked (-want +got):\n%s", diff)
	}
	environ := map[string]string{"SSL_CERT_FILE": filepath.Join(u.Root, "etc/certs.crt"), "A": "$b"}
	if diff := cmp.Diff(environ, u.Environ()); diff != "" {
		t.Errorf("Environ() (-want +got):\n%s", diff)
	}
	runs(t, u)

	blobs := r.blobs.Load()
	if _, err := Pull(t.Context(), ref, o); err != nil || r.blobs.Load() != blobs {
		t.Errorf("a second Pull asked for %d blobs, %v; want none", r.blobs.Load()-blobs, err)
	}
	requests := r.requests.Load()
	if again, err := Pull(t.Context(), u.Image, o); err != nil || again.Image != u.Image ||
		r.requests.Load() != requests {
		t.Errorf("Pull(%s) = %v, %v after %d requests; want the same image after none", u.Image, again,
			err, r.requests.Load()-requests)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(left) > 0 {
		t.Errorf("%v was left behind", left)
	}
}

// runs runs the program of an image that has the test binary in it.
func runs(t *testing.T, u *Unpacked) {
	t.Helper()
	if !isNative() {
		t.Log("the test binary is not for " + here)
		return
	}
	program, err := u.Program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.Output()
	if err != nil || string(out) != "this ran out of an image\n" {
		t.Errorf("the program said %q, %v", out, err)
	}
	if u.SHA256 == "" {
		t.Error("the program has no hash")
	}
}

// A tag whose registry is away means what it meant before; what was never pulled cannot be
// had.
func TestPullFromARegistryThatIsAway(t *testing.T) {
	r := newReg(t)
	r.push(t, "a/collector:v1", twoLayers(t))
	o := Options{Dir: t.TempDir(), Platform: here}
	before, err := Pull(t.Context(), r.ref("a/collector:v1"), o)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	after, err := Pull(t.Context(), r.ref("a/collector:v1"), o)
	if err != nil || after.Image != before.Image {
		t.Fatalf("Pull() = %v, %v, want %s", after, err, before.Image)
	}
	if !strings.Contains(after.Note, "could not be asked") || before.Note != "" {
		t.Errorf("notes = %q and %q, want one of the second alone", before.Note, after.Note)
	}
	_, err = Pull(t.Context(), r.ref("a/other:v1"), o)
	if !errors.As(err, new(AwayError)) || !strings.Contains(err.Error(), "--collector-bin") {
		t.Errorf("Pull(what is not there) = %v, want that the registry is away, and what to do", err)
	}
}

func TestPullMovesWithItsTag(t *testing.T) {
	r := newReg(t)
	o := Options{Dir: t.TempDir(), Platform: here}
	for _, content := range []string{"one", "two"} {
		want := r.push(t, "a/b:latest", imageOf(t, v1.Config{}, layerWith(t, compression.GZip,
			entry{name: "version", content: content})))
		u, err := Pull(t.Context(), r.ref("a/b"), o)
		if err != nil || u.Digest != want {
			t.Errorf("Pull() = %v, %v, want digest %s", u, err, want)
		}
	}
}

// Of an index the image for the platform is taken, and no attestation.
func TestPullFromAnIndex(t *testing.T) {
	r := newReg(t)
	mine := imageOf(t, v1.Config{}, layerWith(t, compression.GZip, entry{name: "mine", content: "1"}))
	other := imageOf(t, v1.Config{}, layerWith(t, compression.GZip, entry{name: "other", content: "1"}))
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"},
		}},
		mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"},
		}},
		mutate.IndexAddendum{Add: mine, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: "amd64"},
		}},
	)
	ref, err := name.ParseReference(r.ref("a/multi:v1"))
	if err == nil {
		err = remote.WriteIndex(ref, index)
	}
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: t.TempDir(), Platform: here}
	exact := r.ref("a/multi:v1@" + digestOf(t, index))
	for _, ref := range []string{r.ref("a/multi:v1"), exact} {
		u, err := Pull(t.Context(), ref, o)
		if err != nil || u.Digest != digestOf(t, mine) {
			t.Errorf("Pull(%s) = %v, %v, want digest %s", ref, u, err, digestOf(t, mine))
		}
	}
	requests := r.requests.Load()
	if _, err := Pull(t.Context(), exact, o); err != nil || r.requests.Load() != requests {
		t.Errorf("Pull(%s) again made %d requests, %v; want none", exact, r.requests.Load()-requests, err)
	}
	o.Platform = "plan9/mips"
	_, err = Pull(t.Context(), r.ref("a/multi:v1"), o)
	const want = "found the image for linux/arm64/v8, linux/amd64, want plan9/mips"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Pull(no such platform) = %v, want %q", err, want)
	}
}

// A layer that is not the one of its digest, or not all of it, leaves nothing behind.
func TestPullOfADamagedLayer(t *testing.T) {
	content := entry{name: "f", content: strings.Repeat("as it was. ", 1000)}
	for what, damage := range map[string]func([]byte) []byte{
		"other bytes": func(b []byte) []byte { b[len(b)-12] ^= 1; return b },
		"cut short":   func(b []byte) []byte { return b[:len(b)/2] },
	} {
		r := newReg(t)
		layer := layerWith(t, compression.GZip, content)
		r.push(t, "a/b:v1", imageOf(t, v1.Config{}, layer))
		digest := digestOf(t, layer)
		r.answers(func(w http.ResponseWriter, q *http.Request) bool {
			if !strings.HasSuffix(q.URL.Path, digest) {
				return false
			}
			rec := httptest.NewRecorder()
			r.handler.ServeHTTP(rec, q)
			whole := rec.Body.Bytes()
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			_, _ = w.Write(damage(bytes.Clone(whole)))
			return true
		})
		dir := t.TempDir()
		_, err := Pull(t.Context(), r.ref("a/b:v1"), Options{Dir: dir, Platform: here})
		if err == nil || !strings.Contains(err.Error(), "unpack layer 1 of 1") {
			t.Errorf("%s: Pull() = %v, want an error of the layer", what, err)
		}
		for path := range listing(t, dir) {
			if !strings.HasSuffix(path, ".lock") {
				t.Errorf("%s: %s was left behind", what, path)
			}
		}
	}
}

// However many pull an image at once, one unpacks it.
func TestPullAtOnce(t *testing.T) {
	r := newReg(t)
	r.push(t, "a/collector:v1", twoLayers(t))
	o := Options{Dir: t.TempDir(), Platform: here}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := Pull(t.Context(), r.ref("a/collector:v1"), o); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := r.blobs.Load(); got != 3 {
		t.Errorf("%d blobs were pulled, want the configuration and two layers", got)
	}
}

// A killed pull leaves a directory that the next one clears away.
func TestPullAfterOneThatWasKilled(t *testing.T) {
	r := newReg(t)
	digest := r.push(t, "a/collector:v1", twoLayers(t))
	c := cache{dir: t.TempDir()}
	left := filepath.Join(c.path(digest)+".part", rootDir, "etc", "left")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	u, err := Pull(t.Context(), r.ref("a/collector:v1"), Options{Dir: c.dir, Platform: here})
	if err != nil {
		t.Fatal(err)
	}
	if _, there := listing(t, u.Root)["etc/left"]; there {
		t.Error("what a killed pull had unpacked is part of the image")
	}
}

func TestPullOfADirectoryThatIsBroken(t *testing.T) {
	r := newReg(t)
	digest := r.push(t, "a/collector:v1", twoLayers(t))
	c := cache{dir: t.TempDir()}
	if err := os.MkdirAll(c.path(digest), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Pull(t.Context(), r.ref("a/collector:v1"), Options{Dir: c.dir, Platform: here})
	if err == nil || !strings.Contains(err.Error(), "remove that directory") {
		t.Errorf("Pull() = %v, want what to do", err)
	}
}
