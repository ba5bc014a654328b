package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/suite"
)

// describeMatrix tells what a matrix would search, and for how long at most.
func describeMatrix(w io.Writer, m *suite.Matrix, output string) error {
	if output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(m)
	}
	fmt.Fprintf(w, "%s: %s on %s\n", m.Name, m.Kind, m.Collector.Headline)
	whole, err := m.Asked.Searched()
	if err != nil {
		return err
	}
	budget, n := time.Duration(whole.Search.Budget), 0
	for _, c := range m.Cells {
		told := ""
		switch {
		case c.NotHere != "":
			told = "not measured: " + c.NotHere
		case c.Left != nil:
			told = fmt.Sprintf("leaves %.2f cores for load generator and backend", *c.Left)
		}
		if c.NotHere == "" {
			n++
		}
		fmt.Fprintf(w, "  %-14s  %v CPU, %v  %s\n", c.Name, c.CPU, c.Memory, told)
	}
	fmt.Fprintf(w, "%d searches, at most %v each, %v in all\n", n, budget, time.Duration(n)*budget)
	return nil
}

func tellMatrix(w io.Writer, output string, m report.Matrix) error {
	return report.MatrixFormats[output](w, m)
}

// judgeMatrix judges every trial of a matrix's searches again.
func judgeMatrix(w io.Writer, dir, output string) error {
	found, err := suite.FoundMatrix(dir)
	if err != nil {
		return err
	}
	if output == "json" {
		if err := tellMatrix(w, output, found); err != nil {
			return err
		}
		return told(found.ExitCode)
	}
	for _, c := range found.Cells {
		fmt.Fprintf(w, "%s (%s)\n", c.Name, c.Record)
		if c.Found == nil {
			fmt.Fprintf(w, "%s: %s\n\n", c.Status, c.Why)
			continue
		}
		err := judgeCapacity(w, filepath.Join(dir, filepath.FromSlash(c.Record)), output)
		if err != nil && c.Found.ExitCode == exitPass {
			return err // and not the exit of a search without an answer
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "all: exit code %d: %s\n", found.ExitCode, found.Reason)
	return told(found.ExitCode)
}

// reportMatrix writes the reports of a matrix again.
func reportMatrix(w io.Writer, dir, output string) error {
	m, err := suite.WriteMatrix(dir)
	if err != nil {
		return err
	}
	return tellMatrix(w, output, m)
}
