package clone

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Question is whether a copy holds what the original gets, and twice as much.
type Question struct {
	Clone    Clone
	Found    kube.Found
	Observed kube.Observed
}

// Scenario is the scenario file: each value with where it is from.
func (q Question) Scenario() ([]byte, error) {
	load, err := q.load()
	if err != nil {
		return nil, fmt.Errorf("write scenario of %s: %w", q.Found.Workload(), err)
	}
	var p page
	q.head(&p)
	p.line("name: %s", q.Clone.Name)
	p.line("description: %s at what it gets, and at twice as much", q.Found.Deployment)
	p.line("")
	load.write(&p)
	p.line("")
	q.gateway(&p)
	p.line("")
	q.backend(&p)
	p.line("timing:")
	p.line("  duration: 5m")
	p.line("")
	p.line("variants:")
	p.line("  - name: observed")
	p.line("    description: as much as a pod gets")
	p.line("  - name: twice")
	p.line("    description: twice as much")
	p.line("    set: {load.rate: %s}", whole(2*load.rate))
	q.sources(&p)
	return []byte(p.String()), nil
}

// head says what the file asks, of whom, and what it leaves out.
func (q Question) head(p *page) {
	f := q.Found
	p.comment("", "Does one pod of %s hold what it gets, and twice as much?", f.Workload())
	p.comment("", "")
	p.comment("", "Read at %s from %s.", f.At.Format(time.RFC3339), f.Cluster)
	p.item("configuration", f.Config.From)
	p.item("replicas", q.replicas())
	p.item("HPA", q.autoscaler())
	p.item("restarts", q.restarts())
	p.item("traffic", q.Observed.From)
	if r := q.Observed.Rejected; r != nil && r.Value > 0 {
		p.item("refused", fmt.Sprintf("%.0f requests for want of memory", r.Value))
	}
	p.list("Not known:", slices.Concat(f.Unknown, q.Observed.Problems))
	p.list("The copy differs from the original:", q.Clone.Differences)
}

// sources says where each figure of the traffic is from.
func (q Question) sources(p *page) {
	o := q.Observed
	all := []struct {
		name string
		of   *kube.Figure
	}{
		{"rate of the busiest pod", o.PodPeak},
		{"highest rate of all pods", o.Peak},
		{"mean rate of all pods", o.Mean},
		{"share of HTTP", o.HTTP},
		{"size of a span", o.SpanBytes},
		{"spans of a request", o.SpansPerRequest},
		{"size of a request", o.RequestBytes},
		{"answer of the backend", o.Answer},
		{"requests refused", o.Rejected},
	}
	first := true
	for _, f := range all {
		if f.of == nil {
			continue
		}
		if first {
			p.line("")
			p.comment("", "The figures of the traffic are from %s:", o.From)
			first = false
		}
		p.line("#   %s: %s", f.name, f.of.From) // unbroken, to be copied
	}
}

func (q Question) replicas() string {
	r := q.Found.Replicas
	text := fmt.Sprintf("%d wanted, %d ready; the scenario runs one", r.Wanted, r.Ready)
	if r.Updated < r.Wanted {
		text += fmt.Sprintf("; %d have the newest template, of which this is", r.Updated)
	}
	return text
}

func (q Question) autoscaler() string {
	a := q.Found.Autoscaler
	switch {
	case a == nil:
		return "not known"
	case a.Name == "":
		return "none"
	}
	return fmt.Sprintf("%s, %d to %d replicas, at %s", a.Name, a.Min, a.Max,
		strings.Join(a.Targets, ", "))
}

func (q Question) restarts() string {
	if len(q.Found.Pods) == 0 {
		return "not known, for no pod was seen"
	}
	n, ends := 0, []string{}
	for _, pod := range q.Found.Pods {
		n += pod.Restarts
		if e := pod.LastEnd; e != nil {
			ends = append(ends, fmt.Sprintf("%s %s (exit code %d) at %s",
				pod.Name, e.Reason, e.Code, e.At.Format(time.RFC3339)))
		}
	}
	text := fmt.Sprintf("%d in %d pods", n, len(q.Found.Pods))
	if len(ends) > 0 {
		text += "; last " + strings.Join(ends, ", ")
	}
	return text
}

func (q Question) gateway(p *page) {
	g, f := q.Clone.Gateway, q.Found
	p.comment("", "%s.", f.From())
	p.line("gateway:")
	p.line("  kind: otelcol")
	p.line("  image: %s", quoted(g.Image))
	if g.Binary != "" {
		p.line("  binary: %s", scalar(g.Binary))
	}
	p.line("  config: %s", g.Config)
	p.line("  exporter: %s", scalar(g.Exporter))
	if len(g.AllowExporters) > 0 {
		p.comment("  ", "Waits to be scraped, and sends nothing by itself.")
		p.line("  allow_exporters: %s", list(g.AllowExporters))
	}
	if g.CPULimit > 0 {
		p.line("  cpu_limit: %s", g.CPULimit)
	} else {
		p.comment("  ", "cpu_limit: none%s", asked("cpu", f.Requests.CPUCores > 0,
			scenario.CPU(f.Requests.CPUCores).String()))
	}
	if g.MemoryLimit > 0 {
		p.line("  memory_limit: %s", g.MemoryLimit)
	} else {
		p.comment("  ", "memory_limit: none%s", asked("memory", f.Requests.MemoryBytes > 0,
			scenario.Bytes(f.Requests.MemoryBytes).String()))
	}
	if g.GoMemLimit > 0 {
		p.line("  gomemlimit: %s", g.GoMemLimit)
	}
	if g.GoMaxProcs > 0 {
		p.line("  gomaxprocs: %d", g.GoMaxProcs)
	}
	p.mapping("  ", "env", g.Env)
}

func asked(of string, is bool, amount string) string {
	if !is {
		return ""
	}
	return fmt.Sprintf(", and a %s request of %s", of, amount)
}

func (q Question) backend(p *page) {
	a := q.Observed.Answer
	if a == nil || a.Value < 0.0005 {
		p.comment("", "How long the backend takes to answer is not known: it answers at once.")
		p.line("#")
		p.line("# backend:")
		p.line("#   delay: 200ms")
		p.line("")
		return
	}
	p.comment("", "What the original waits for an answer of its backend, the way included.")
	p.line("backend:")
	p.line("  delay: %s", time.Duration(a.Value*float64(time.Second)).Round(time.Millisecond))
	p.line("")
}
