package main

import (
	"github.com/spf13/cobra"
)

// The exit codes; docs/exit-codes.md explains them.
const (
	exitPass       = 0
	exitCannotRun  = 1
	exitUsage      = 2
	exitRegression = 3
	exitInvalid    = 4
	exitThresholds = 99
)

const exitHelp = `0 pass · 1 could not run · 2 usage or invalid scenario ·
3 regression · 4 invalid (the load did not do its part) · 99 thresholds failed ·
130/143 interrupted by SIGINT/SIGTERM, after a partial report.
`

// An exit is an error that knows the process's exit code. A nil err has been told
// already.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// usage marks an error as the user's: exit code 2.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exit{code: exitUsage, err: err}
}

// told is the exit of a verdict that has been printed.
func told(code int) error {
	if code == exitPass {
		return nil
	}
	return &exit{code: code}
}

// command makes what f returns an exit: an error without a code of its own means that
// the command could not be carried out.
func command(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := f(cmd, args)
		if err == nil {
			return nil
		}
		if e, ok := err.(*exit); ok { //nolint:errorlint // the outermost says the code
			return e
		}
		return &exit{code: exitCannotRun, err: err}
	}
}

func signalCode(name string) int {
	if name == "SIGTERM" {
		return 143
	}
	return 130
}
