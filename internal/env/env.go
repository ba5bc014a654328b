// Package env is what a place must offer so that a trial can run in it: actors
// that can be started, and what can be known of one that has been.
package env

import (
	"context"
	"io"
	"net/http"
	"time"
)

// An Environment is a place where actors can be started: this machine, or a cluster.
type Environment interface {
	// Start returns once the actor is ready to serve. An error means that it never
	// was; what it said until then is in the error. An actor that was ready before, and
	// whose instance has been stopped, is started where it was: at the same addresses,
	// with counters of its usage that begin anew.
	Start(ctx context.Context, a Actor) (Instance, error)
	// Transport carries requests of the tool's own to what Instance.Addr names: it dials
	// where that can be dialled, and goes through the cluster's API server where not. No
	// load goes through it. Whoever asked for it closes its idle connections.
	Transport() http.RoundTripper
	// Close stops what still runs, last started first, and leaves the place as it
	// was found.
	Close() error
}

// An Actor is a process to be started: the backend, the gateway or the load generator; or
// several that are alike.
//
// Args and Env values may hold references, expanded at the start: $(self.PORT) is
// the address on which this actor is to listen for the named port, $(NAME.PORT) the
// address at which the actor NAME, started before, can be reached, and $(file.NAME)
// the path of one of Files. $$ is a dollar sign. Addresses are host:port;
// $(self.PORT.host) and $(self.PORT.port) are their halves. $(self.index) is which of
// several this one is, from 0 on, and $(self.replicas) how many there are.
type Actor struct {
	Name string `json:"name"`
	// Program is a path; empty means the tool itself.
	Program string `json:"program,omitempty"`
	// Image holds Program, in a place that runs images; empty means the tool's own image.
	Image string `json:"image,omitempty"`
	// Replicas is how many there are of it; 0 is 1. Their instance is then a Group. Others
	// reach all of them at one name, where the place has one for several.
	Replicas int               `json:"replicas,omitempty"`
	Args     []string          `json:"args"`
	Env      map[string]string `json:"env,omitempty"`
	// Files are written before the start; the key is a base name.
	Files map[string]string `json:"files,omitempty"`
	// Ports are the names of the ports on which it listens.
	Ports  []string      `json:"ports"`
	Ready  Probe         `json:"ready"`
	Limits Limits        `json:"limits"`
	Grace  time.Duration `json:"grace_ns"` // between the request to stop and the kill
}

// A Probe is an HTTP GET that answers 200 once the actor is ready.
type Probe struct {
	Port    string        `json:"port"`
	Path    string        `json:"path"`
	Timeout time.Duration `json:"timeout_ns"`
}

// Limits bound what an actor may use; zero means no limit.
type Limits struct {
	CPUCores    float64 `json:"cpu_cores,omitempty"`
	MemoryBytes int64   `json:"memory_bytes,omitempty"`
}

// An Instance is an actor that has been started.
type Instance interface {
	Name() string
	// Addr is where a named port can be dialled, as host:port.
	Addr(port string) string
	// Usage is what it uses now. It fails once the process is gone.
	Usage(ctx context.Context) (Usage, error)
	State() State
	// Logs is all that it has written to its standard output and error so far.
	Logs() (io.ReadCloser, error)
	// Stop asks it to end, waits Actor.Grace, kills it, and returns how it ended.
	// A second call returns the same.
	Stop(ctx context.Context) (State, error)
}

// A Group is an instance of several that are alike. It runs while all of them do; Addr is
// that of the first. Where the place may change their number, members are added at the end,
// and one that the place took away stays, ended.
type Group interface {
	Members() []Instance // by index
}

// Members are the instances that i stands for: itself, or those of a Group.
func Members(i Instance) []Instance {
	if g, ok := i.(Group); ok {
		return g.Members()
	}
	return []Instance{i}
}

// A Scale is how many there are of an actor whose number the place may change.
type Scale struct {
	Wanted int `json:"wanted"`
	Ready  int `json:"ready"`
	// Least and Most bound what the place may choose; 0 where it may not choose.
	Least int `json:"least,omitempty"`
	Most  int `json:"most,omitempty"`
}

// A Scaled instance is that of an actor whose number is known to the place.
type Scaled interface {
	// Scale is false while it is not known.
	Scale() (Scale, bool)
}

// A Configured instance is one whose configuration is its place's to make.
type Configured interface {
	// Configuration is what it runs; empty where it is the actor's own.
	Configuration() string
}

// A Lent instance is of something that was there before, and goes on after it was stopped.
type Lent interface {
	// GivenBack is what the end of its use has done, in sentences.
	GivenBack() []string
}

// A Happening is what a place tells of itself while a trial runs, such as an eviction.
type Happening struct {
	At    time.Time
	Actor string // or member that it is about; empty: the place
	Text  string
}

// A Teller is a place that tells what happens in it.
type Teller interface {
	// Tell calls tell for each happening, from one goroutine, until ctx ends.
	Tell(ctx context.Context, tell func(Happening))
}

// A Placed instance is on a machine of its place's choice.
type Placed interface {
	Node() string
}

// State is whether an instance runs, and how it ended if not.
type State struct {
	Running  bool      `json:"running"`
	ExitCode int       `json:"exit_code"`        // -1 when a signal ended it
	Signal   string    `json:"signal,omitempty"` // SIGKILL …
	Ended    time.Time `json:"ended,omitzero"`
	// OOMKilled is nil where it cannot be known.
	OOMKilled *bool `json:"oom_killed,omitempty"`
	// Stopped is set when Stop asked for the end.
	Stopped bool `json:"stopped,omitempty"`
	// Reason is why the place itself ended it, in words, such as an eviction; empty where
	// it did not.
	Reason string `json:"reason,omitempty"`
}

// Usage is what an instance used up to one moment. A nil field cannot be known in
// this place; it is never 0 for that.
type Usage struct {
	// At is when it was read; zero where it goes without saying.
	At time.Time `json:"at,omitzero"`
	// Source is who measured it, where the place has several who may; empty: who always does.
	Source string `json:"source,omitempty"`
	// CPUSeconds is user and system time since the start.
	CPUSeconds *float64 `json:"cpu_seconds,omitempty"`

	MemoryUsage      *int64 `json:"memory_usage_bytes,omitempty"`       // all that is charged, page cache included
	MemoryWorkingSet *int64 `json:"memory_working_set_bytes,omitempty"` // usage less inactive file, as kubelet counts
	MemoryAnon       *int64 `json:"memory_anon_bytes,omitempty"`
	MemoryFile       *int64 `json:"memory_file_bytes,omitempty"`
	MemoryKernel     *int64 `json:"memory_kernel_bytes,omitempty"`
	MemoryRSS        *int64 `json:"memory_rss_bytes,omitempty"`  // of the process, shown and never judged
	MemoryPeak       *int64 `json:"memory_peak_bytes,omitempty"` // largest usage so far, page cache included

	Periods          *uint64  `json:"cfs_periods,omitempty"` // enforcement periods of the CPU limit
	ThrottledPeriods *uint64  `json:"cfs_throttled_periods,omitempty"`
	ThrottledSeconds *float64 `json:"cfs_throttled_seconds,omitempty"`

	OOMKills *uint64 `json:"oom_kills,omitempty"`
	// OOMEvents counts how often the kernel found no memory to take back (v2 oom), whether
	// or not it killed for it; HighEvents how often usage was above the soft limit (v2
	// high).
	OOMEvents  *uint64 `json:"oom_events,omitempty"`
	HighEvents *uint64 `json:"memory_high_events,omitempty"`
	// LimitHits counts how often usage met the memory limit (v1 failcnt, v2 max).
	LimitHits *uint64 `json:"memory_limit_hits,omitempty"`
	// Stalled seconds by PSI, where the place has it: some of the processes waited.
	CPUStalled    *float64 `json:"cpu_stalled_seconds,omitempty"`
	MemoryStalled *float64 `json:"memory_stalled_seconds,omitempty"`
	IOStalled     *float64 `json:"io_stalled_seconds,omitempty"`
	// The same, by PSI's full: all of the processes that had work waited.
	CPUStalledFull    *float64 `json:"cpu_stalled_full_seconds,omitempty"`
	MemoryStalledFull *float64 `json:"memory_stalled_full_seconds,omitempty"`
	IOStalledFull     *float64 `json:"io_stalled_full_seconds,omitempty"`
}

// A CloseLooker is an instance whose usage can be read often.
type CloseLooker interface {
	// CloseUsage is Usage without the figures that are dear to read.
	CloseUsage(ctx context.Context) (Usage, error)
	// Resolution is how far apart two readings have to be to tell anything new.
	Resolution() time.Duration
}

// A GoChooser is an instance of a Go program whose GOMAXPROCS can be known where its
// environment does not set it.
type GoChooser interface {
	// GoMaxProcs is 0 where it is not known.
	GoMaxProcs() int
}

// A Host is what everything that ran on the machine used up to one moment, over all of
// its processors.
type Host struct {
	BusySeconds  float64 `json:"busy_seconds"`
	StealSeconds float64 `json:"steal_seconds"` // taken by other virtual machines
	// Seconds for which some of what runs on it waited for processors, memory and disks
	// (PSI), and for which all of it did; nil where the kernel does not tell.
	CPUStalled        *float64 `json:"cpu_stalled_seconds,omitempty"`
	MemoryStalled     *float64 `json:"memory_stalled_seconds,omitempty"`
	IOStalled         *float64 `json:"io_stalled_seconds,omitempty"`
	MemoryStalledFull *float64 `json:"memory_stalled_full_seconds,omitempty"`
	IOStalledFull     *float64 `json:"io_stalled_full_seconds,omitempty"`
}

// A HostReader is an environment on one machine whose use as a whole can be read.
type HostReader interface {
	Host() (Host, error)
}

// A Capability is one thing that a place can do or cannot, with what to do about it.
type Capability struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Found  string `json:"found"`
	Remedy string `json:"remedy,omitempty"`
	// Optional is what a run does without.
	Optional bool `json:"optional,omitempty"`
}

// Enforcement is how the limits of an actor are enforced in a place.
type Enforcement struct {
	// Method is cgroup-v1, cgroup-v2, systemd, kubelet or none.
	Method string `json:"method"`
	CPU    bool   `json:"cpu"`
	Memory bool   `json:"memory"`
	Reason string `json:"reason,omitempty"` // why something is not enforced
	// Weight is how many times the usual a run weighs against the rest of the machine
	// when processors are short, and both ends of the wire against the gateway; 0: not
	// set.
	Weight int `json:"weight,omitempty"`
}
