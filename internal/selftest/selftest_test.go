package selftest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/backend"
	"github.com/odigos-io/odigos-stress/internal/env/envtest"
	"github.com/odigos-io/odigos-stress/internal/loadgen"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/selftest"
)

// ends are both ends in this process, the backend with a change to its configuration.
func ends(change func(*backend.Config)) map[string]envtest.Program {
	return map[string]envtest.Program{
		record.Backend: func(ctx context.Context, p *envtest.Process) int {
			var cfg backend.Config
			return said(p, errors.Join(json.Unmarshal([]byte(p.Actor.Files["backend.json"]), &cfg),
				receive(ctx, p, cfg, change)))
		},
		record.Loadgen: func(ctx context.Context, p *envtest.Process) int {
			var cfg loadgen.Config
			err := json.Unmarshal([]byte(p.Actor.Files["loadgen.json"]), &cfg)
			cfg.Endpoints = []string{argument(p, "--otlp-endpoint")}
			return said(p, errors.Join(err, send(ctx, p, cfg)))
		},
	}
}

func said(p *envtest.Process, err error) int {
	if err != nil {
		fmt.Fprintln(p.Out, err)
		return 1
	}
	return 0
}

func argument(p *envtest.Process, flag string) string {
	for i, a := range p.Actor.Args {
		if a == flag {
			return p.Actor.Args[i+1]
		}
	}
	return ""
}

// untilTerm ends when the process is asked to end, or is killed.
func untilTerm(ctx context.Context, p *envtest.Process) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-p.Term:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func receive(ctx context.Context, p *envtest.Process, cfg backend.Config, change func(*backend.Config)) error {
	cfg.GRPC, cfg.HTTP = argument(p, "--grpc"), argument(p, "--http")
	if change != nil {
		change(&cfg)
	}
	b, err := backend.Listen(cfg, argument(p, "--admin"), "", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	p.Ready()
	ctx, cancel := untilTerm(ctx, p)
	defer cancel()
	return b.Run(ctx)
}

func send(ctx context.Context, p *envtest.Process, cfg loadgen.Config) error {
	g, err := loadgen.New(cfg)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", argument(p, "--admin"))
	if err != nil {
		return err
	}
	ctx, cancel := untilTerm(ctx, p)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		served <- admin.Serve(ctx, ln, admin.NewHandler(g, g.Gatherer()), slog.New(slog.DiscardHandler))
	}()
	p.Ready()
	err = g.Run(ctx)
	<-ctx.Done()
	return errors.Join(err, <-served, g.Close())
}

// run is a quick selftest with both ends in this process.
func run(t *testing.T, change func(*backend.Config), watch func(n, all int, what string)) (record.Selftest, error) {
	t.Helper()
	place := envtest.New(ends(change))
	place.Loopback = true
	t.Cleanup(func() {
		if err := place.Close(); err != nil {
			t.Error(err)
		}
	})
	return selftest.Run(t.Context(), place, selftest.Hurried(selftest.Options{
		Quick: true, Dir: t.TempDir(), Watch: watch,
	}))
}

// Everything is measured, step by step; how fast this machine is nobody asks.
func TestRun(t *testing.T) {
	var steps []int
	got, err := run(t, nil, func(n, all int, _ string) {
		if all != 11 {
			t.Errorf("step %d of %d, want 11", n, all)
		}
		steps = append(steps, n)
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	var workloads []string
	for _, c := range got.Ceilings {
		workloads = append(workloads, fmt.Sprintf("%s %d %s %s", c.Shape, c.SpansPerRequest,
			c.Protocol, c.Compression))
		if c.Rate <= 0 || c.Asked <= 0 || c.LoadgenCPU <= 0 || c.BackendCPU <= 0 || c.Measured <= 0 ||
			c.Reached != (c.UnsentRatio >= 0.02) || c.Connections < 1 || c.InFlight < 1 {
			t.Errorf("ceiling %+v", c)
		}
		plain := c.Compression == "none"
		if equal := c.WirePerSpan == c.EncodedPerSpan; equal != plain || c.WirePerSpan > c.EncodedPerSpan {
			t.Errorf("%s: %v bytes a span encoded, %v on the wire", c.Compression, c.EncodedPerSpan, c.WirePerSpan)
		}
	}
	want := []string{
		"odigos-docs 100 grpc none", "odigos-docs 100 grpc gzip",
		"simple 1000 grpc none", "simple 1000 grpc gzip",
	}
	if diff := cmp.Diff(want, workloads); diff != "" {
		t.Errorf("ceilings (-want +got):\n%s", diff)
	}
	if n := len(got.Pacing); n != 2 || got.Pacing[0].Rate != 1000 || got.Pacing[1].Rate != 10_000 {
		t.Errorf("pacing %+v", got.Pacing)
	}
	if f := got.Floor; f.P50 == nil || *f.P50 <= 0 || f.Requests == 0 {
		t.Errorf("latency floor %+v", f)
	}
	if n := got.Noise; n.Windows < 5 || n.LoadgenMedian <= 0 || n.BackendMedian <= 0 || n.LoadgenSpread < 0 {
		t.Errorf("noise %+v", n)
	}
	if got.SchemaVersion != record.SelftestVersion || !got.Quick || got.Seconds <= 0 {
		t.Errorf("result %+v", got)
	}
}

// A backend that does not take every span is no measure of anything.
func TestRunWithABackendThatRefuses(t *testing.T) {
	_, err := run(t, func(c *backend.Config) { c.Backend.SuccessRate = new(scenario.Ratio(0.5)) }, nil)
	if err == nil || !strings.Contains(err.Error(), "offered spans were not acknowledged") ||
		!strings.HasPrefix(err.Error(), "measure ceiling of odigos-docs") {
		t.Errorf("Run = %v, want the refused spans named", err)
	}
}

// When it is interrupted nothing is left running, and there is no result.
func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	place := envtest.New(ends(nil))
	place.Loopback = true
	stop := errors.New("enough")
	_, err := selftest.Run(ctx, place, selftest.Hurried(selftest.Options{
		Dir: t.TempDir(), Watch: func(n, _ int, _ string) {
			if n == 2 {
				cancel(stop)
			}
		},
	}))
	if !errors.Is(err, stop) {
		t.Errorf("Run = %v, want %v", err, stop)
	}
	if err := place.Close(); err != nil {
		t.Error(err)
	}
}

func TestKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "selftest.json")
	here, there := record.HostID{ID: "a", Cores: 2, Kernel: "6"}, record.HostID{ID: "b", Cores: 8}
	keep := func(h record.HostID, took float64) {
		t.Helper()
		if err := selftest.Keep(path, record.Selftest{SchemaVersion: 1, Host: h, Seconds: took}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(h record.HostID, took float64) {
		t.Helper()
		got, err := selftest.Kept(path, h)
		switch {
		case err != nil:
			t.Errorf("Kept(%v): %v", h, err)
		case got == nil && took != 0, got != nil && got.Seconds != took:
			t.Errorf("Kept(%v) = %+v, want the one of %v", h, got, took)
		}
	}
	want(here, 0)
	keep(here, 1)
	keep(there, 2)
	want(here, 1)
	want(there, 2)
	keep(here, 3)
	want(here, 3)
	want(there, 2)

	// Another kernel makes it another host; the same machine has one result.
	newer := here
	newer.Kernel = "7"
	want(newer, 0)
	keep(newer, 4)
	want(newer, 4)
	want(here, 0)
}

// A file that cannot be read is an error to whoever reads, and is replaced by a result.
func TestKeptDamaged(t *testing.T) {
	host := record.HostID{ID: "a"}
	for text, says := range map[string]string{
		``:                                  "unexpected end",
		`{"schema_version": 2}`:             "run odigos-stress selftest again",
		`{}`:                                "schema version 0",
		`{"schema_version": 1, "hosts": 5}`: "cannot unmarshal",
	} {
		path := filepath.Join(t.TempDir(), "selftest.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := selftest.Kept(path, host); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Kept(%s) = %v, want %q", text, err, says)
		}
		if err := selftest.Keep(path, record.Selftest{Host: host, Finished: time.Now()}); err != nil {
			t.Errorf("Keep over %s: %v", text, err)
		}
		if got, err := selftest.Kept(path, host); err != nil || got == nil {
			t.Errorf("Kept after Keep over %s = %v, %v", text, got, err)
		}
	}
}

// A host is the same as long as nothing about it changes, and bears no name.
func TestThisHost(t *testing.T) {
	m := record.Machine{OS: "linux", Arch: "amd64", Kernel: "6.1", CPUModel: "x", Cores: 4, Load1: 1}
	a := selftest.ThisHost(m)
	m.Load1 = 2
	if b := selftest.ThisHost(m); a != b || a.ID == "" {
		t.Errorf("ThisHost = %+v, then %+v", a, b)
	}
	m.Cores = 8
	if b := selftest.ThisHost(m); a == b {
		t.Errorf("ThisHost with other cores = %+v", b)
	}
	if name, _ := os.Hostname(); strings.Contains(a.ID, name) {
		t.Errorf("ThisHost = %+v names the host", a)
	}
}
