package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are the paths of what is measured.
type programs struct{ tool, collector, telemetrygen string }

// telemetrygenModule is where telemetrygen comes from; bench/telemetrygen/go.mod holds
// its version. It is a module of its own, and no dependency of anything here.
const telemetrygenModule = "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen"

// build makes the programs from the sources of the repository at root.
func build(ctx context.Context, root string, log io.Writer) (programs, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return programs{}, err
	}
	if _, err := os.Stat(filepath.Join(root, "cmd", "odigos-stress")); err != nil {
		return programs{}, fmt.Errorf("-root: want the repository's directory: %w", err)
	}
	bin := filepath.Join(root, "bin")
	p := programs{
		tool: filepath.Join(bin, "odigos-stress"), collector: filepath.Join(bin, "odigos-stress-otelcol"),
		telemetrygen: filepath.Join(bin, "telemetrygen"),
	}
	for _, b := range []struct {
		dir  string
		args []string
	}{
		{root, []string{"make", "--no-print-directory", "tool", "collector"}},
		{filepath.Join(root, "bench", "telemetrygen"), []string{
			"go", "build", "-trimpath", "-tags", "grpcnotrace", "-o", p.telemetrygen, telemetrygenModule,
		}},
	} {
		fmt.Fprintln(log, "build:", strings.Join(b.args, " "))
		if out, err := output(ctx, b.dir, b.args...); err != nil {
			return programs{}, fmt.Errorf("build %s: %w: %s", b.args[len(b.args)-1], err, out)
		}
	}
	return p, nil
}

// output runs a command in a directory; its output is trimmed.
func output(ctx context.Context, dir string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir = dir
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := c.CombinedOutput()
	return string(bytes.TrimSpace(out)), err
}
