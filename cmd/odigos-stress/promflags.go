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
	var err error
	if p.server, err = kube.NewPromServer(p.url); err != nil {
		return fmt.Errorf("--prometheus: %w", err)
	}
	if p.httpConfig == "" {
		return nil
	}
	if p.server, err = p.server.DialledBy(p.httpConfig); err != nil {
		return fmt.Errorf("--prometheus-http-config: %w", err)
	}
	return nil
}
