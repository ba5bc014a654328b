package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/loadgen"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// standaloneRun is the run id of ends that are started by hand: a load generator and
// a backend without --run-id know each other's spans.
const standaloneRun = "standalone"

// A loadgenOptions is what loadgen was asked for.
type loadgenOptions struct {
	question  question
	spec      string
	endpoints []string
	http      bool
	admin     string
	runID     string
	stream    uint16
}

func loadgenCommand() *cobra.Command {
	var o loadgenOptions
	cmd := &cobra.Command{
		Use:   "loadgen [SCENARIO|FILE]",
		Short: "Send load alone, to a gateway that runs already",
		Long: `Loadgen sends the load of a scenario to an OTLP endpoint, prints its book as JSON and ends. The rate
is the total over all connections (telemetrygen's is per worker).`,
		Example: `  odigos-stress loadgen --otlp-endpoint localhost:4317 --rate 5000 --duration 1m
  odigos-stress loadgen --otlp-endpoint localhost:4317 --set load.shape=complex --set load.connections=4`,
		Args: cobra.MaximumNArgs(1),
		RunE: command(func(cmd *cobra.Command, args []string) error {
			cfg, err := o.config(args)
			if err != nil {
				return err
			}
			return o.run(cmd, cfg)
		}),
	}
	o.question.scenarioFlags(cmd, loadFlags)
	f := cmd.Flags()
	f.StringVar(&o.spec, "spec", "", "read the whole configuration from a JSON `file`, as a plan holds it")
	f.StringSliceVar(&o.endpoints, "otlp-endpoint", []string{"localhost:4317"},
		"where to send, `host:port`; with --otlp-http also a URL; can be given again")
	f.BoolVar(&o.http, "otlp-http", false, "send OTLP over HTTP (load.protocol=http)")
	f.StringVar(&o.admin, "admin", "", "serve /metrics, /healthz, /readyz and the book at this `address`")
	f.StringVar(&o.runID, "run-id", standaloneRun, "identity of the spans, the same at both ends")
	f.Uint16Var(&o.stream, "stream", 0, "keeps several load generators of one run apart")
	return cmd
}

// config is the load generator that was asked for.
func (o *loadgenOptions) config(args []string) (loadgen.Config, error) {
	if o.spec != "" {
		var cfg loadgen.Config
		err := readSpec(o.spec, &cfg)
		cfg.Endpoints = o.endpoints
		return cfg, err
	}
	s, err := o.question.read(args)
	if err != nil {
		return loadgen.Config{}, err
	}
	if o.http {
		s.Load.Protocol = scenario.ProtocolHTTP
	}
	if s, err = s.Resolved(); err != nil {
		return loadgen.Config{}, usage(err)
	}
	return loadgen.Config{
		RunID: o.runID, Stream: o.stream, Load: s.Load, Endpoints: o.endpoints,
		WarmUp:  s.Timing.Total() - time.Duration(s.Timing.Duration),
		Measure: time.Duration(s.Timing.Duration),
	}, nil
}

// run sends the load. With its own start it ends when all is answered and prints its
// book; held, it stays until it is told to end.
func (o *loadgenOptions) run(cmd *cobra.Command, cfg loadgen.Config) error {
	g, err := loadgen.New(cfg)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	pages := serve(ctx, o.admin, g, g.Gatherer(), logTo(cmd))
	err = g.Run(ctx)
	if cfg.Hold && err == nil {
		<-ctx.Done()
	}
	stop()
	err = errors.Join(err, <-pages)
	if !cfg.Hold && err == nil {
		err = o.end(cmd, g)
	}
	return errors.Join(err, g.Close())
}

// end prints the book; a load of which nothing was acknowledged has failed.
func (o *loadgenOptions) end(cmd *cobra.Command, g *loadgen.Generator) error {
	if err := printBook(cmd, g); err != nil {
		return err
	}
	book, err := g.Book()
	if err != nil {
		return err
	}
	sent, ok := book.(*ledger.Sent)
	if ok && sent.All.Due > 0 && sent.All.Acknowledged == 0 {
		return fmt.Errorf("send load to %s: none of %d spans was acknowledged",
			strings.Join(o.endpoints, ", "), sent.All.Due)
	}
	return nil
}

// serve serves an actor's pages until ctx ends; the channel then gives how that went.
// Without an address there is nothing to serve.
func serve(
	ctx context.Context, address string, a admin.Actor, metrics prometheus.Gatherer, log *slog.Logger,
) <-chan error {
	done := make(chan error, 1)
	if address == "" {
		done <- nil
		return done
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		done <- fmt.Errorf("serve pages: %w", err)
		return done
	}
	go func() { done <- admin.Serve(ctx, ln, admin.NewHandler(a, metrics), log) }()
	return done
}

func printBook(cmd *cobra.Command, a admin.Actor) error {
	book, err := a.Book()
	if err != nil {
		return err
	}
	e := json.NewEncoder(cmd.OutOrStdout())
	e.SetIndent("", "  ")
	return e.Encode(book)
}

func logTo(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
}

// readSpec reads the configuration of an actor, as its plan wrote it.
func readSpec(name string, into any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read spec: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read spec %s: %w", name, err)
	}
	return nil
}
