package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/backend"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A backendOptions is what backend was asked for.
type backendOptions struct {
	spec, grpc, http, admin, runID string
	account                        string
	delay, successRate, cutEvery   string
	maxConnections, maxConcurrent  int
}

func backendCommand() *cobra.Command {
	var o backendOptions
	cmd := &cobra.Command{
		Use:   "backend",
		Short: "Run the mock backend alone, until it is interrupted",
		Long: `Backend receives OTLP over gRPC and HTTP, answers as it is told, and prints its book as JSON when it
is interrupted. Spans of load generators with the same --run-id are counted by identity; with
--account it leaves what came of every span, to be joined with the load generators' by join.`,
		Example: `  odigos-stress backend --grpc localhost:4317 --http localhost:4318 --delay 200ms --success-rate 0.9
  odigos-stress backend --run-id monday --account backend.account`,
		Args: cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.config()
			if err != nil {
				return err
			}
			return o.run(cmd, cfg)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.spec, "spec", "", "read the whole configuration from a JSON `file`, as a plan holds it")
	f.StringVar(&o.grpc, "grpc", "localhost:4317", "listen `address` of OTLP over gRPC")
	f.StringVar(&o.http, "http", "localhost:4318", "listen `address` of OTLP over HTTP")
	f.StringVar(&o.admin, "admin", "localhost:0", "serve /metrics, /healthz, /readyz and the book at this `address`")
	f.StringVar(&o.runID, "run-id", standaloneRun, "identity of the spans, the same at both ends")
	f.StringVar(&o.account, "account", "", "write what came of every span to this `file` at the end")
	f.StringVar(&o.delay, "delay", "0s", "wait before each answer")
	f.StringVar(&o.successRate, "success-rate", "1", "share of requests answered with success, 0.9 or 90%")
	f.IntVar(&o.maxConnections, "max-connections", 0, "connections served at once; 0: no limit")
	f.IntVar(&o.maxConcurrent, "max-concurrent", 0, "requests worked on at once, a further one waits; 0: no limit")
	f.StringVar(&o.cutEvery, "cut-every", "0s", "cut all OTLP connections at once, so often; 0s: never")
	return cmd
}

// config is the backend that was asked for.
func (o *backendOptions) config() (backend.Config, error) {
	var cfg backend.Config
	if o.spec != "" {
		if err := readSpec(o.spec, &cfg); err != nil {
			return cfg, err
		}
		cfg.GRPC, cfg.HTTP = o.grpc, o.http
		return cfg, nil
	}
	delay, err := scenario.ParseDuration(o.delay)
	if err != nil {
		return cfg, usage(fmt.Errorf("--delay: %w", err))
	}
	rate, err := scenario.ParseRatio(o.successRate)
	if err != nil {
		return cfg, usage(fmt.Errorf("--success-rate: %w", err))
	}
	cut, err := scenario.ParseDuration(o.cutEvery)
	if err != nil {
		return cfg, usage(fmt.Errorf("--cut-every: %w", err))
	}
	if o.maxConnections < 0 || o.maxConcurrent < 0 {
		return cfg, usage(errors.New("--max-connections, --max-concurrent: want 0 (no limit) or more"))
	}
	return backend.Config{
		RunID: o.runID, GRPC: o.grpc, HTTP: o.http, Seed: 1,
		Measure: 100 * 365 * 24 * time.Hour, // all of it
		Backend: scenario.Backend{
			Delay: delay, SuccessRate: &rate,
			MaxConnections: o.maxConnections, MaxConcurrent: o.maxConcurrent,
			CutEvery: cut,
		},
	}, nil
}

// run serves until the command is interrupted, which is how it ends.
func (o *backendOptions) run(cmd *cobra.Command, cfg backend.Config) (err error) {
	dir := ""
	if o.account != "" {
		// In the same directory, so that the account can be moved into its place.
		dir, err = os.MkdirTemp(filepath.Dir(o.account), ".odigos-stress-account-*")
		if err != nil {
			return fmt.Errorf("write account: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	b, err := backend.Listen(cfg, o.admin, dir, logTo(cmd))
	if err != nil {
		return err
	}
	if err := b.Run(cmd.Context()); err != nil {
		return err
	}
	if dir != "" {
		if err := os.Rename(filepath.Join(dir, backend.AccountFile), o.account); err != nil {
			return fmt.Errorf("write account: %w", err)
		}
	}
	if o.spec != "" {
		return nil
	}
	return printBook(cmd, b)
}
