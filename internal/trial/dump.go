package trial

import (
	"bufio"
	"io"
	"regexp"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// lastWords are what a process wrote when it ended.
type lastWords struct {
	kind      record.DeathKind // DeathPanic or DeathFatal; empty where it said neither
	text      string           // the message and the first frames, or the last line
	component string           // of the collector, that the first goroutine was in
}

const (
	// longestLine of an output is looked at; what is longer is cut.
	longestLine = 4 << 10
	// mostFrames of the goroutine that panicked are kept.
	mostFrames = 4
)

// readLastWords looks for what the Go runtime writes before it ends a program: lines that
// begin with "panic: " or "fatal error: ", then the goroutine that ran. The last such is
// taken: a program may go on after an earlier one was only logged.
func readLastWords(output io.Reader) lastWords {
	var w, last lastWords
	var frames int
	var dumped bool // the goroutine that ran has been told
	in := bufio.NewReaderSize(output, longestLine)
	for {
		line, err := readLine(in)
		if err != nil {
			break
		}
		switch {
		case strings.HasPrefix(line, "panic: "):
			w, frames, dumped = lastWords{kind: record.DeathPanic, text: line}, 0, false
		case strings.HasPrefix(line, "fatal error: "):
			w, frames, dumped = lastWords{kind: record.DeathFatal, text: line}, 0, false
		case w.kind == "" || dumped:
		case strings.HasPrefix(line, "goroutine ") && frames > 0:
			dumped = true // another one
		case functionLine.MatchString(line) && !strings.HasPrefix(line, "goroutine "):
			frames++
			w.frame(line, frames)
		case strings.HasPrefix(line, "[signal "):
			w.text += "\n" + line
		}
		if strings.TrimSpace(line) != "" {
			last.text = strings.TrimSpace(line)
		}
	}
	if w.kind != "" {
		return w
	}
	return last
}

// readLine is a line without its end, cut where it is very long.
func readLine(in *bufio.Reader) (string, error) {
	text, more, err := in.ReadLine()
	line := string(text)
	for more && err == nil {
		_, more, err = in.ReadLine()
	}
	return strings.ToValidUTF8(line, "�"), err
}

// functionLine is a line of a goroutine's stack that names a function: the one below it,
// which names the file, begins with a tab.
var functionLine = regexp.MustCompile(`^[\w./\-]+[\w\])}*]*\S*\(.*\)$`)

// ofComponent finds the kind and the name in the path of a collector's component.
var ofComponent = regexp.MustCompile(
	`/(receiver|processor|exporter|extension|connector)/([a-z0-9]+)[./(]`)

// frame takes in the n-th function of the stack, innermost first. Those of the runtime
// itself name no cause.
func (w *lastWords) frame(line string, n int) {
	name := line[:strings.LastIndex(line, "(")]
	if n <= mostFrames && !strings.HasPrefix(name, "runtime.") && !strings.HasPrefix(name, "panic") {
		w.text += "\n  " + name
	}
	found := ofComponent.FindStringSubmatch(line)
	if found == nil || w.component != "" && !strings.HasSuffix(w.component, "helper") {
		return
	}
	kind, component := found[1], found[2]
	if component = strings.TrimSuffix(component, kind); component == "" || component == "internal" {
		return
	}
	w.component = kind + "/" + component
}

// kindOf is what a process died of. A kill for want of memory leaves no words; what it
// wrote before is its last line.
func kindOf(s env.State, w lastWords) record.DeathKind {
	switch {
	case s.OOMKilled != nil && *s.OOMKilled:
		return record.DeathOOM
	case s.Signal == "SIGKILL":
		return record.DeathKilled
	case w.kind != "":
		return w.kind
	}
	return record.DeathCrash
}
