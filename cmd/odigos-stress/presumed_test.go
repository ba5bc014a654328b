package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/odigos-io/odigos-stress/internal/gateway"
)

// servedImage is the name of an image with our collector, in a registry of the test.
func servedImage(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref, err := name.ParseReference(server.Listener.Addr().String() + "/collector:v3")
	if err != nil {
		t.Fatal(err)
	}
	img, err := imageHolding(builtProgram(t, gateway.Sibling), nil)
	if err == nil {
		err = remote.Write(ref, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ref.String()
}

// What starts nothing makes nothing in a cluster, whatever image the collector is in, and says
// what it took for that.
func TestWhatStartsNothingAsksNoPod(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", filepath.Dir(builtProgram(t, gateway.Sibling)))
	kubeconfig := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("it made something: %s %s", r.Method, r.URL)
		}
		withoutOdigos(w, r)
	})
	served := servedImage(t)
	const absent = "127.0.0.1:1/collector:v3"
	for name, c := range map[string]struct{ args, out, said []string }{
		"the tool's own image of a registry": {
			args: []string{"plan", "--image=example.com/tool:v1"},
			out:  []string{"/odigos-stress-otelcol"},
			said: []string{"The collector in example.com/tool:v1 was not asked", "beside the tool"},
		},
		"another's, which this machine can run": {
			args: []string{"plan", "--collector-image=" + served},
			out:  []string{served},
			said: []string{"The collector in " + served + " was asked on this machine"},
		},
		"another's, which is not to be had": {
			args: []string{"plan", "--collector-image=" + absent},
			out:  []string{absent, "collector 3"},
			said: []string{"on this machine it could not be", "were taken for its"},
		},
		"a program that is not the entry point": {
			args: []string{"plan", "--set=gateway.image=" + served, "--set=gateway.binary=/other"},
			out:  []string{served},
			said: []string{"want the entry point of", "were taken for its"},
		},
		"manifests": {
			args: []string{"manifests", "--image=example.com/tool:v1"},
			out:  []string{"image: example.com/tool:v1", "kind: Job"},
			said: []string{"The collector in example.com/tool:v1 was not asked"},
		},
		"a capacity": {
			args: []string{"capacity", "--dry-run", "--image=example.com/tool:v1"},
			out:  []string{"the highest rate that"},
			said: []string{"The collector in example.com/tool:v1 was not asked"},
		},
	} {
		args := append(slices.Clone(c.args), inLab, "--kubeconfig="+kubeconfig, "--gateway=scenario")
		var out, said bytes.Buffer
		if code := run(args, strings.NewReader(""), &out, &said); code != exitPass {
			t.Errorf("%s: exit code %d: %s", name, code, said.String())
		}
		for text, wants := range map[string][]string{out.String(): c.out, said.String(): c.said} {
			for _, want := range wants {
				if !strings.Contains(text, want) {
					t.Errorf("%s: %q is not in:\n%s", name, want, text)
				}
			}
		}
		if n := strings.Count(said.String(), "note: The collector in"); n != 1 {
			t.Errorf("%s: it is told %d times how the collector was told, want once", name, n)
		}
	}
}
