package main

import (
	"math"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A real collector that is stopped by SIGSTOP hangs, and goes on when it is continued: both
// are told, the trial goes to its end, and it fails.
func TestHungGateway(t *testing.T) {
	if testing.Short() {
		t.Skip("a hang takes ten seconds")
	}
	const (
		standsStill = 13 * time.Second // a hang is told after ten
		same        = 0.01             // a look's two times are within so many seconds
	)
	r, frozen := frozenTrial(t, 1000, standsStill, standsStill+4*time.Second)
	if len(r.Ending.Deaths) != 1 {
		t.Fatalf("deaths are %+v, want one hang", r.Ending.Deaths)
	}
	d := r.Ending.Deaths[0]
	if d.Kind != record.DeathHang || d.Since == nil || d.Until == nil || d.Cost == nil {
		t.Fatalf("the death is %+v, want a hang with its end and its cost", d)
	}
	// It is told from the last look that saw life to the first that saw it again.
	edges, inside := 0, 0
	for i := 1; i < len(r.Samples); i++ {
		before, now := r.Samples[i-1], r.Samples[i]
		lived, at := alive(before, now), now.Elapsed
		switch since, until := at-*d.Since, *d.Until-at; {
		case math.Abs(since) < same || math.Abs(until) < same:
			edges++
			if !lived {
				t.Errorf("a hang from %.1f to %.1f s has no life at %.1f s", *d.Since, *d.Until, at)
			}
		case since > 0 && until > 0:
			inside++
			if lived {
				t.Errorf("there was life at %.1f s, within a hang from %.1f to %.1f s", at, *d.Since, *d.Until)
			}
		}
	}
	if edges != 2 || inside == 0 {
		t.Errorf("%d looks at the edges of the hang and %d within, want 2 and some", edges, inside)
	}
	if told := *d.Until - *d.Since; told < 10 || d.Elapsed < *d.Since+10 {
		t.Errorf("a hang of %.1f s is told at %.1f s, want both after ten", told, d.Elapsed)
	}
	if d.Cost.Due == 0 || d.Cost.Lost > 0 || r.Ending.CutShort != "" {
		t.Errorf("it cost %+v; cut short: %q", *d.Cost, r.Ending.CutShort)
	}
	if v := verdict.Judge(r); v.Outcome != verdict.Fail {
		t.Errorf("the outcome is %s: %s", v.Outcome, v.Reason)
	}
	t.Logf("frozen for %s: a hang from %.1f to %.1f s, noticed at %.1f s, of %d spans due", frozen,
		*d.Since, *d.Until, d.Elapsed, d.Cost.Due)
}

// alive is whether the gateway showed life between two looks: it told its metrics, or a
// span was answered or arrived.
func alive(before, now record.Sample) bool {
	if now.Actors[record.Gateway].ScrapeError == "" {
		return true
	}
	for _, of := range []struct {
		actor  string
		metric record.Metric
	}{{record.Loadgen, record.LoadAcknowledged}, {record.Backend, record.BackendUnique}} {
		if now.Actors[of.actor].Metrics[of.metric] != before.Actors[of.actor].Metrics[of.metric] {
			return true
		}
	}
	return false
}
