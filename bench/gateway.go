package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// collectorConfig is a gateway with nothing in it but a batch processor. Its queue
// is short and blocks, so that a sender soon feels that it is full.
const collectorConfig = `receivers:
  otlp:
    protocols:
      grpc: {endpoint: %q, max_recv_msg_size_mib: 128}
processors:
  batch: {}
exporters:
  otlp_grpc:
    endpoint: %q
    compression: %s
    tls: {insecure: true}
    sending_queue: {queue_size: 2, num_consumers: 2, block_on_overflow: true}
service:
  telemetry:
    logs: {level: warn}
    metrics:
      readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: %s}}}}]
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [otlp_grpc]}
`

// places are the CPUs of the two sides of a gateway: the ends share one. On a machine
// with one CPU nobody is kept to any.
func places() (ends, gateway int) {
	if all := cpus(); len(all) > 1 {
		return all[0], all[1]
	}
	return noCPU, noCPU
}

// through sends a load through a real collector into the backend, at what the
// collector can take.
func through(l load) func(context.Context, *stage) (sample, error) {
	return func(ctx context.Context, s *stage) (sample, error) {
		ends, core := places()
		l.cpu = ends
		r, err := backend(ends)(ctx, s)
		if err != nil {
			return sample{}, err
		}
		defer r.kill()
		c, to, err := s.startCollector(ctx, core, r.to, l.compression)
		if err != nil {
			return sample{}, err
		}
		defer c.kill()
		began := time.Now()
		out, err := l.send(throughout)(ctx, s, to)
		if err != nil {
			return sample{}, err
		}
		wall := time.Since(began)
		if err := r.arrived(ctx, out.acknowledged); err != nil {
			return sample{}, err
		}
		used, err := c.usedSoFar()
		if err != nil {
			return sample{}, err
		}
		if _, err := c.stop(ctx); err != nil {
			return sample{}, err
		}
		t, cpu, err := r.end(ctx)
		if err != nil {
			return sample{}, err
		}
		return sample{
			Spans: t.Spans, Wall: wall.Seconds(), Bytes: out.bytes, Wire: out.wire,
			Unsent: out.unsent, Send: out.usage, Receive: usage{CPU: cpu},
			Gateway: usage{CPU: used},
		}, nil
	}
}

func (s *stage) startCollector(ctx context.Context, cpu int, backend, compression string,
) (p *process, to string, err error) {
	to, err = freeAddress()
	if err != nil {
		return nil, "", err
	}
	metrics, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	_, port, err := net.SplitHostPort(metrics)
	if err != nil {
		return nil, "", err
	}
	file := filepath.Join(s.dir, "collector.yaml")
	config := fmt.Sprintf(collectorConfig, to, backend, compression, port)
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, "", err
	}
	p, err = command{
		path: s.collector, args: []string{"--config", file}, cpu: cpu, procs: 1,
	}.start(ctx)
	if err != nil {
		return nil, "", err
	}
	if err := p.listens(ctx, to); err != nil {
		p.kill()
		return nil, "", err
	}
	return p, to, nil
}

// arrived waits until a backend has so many spans.
func (r *receiver) arrived(ctx context.Context, spans uint64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last := 0.0
	for {
		m, err := scrape(ctx, r.admin)
		if err != nil {
			return errors.Join(fmt.Errorf("%.0f of %d acknowledged spans arrived", last, spans), err)
		}
		if last = m.arrived; last >= float64(spans) {
			return nil
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return fmt.Errorf("%.0f of %d acknowledged spans arrived: %w", last, spans, ctx.Err())
		}
	}
}
