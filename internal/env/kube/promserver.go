package kube

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// A PromServer is a Prometheus, or what answers as one: where it is, and how it is dialled.
type PromServer struct {
	// URL may hold a password, String leaves it out. Empty: there is none.
	URL string

	dial http.RoundTripper // nil: as anybody, by the system's certificates
}

// NewPromServer is the one at an address, which has to be a URL.
func NewPromServer(address string) (PromServer, error) {
	s := PromServer{URL: address}
	return s, s.check()
}

// DialledBy is the same, dialled as a file says in Prometheus' own words: http_config.
func (s PromServer) DialledBy(file string) (PromServer, error) {
	var err error
	if s.dial, err = readPromHTTP(file); err != nil {
		return PromServer{}, fmt.Errorf("read %s: %w; want Prometheus' http_config, such as "+
			"authorization: {credentials_file: token}", file, err)
	}
	return s, nil
}

// check refuses an address that is no URL.
func (s PromServer) check() error {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("found %q, want a URL such as http://localhost:9090", s.URL)
	}
	return nil
}

// String is its address without a password.
func (s PromServer) String() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return "at the address that was named"
	}
	return u.Redacted()
}

// open is a client of it, and what lets its connections go.
func (s PromServer) open() (promv1.API, func(), error) {
	dial := s.dial
	if dial == nil {
		dial = http.DefaultTransport.(*http.Transport).Clone()
	}
	client, err := api.NewClient(api.Config{Address: s.URL, RoundTripper: dial})
	if err != nil {
		return nil, nil, err
	}
	return promv1.NewAPI(client), func() { utilnet.CloseIdleConnectionsFor(dial) }, nil
}
