package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/clone"
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A target is a gateway of the cluster that trials ask in place of the scenario's.
type target struct {
	original record.Original
	gateway  scenario.Gateway // as the trials describe it
	config   []byte           // what gateway.config of it names
	// inPlace and installation are of one that is asked where it is; nil: it is copied.
	inPlace      *kube.InPlace
	installation *gateway.Installation
}

// aimAtClone has the trials of a scenario ask a copy of what was found. What the scenario
// says of a death, and of replicas, is about the trial, and stays.
func (q *question) aimAtClone(whole scenario.Scenario, c chosenWay) (scenario.Scenario, error) {
	copied, err := clone.New(c.found.Beside(q.place.pods), q.way.exporter)
	if err != nil {
		if q.way.way == "" {
			err = fmt.Errorf("%w\n%s", err, instead)
		}
		return whole, err
	}
	t := &target{
		original: originalOf(c, q.way.wanted.Deployment == "", copied.Gateway),
		gateway:  copied.Gateway, config: copied.Config,
	}
	q.way.target = t
	q.sayWay(fmt.Sprintf("The gateway is a copy of %s (%s), %s; --gateway %s asks the one that the "+
		"scenario describes.", c.found.Workload(), c.found.Image, c.why, wayScenario))
	q.way.notes = append(q.way.notes, t.notApplied(whole.Gateway)...)
	q.way.notes = append(q.way.notes, t.requests(c.found)...)
	q.way.notes = append(q.way.notes, copied.Differences...)
	q.way.notes = append(q.way.notes, c.found.Unknown...)
	whole.Gateway = t.laidInto(whole.Gateway)
	whole.Variants = presetsOver(whole.Variants)
	return whole, nil
}

func originalOf(c chosenWay, odigos bool, copied scenario.Gateway) record.Original {
	f := c.found
	return record.Original{
		Way: c.way, Deployment: f.Workload(), Container: f.Container, Cluster: f.Cluster,
		ReadAt: f.At, Image: f.Image, ImageID: f.ImageID, Config: f.Config.From, Odigos: odigos,
		Limits:     env.Limits{CPUCores: f.Limits.CPUCores, MemoryBytes: f.Limits.MemoryBytes},
		GoMemLimit: int64(copied.GoMemLimit), GoMaxProcs: copied.GoMaxProcs,
		Replicas: f.Replicas.Wanted,
	}
}

// laidInto is the gateway of a scenario with the target in its place.
func (t *target) laidInto(g scenario.Gateway) scenario.Gateway {
	out := t.gateway
	out.Env = maps.Clone(out.Env)
	out.Replicas, out.OnDeath = g.Replicas, g.OnDeath
	out.RestartDelay, out.MaxRestarts = g.RestartDelay, g.MaxRestarts
	return out
}

// presetsOver are variants whose presets go before the limits of the original, below which
// they would mean nothing.
func presetsOver(all []scenario.Variant) []scenario.Variant {
	all = slices.Clone(all)
	for i, v := range all {
		if v.Set["gateway.preset"] == nil {
			continue
		}
		set := map[string]any{"gateway.cpu_limit": nil, "gateway.memory_limit": nil}
		maps.Copy(set, v.Set)
		all[i].Set = set
	}
	return all
}

// overTarget is what is laid over a scenario, with room made for a preset.
func (q *question) overTarget(lay []string) []string {
	isPreset := func(set string) bool { return strings.HasPrefix(set, "gateway.preset=") }
	if q.way.target == nil || !slices.ContainsFunc(lay, isPreset) {
		return lay
	}
	return append([]string{"gateway.cpu_limit=null", "gateway.memory_limit=null"}, lay...)
}

// notApplied says what of a scenario's gateway the target takes the place of.
func (t *target) notApplied(g scenario.Gateway) []string {
	var fields []string
	for _, field := range fieldsSaid(g) {
		ofTrial := slices.Contains(sizesAndDeath[4:], field)
		if field == "replicas" && t.isInPlace() {
			ofTrial = false
		}
		if field != "kind" && !ofTrial {
			fields = append(fields, "gateway."+field)
		}
	}
	if len(fields) == 0 {
		return nil
	}
	has := "the copy has what the original has"
	if t.isInPlace() {
		has = "the installation is asked as it is"
	}
	return []string{fmt.Sprintf("What the scenario says in %s does not apply: %s. What is given on the "+
		"command line does.", strings.Join(fields, ", "), has)}
}

// requests says where the original may use more than it is promised, and the copy is
// promised all.
func (t *target) requests(f kube.Found) []string {
	if f.Requests == f.Limits {
		return nil
	}
	asked := "nothing"
	if f.Requests != (kube.Amount{}) {
		asked = amounts(f.Requests.CPUCores, f.Requests.MemoryBytes)
	}
	return []string{fmt.Sprintf("The copy requests what it is limited to; the original requests %s.",
		asked)}
}

// fit settles what follows from a size that was asked for in place of the original's, and
// says what is not as there.
func (t *target) fit(s scenario.Scenario) (scenario.Scenario, []string, error) {
	resolved, err := s.Resolved()
	if err != nil {
		return s, nil, err
	}
	was, is, notes := t.original, resolved.Gateway, []string(nil)
	limits := env.Limits{CPUCores: float64(is.CPULimit), MemoryBytes: int64(is.MemoryLimit)}
	if limits != was.Limits {
		notes = append(notes, fmt.Sprintf("The limits are %s, as was asked; the original has %s.",
			limitsText(limits), limitsText(was.Limits)))
	}
	if limits.MemoryBytes != was.Limits.MemoryBytes && was.GoMemLimit > 0 &&
		int64(is.GoMemLimit) == was.GoMemLimit {
		notes = append(notes, t.fitMemory(&s.Gateway, is.MemoryLimit))
	}
	if limits.CPUCores != was.Limits.CPUCores && was.GoMaxProcs > 0 && limits.CPUCores > 0 &&
		is.GoMaxProcs == was.GoMaxProcs {
		s.Gateway.GoMaxProcs = int(math.Ceil(limits.CPUCores))
	}
	if n := max(1, is.Replicas); was.Replicas != n && !t.isInPlace() {
		notes = append(notes, fmt.Sprintf("The original has %s, the copy %d (gateway.replicas).",
			counted(was.Replicas, "pod"), n))
	}
	return s, notes, nil
}

// fitMemory derives GOMEMLIMIT from a memory limit, as Odigos does when it is resized.
func (t *target) fitMemory(g *scenario.Gateway, limit scenario.Bytes) string {
	was := scenario.Bytes(t.original.GoMemLimit)
	if !t.original.Odigos || limit == 0 {
		return fmt.Sprintf("GOMEMLIMIT stays at the original's %s: another is given by "+
			"gateway.gomemlimit.", was)
	}
	g.GoMemLimit = scenario.Derive(limit).GoMemLimit
	return fmt.Sprintf("GOMEMLIMIT is %s, as Odigos' chart derives it from the memory limit; the original "+
		"has %s.", g.GoMemLimit, was)
}

func limitsText(l env.Limits) string {
	if l == (env.Limits{}) {
		return "none"
	}
	return amounts(l.CPUCores, l.MemoryBytes)
}

// has is whether a configuration is the target's.
func (t *target) has(config string) bool { return t != nil && config == t.gateway.Config }

// plan makes the plan of one trial that asks the target, if there is one.
func (t *target) plan(
	s scenario.Scenario, of func(scenario.Scenario) (plan.Plan, error),
) (plan.Plan, error) {
	if t == nil {
		return of(s)
	}
	s, notes, err := t.fit(s)
	if err != nil {
		return plan.Plan{}, err
	}
	p, err := of(s)
	if err != nil {
		return p, err
	}
	original := t.original
	p.Original = &original
	how := "a copy of"
	if t.isInPlace() {
		how = "in place,"
	}
	p.Collector.Headline = fmt.Sprintf("%s %s, %s %s", p.Collector.Name, p.Collector.Version, how,
		original.Deployment)
	if is := p.Collector.Image; is != original.Image {
		p.Collector.Headline += " with another image"
		notes = append(notes, fmt.Sprintf("The image is %s, as was asked; the original's is %s.", is,
			original.Image))
	}
	p.Notes = slices.Concat(notes, p.Notes)
	return p, nil
}

// hint adds to a mistake about the gateway that it is not the scenario's.
func (q *question) hint(err error) error {
	if err == nil || q.way.target == nil || !strings.Contains(err.Error(), "gateway.") {
		return err
	}
	is := "a copy of "
	if q.way.target.isInPlace() {
		is = ""
	}
	return errors.Join(err, fmt.Errorf("the gateway is %s%s; %s", is,
		q.way.target.original.Deployment, instead))
}
