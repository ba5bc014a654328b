package verdict_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// A refusing is a made-up gateway of 70,000 spans, some of them refused.
type refusing struct {
	refused, unknown   uint64 // spans by the ledger
	retried            uint64 // attempts beyond the first
	requests, receiver float64
	engine             scenario.Engine
}

func (c refusing) record() *record.Record {
	trial := trials.Calm()
	r := trial.Record()
	const due = 70_000
	r.Ending.All = ledger.Account{
		Due: due, Offered: due, Attempts: due + c.retried,
		Acknowledged:     ledger.Fate{Items: due - c.refused - c.unknown, Once: due - c.refused - c.unknown},
		RefusedRetryable: ledger.Fate{Items: c.refused, NotDelivered: c.refused},
		Unknown:          ledger.Fate{Items: c.unknown, NotDelivered: c.unknown},
	}
	r.Header.Scenario.Load.SpansPerRequest = 100
	if c.engine != "" {
		r.Header.Scenario.Load.Engine = c.engine
	}
	if c.retried > 0 {
		r.Header.Scenario.Load.Retry = scenario.RetryExporter
	}
	m := r.Samples[len(r.Samples)-1].Actors[record.Gateway].Metrics
	m[record.AdmissionRejections], m[record.ReceiverRefused] = c.requests, c.receiver
	m[record.ReceiverFailed] = 0
	return r
}

// What the collector counts in requests agrees with the ledger to the span, or by how much
// it does not is said.
func TestRefusedBook(t *testing.T) {
	for _, c := range []struct {
		name        string
		in          refusing
		says        uint64
		unexplained uint64
		text        string
	}{
		{
			"before decoding",
			refusing{refused: 1200, requests: 12},
			1200, 0,
			"agrees with the ledger: 1,200 refused spans, 1,200 of them in 12 requests refused before decoding",
		},
		{
			"by a limiter",
			refusing{refused: 1200, receiver: 1200},
			1200, 0,
			"agrees with the ledger: 1,200 refused spans",
		},
		{
			"by both",
			refusing{refused: 1200, requests: 5, receiver: 700},
			1200, 0,
			"500 of them in 5 requests refused before decoding",
		},
		{
			"one request more than was refused",
			refusing{refused: 1200, requests: 13},
			1300, 100,
			"100 more; unexplained: 100 spans",
		},
		{
			"one that nobody answered",
			refusing{refused: 1200, unknown: 200, requests: 13},
			1300, 0,
			"up to 1,400: of the spans that nobody answered some may have been refused",
		},
		{
			"refused by nobody",
			refusing{refused: 1200, requests: 2},
			200, 1000,
			"1,000 fewer; unexplained: 1,000 spans",
		},
		{
			"tried again",
			refusing{refused: 100, retried: 900, requests: 9},
			900, 0,
			"up to 1,000: retried spans may have been refused more than once",
		},
		{
			"more often than it was tried",
			refusing{refused: 100, retried: 900, requests: 11},
			1100, 100,
			"unexplained: 100 spans",
		},
		{
			"batches of the SDK, of 100 at most",
			refusing{refused: 1130, requests: 12, engine: "sdk"},
			1130, 0,
			"1,130 of them in 12 requests refused before decoding",
		},
		{
			"more than such batches hold",
			refusing{refused: 1300, requests: 12, engine: "sdk"},
			1200, 100,
			"100 fewer",
		},
	} {
		r := c.in.record()
		var book verdict.Book
		for _, b := range verdict.Measure(r).Explained.Books {
			if strings.Contains(b.Counter, "admission") {
				book = b
			}
		}
		var texts []string
		for _, f := range verdict.Judge(r).Findings {
			if f.Check == "counters" && strings.HasPrefix(f.Text, "receiver_refused") {
				texts = append(texts, f.Text)
			}
		}
		got := fmt.Sprint(texts)
		if book.Says != c.says || book.Unexplained != c.unexplained || !strings.Contains(got, c.text) {
			t.Errorf("%s: %+v\n%s\nwant %d, unexplained %d, %q", c.name, book, got, c.says,
				c.unexplained, c.text)
		}
	}
}
