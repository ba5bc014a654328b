package record

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// The files of a record, relative to its directory. What the report adds beside them
// is the report's to name.
const (
	HeaderFile  = "raw/header.json"
	SamplesFile = "raw/samples.jsonl"
	EventsFile  = "raw/events.jsonl"
	EndingFile  = "raw/ending.json"
	TestLogFile = "logs/test.log"
	// PulsesFile and ProfilesFile are not in records of before they were kept.
	PulsesFile   = "raw/pulses.jsonl"
	ProfilesFile = "raw/profiles.jsonl"
	// GatewayConfigFile is what the gateway ran where that was not the tool's to say.
	GatewayConfigFile = "raw/gateway-config.yaml"
	// ProfilesDir holds the profiles that ProfilesFile names.
	ProfilesDir = "profiles"
	// UsageFile is the samples as a table, see Columns.
	UsageFile = "resource-usage.csv"
)

// SuiteFile is in the directory of many trials that belong together, which is no record
// itself: its records are below it.
const SuiteFile = "suite.json"

// Latest is the name of the link, beside the records, to the one begun last.
const Latest = "latest"

// logFiles names what each actor wrote to its standard output and error.
var logFiles = map[string]string{
	Backend: "logs/backend-logs.txt",
	Gateway: "logs/collector-logs.txt",
	Loadgen: "logs/loadgen-logs.txt",
}

// AccountFile is where an actor's own account is kept, as it served it. That of loadgen/1,
// one of several, is beside where that of loadgen would be.
func AccountFile(actor string) string { return "raw/" + inFile(actor) + ".account" }

// AccountFiles are those of an actor, or of its members where there are several.
func (h Header) AccountFiles(actor string) []string {
	n := 1
	for _, a := range h.Actors {
		if a.Name == actor {
			n = max(1, a.Replicas)
		}
	}
	if n == 1 {
		return []string{AccountFile(actor)}
	}
	files := make([]string, n)
	for i := range files {
		files[i] = AccountFile(env.MemberName(actor, i))
	}
	return files
}

// inFile is an actor's name as a part of a file's.
func inFile(actor string) string { return strings.ReplaceAll(actor, "/", "-") }

// LogFile is where an actor's output is kept. The gateway's bears the name of what
// runs as the gateway.
func LogFile(actor string) string {
	name, index, several := strings.Cut(actor, "/")
	file, ok := logFiles[name]
	switch {
	case !ok:
		return "logs/" + inFile(actor) + "-logs.txt"
	case several:
		return strings.TrimSuffix(file, ".txt") + "-" + index + ".txt"
	}
	return file
}

// Name is what a record's directory is called: when the trial began, in UTC, the
// scenario, and the rate in whole spans per second.
func Name(at time.Time, scenario string, rate float64) string {
	return at.UTC().Format("20060102-150405") + "_" + scenario + "_" +
		strconv.FormatFloat(math.Round(rate), 'f', 0, 64) + "sps"
}
