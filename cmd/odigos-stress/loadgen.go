package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"
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
	familiar  familiar
	spec      string
	endpoints []string
	http      bool
	admin     string
	runID     string
	stream    uint16
	segment   string
	account   string
	abandoned abandonment
}

func loadgenCommand() *cobra.Command {
	var o loadgenOptions
	cmd := &cobra.Command{
		Use:   "loadgen [SCENARIO|FILE]",
		Short: "Send load alone, to a gateway that runs already",
		Long: `Loadgen sends the load of a scenario to an OTLP endpoint, prints its book as JSON and ends. Its flags
bear telemetrygen's names where they mean the same; one does not: the rate is the total over all
connections, where telemetrygen's is per worker.

Several load generators of one run have the same --run-id and each a --stream of its own, or each a
--segment of one load: its part of the schedule, the connections and the requests in flight. With
--account each leaves what it knows of every span, to be joined with the backend's by join.`,
		Example: `  odigos-stress loadgen --otlp-endpoint localhost:4317 --rate 5000 --duration 1m
  odigos-stress loadgen --rate 20k --workers 4 --shape complex --service shop --account loadgen.account`,
		Args: notASignal,
		RunE: command(func(cmd *cobra.Command, args []string) error {
			cfg, err := o.config(args)
			if err == nil {
				err = o.cut(&cfg)
			}
			if err != nil {
				return err
			}
			return o.run(cmd, cfg)
		}),
	}
	o.question.scenarioFlags(cmd, slices.Concat(loadFlags, loadgenFlags))
	f := cmd.Flags()
	o.familiar.flags(f)
	f.StringVar(&o.spec, "spec", "", "read the whole configuration from a JSON `file`, as a plan holds it")
	f.StringSliceVar(&o.endpoints, "otlp-endpoint", nil, "where to send, `host:port`; with --otlp-http also "+
		"a URL; can be given again (default localhost:4317, with --otlp-http localhost:4318)")
	f.BoolVar(&o.http, "otlp-http", false, "send OTLP over HTTP (load.protocol=http)")
	f.StringVar(&o.admin, "admin", "", "serve /metrics, /healthz, /readyz and the book at this `address`")
	f.StringVar(&o.runID, "run-id", standaloneRun, "identity of the spans, the same at both ends")
	f.Uint16Var(&o.stream, "stream", 0, "keeps several load generators of one run apart")
	f.StringVar(&o.segment, "segment", "", "send only part `I/N` of the load, such as 0/3, as stream I")
	cmd.MarkFlagsMutuallyExclusive("stream", "segment")
	f.DurationVar(&o.abandoned.after, "abandoned-after", 0,
		"send nothing more once nobody has asked about the load for so long; 0: never")
	f.StringVar(&o.account, "account", "", "write what is known of every span to this `file` at the end")
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
	o.familiar.over(&s.Load)
	if s, err = s.Resolved(); err != nil {
		return loadgen.Config{}, usage(err)
	}
	if len(o.endpoints) == 0 {
		o.endpoints = []string{defaultEndpoints[s.Load.Protocol]}
	}
	return loadgen.Config{
		RunID: o.runID, Stream: o.stream, Load: s.Load, Endpoints: o.endpoints,
		WarmUp:  s.Timing.Total() - time.Duration(s.Timing.Duration),
		Measure: time.Duration(s.Timing.Duration),
	}, nil
}

// cut leaves of the load the segment that was asked for.
func (o *loadgenOptions) cut(cfg *loadgen.Config) (err error) {
	if o.segment == "" {
		return nil
	}
	if cfg.Segment, err = loadgen.ParseSegment(o.segment); err != nil {
		return usage(fmt.Errorf("--segment: %w", err))
	}
	cfg.Stream = uint16(cfg.Segment.Index)
	return nil
}

// defaultEndpoints are OTLP's own ports.
var defaultEndpoints = map[scenario.Protocol]string{
	scenario.ProtocolGRPC: "localhost:4317",
	scenario.ProtocolHTTP: "localhost:4318",
}

// run sends the load. With its own start it ends when all is answered, prints its book
// and leaves its account; held, it stays until it is told to end.
func (o *loadgenOptions) run(cmd *cobra.Command, cfg loadgen.Config) error {
	g, err := loadgen.New(cfg)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	handler := o.abandoned.hearing(admin.NewHandler(g, g.Gatherer()))
	pages, err := serve(ctx, o.admin, handler, logTo(cmd))
	if err != nil {
		return errors.Join(err, g.Close())
	}
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() {
		if o.abandoned.watch(ctx, g) {
			logTo(cmd).Error("nobody asks about this load any more: nothing more is sent")
		}
	})
	err = g.Run(ctx)
	if cfg.Hold && err == nil {
		<-ctx.Done()
	}
	stop()
	err = errors.Join(err, <-pages)
	if !cfg.Hold && err == nil {
		err = errors.Join(o.leave(g), o.end(cmd, g))
	}
	return errors.Join(err, g.Close())
}

// leave writes the account, where one was asked for.
func (o *loadgenOptions) leave(g *loadgen.Generator) (err error) {
	if o.account == "" {
		return nil
	}
	f, err := renameio.NewPendingFile(o.account, renameio.WithPermissions(0o644))
	if err == nil {
		defer func() { err = errors.Join(err, f.Cleanup()) }()
		if err = g.Account(f); err == nil {
			err = f.CloseAtomicallyReplace()
		}
	}
	if err != nil {
		return fmt.Errorf("write account: %w", err)
	}
	return nil
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
	ctx context.Context, address string, h http.Handler, log *slog.Logger,
) (<-chan error, error) {
	done := make(chan error, 1)
	if address == "" {
		done <- nil
		return done, nil
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve pages: %w", err)
	}
	log.Info("pages are served", "admin", ln.Addr().String())
	go func() { done <- admin.Serve(ctx, ln, h, log) }()
	return done, nil
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
