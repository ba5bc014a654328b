package kube

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/transport"
)

// A promHTTP is the part of Prometheus' http_config that dials one who wants to know who asks:
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#http_config. What
// it has beside this (oauth2, files of headers) is refused as a field that is not known.
type promHTTP struct {
	Authorization *struct {
		Type            string `yaml:"type"`
		Credentials     string `yaml:"credentials"`
		CredentialsFile string `yaml:"credentials_file"`
	} `yaml:"authorization"`
	BasicAuth *struct {
		Username     string `yaml:"username"`
		Password     string `yaml:"password"`
		PasswordFile string `yaml:"password_file"`
	} `yaml:"basic_auth"`
	TLS struct {
		CAFile             string `yaml:"ca_file"`
		CertFile           string `yaml:"cert_file"`
		KeyFile            string `yaml:"key_file"`
		ServerName         string `yaml:"server_name"`
		InsecureSkipVerify bool   `yaml:"insecure_skip_verify"`
	} `yaml:"tls_config"`
	ProxyURL string `yaml:"proxy_url"`
	Headers  map[string]struct {
		Values  []string `yaml:"values"`
		Secrets []string `yaml:"secrets"`
	} `yaml:"http_headers"`
}

// readPromHTTP reads one, and what dials by it. Paths in it are relative to its folder.
func readPromHTTP(file string) (http.RoundTripper, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var c promHTTP
	// Whoever reads the error is not to read the secrets around the place too.
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&c); err != nil {
		return nil, errors.New(yaml.FormatError(err, false, false))
	}
	to, err := c.transport(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	return transport.New(to)
}

// transport is the client library's own way to say the same.
func (c promHTTP) transport(dir string) (*transport.Config, error) {
	at := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	to := &transport.Config{TLS: transport.TLSConfig{
		CAFile: at(c.TLS.CAFile), CertFile: at(c.TLS.CertFile), KeyFile: at(c.TLS.KeyFile),
		ServerName: c.TLS.ServerName, Insecure: c.TLS.InsecureSkipVerify,
	}}
	if err := c.who(to, at); err != nil {
		return nil, err
	}
	if c.ProxyURL != "" {
		proxy, err := url.Parse(c.ProxyURL)
		if err != nil || proxy.Host == "" {
			return nil, errors.New("proxy_url: found no URL, want one such as http://proxy:3128")
		}
		to.Proxy = http.ProxyURL(proxy)
	}
	if len(c.Headers) > 0 {
		all := http.Header{}
		for name, h := range c.Headers {
			for _, value := range append(h.Values, h.Secrets...) {
				all.Add(name, value)
			}
		}
		to.Wrap(func(next http.RoundTripper) http.RoundTripper { return withHeaders{next, all} })
	}
	return to, nil
}

// who says who asks.
func (c promHTTP) who(to *transport.Config, at func(string) string) error {
	a, b := c.Authorization, c.BasicAuth
	switch {
	case a != nil && b != nil:
		return errors.New("found authorization and basic_auth, want one of both")
	case a != nil && a.Type != "" && a.Type != "Bearer":
		return fmt.Errorf("authorization.type: found %q, want Bearer", a.Type)
	case a != nil && (a.Credentials == "") == (a.CredentialsFile == ""):
		return errors.New("authorization: want either credentials or credentials_file")
	case b != nil && (b.Username == "" || b.Password != "" && b.PasswordFile != ""):
		return errors.New("basic_auth: want a username, and one of password and password_file")
	case a != nil:
		to.BearerToken, to.BearerTokenFile = a.Credentials, at(a.CredentialsFile)
	case b != nil:
		to.Username, to.Password = b.Username, b.Password
		if b.PasswordFile == "" {
			return nil
		}
		text, err := os.ReadFile(at(b.PasswordFile))
		if err != nil {
			return fmt.Errorf("basic_auth: %w", err)
		}
		to.Password = string(bytes.TrimSpace(text))
	}
	return nil
}

// withHeaders adds headers to each request.
type withHeaders struct {
	next http.RoundTripper
	all  http.Header
}

// RoundTrip implements http.RoundTripper, which must not change the request itself.
func (w withHeaders) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, values := range w.all {
		r.Header[name] = values
	}
	return w.next.RoundTrip(r)
}

// WrappedRoundTripper lets its connections be closed.
func (w withHeaders) WrappedRoundTripper() http.RoundTripper { return w.next }

var _ utilnet.RoundTripperWrapper = withHeaders{}
