// Package record is what is known of a run, and the directory on disk that holds it.
//
// It is written in three strokes: before the trial a Header, while it runs a Sample
// each second and Events, after it an Ending. Whatever is written stays readable
// when the writer is killed.
package record

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/profile"
	"github.com/odigos-io/odigos-stress/internal/sampler"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// SchemaVersion of the files in a record. Within it fields are only added.
const SchemaVersion = 1

// A Record is a finished trial, read back. Ending is nil when the trial was cut off
// before it could write one.
type Record struct {
	Dir     string
	Header  Header
	Samples []Sample
	Events  []Event
	// Pulses are the closer looks at what the place knows of each actor, ten a second
	// where it allows.
	Pulses []Pulse
	// Profiles are those that were taken, in order.
	Profiles []Profile
	Ending   *Ending
	// Torn names the files whose last line was cut off by the death of the writer; what
	// is whole in them was read.
	Torn []string
}

// A Header is what was known before the trial.
type Header struct {
	SchemaVersion int       `json:"schema_version"`
	RunID         string    `json:"run_id"`
	Created       time.Time `json:"created"`
	Tool          Tool      `json:"tool"`
	Command       []string  `json:"command"`
	Environment   string    `json:"environment"` // local, kubernetes
	// Machine is where the actors ran: of a cluster the gateway's node. On disk it is the
	// likeliest to become that; Open takes the one that it became.
	Machine Machine `json:"machine"`
	// Nodes are those of a cluster that could take the actors, Machine first.
	Nodes []Machine `json:"nodes,omitempty"`
	// Image is the tool's own, in a cluster.
	Image string `json:"image,omitempty"`
	// Pods are what a user asked of the pods of a cluster, by role, as Kubernetes spells it.
	Pods map[string]any `json:"pods,omitempty"`
	// Original is the gateway that the one under test was made from; nil: the scenario
	// describes it.
	Original  *Original         `json:"original,omitempty"`
	Scenario  scenario.Scenario `json:"scenario"` // resolved
	Collector Collector         `json:"collector"`
	Actors    []env.Actor       `json:"actors"`
	// Enforcement of the gateway's limits.
	Enforcement env.Enforcement `json:"enforcement"`
	// Scrubbed names the environment variables that the actors did not inherit.
	Scrubbed []string `json:"scrubbed_variables,omitempty"`
	// Notes are reservations known beforehand, in sentences.
	Notes []string `json:"notes,omitempty"`
	// Sampling are the processors of the gateway that drop spans on purpose, by id.
	Sampling []string `json:"sampling,omitempty"`
	// Prediction says which traces they keep; nil where none samples.
	Prediction *sampler.Prediction `json:"prediction,omitempty"`
	// SampleEvery spans one was followed from due to receipt.
	SampleEvery uint64 `json:"sample_every"`
	// Selftest is what the ends could do on this host when it was last measured; nil
	// when it never was.
	Selftest *Selftest `json:"selftest,omitempty"`
}

// A Tool is the program that wrote the record.
type Tool struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"`
	Go      string `json:"go"`
}

// A Machine is where the actors ran.
type Machine struct {
	// Name is of a node of a cluster; empty for this machine.
	Name string `json:"name,omitempty"`
	// InstanceType is what a node's cloud calls its kind, and Kubelet the version of its own.
	InstanceType string  `json:"instance_type,omitempty"`
	Kubelet      string  `json:"kubelet,omitempty"`
	OS           string  `json:"os"`
	Arch         string  `json:"arch"`
	Kernel       string  `json:"kernel,omitempty"`
	CPUModel     string  `json:"cpu_model,omitempty"`
	Cores        int     `json:"cores"`
	MemoryBytes  int64   `json:"memory_bytes,omitempty"`
	Cgroup       string  `json:"cgroup,omitempty"` // v1, v2, hybrid, none
	Load1        float64 `json:"load_1m,omitempty"`
}

// An Original is a gateway as it ran in a cluster when it was read.
type Original struct {
	Way        string    `json:"way"`        // how the trial comes to it: clone, in-place
	Deployment string    `json:"deployment"` // NAMESPACE/NAME
	Container  string    `json:"container"`
	Cluster    string    `json:"cluster"` // the context and the files by which it was reached
	ReadAt     time.Time `json:"read_at"`
	Image      string    `json:"image"`
	ImageID    string    `json:"image_id,omitempty"` // by digest; empty where no pod ran
	Config     string    `json:"config"`             // where its configuration was read
	// Odigos is whether it was found as Odigos' own.
	Odigos     bool       `json:"odigos,omitempty"`
	Limits     env.Limits `json:"limits"`
	GoMemLimit int64      `json:"gomemlimit_bytes,omitempty"`
	GoMaxProcs int        `json:"gomaxprocs,omitempty"`
	Replicas   int        `json:"replicas"`
}

// A Collector is what ran as the gateway.
type Collector struct {
	// Headline names it in every report: "otelcol 0.157.0, Odigos-shaped (not
	// Odigos)" or "odigosotelcol 0.151.0".
	Headline string `json:"headline"`
	Program  string `json:"program"` // path; empty: the entry point of Image
	Name     string `json:"name"`
	Version  string `json:"version"`
	SHA256   string `json:"sha256,omitempty"`
	// Image that the program came out of: its name and the digest of its manifest. Empty
	// for a program that was there.
	Image string `json:"image,omitempty"`
}

// A Phase is a part of a trial.
type Phase string

// The phases, in order.
const (
	PhaseStarting  Phase = "starting"
	PhaseWarmUp    Phase = "warm-up"
	PhaseMeasuring Phase = "measuring"
	PhaseDraining  Phase = "draining"
	PhaseStopping  Phase = "stopping"
)

// The names of the actors.
const (
	Backend = "backend"
	Gateway = "gateway"
	Loadgen = "loadgen"
)

// A Sample is one look at all actors.
type Sample struct {
	At time.Time `json:"at"`
	// Elapsed seconds since the start of the load; negative before it. On disk 0 until
	// the start is known; Open fills it in.
	Elapsed float64                `json:"elapsed_seconds"`
	Phase   Phase                  `json:"phase"`
	Actors  map[string]ActorSample `json:"actors"`
	// ClockStep is by how many seconds the wall clock was set forward (negative: back)
	// against the monotonic one since the look before; nil on the first look.
	ClockStep *float64 `json:"clock_step_seconds,omitempty"`
	// Host is of the whole machine; nil where it is not one or was not read.
	Host *env.Host `json:"host,omitempty"`
}

// An ActorSample is one look at one actor. A metric that is absent is not known. Of several
// alike, each stands under its own name, loadgen/0 and so on, and all of them together
// under loadgen: what is not known of one of them is not known of all. Gateways that have
// ended stay in the sums of counters with the last that was known of them.
type ActorSample struct {
	Running       bool               `json:"running"`
	Usage         *env.Usage         `json:"usage,omitempty"`
	UsageError    string             `json:"usage_error,omitempty"`
	Metrics       map[Metric]float64 `json:"metrics,omitempty"`
	ScrapeError   string             `json:"scrape_error,omitempty"`
	ScrapeSeconds float64            `json:"scrape_seconds,omitempty"`
	// Scale is of all of them, where the place may change how many there are; nil: not known.
	Scale *env.Scale `json:"scale,omitempty"`
}

// A Pulse is one close look at the usage of all actors, between the samples. Figures
// that are dear to read are left to the samples.
type Pulse struct {
	At time.Time `json:"at"`
	// Elapsed is as in a Sample.
	Elapsed float64               `json:"elapsed_seconds"`
	Actors  map[string]*env.Usage `json:"actors"`
}

// A Profile is one pprof profile of an actor, as it served it.
type Profile struct {
	At      time.Time `json:"at"` // when it was asked for
	Elapsed float64   `json:"elapsed_seconds"`
	Actor   string    `json:"actor"`
	// Kind is ProfileCPU or ProfileHeap.
	Kind string `json:"kind"`
	// Moment says why it was taken then.
	Moment Moment `json:"moment"`
	// File is relative to the record's directory; empty when it could not be taken.
	File string `json:"file,omitempty"`
	// Seconds that a CPU profile is of.
	Seconds float64 `json:"seconds,omitempty"`
	// Error is why there is none, or why it cannot be read.
	Error string `json:"error,omitempty"`
	// Parsed is the profile by components; nil when there is none or it cannot be read.
	// Open fills it in.
	Parsed *profile.Profile `json:"-"`
}

// The kinds of profiles.
const (
	ProfileCPU  = "cpu"
	ProfileHeap = "heap"
)

// A Moment is why a profile was taken.
type Moment string

// The moments.
const (
	MomentSteady  Moment = "steady"  // in the steady state of the measured time
	MomentWarning Moment = "warning" // a threshold's warning began
	MomentLimit   Moment = "limit"   // a threshold became critical, or memory came near its limit
	MomentGrowth  Moment = "growth"  // memory had grown since the profile before
)

// A Death is one end of the gateway that nobody asked for, or one hang.
type Death struct {
	At      time.Time `json:"at"`
	Elapsed float64   `json:"elapsed_seconds"`
	Kind    DeathKind `json:"kind"`
	// Member is which of several gateways died; empty for the only one, and for a hang,
	// which is one of all of them.
	Member string `json:"member,omitempty"`
	// State is how the process ended; it still runs when it hangs.
	State env.State `json:"state"`
	// Text is what it said at last: the first lines of a panic, the last line of a crash.
	Text string `json:"text,omitempty"`
	// Component of the collector that the goroutine was in which panicked, such as
	// processor/batch; empty where that is not known.
	Component string `json:"component,omitempty"`
	// Since is when it last showed a sign of life before it hung, and Until when it did
	// again, in elapsed seconds; nil for what is no hang, and Until for one that did not end
	// by itself.
	Since *float64 `json:"since_elapsed_seconds,omitempty"`
	Until *float64 `json:"until_elapsed_seconds,omitempty"`
	// Uptime is from ready to its death, in seconds.
	Uptime float64 `json:"uptime_seconds,omitempty"`
	// Restarted is when a new process was ready, in elapsed seconds; nil when none was
	// started, or it did not become ready.
	Restarted *float64 `json:"restarted_elapsed_seconds,omitempty"`
	// Cost is what it cost, known once the accounts are joined.
	Cost *Cost `json:"cost,omitempty"`
}

// A Cost is the account of the spans that were due between the gateway's last start and
// its next one: what one death cost.
type Cost struct {
	From         float64 `json:"from_elapsed_seconds"`
	To           float64 `json:"to_elapsed_seconds"`
	Due          uint64  `json:"due_spans"`
	Acknowledged uint64  `json:"acknowledged_spans"`
	// Lost were acknowledged and not delivered, but for the Sampled, whose traces were
	// predicted to be dropped. Refused (or rejected in part), Unknown, Dropped (by the sending
	// SDK) and Unsent never were acknowledged; with Acknowledged they are Due.
	Lost    uint64 `json:"lost_spans"`
	Sampled uint64 `json:"sampled_spans,omitempty"`
	Refused uint64 `json:"refused_spans"`
	Unknown uint64 `json:"unknown_spans"`
	Dropped uint64 `json:"dropped_spans,omitempty"`
	Unsent  uint64 `json:"unsent_spans"`
}

// A DeathKind is a way to die.
type DeathKind string

// The kinds of death.
const (
	DeathOOM    DeathKind = "oom-killed"
	DeathKilled DeathKind = "killed" // SIGKILL, not for want of memory as far as is known
	DeathPanic  DeathKind = "panic"
	DeathFatal  DeathKind = "fatal-error" // of the Go runtime, such as out of memory
	DeathCrash  DeathKind = "crash"       // another signal or exit code
	DeathHang   DeathKind = "hang"
	DeathStart  DeathKind = "failed-restart"
)

// An Event is something that happened once.
type Event struct {
	At      time.Time `json:"at"`
	Elapsed float64   `json:"elapsed_seconds"`
	Kind    EventKind `json:"kind"`
	Actor   string    `json:"actor,omitempty"`
	Text    string    `json:"text"`
}

// An EventKind is a sort of event.
type EventKind string

// The kinds of events.
const (
	EventPhase     EventKind = "phase"
	EventStarted   EventKind = "started"
	EventEnded     EventKind = "ended" // an actor's process is gone
	EventKilled    EventKind = "killed"
	EventThreshold EventKind = "threshold"
	EventNote      EventKind = "note"
	EventError     EventKind = "error" // something of ours failed
	EventPlace     EventKind = "place" // the place tells it, at the time of its own clock
)

// An Ending is what was known after the trial.
type Ending struct {
	Finished time.Time `json:"finished"`
	// LoadStart is the common start of the actors; zero when the load never began.
	LoadStart time.Time `json:"load_start,omitzero"`
	// LoadSeconds is how long slots became due, warm-up included: less than planned
	// when the load was cut short.
	LoadSeconds float64 `json:"load_seconds,omitempty"`
	// Interrupted names the signal that cut the trial short.
	Interrupted string `json:"interrupted,omitempty"`
	// CutShort says why the load ended before its time, when it did.
	CutShort string `json:"cut_short,omitempty"`
	// Error is what failed on our side; the trial then could not be finished.
	Error string `json:"error,omitempty"`
	// Drained is how the wait for the gateway to empty ended.
	Drained Drain `json:"drained"`
	// States of the actors before we asked them to stop, and how they then ended.
	States map[string]env.State `json:"states"`

	All      ledger.Account   `json:"account_all"`
	Measured ledger.Account   `json:"account_measured"`
	Sent     *ledger.Sent     `json:"sent,omitempty"`
	Received *ledger.Received `json:"received,omitempty"`
	// SentBy and ReceivedBy are the books of each, by name, where there are several load
	// generators or backends; Sent and Received are then of all of them.
	SentBy     map[string]*ledger.Sent     `json:"sent_by,omitempty"`
	ReceivedBy map[string]*ledger.Received `json:"received_by,omitempty"`
	// Nodes are the machines of a cluster that the actors were on, by actor or member.
	Nodes map[string]string `json:"nodes,omitempty"`
	// Clocks are those of the ends of the wire; none where all is on one machine, which
	// has one clock.
	Clocks []Clock `json:"clocks,omitempty"`
	// Answer, Transit and Total are of the followed spans that were acknowledged and
	// delivered: due to answer, answer to receipt (0 where receipt came first), due
	// to receipt.
	Answer  *ledger.Histogram `json:"followed_answer,omitempty"`
	Transit *ledger.Histogram `json:"followed_transit,omitempty"`
	Total   *ledger.Histogram `json:"followed_total,omitempty"`
	// Missing are the first few ranges of measured spans that were acknowledged and
	// not delivered; where samplers are predicted, of those predicted to be kept.
	Missing []MissingRange `json:"missing,omitempty"`
	// Deaths of the gateway, in order.
	Deaths []Death `json:"deaths,omitempty"`
	// Predicted is of the traces that a sampler was predicted to drop; nil where none
	// was predicted.
	Predicted *Predicted `json:"predicted_dropped,omitempty"`
}

// A Predicted is what became of the spans whose traces a sampler was predicted to drop:
// the part of the account that is theirs.
type Predicted struct {
	All      ledger.Account `json:"account_all"`
	Measured ledger.Account `json:"account_measured"`
	// Came are the first few ranges that were delivered for all that.
	Came []CameRange `json:"delivered,omitempty"`
}

// A CameRange is a run of consecutive spans that were delivered although their traces
// were predicted to be dropped.
type CameRange struct {
	MissingRange
	// TraceID is of the first of the traces, in hexadecimal.
	TraceID string `json:"first_trace_id"`
}

// A MissingRange is a run of consecutive spans that were acknowledged and did not
// arrive.
type MissingRange struct {
	Stream uint16 `json:"stream"`
	First  uint64 `json:"first_sequence"`
	Count  uint64 `json:"count"`
}

// A Drain is how the wait for the gateway to empty ended.
type Drain struct {
	Seconds float64 `json:"seconds"`
	// Complete: the queue was empty and nothing came for the quiet time.
	Complete bool `json:"complete"`
	// QueueSize of the exporters at the end; nil when not known.
	QueueSize *float64 `json:"queue_size,omitempty"`
	Reason    string   `json:"reason"`
}
