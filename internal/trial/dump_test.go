package trial

import (
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

const panicked = `2026-11-25T21:00:00.000Z	info	panic: no panic, a line of the log
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1234]

goroutine 87 [running]:
runtime.gopanic({0x1, 0x2})
	/usr/lib/go/src/runtime/panic.go:1 +0x1
go.opentelemetry.io/collector/processor/processorhelper.(*base).x(0xc0)
	/root/go/pkg/mod/go.opentelemetry.io/collector/processor@v1/processorhelper/a.go:1 +0x2
github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor.(*p).do(0xc0, {0x1})
	/root/go/pkg/mod/x/processor/tailsamplingprocessor@v0/p.go:12 +0x3
created by go.opentelemetry.io/collector/exporter/otlpexporter.run in goroutine 1
	/root/go/x.go:1 +0x4

goroutine 1 [select]:
go.opentelemetry.io/collector/receiver/otlpreceiver.(*r).wait(0xc0)
	/root/go/y.go:1 +0x4
exit status 2
`

func TestLastWords(t *testing.T) {
	for name, c := range map[string]struct {
		said, text, component string
		kind                  record.DeathKind
	}{
		"panic": {
			panicked, "panic: runtime error: invalid memory address or nil pointer dereference\n" +
				"[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1234]\n" +
				"  go.opentelemetry.io/collector/processor/processorhelper.(*base).x\n" +
				"  github.com/open-telemetry/opentelemetry-collector-contrib/processor/" +
				"tailsamplingprocessor.(*p).do",
			"processor/tailsampling", record.DeathPanic,
		},
		"fatal error": {
			"runtime: out of memory: cannot allocate 4194304-byte block (67108864 in use)\n" +
				"fatal error: out of memory\n\ngoroutine 1 [running]:\nruntime.throw({0x1, 0xd})\n" +
				"\t/usr/lib/go/panic.go:1\nmain.main()\n\t/x/main.go:3\n",
			"fatal error: out of memory\n  main.main", "", record.DeathFatal,
		},
		"a log that goes on": {
			"panic: one that was only printed\nand the last line  \n\n",
			"panic: one that was only printed", "", record.DeathPanic,
		},
		"an error": {"starting\n2026-11-25 error: no such exporter\n", "2026-11-25 error: no such exporter", "", ""},
		"nothing":  {"", "", "", ""},
		"a long line": {
			strings.Repeat("x", 3*longestLine) + "\nshort\n", "short", "", "",
		},
	} {
		w := readLastWords(strings.NewReader(c.said))
		if w.text != c.text || w.component != c.component || w.kind != c.kind {
			t.Errorf("%s: %s in %q\n%s", name, w.kind, w.component, w.text)
		}
	}
}

func TestKindOfDeath(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		state env.State
		words lastWords
		want  record.DeathKind
	}{
		{env.State{ExitCode: -1, Signal: "SIGKILL", OOMKilled: &yes}, lastWords{}, record.DeathOOM},
		{env.State{ExitCode: 137, OOMKilled: &yes}, lastWords{}, record.DeathOOM},
		{env.State{ExitCode: -1, Signal: "SIGKILL", OOMKilled: &no}, lastWords{}, record.DeathKilled},
		{env.State{ExitCode: -1, Signal: "SIGKILL"}, lastWords{}, record.DeathKilled},
		{env.State{ExitCode: 2, OOMKilled: &no}, lastWords{kind: record.DeathPanic}, record.DeathPanic},
		{env.State{ExitCode: 2}, lastWords{kind: record.DeathFatal}, record.DeathFatal},
		{env.State{ExitCode: 1}, lastWords{text: "no"}, record.DeathCrash},
		{env.State{ExitCode: -1, Signal: "SIGSEGV"}, lastWords{}, record.DeathCrash},
	} {
		if got := kindOf(c.state, c.words); got != c.want {
			t.Errorf("%+v with %+v is %s, want %s", c.state, c.words, got, c.want)
		}
	}
}
