package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/odigos-io/odigos-stress/internal/env/kube"
)

// promFlags name a Prometheus, and how it is dialled.
type promFlags struct {
	url, httpConfig string
	server          kube.PromServer // by check
}

// add adds the flags of one that does what is said.
func (p *promFlags) add(f *pflag.FlagSet, which string) {
	f.StringVar(&p.url, "prometheus", "", "`url` of a Prometheus that "+which)
	f.StringVar(&p.httpConfig, "prometheus-http-config", "", "`file` with Prometheus' http_config by "+
		"which that is dialled: authorization, TLS, headers, proxy")
}

// check refuses what names none, and reads the file.
func (p *promFlags) check() error {
	if p.url == "" {
		if p.httpConfig != "" {
			return errors.New("--prometheus-http-config: found it without --prometheus, want both")
		}
		return nil
	}
	server, err := kube.ReadPromServer(p.url, "")
	if err != nil {
		return fmt.Errorf("--prometheus: %w", err)
	}
	if p.httpConfig != "" {
		if server, err = kube.ReadPromServer(p.url, p.httpConfig); err != nil {
			return fmt.Errorf("--prometheus-http-config: %w", err)
		}
	}
	p.server = server
	return nil
}
