package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
)

// What a soak sends, and how much the memory of an end may grow in a minute, once the
// first is over.
const (
	soakRate  = 1e6 // spans/s
	maxGrowth = 1.0 // MiB a minute
	warmUp    = time.Minute
)

// A soaked is what a soak found.
type soaked struct {
	Machine machine `json:"machine"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"asked_spans_per_second"`
	Sent    uint64  `json:"acknowledged_spans"`
	Unsent  uint64  `json:"unsent_spans"`
	Dropped uint64  `json:"dropped_on_the_way_spans"`
	Missing uint64  `json:"not_delivered_spans"`
	Twice   uint64  `json:"delivered_repeatedly_spans"`
	// Foreign and Impossible spans are faults of the identity.
	Foreign    uint64 `json:"foreign_spans"`
	Impossible uint64 `json:"impossible_spans"`
	// Memory of the ends that is their own, by process.
	Memory map[string]*growth `json:"memory"`
	CPU    map[string]float64 `json:"cpu_seconds"`
}

// soak sends a million spans a second for a long time through a gateway that drops one
// in a hundred and changes the order, and holds the joined account against what that
// gateway says it dropped. It errs when the account is not exact, or memory grows.
func soak(ctx context.Context, s *settings, log io.Writer) (*soaked, error) {
	p, err := build(ctx, s.root, log)
	if err != nil {
		return nil, err
	}
	st, err := newStage(s, p)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(st.dir)
	out := &soaked{
		Machine: describe(ctx, s.root, p), Seconds: s.soak.Seconds(), Rate: soakRate,
		Memory: map[string]*growth{}, CPU: map[string]float64{},
	}
	accounts := [2]string{filepath.Join(st.dir, "sent"), filepath.Join(st.dir, "received")}
	if err := out.run(ctx, st, s.soak, accounts, log); err != nil {
		return nil, err
	}
	if err := out.join(accounts); err != nil {
		return nil, err
	}
	return out, out.judge()
}

// run sends the load and notes the memory of both ends every second.
func (o *soaked) run(
	ctx context.Context, st *stage, length time.Duration, accounts [2]string, log io.Writer,
) error {
	r, err := backend(noCPU, "--account", accounts[1])(ctx, st)
	if err != nil {
		return err
	}
	defer r.kill()
	way, err := playing(order{Role: "lossy", Toward: r.to})(ctx, st)
	if err != nil {
		return err
	}
	defer way.kill()
	l := of(1000)
	l.rate, l.connections, l.inFlight = soakRate, 2, 256 // a pause of a quarter of a second is no loss
	admin, err := freeAddress()
	if err != nil {
		return err
	}
	from, err := command{
		path: st.tool, cpu: noCPU, procs: loadgenProcs,
		args: append(l.args(way.to, admin, length), "--account", accounts[0]),
	}.start(ctx)
	if err != nil {
		return err
	}
	defer from.kill()
	if err := from.listens(ctx, admin); err != nil {
		return err
	}
	stop := o.watch(map[string]*process{"load generator": from, "backend": r.process}, log)
	cpu, err := from.wait(ctx)
	stop()
	if err != nil {
		return err
	}
	t, wayCPU, err := way.end(ctx)
	if err != nil {
		return err
	}
	_, backendCPU, err := r.end(ctx)
	o.Dropped = t.Dropped
	o.CPU["load generator"], o.CPU["lossy gateway"], o.CPU["backend"] = cpu, wayCPU, backendCPU
	return err
}

// watch reads the memory of processes each second until it is told to stop.
func (o *soaked) watch(all map[string]*process, log io.Writer) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	for name := range all {
		o.Memory[name] = &growth{}
	}
	began := time.Now()
	go func() {
		defer close(ended)
		for n := 1; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(time.Until(began.Add(time.Duration(n) * time.Second))):
			}
			for name, p := range all {
				if mib, err := anonymous(p.cmd.Process.Pid); err == nil {
					o.Memory[name].add(time.Since(began), mib)
				}
			}
			if n%60 == 0 {
				fmt.Fprintf(log, "minute %d: load generator %.1f MiB, backend %.1f MiB\n", n/60,
					o.Memory["load generator"].last(), o.Memory["backend"].last())
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// join brings the two accounts together.
func (o *soaked) join(accounts [2]string) error {
	var files [2]io.ReaderAt
	for i, name := range accounts {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		files[i] = f
	}
	j, err := ledger.Join(files[:1], files[1:])
	if err != nil {
		return err
	}
	a := j.All
	o.Sent, o.Unsent, o.Foreign, o.Impossible = a.Acknowledged.Items, a.Unsent, j.Foreign, a.Impossible
	o.Missing, o.Twice = a.Acknowledged.NotDelivered, a.Acknowledged.Repeatedly
	if other := a.Offered - a.Acknowledged.Items; other > 0 {
		return fmt.Errorf("%d of %d offered spans were not acknowledged", other, a.Offered)
	}
	return nil
}

// judge is an error when the account or the memory is not what it has to be.
func (o *soaked) judge() error {
	var all []error
	if o.Missing != o.Dropped || o.Twice > 0 || o.Foreign > 0 || o.Impossible > 0 {
		all = append(all, fmt.Errorf("the account is not exact: %d dropped on the way, %d not "+
			"delivered, %d delivered repeatedly, %d foreign, %d impossible",
			o.Dropped, o.Missing, o.Twice, o.Foreign, o.Impossible))
	}
	for name, g := range o.Memory {
		if slope, ok := g.slope(); !ok || slope > maxGrowth {
			all = append(all, fmt.Errorf("the memory of the %s grows by %.2f MiB a minute "+
				"(known: %t), at most %.0f", name, slope, ok, maxGrowth))
		}
	}
	return errors.Join(all...)
}

func (o *soaked) publish(format string, out io.Writer) error {
	if format == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(o)
	}
	rows := [][]string{
		{"soak", ""},
		{"asked", fmt.Sprintf("%.0f spans/s for %.0f s", o.Rate, o.Seconds)},
		{"acknowledged, unsent", fmt.Sprintf("%d, %d", o.Sent, o.Unsent)},
		{"dropped on the way, not delivered", fmt.Sprintf("%d, %d", o.Dropped, o.Missing)},
		{"delivered repeatedly, foreign, impossible", fmt.Sprintf("%d, %d, %d",
			o.Twice, o.Foreign, o.Impossible)},
	}
	for _, name := range []string{"load generator", "backend"} {
		g := o.Memory[name]
		slope, _ := g.slope()
		rows = append(rows, []string{"memory of the " + name, fmt.Sprintf(
			"%.1f MiB after %s, %.1f MiB at the end, at most %.1f MiB; grows by %.3f MiB a minute after the first",
			g.at(warmUp), warmUp, g.last(), g.most(), slope)})
	}
	for _, name := range []string{"load generator", "lossy gateway", "backend"} {
		rows = append(rows, []string{"CPU of the " + name, fmt.Sprintf("%.3f CPU-s per million spans",
			o.CPU[name]/float64(max(o.Sent, 1))*1e6)})
	}
	_, err := io.WriteString(out, table(rows))
	return err
}
