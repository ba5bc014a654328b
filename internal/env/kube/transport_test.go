package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
)

// serve is an API server of which h answers everything, and a way to it.
func serve(t *testing.T, h http.HandlerFunc) access {
	t.Helper()
	server := httptest.NewServer(h)
	a, err := dial(&rest.Config{Host: server.URL + "/behind", BearerToken: "secret"}, "a test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.close()
		server.Close()
	})
	return a
}

func TestTransport(t *testing.T) {
	type seen struct {
		Method, Path, Query, Body, Auth, Encoding, Kind string
	}
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode(seen{
			r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header.Get("Authorization"),
			r.Header.Get("Accept-Encoding"), r.Header.Get("Content-Type"),
		})
	})
	client := &http.Client{Transport: a.pods()}
	req, err := http.NewRequest(http.MethodPost, "http://"+podAddr("gateway-1", "ns", 8080)+"/start?a=b%20c",
		strings.NewReader("now"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/x")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got seen
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := seen{
		Method: "POST", Path: "/behind/api/v1/namespaces/ns/pods/gateway-1:8080/proxy/start",
		Query: "a=b%20c", Body: "now", Auth: "Bearer secret", Encoding: "identity", Kind: "text/x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what came through (-want +got):\n%s", diff)
	}
	if req.URL.Host != podAddr("gateway-1", "ns", 8080) || req.Header.Get("Authorization") != "" {
		t.Error("the request itself was changed")
	}
}

// What the API server answers itself is no answer of the pod.
func TestTransportTellsWhoAnswered(t *testing.T) {
	const json = "application/json"
	for _, c := range []struct {
		name, kind, body string
		code             int
		is               func(error) bool // nil: it is the pod's
	}{
		{
			"the pod cannot be reached", json, `{"kind":"Status","apiVersion":"v1","status":"Failure",` +
				`"message":"error trying to reach service: dial tcp 10.0.0.1:8888: connect: connection refused",` +
				`"reason":"ServiceUnavailable","code":503}`,
			503, apierrors.IsServiceUnavailable,
		},
		{
			"the pod is gone", json, `{"kind":"Status","apiVersion":"v1","status":"Failure",` +
				`"message":"pods \"gateway-1\" not found","reason":"NotFound","code":404}`,
			404, apierrors.IsNotFound,
		},
		{
			"no right", json, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no",` +
				`"reason":"Forbidden","code":403}`,
			403, apierrors.IsForbidden,
		},
		{"the pod says 503", "text/plain", "not ready", 503, nil},
		{"the pod says 404 in JSON", json, `{"error":"no such page"}`, 404, nil},
		{"the pod speaks of a Status", json, `{"kind":"Status"}`, 500, nil},
		{"the pod says half of something", json, `{"kind":"Status","apiVersion":"v1"`, 500, nil},
		{"all is well with a Status", json, `{"kind":"Status","apiVersion":"v1"}`, 200, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.code)
				_, _ = io.WriteString(w, c.body)
			})
			client := &http.Client{Transport: a.pods()}
			resp, err := client.Get("http://" + podAddr("gateway-1", "ns", 8888) + "/metrics")
			if c.is != nil {
				contains(t, "Get", err, "reach pod gateway-1 through the API server")
				if !c.is(err) {
					t.Errorf("%v is of another kind", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if resp.StatusCode != c.code || string(body) != c.body || err != nil {
				t.Errorf("answer %d %q, %v; want %d %q", resp.StatusCode, body, err, c.code, c.body)
			}
		})
	}
	a := access{base: nil}
	resp, err := (&http.Client{Transport: a.pods()}).Get("http://127.0.0.1:1/")
	if err == nil {
		resp.Body.Close()
	}
	contains(t, "Get of another address", err, "is no address in a cluster")
}

// A large body comes as it is sent: the second half is sent once the first has come.
func TestTransportStreams(t *testing.T) {
	came := make(chan struct{})
	half := bytes.Repeat([]byte("x"), 1<<20)
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(half)
		w.(http.Flusher).Flush()
		select {
		case <-came:
		case <-r.Context().Done():
		}
		_, _ = w.Write(half)
	})
	client := &http.Client{Transport: a.pods()}
	resp, err := client.Get("http://" + podAddr("backend-1", "ns", 8080) + "/account")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, len(half))); err != nil {
		t.Fatal(err)
	}
	close(came)
	rest, err := io.Copy(io.Discard, resp.Body)
	if rest != int64(len(half)) || err != nil {
		t.Errorf("the rest is %d bytes, %v; want %d", rest, err, len(half))
	}
}

func TestNowIsTheClusters(t *testing.T) {
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/behind/version" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("Date", "Thu, 26 Nov 2026 04:00:00 GMT")
	})
	at, err := a.now(context.Background())
	if err != nil || at.Format("15:04:05") != "04:00:00" {
		t.Errorf("now = %s, %v", at, err)
	}
	wrong := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	_, err = wrong.now(context.Background())
	contains(t, "now", err, "401 Unauthorized")
}

func TestProxyNode(t *testing.T) {
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/behind/api/v1/nodes/node-1/proxy/stats/summary" {
			fmt.Fprint(w, r.URL.RawQuery)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","reason":"Forbidden","message":"no","code":403}`)
	})
	text, err := a.proxyNode(context.Background(), "node-1", summaryPath)
	if string(text) != "only_cpu_and_memory=true" || err != nil {
		t.Errorf("proxyNode = %q, %v", text, err)
	}
	if _, err := a.proxyNode(context.Background(), "node-2", summaryPath); !apierrors.IsForbidden(err) {
		t.Errorf("proxyNode without the right: %v", err)
	}
}

// The path of a request is absolute, whether or not the server's address has one.
func TestPathsAreAbsolute(t *testing.T) {
	for host, want := range map[string]string{
		"https://a:1": "/api/v1", "https://a:1/": "/api/v1", "https://a:1/b": "/b/api/v1", "a:1": "/api/v1",
	} {
		a, err := dial(&rest.Config{Host: host}, "a test")
		if err != nil {
			t.Fatal(err)
		}
		if got := a.base.JoinPath("api/v1").Path; got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
		a.close()
	}
}
