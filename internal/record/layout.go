package record

import (
	"math"
	"strconv"
	"time"
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

// AccountFile is where an actor's own account is kept, as it served it.
func AccountFile(actor string) string { return "raw/" + actor + ".account" }

// LogFile is where an actor's output is kept. The gateway's bears the name of what
// runs as the gateway.
func LogFile(actor string) string {
	if file, ok := logFiles[actor]; ok {
		return file
	}
	return "logs/" + actor + "-logs.txt"
}

// Name is what a record's directory is called: when the trial began, in UTC, the
// scenario, and the rate in whole spans per second.
func Name(at time.Time, scenario string, rate float64) string {
	return at.UTC().Format("20060102-150405") + "_" + scenario + "_" +
		strconv.FormatFloat(math.Round(rate), 'f', 0, 64) + "sps"
}
