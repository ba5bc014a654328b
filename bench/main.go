// Command bench measures both ends of the wire beside their peers, in one interleaved
// run, and prints what a span costs in CPU time, as ratios that hold from machine to
// machine: against raw TCP, against other generators and servers, against the collector
// under test.
//
// Each case is a sender process and a receiver process on loopback. CPU time is what
// the kernel says of a process that has ended; spans are those that the receiver
// counted.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// settings are the command line.
type settings struct {
	rounds      int
	length      time.Duration
	paceLength  time.Duration
	only        string
	output      string
	write       string
	lock        string
	strict      bool
	list        bool
	soak        time.Duration
	root        string
	as          string // a child process: what it is told
	pin         int    // a child process: the CPU it keeps to
	seconds     float64
	paceSeconds float64
}

func main() {
	var s settings
	f := flag.CommandLine
	f.IntVar(&s.rounds, "rounds", 5, "how often each case runs")
	f.Float64Var(&s.seconds, "seconds", 3, "how long a case sends, in `seconds`")
	f.Float64Var(&s.paceSeconds, "pace-seconds", 10, "how long a case of pacing sends, in `seconds`")
	f.StringVar(&s.only, "case", "", "run only the cases that match this `regexp`")
	f.StringVar(&s.output, "o", "text", "print as `format`: text or json")
	f.StringVar(&s.write, "write", "", "also write the tables into this `file`, between its two markers")
	f.StringVar(&s.lock, "lock", "",
		"hold a lock on this `file` while a case runs: measurements that share a machine take turns")
	f.BoolVar(&s.strict, "strict", false, "exit with 1 when a goal is missed or was not measured")
	f.DurationVar(&s.soak, "soak", 0,
		"instead of the cases, send a million spans a second for so long past a gateway that drops and disorders")
	f.BoolVar(&s.list, "list", false, "list the cases and end")
	f.StringVar(&s.root, "root", "..", "the `directory` of the repository")
	f.StringVar(&s.as, "as", "", "for the program's own use: what a child process is told, in JSON")
	f.IntVar(&s.pin, "pin", -1, "for the program's own use: keep to this `cpu` and become the program named")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	missed, err := run(ctx, &s, f.Args(), os.Stdout, os.Stderr)
	stop()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	case missed && s.strict:
		os.Exit(1)
	}
}

// run does what the command line says; missed tells whether a goal was.
func run(ctx context.Context, s *settings, args []string, out, log io.Writer) (missed bool, err error) {
	switch {
	case s.as != "":
		return false, play(ctx, s.as, os.Stdin, out)
	case s.pin >= 0:
		return false, pinned(s.pin, args)
	case len(args) > 0:
		return false, fmt.Errorf("%q: want flags only", args[0])
	case s.output != "text" && s.output != "json":
		return false, fmt.Errorf("-o %s: want text or json", s.output)
	case s.rounds < 1 || s.seconds < 1 || s.paceSeconds < 1:
		return false, errors.New("-rounds, -seconds, -pace-seconds: want at least 1")
	}
	if s.soak > 0 {
		return false, soakAndTell(ctx, s, out, log)
	}
	only, err := regexp.Compile(s.only)
	if err != nil {
		return false, fmt.Errorf("-case: %w", err)
	}
	s.length = time.Duration(s.seconds * float64(time.Second))
	s.paceLength = time.Duration(s.paceSeconds * float64(time.Second))
	cases := selected(allCases(), only)
	if s.list {
		for _, c := range cases {
			fmt.Fprintln(out, c.name)
		}
		return false, nil
	}
	report, err := measure(ctx, s, cases, log)
	if err != nil {
		return false, err
	}
	return report.missed(), publish(report, s, out)
}

// publish prints the report, and writes it into the document that was named.
func publish(r *report, s *settings, out io.Writer) error {
	if s.write != "" {
		if err := writeInto(s.write, r.text()); err != nil {
			return err
		}
	}
	if s.output == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	_, err := io.WriteString(out, r.text())
	return err
}

// soakAndTell prints what a soak found even when that is not good.
func soakAndTell(ctx context.Context, s *settings, out, log io.Writer) error {
	found, err := soak(ctx, s, log)
	if found != nil {
		err = errors.Join(found.publish(s.output, out), err)
	}
	return err
}

func selected(all []benchCase, only *regexp.Regexp) []benchCase {
	var some []benchCase
	for _, c := range all {
		if only.MatchString(c.name) {
			some = append(some, c)
		}
	}
	return some
}
