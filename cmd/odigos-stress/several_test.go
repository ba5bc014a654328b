package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
)

// Two load generators on this machine share one load before a real collector: nothing of it
// is lost, sent twice or counted twice.
func TestTwoGeneratorsHere(t *testing.T) {
	p := newPlan(t, `name: shared
load: {rate: 2k, generators: 2, connections: 2}
timing: {warm_up: 1s, duration: 3s}
`, "")
	r := runTrial(t, p, 0)
	e := r.Ending
	if e == nil || e.Sent == nil || e.Received == nil {
		t.Fatalf("the trial has no books: %+v", e)
	}
	want := ledger.Account{
		Due: 8000, Offered: 8000, Attempts: 8000,
		Acknowledged: ledger.Fate{Items: 8000, Once: 8000},
	}
	if diff := cmp.Diff(want, e.All); diff != "" || e.Measured.Due != 6000 {
		t.Errorf("%d measured due, account (-want +got):\n%s", e.Measured.Due, diff)
	}
	if len(e.Clocks) > 0 {
		t.Errorf("clocks %+v: one machine has one", e.Clocks)
	}
	sum := uint64(0)
	var accounts []string
	for i := range 2 {
		name := env.MemberName(record.Loadgen, i)
		if b := e.SentBy[name]; b == nil || b.All.Due != 4000 || b.ConnectionsOpened != 1 {
			t.Errorf("the book of %s is %+v, want 4,000 spans over one connection", name, b)
		} else {
			sum += b.All.Acknowledged
		}
		if _, err := os.Stat(filepath.Join(r.Dir, record.LogFile(name))); err != nil {
			t.Error(err)
		}
		accounts = append(accounts, filepath.Join(r.Dir, record.AccountFile(name)))
	}
	if sum != e.Sent.All.Acknowledged {
		t.Errorf("%d acknowledged to one of them, %d to both", sum, e.Sent.All.Acknowledged)
	}
	joined, err := joinAccounts(append(accounts, filepath.Join(r.Dir, record.AccountFile(record.Backend))))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e.All, joined.All); diff != "" {
		t.Errorf("join of the record's accounts (-trial +join):\n%s", diff)
	}
	if last := r.Samples[len(r.Samples)-1]; len(last.Actors) != 5 {
		t.Errorf("the last sample has %d actors, want three and both load generators", len(last.Actors))
	}
	summary, err := report.Write(r.Dir, r)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := report.Text(&text, summary); err != nil || !strings.Contains(text.String(), "shared") {
		t.Errorf("%v: report\n%s", err, fmt.Sprint(&text))
	}
}
