package trial_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/odigos-io/odigos-stress/internal/backend"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/loadgen"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// What goes over the wire: 400 spans of warm-up and 1,600 measured ones, from each
// load generator, in 20 requests.
const (
	wireRate   = 4000
	wireWarmUp = 100 * time.Millisecond
	wireTime   = 400 * time.Millisecond
	wireSpans  = 2000
	wireFrom   = 400 // the first measured one
	wireBatch  = 100
	wireFollow = 7 // one in so many
)

func wireLoad(engine scenario.Engine, shape scenario.Shape, stream uint16, seed uint64,
) loadgen.Config {
	return loadgen.Config{
		RunID: wireRun, Stream: stream, WarmUp: wireWarmUp, Measure: wireTime,
		SampleEvery: wireFollow, Load: scenario.Load{
			Engine: engine, Pattern: scenario.PatternConstant,
			Rate: wireRate, Shape: shape, SpansPerRequest: wireBatch,
			Protocol: scenario.ProtocolGRPC, Compression: scenario.CompressionNone,
			Connections: 2, InFlight: 64, Timeout: scenario.Duration(time.Minute),
			Retry: scenario.RetryNone, Seed: seed,
		},
	}
}

// draw is a random number that belongs to a seed and a number for good.
func draw(seed uint64, n ledger.Number) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(n))) }

// A fate is what the test knows of one span.
type fate struct {
	class    ledger.Class
	accepted int
	failed   int
}

// known is the account that fates make, of the sequences from a up to b in each
// stream. It counts one span after the other.
func known(streams []uint16, a, b uint64, of func(ledger.Number) fate) (k ledger.Account) {
	fates := map[ledger.Class]*ledger.Fate{
		ledger.Acknowledged:     &k.Acknowledged,
		ledger.RefusedRetryable: &k.RefusedRetryable, ledger.RefusedPermanent: &k.RefusedPermanent,
		ledger.RejectedInPart: &k.RejectedInPart, ledger.Unknown: &k.Unknown,
	}
	for _, stream := range streams {
		for n := a; n < b; n++ {
			f := of(ledger.Number(stream)<<48 | ledger.Number(n))
			k.Due++
			k.Offered++
			k.Attempts++
			into := fates[f.class]
			into.Items++
			switch f.accepted {
			case 0:
				into.NotDelivered++
				if f.failed > 0 {
					into.TurnedAway++
				}
			case 1:
				into.Once++
			default:
				into.Repeatedly++
				into.Extra += uint64(f.accepted) - 1
			}
		}
	}
	return k
}

// lost are the measured spans that were acknowledged and did not come, as ranges.
func lost(streams []uint16, of func(ledger.Number) fate) (all []ledger.MissingRange) {
	for _, stream := range streams {
		open := false
		for n := uint64(wireFrom); n < wireSpans; n++ {
			f := of(ledger.Number(stream)<<48 | ledger.Number(n))
			if open = open && f.class == ledger.Acknowledged && f.accepted == 0; open {
				all[len(all)-1].Count++
			} else if f.class == ledger.Acknowledged && f.accepted == 0 {
				all, open = append(all, ledger.MissingRange{Stream: stream, First: n, Count: 1}), true
			}
		}
	}
	return all
}

// equal holds what the ledger says against what is known.
func equal(t *testing.T, joined *ledger.Joined, streams []uint16, of func(ledger.Number) fate,
	rejectedAll, rejectedMeasured uint64,
) {
	t.Helper()
	all, measured := known(streams, 0, wireSpans, of), known(streams, wireFrom, wireSpans, of)
	followed := int64(0)
	for _, stream := range streams {
		for n := uint64(wireFrom); n < wireSpans; n++ {
			f := of(ledger.Number(stream)<<48 | ledger.Number(n))
			if n%wireFollow == 0 && f.class == ledger.Acknowledged && f.accepted > 0 {
				followed++
			}
		}
	}
	all.RejectedSpans, measured.RejectedSpans = rejectedAll, rejectedMeasured
	// The ledger's own tests hold whole traces against a world of maps.
	measured.Traces = joined.Measured.Traces
	for _, c := range []struct {
		of        string
		got, want any
	}{
		{"account of all", joined.All, all},
		{"account of measured", joined.Measured, measured},
		{"missing", joined.Missing, lost(streams, of)},
		{"foreign", joined.Foreign, uint64(0)},
		{"followed", joined.Total.Count(), followed},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-known +joined):\n%s", c.of, diff)
		}
	}
}

// sorted holds the backend's account against senders' accounts of the test's own, in
// which spans are sorted by how often they are known to have come: then each class
// has one fate, and two spans that changed places would show.
func (w *wire) sorted(t *testing.T, streams []uint16, copies func(ledger.Number) int) {
	t.Helper()
	var accounts []io.ReaderAt
	want := ledger.Account{}
	for _, stream := range streams {
		var b bytes.Buffer
		d, err := ledger.NewDispatch(&b, ledger.Header{RunID: wireRun, Stream: stream})
		if err != nil {
			t.Fatal(err)
		}
		for n := uint64(0); n < wireSpans; n++ {
			s := ledger.Settlement{First: n, Count: 1, Attempts: 1}
			switch times := copies(ledger.Number(stream)<<48 | ledger.Number(n)); times {
			case 0:
				s.Class = ledger.Unknown
				want.Unknown.Items++
				want.Unknown.NotDelivered++
			case 1:
				s.Class = ledger.Acknowledged
				want.Acknowledged.Items++
				want.Acknowledged.Once++
			default:
				s.Class = ledger.RefusedRetryable
				want.RefusedRetryable.Items++
				want.RefusedRetryable.Repeatedly++
				want.RefusedRetryable.Extra += uint64(times) - 1
			}
			d.Settle(s)
			want.Due, want.Offered, want.Attempts = want.Due+1, want.Offered+1, want.Attempts+1
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		accounts = append(accounts, bytes.NewReader(b.Bytes()))
	}
	joined, err := ledger.Join(accounts, []io.ReaderAt{w.receipts})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, joined.All); diff != "" {
		t.Errorf("sorted by what came (-known +joined):\n%s", diff)
	}
}

// The ledger names precisely what a proxy drops and duplicates: not one span more.
func TestLedgerNamesWhatAProxyDropsAndDuplicates(t *testing.T) {
	const raw, sdk = scenario.EngineOTLP, scenario.EngineSDK
	for i, c := range []struct {
		engine  scenario.Engine
		shape   scenario.Shape
		streams []uint16
		drop    float64 // share of spans
		double  float64 // of those left
		rewrite bool
	}{
		{raw, scenario.ShapeOdigosDocs, []uint16{0}, 0.05, 0.05, false},
		{raw, scenario.ShapeOdigosDocs, []uint16{3, 7}, 0.2, 0.1, true},
		{raw, scenario.ShapeComplex, []uint16{0}, 0.001, 0.5, false},
		{raw, scenario.ShapeComplex, []uint16{0, ledger.MaxStream}, 0.6, 0.001, true},
		{sdk, scenario.ShapeOdigosDocs, []uint16{0}, 0.1, 0.1, true},
		{sdk, scenario.ShapeComplex, []uint16{1}, 0.05, 0.2, false},
		{raw, scenario.ShapeOdigosDocs, []uint16{0}, 0, 0, false},
		{raw, scenario.ShapeComplex, []uint16{0}, 1, 0, false},
	} {
		seed := uint64(i + 1)
		t.Run(fmt.Sprintf("%s %s %v drops %v doubles %v", c.engine, c.shape, c.streams, c.drop, c.double),
			func(t *testing.T) {
				copies := func(n ledger.Number) int {
					r := draw(seed, n)
					switch {
					case r.Float64() < c.drop:
						return 0
					case r.Float64() < c.double:
						return 2 + r.IntN(3)
					}
					return 1
				}
				w := wire{proxy: &proxy{copies: copies, rewrite: c.rewrite, random: draw(seed, 0)}}
				for _, stream := range c.streams {
					w.loads = append(w.loads, wireLoad(c.engine, c.shape, stream, seed))
				}
				joined := w.run(t)
				equal(t, joined, c.streams, func(n ledger.Number) fate {
					return fate{class: ledger.Acknowledged, accepted: copies(n)}
				}, 0, 0)
				w.sorted(t, c.streams, copies)
				if w.proxy.foreign > 0 || len(w.proxy.came) != len(c.streams)*wireSpans {
					t.Errorf("%d spans came to the proxy, and %d foreign ones", len(w.proxy.came),
						w.proxy.foreign)
				}
			})
	}
}

// Each way to be answered is a class of its own, whatever became of the spans.
func TestLedgerTellsAnswersApart(t *testing.T) {
	replies := []struct {
		reply
		class ledger.Class
	}{
		{reply{}, ledger.Acknowledged},
		{reply{withheld: true}, ledger.Acknowledged},
		{reply{code: codes.Unavailable}, ledger.RefusedRetryable},
		{reply{code: codes.Unavailable, withheld: true}, ledger.RefusedRetryable},
		{reply{code: codes.InvalidArgument, withheld: true}, ledger.RefusedPermanent},
		{reply{code: codes.Internal}, ledger.RefusedPermanent},
		{reply{rejected: 13}, ledger.RejectedInPart},
		{reply{never: true}, ledger.Unknown},
		{reply{never: true, withheld: true}, ledger.Unknown},
	}
	for i, c := range []struct {
		shape   scenario.Shape
		success scenario.Ratio // of the backend
	}{
		{scenario.ShapeOdigosDocs, 1}, {scenario.ShapeComplex, 0.5},
	} {
		seed := uint64(i + 100)
		t.Run(fmt.Sprintf("%s, backend accepts %v", c.shape, c.success), func(t *testing.T) {
			t.Parallel()
			which := func(n ledger.Number) int { return int(n/wireBatch+ledger.Number(seed)) % len(replies) }
			copies := func(n ledger.Number) int { return draw(seed, n).IntN(4) }
			w := wire{
				loads:   []loadgen.Config{wireLoad(scenario.EngineOTLP, c.shape, 0, seed)},
				backend: backend.Config{Seed: seed, Backend: scenario.Backend{SuccessRate: &c.success}},
				proxy: &proxy{
					copies: copies, random: draw(seed, 0),
					answer: func(n ledger.Number) reply { return replies[which(n)].reply },
				},
			}
			w.loads[0].Load.Timeout = scenario.Duration(5 * time.Second)
			joined := w.run(t)
			of := func(n ledger.Number) fate {
				r := replies[which(n)]
				f := fate{class: r.class}
				if r.withheld || int(n%wireBatch) < r.rejected {
					return f
				}
				f.failed = w.proxy.turned[n]
				f.accepted = copies(n) - f.failed
				return f
			}
			var rejectedAll, rejectedMeasured uint64
			for n := ledger.Number(0); n < wireSpans; n += wireBatch {
				rejected := uint64(replies[which(n)].rejected)
				rejectedAll += rejected
				if n >= wireFrom {
					rejectedMeasured += rejected
				}
			}
			equal(t, joined, []uint16{0}, of, rejectedAll, rejectedMeasured)
			if turned := len(w.proxy.turned); (turned > 0) != (c.success < 1) {
				t.Errorf("the backend turned %d spans away", turned)
			}
		})
	}
}
