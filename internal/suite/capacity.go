package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/trial"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// Capacities is the kind of a suite whose trials look for the highest rate that holds.
const Capacities = "capacity"

// A Capacity is a search for the highest rate that a gateway holds: what is asked, and the
// trials that were made. It is the directory's record.SuiteFile, written anew after each of
// them.
type Capacity struct {
	SchemaVersion int    `json:"schema_version"`
	Name          string `json:"name"`
	Description   string `json:"description,omitempty"`
	Kind          string `json:"kind"` // Capacities

	Created time.Time   `json:"created"`
	Tool    record.Tool `json:"tool"`
	Command []string    `json:"command"`
	// Environment is where it ran: local or kubernetes; empty means local.
	Environment string `json:"environment,omitempty"`
	// Machine is of a cluster what was the likeliest; what trials ran on is in their records.
	Machine   record.Machine   `json:"machine"`
	Collector record.Collector `json:"collector"`
	// Scenario is resolved at the rate where it begins, with its search; Asked is as its
	// author left it, since the defaults of a load follow from its rate.
	Scenario scenario.Scenario `json:"scenario"`
	Asked    scenario.Scenario `json:"asked"`
	// GatewayConfig is the text of the collector's configuration, of a user's own.
	GatewayConfig string `json:"gateway_config,omitempty"`
	// Original is the gateway of a cluster that the one under test is made from, and Notes
	// are how it was chosen and differs from it.
	Original *record.Original `json:"original,omitempty"`
	Notes    []string         `json:"notes,omitempty"`
	// Pods are what the user asked of the pods in a cluster, as in a header.
	Pods map[string]any `json:"pods,omitempty"`

	Spec   search.Spec `json:"search"`
	Trials []Tried     `json:"trials"`

	// Plan makes a trial's plan; it is needed to run, and is not on the disk.
	Plan func(s scenario.Scenario) (plan.Plan, error) `json:"-"`
}

// A Tried is one trial of a search.
type Tried struct {
	search.Try
	Name   string  `json:"name"`
	Record string  `json:"record"` // its directory, relative to the search's
	Took   float64 `json:"took_seconds"`
	// Error is why it shows nothing: it could not be run, or was interrupted. The search
	// does without it.
	Error string `json:"error,omitempty"`
}

// CapacityOptions say how a search is watched. The zero value is good.
type CapacityOptions struct {
	// Trying, when set, is told of each trial before it.
	Trying func(n int, p Part, t search.Try)
	// Tried, when set, is told what each has shown, what is known since, and how long all
	// of them took.
	Tried func(t report.CapacityTrial, a search.Answer, spent time.Duration)
}

// SpecOf is what a scenario's search asks for.
func SpecOf(s scenario.Search) search.Spec {
	return search.Spec{
		From: float64(s.From), UpTo: float64(s.UpTo), Precision: float64(s.Precision),
		Budget: time.Duration(s.Budget),
	}
}

// Begin makes the search's directory in root, at which root's link "latest" then points,
// and writes what is known beforehand.
func (c *Capacity) Begin(root string) (dir string, err error) {
	name := c.Created.UTC().Format("20060102-150405") + "_" + c.Name + "_" + Capacities
	if dir, err = record.MakeDir(root, name); err != nil {
		return "", fmt.Errorf("begin search: %w", err)
	}
	if err = c.BeginIn(dir); err != nil {
		return "", err
	}
	return dir, record.PointLatest(dir)
}

// BeginIn is Begin in a directory that is there, for one who keeps many searches together.
func (c *Capacity) BeginIn(dir string) error {
	c.SchemaVersion, c.Kind = SchemaVersion, Capacities
	return c.save(dir)
}

func (c *Capacity) save(dir string) error {
	if c.Trials == nil {
		c.Trials = []Tried{}
	}
	if err := writeJSON(filepath.Join(dir, record.SuiteFile), c); err != nil {
		return fmt.Errorf("write search: %w", err)
	}
	return nil
}

// Run makes trials in dir until the search is over, and writes what they say. It goes on
// where the trials that c has end. One that cannot be run ends the search; when ctx ends,
// the one under way ends in order and no further one begins. An error means that something
// of the search itself could not be written or read.
func (c *Capacity) Run(
	ctx context.Context, dir string, run Runner, o CapacityOptions,
) (report.Capacity, error) {
	if err := c.settle(dir); err != nil {
		return report.Capacity{}, fmt.Errorf("go on with search: %w", err)
	}
	known, spent, err := c.replay(dir)
	if err != nil {
		return report.Capacity{}, fmt.Errorf("go on with search: %w", err)
	}
	ending := Ending{Errors: map[string]string{}}
	for ctx.Err() == nil {
		next, more := known.Next()
		if !more {
			break
		}
		made, tried, err := c.try(ctx, dir, next, run, o)
		if err != nil {
			return report.Capacity{}, err
		}
		spent += made.Took
		if tried.Error != "" {
			ending.Errors[tried.Name] = tried.Error
		} else {
			known.Observe(made)
		}
		if o.Tried != nil {
			o.Tried(tried, known.Answer(), spent)
		}
		if tried.Error != "" {
			break
		}
	}
	ending.Interrupted = interrupt(ctx)
	ending.Finished = time.Now().UTC()
	if err := writeJSON(filepath.Join(dir, EndingFile), ending); err != nil {
		return report.Capacity{}, fmt.Errorf("end search: %w", err)
	}
	found, err := Found(dir)
	if err != nil {
		return found, err
	}
	return found, writeCapacity(dir, found)
}

// interrupt is the signal that ended ctx; empty when none did.
func interrupt(ctx context.Context) string {
	var i trial.Interrupt
	if errors.As(context.Cause(ctx), &i) {
		return i.Signal
	}
	return ""
}

// try makes one trial and notes it. What it took is measured around all that goes with it.
func (c *Capacity) try(
	ctx context.Context, dir string, next search.Try, run Runner, o CapacityOptions,
) (search.Trial, report.CapacityTrial, error) {
	began := time.Now()
	n := len(c.Trials) + 1
	t := Tried{Try: next, Name: fmt.Sprintf("%02d-%.0fsps", n, next.Rate)}
	t.Record = Capacities + "/" + t.Name
	p := Part{Name: t.Name, Record: t.Record}
	var failed error
	p.Plan, failed = c.Plan(c.Asked.TrialAt(scenario.Rate(next.Rate), c.measured(next.Length)))
	if failed == nil {
		if o.Trying != nil {
			o.Trying(n, p, next)
		}
		failed = run(ctx, p, filepath.Join(dir, filepath.FromSlash(t.Record)))
	}
	if failed != nil {
		t.Error = failed.Error()
	}
	shown := read(dir, t)
	if shown.Data != nil {
		if _, err := report.WriteTexts(shown.Data.Dir, shown.Data); err != nil {
			return search.Trial{}, shown, fmt.Errorf("write report of trial %s: %w", t.Name, err)
		}
	}
	shown.Data = nil // many of them would be much
	t.Took, t.Error = time.Since(began).Seconds(), shown.Error
	shown.Took = t.Took
	c.Trials = append(c.Trials, t)
	return shown.Observed(), shown, c.save(dir)
}

// measured is the measured time of a trial of that length.
func (c *Capacity) measured(l search.Length) scenario.Duration {
	switch l {
	case search.Short:
		return c.Asked.Search.Probe
	case search.Long:
		return c.Asked.Search.Confirm
	}
	return c.Asked.Search.Duration
}

// read is what a trial shows, from the disk alone.
func read(dir string, t Tried) report.CapacityTrial {
	c := report.CapacityTrial{
		Try: t.Try, Name: t.Name, Record: t.Record, Took: t.Took, Error: t.Error,
	}
	r, err := record.Open(filepath.Join(dir, filepath.FromSlash(t.Record)))
	if err == nil {
		c.Data, c.Point = r, verdict.PointOf(r)
		err = unfinished(r)
	}
	if err != nil && c.Error == "" {
		c.Error = err.Error()
	}
	if c.Error != "" {
		c.Holding = verdict.Holding{Result: search.Unclear, Why: c.Error}
	} else {
		c.Holding = verdict.HoldingOf(r)
	}
	return c
}

// unfinished is why a record is of no whole trial; nil when it is.
func unfinished(r *record.Record) error {
	switch e := r.Ending; {
	case e == nil:
		return errors.New("it was cut off")
	case e.Interrupted != "":
		return trial.Interrupt{Signal: e.Interrupted}
	case e.Error != "":
		return errors.New(e.Error)
	}
	return nil
}

// replay is the search with all trials of dir taken in, and how long they took together.
func (c *Capacity) replay(dir string) (*search.Search, time.Duration, error) {
	known, spent := search.New(c.Spec), time.Duration(0)
	for _, t := range c.Trials {
		shown := read(dir, t)
		if shown.Error != "" {
			return nil, 0, fmt.Errorf("read trial %s: %s", t.Name, shown.Error)
		}
		made := shown.Observed()
		known.Observe(made)
		spent += made.Took
	}
	return known, spent, nil
}

// settle prepares dir for further trials: those that show nothing, and what a killed search
// left half-written, are set aside, to be made again.
func (c *Capacity) settle(dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, EndingFile)); err != nil {
		return err
	}
	kept, names := []Tried{}, map[string]bool{}
	for _, t := range c.Trials {
		if t.Error == "" {
			kept = append(kept, t)
			names[t.Name] = true
		}
	}
	below, err := os.ReadDir(filepath.Join(dir, Capacities))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range below {
		if names[e.Name()] || filepath.Ext(e.Name()) == cutOff {
			continue
		}
		if err := setAside(filepath.Join(dir, Capacities, e.Name())); err != nil {
			return err
		}
	}
	c.Trials = kept
	return c.save(dir)
}

// cutOff is the end of the name of a record that was set aside.
const cutOff = ".cut-off"

// setAside renames a record; where one of that name was set aside before, with a number.
func setAside(at string) error {
	to := at + cutOff
	for n := 2; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, os.ErrNotExist) {
			return os.Rename(at, to)
		}
		to = fmt.Sprintf("%s-%d%s", at, n, cutOff)
	}
}
