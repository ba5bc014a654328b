package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// tries is how often a script runs what a busy machine keeps from asking its question.
const tries = 3

// busy are the reasons by which a trial says that it was the machine which kept it from
// asking its question, and nothing that is wrong with the tool.
var busy = []verdict.Reason{
	verdict.GeneratorCPUFull, verdict.GeneratorLate, verdict.GeneratorUnsent, verdict.GeneratorPaused,
	verdict.BackendCPUFull, verdict.BackendSlow, verdict.BackendLate, verdict.BackendPaused,
	verdict.NotSeen,
}

// passes runs trials that pass wherever there is room for them: passes ARG...
//
// What a busy machine kept from asking its question is run again. With the race detector,
// under which all is many times slower, that it was kept from it is an answer too: $CODE
// and $OUTCOME are what came of it.
func passes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: passes ARG...")
	}
	for n := 1; ; n++ {
		code := runTool(ts, args)
		invalid := code == strconv.Itoa(exitInvalid) && keptByMachine(ts, ts.MkAbs("results/latest"))
		switch {
		case code == strconv.Itoa(exitPass):
			ts.Setenv("CODE", code)
			ts.Setenv("OUTCOME", verdict.Pass.String())
			return
		case invalid && raced:
			ts.Setenv("CODE", code)
			ts.Setenv("OUTCOME", verdict.Invalid.String())
			return
		case !invalid || n == tries:
			ts.Fatalf("odigos-stress %v: exit code %s, want %d", args, code, exitPass)
		}
	}
}

// keptByMachine is whether each invalid trial in a directory of results is so because its
// machine was busy.
func keptByMachine(ts *testscript.TestScript, dir string) bool {
	var found []string
	for _, at := range []string{"", "*/*"} { // a trial; those of a suite
		files, err := filepath.Glob(filepath.Join(dir, at, report.SummaryFile))
		ts.Check(err)
		found = append(found, files...)
	}
	kept := false
	for _, file := range found {
		var s struct{ Findings []verdict.Finding }
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &s))
		for _, f := range s.Findings {
			if f.Severity == verdict.Void && !slices.Contains(busy, f.Reason) {
				return false
			}
			kept = kept || f.Severity == verdict.Void
		}
	}
	return kept
}
