package kube

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// promServer is one behind TLS of its own that answers whoever has the token, and a folder
// with its certificate, the token, and a file of each name and text.
func promServer(t *testing.T, token string, files map[string]string) (url, dir string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		known := r.Header.Get("Authorization") == "Bearer "+token || name == "ann" && password == token
		if !known {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Header.Get("X-Scope-OrgID") != "" { // it has no such tenant
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"vector","result":[]}}`))
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // some clients do not trust it
	s.StartTLS()
	t.Cleanup(s.Close)
	dir = t.TempDir()
	files["ca.crt"] = string(pem.EncodeToMemory(&pem.Block{
		Type: "CERTIFICATE", Bytes: s.Certificate().Raw,
	}))
	files["token"] = token + "\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s.URL, dir
}

// A Prometheus that wants to know who asks, behind a certificate of its own, is asked as the
// file says; the file's paths are from where it is.
func TestPrometheusWithHTTPConfig(t *testing.T) {
	const whole = "authorization: {credentials_file: token}\ntls_config: {ca_file: ca.crt}\n"
	url, dir := promServer(t, "s3cret", map[string]string{
		"whole.yml":  whole,
		"other.yml":  "authorization: {credentials: other}\ntls_config: {ca_file: ca.crt}\n",
		"blind.yml":  "authorization: {credentials_file: token}\n",
		"ann.yml":    "basic_auth: {username: ann, password_file: token}\ntls_config: {ca_file: ca.crt}\n",
		"tenant.yml": whole + "http_headers: {X-Scope-OrgID: {values: [monday]}}\n",
	})
	for _, c := range []struct{ file, want string }{
		{"whole.yml", ""},
		{"ann.yml", ""},
		{"other.yml", "401"},
		{"tenant.yml", "404"},
		{"blind.yml", "certificate"},
		{"", "certificate"},
	} {
		s, err := NewPromServer(url)
		if err == nil && c.file != "" {
			s, err = s.DialledBy(filepath.Join(dir, c.file))
		}
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		p, err := newPromUsage(t.Context(), nil, s)
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		err = p.answers(t.Context())
		p.close()
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v; want an answer", c.file, err)
			}
			continue
		}
		contains(t, "with "+c.file, err, c.want)
	}
}

// A proxy is asked in place of the one that is named, and gets the headers.
func TestPrometheusByProxy(t *testing.T) {
	var got []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Host, r.Header.Get("X-Scope-OrgID"))
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer proxy.Close()
	file := filepath.Join(t.TempDir(), "proxy.yml")
	text := "proxy_url: " + proxy.URL + "\nhttp_headers: {x-scope-orgid: {secrets: [monday]}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := PromServer{URL: "http://prometheus.test"}.DialledBy(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPromUsage(t.Context(), nil, s)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	contains(t, "the proxy", p.answers(t.Context()), "502")
	if len(got) < 2 || got[0] != "prometheus.test" || got[1] != "monday" {
		t.Errorf("the proxy got %q, want prometheus.test for monday", got)
	}
}

// What is no http_config is refused before anything is asked, with its place, and without the
// secrets around it.
func TestPromServerRefuses(t *testing.T) {
	url, dir := promServer(t, "s3cret", map[string]string{
		"typo.yml":   "basic_auth: {username: ann, password: s3cret}\nauthorisation: {credentials_file: token}\n",
		"twice.yml":  "authorization: {credentials: s3cret, credentials_file: token}\n",
		"both.yml":   "authorization: {credentials: s3cret}\nbasic_auth: {username: ann, password: s3cret}\n",
		"type.yml":   "authorization: {type: Digest, credentials: s3cret}\n",
		"nobody.yml": "basic_auth: {password: s3cret}\n",
		"file.yml":   "basic_auth: {username: ann, password_file: nowhere}\n",
		"proxy.yml":  "proxy_url: nowhere\n",
		"absent.yml": "tls_config: {ca_file: nowhere.crt}\n",
		"oauth.yml":  "oauth2: {client_id: a}\n",
	})
	for _, c := range []struct {
		file string
		want []string
	}{
		{"none.yml", []string{"none.yml", "no such file"}},
		{"typo.yml", []string{"typo.yml", `[2:1] unknown field "authorisation"`, "http_config"}},
		{"twice.yml", []string{"twice.yml", "either credentials or credentials_file"}},
		{"both.yml", []string{"found authorization and basic_auth, want one of both"}},
		{"type.yml", []string{`authorization.type: found "Digest", want Bearer`}},
		{"nobody.yml", []string{"basic_auth: want a username"}},
		{"file.yml", []string{filepath.Join(dir, "nowhere")}},
		{"proxy.yml", []string{"proxy_url: found no URL"}},
		{"absent.yml", []string{"absent.yml", filepath.Join(dir, "nowhere.crt")}},
		{"oauth.yml", []string{`unknown field "oauth2"`}},
	} {
		_, err := PromServer{URL: url}.DialledBy(filepath.Join(dir, c.file))
		contains(t, c.file, err, c.want...)
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error tells a secret: %v", c.file, err)
		}
	}
}
