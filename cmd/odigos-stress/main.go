// Command odigos-stress stress-tests OpenTelemetry Collector gateways: it says how
// much they hold, what breaks them, and why.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/odigos-io/odigos-stress/internal/env/local"
	"github.com/odigos-io/odigos-stress/internal/trial"
)

func main() {
	if mine, err := local.Hidden(os.Args[1:]); mine {
		if err != nil {
			fmt.Fprintf(os.Stderr, "odigos-stress: %v\n", err)
			os.Exit(exitCannotRun)
		}
		return
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program: arguments in, exit code out.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitPass
	}
	var e *exit
	if !errors.As(err, &e) { // cobra's own errors are about usage
		e = &exit{code: exitUsage, err: err}
	}
	if e.err != nil {
		fmt.Fprintf(stderr, "odigos-stress: %v\n", e.err)
		if e.code == exitUsage {
			fmt.Fprintf(stderr, "See '%s --help'.\n", cmd.CommandPath())
		}
	}
	return e.code
}

// untilSignal returns a context that the first SIGINT or SIGTERM ends, with the
// signal as its cause; the second one ends the process at once.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case s := <-signals:
				if n > 0 {
					os.Exit(signalCode(signalName(s)))
				}
				cancel(trial.Interrupt{Signal: signalName(s)})
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

func signalName(s os.Signal) string {
	if s == syscall.SIGTERM {
		return "SIGTERM"
	}
	return "SIGINT"
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "odigos-stress",
		Short: "Stress-tests OpenTelemetry Collector gateways",
		Long: `odigos-stress stress-tests OpenTelemetry Collector gateways, Odigos' first of all: it puts one
under a measured load, within real CPU and memory limits, in front of a mock backend, and says
whether it holds, what breaks it, and why.

Every flag can also be given as an environment variable: --cpu-limit as ODIGOS_STRESS_CPU_LIMIT.

Exit codes: ` + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return fromEnvironment(cmd.Flags())
		},
	}
	root.AddCommand(
		runCommand(), capacityCommand(), sizeCommand(), planCommand(), scenariosCommand(),
		loadgenCommand(), backendCommand(), joinCommand(), selftestCommand(),
		judgeCommand(), reportCommand(), baselinesCommand(),
		manifestsCommand(), imageCommand(), importCommand(),
		doctorCommand(), cleanupCommand(), restoreCommand(), versionCommand(),
	)
	root.InitDefaultCompletionCmd()
	return root
}

// fromEnvironment sets each flag that was not given from ODIGOS_STRESS_<FLAG>.
func fromEnvironment(flags *pflag.FlagSet) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := variable(f.Name)
		value, set := os.LookupEnv(name)
		if f.Changed || !set || value == "" {
			return
		}
		if strings.HasPrefix(value, "tcp://") {
			errs = append(errs, fmt.Errorf("%s: found %q, which is a Kubernetes service link and no "+
				"setting: set enableServiceLinks: false in the pod, or unset it", name, value))
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			return
		}
		f.Annotations = map[string][]string{originAnnotation: {name}}
	})
	return errors.Join(errs...)
}

// originAnnotation marks a flag whose value the environment gave.
const originAnnotation = "odigos-stress/origin"

func fromEnv(f *pflag.Flag) bool { return f != nil && len(f.Annotations[originAnnotation]) > 0 }

// variable is the environment variable that stands for a flag.
func variable(flag string) string {
	return "ODIGOS_STRESS_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
