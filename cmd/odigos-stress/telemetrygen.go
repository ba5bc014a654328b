package main

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// loadgenFlags are those of loadgen alone; run has them as --set path=value.
var loadgenFlags = []wellKnown{
	{"workers", "load.connections", "connections; the rate is their total, where telemetrygen's is per worker"},
	{"batch-size", "load.spans_per_request", "spans a request, in whole traces"},
	{"compression", "load.compression", "none, gzip, zstd or snappy"},
	{"in-flight", "load.in_flight", "requests unanswered at once, over all connections"},
	{"timeout", "load.timeout", "longest wait for an answer"},
	{"retry", "load.retry", "after a refusal: none, or exporter, which does as a collector's exporter"},
	{"shape", "load.shape", "form of the traces: odigos-docs, simple or complex"},
	{"seed", "load.seed", "seed of everything random in the load"},
}

// A familiar holds those flags that telemetrygen has too and that stand for no single
// value of a scenario.
type familiar struct {
	resource, span attributes
	service        string
}

func (f *familiar) flags(flags *pflag.FlagSet) {
	const form = ` attribute, key="value", always text; can be given again`
	flags.Var(&f.resource, "otlp-attributes", "resource"+form)
	flags.Var(&f.span, "telemetry-attributes", "span"+form)
	flags.StringVar(&f.service, "service", "", "service.name of every resource")
	only(flags, "otlp-insecure", true, "send without TLS, which is not supported yet")
	only(flags, "batch", true, "send more than a span a request, see --batch-size")
	for _, r := range elsewhere {
		flag := flags.VarPF(refusal(r.instead), r.flag, "", "as telemetrygen has it")
		flag.Hidden = true
		if r.bare {
			flag.NoOptDefVal = "true"
		}
	}
}

// over lays the flags over a load.
func (f *familiar) over(l *scenario.Load) {
	if f.service != "" {
		l.ResourceAttributes = merged(l.ResourceAttributes, attributes{"service.name": f.service})
	}
	l.ResourceAttributes = merged(l.ResourceAttributes, f.resource)
	l.SpanAttributes = merged(l.SpanAttributes, f.span)
}

func merged(base map[string]string, over attributes) map[string]string {
	if len(over) == 0 {
		return base
	}
	all := map[string]string{}
	maps.Copy(all, base)
	maps.Copy(all, over)
	return all
}

// elsewhere are telemetrygen's flags that loadgen has not, and what to use instead.
var elsewhere = []struct {
	flag    string
	bare    bool // may stand without a value
	instead string
}{
	{"traces", false, "use --duration and --rate: the schedule says how many"},
	{"child-spans", false, "use --shape: it says how many spans a trace has"},
	{"span-links", false, "no shape has links"},
	{"size", false, "use --telemetry-attributes with long values, or --shape"},
	{"span-duration", false, "the shape gives each span its own"},
	{"status-code", false, "the shape gives each span its own"},
	{"marshal", true, "the spans of a trace are related already"},
	{"interval", false, "use --admin and scrape /metrics"},
	{"otlp-http-url-path", false, "give the whole URL to --otlp-endpoint"},
	{"otlp-header", false, "headers are not supported"},
	{"otlp-insecure-skip-verify", true, noTLS},
	{"ca-cert", false, noTLS},
	{"client-cert", false, noTLS},
	{"client-key", false, noTLS},
	{"mtls", true, noTLS},
	{"allow-export-failures", true, "a failure never ends the load: it is counted"},
}

const noTLS = "TLS is not supported yet"

// A refusal is a flag that says what to use instead of it.
type refusal string

func (r refusal) String() string   { return "" }
func (r refusal) Type() string     { return "" }
func (r refusal) Set(string) error { return errors.New(string(r)) }

// only adds a boolean flag that can have one value.
func only(flags *pflag.FlagSet, name string, value bool, help string) {
	flags.VarPF(fixed{value}, name, "", help).NoOptDefVal = strconv.FormatBool(value)
}

// A fixed is a boolean flag with one value.
type fixed struct{ value bool }

func (f fixed) String() string { return strconv.FormatBool(f.value) }
func (f fixed) Type() string   { return "" }

func (f fixed) Set(text string) error {
	given, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("found %q, want true or false", text)
	}
	if given != f.value {
		return fmt.Errorf("only %v is supported", f.value)
	}
	return nil
}

// attributes is a flag that can be given again: key="value" or key=value each time.
type attributes map[string]string

func (a *attributes) String() string { return "" }
func (a *attributes) Type() string   { return `key="value"` }

// Set refuses what telemetrygen would send as a number, a boolean or a list: the
// attributes of a scenario are text.
func (a *attributes) Set(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found || strings.TrimSpace(key) == "" {
		return fmt.Errorf(`found %q, want key="value"`, text)
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`)
	switch quoted := len(value) >= 2 && len(bare) == len(value)-2; {
	case quoted:
		value = bare
	case bare != value:
		return fmt.Errorf("found %q, want a quote at both ends of the value or at none", text)
	default:
		if _, err := strconv.Atoi(value); err == nil || value == "true" || value == "false" ||
			strings.HasPrefix(value, "[") {
			return fmt.Errorf(`found %q, which is no text: want %s="%s", as attributes are text here`,
				text, key, value)
		}
	}
	if *a == nil {
		*a = attributes{}
	}
	(*a)[key] = value
	return nil
}

// notASignal refuses telemetrygen's subcommands.
func notASignal(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "traces":
			return fmt.Errorf("loadgen traces: leave the word out: %s sends traces", cmd.Name())
		case "metrics", "logs", "profiles":
			return fmt.Errorf("loadgen %s: %s sends traces alone", args[0], cmd.Name())
		}
	}
	return cobra.MaximumNArgs(1)(cmd, args)
}
