package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// A benchCase is one row or two of the tables: a sender and a receiver.
type benchCase struct {
	name string
	run  func(ctx context.Context, s *stage) (sample, error)
}

// wholeBatch is the largest request in whole traces of ten spans: 8,192 is not.
const wholeBatch = 8190

// batches are the sizes of requests, in spans.
var batches = []int{10, 100, 1000, wholeBatch}

// connections are the numbers of connections that are tried beside one.
var connections = []int{2, 100}

// Names that goals and tables refer to.
const (
	usual       = "/b1000"
	floorCase   = "floor" + usual
	loadgenCase = "loadgen" + usual
	backendCase = "backend" + usual
)

// counting is a server that only counts.
var counting = playing(order{Role: "count"})

// allCases are the cases in the order of a round.
func allCases() []benchCase {
	var all []benchCase
	add := func(name string, run func(context.Context, *stage) (sample, error)) {
		all = append(all, benchCase{name, run})
	}
	for _, b := range batches {
		o := order{Role: "floor", Message: b * spanBytes}
		add("floor/b"+strconv.Itoa(b), pair(peer(o), playing(o)))
	}
	counted := func(l load) func(context.Context, *stage) (sample, error) {
		return pair(l.send(throughout), counting)
	}
	loadgen := func(name string, l load) { add(name, saturating(l, counted)) }
	for _, b := range batches {
		loadgen("loadgen/b"+strconv.Itoa(b), of(b))
	}
	for _, n := range connections {
		loadgen(fmt.Sprintf("loadgen/b1000/%d connections", n), over(n))
	}
	for _, c := range []string{"snappy", "zstd", "gzip"} {
		l := of(1000)
		l.compression = c
		loadgen("loadgen/b1000/"+c, l)
	}
	for _, name := range []string{"pdata", "generated", "sdk"} {
		o := order{Role: name, Batch: 1000, InFlight: peersInFlight}
		add(name+usual, pair(peer(o), counting))
	}
	add("telemetrygen", pair(telemetrygen, counting))

	against := func(name string, l load, at receive) {
		add(name, saturating(l,
			func(l load) func(context.Context, *stage) (sample, error) {
				return pair(l.send(throughout), at)
			}))
	}
	for _, b := range batches {
		against("backend/b"+strconv.Itoa(b), of(b), backend(noCPU))
	}
	for _, n := range connections {
		against(fmt.Sprintf("backend/b1000/%d connections", n), over(n), backend(noCPU))
	}
	against("pdata server"+usual, of(1000), playing(order{Role: "pdata"}))
	for _, c := range []string{"none", "gzip"} {
		l := load{
			shape: "odigos-docs", batch: 100, connections: 1, inFlight: 32, compression: c,
		}
		add("collector/"+c, saturating(l, through))
		add("direct/"+c, saturating(l,
			func(l load) func(context.Context, *stage) (sample, error) {
				l.cpu, _ = places()
				return pair(l.send(throughout), backend(l.cpu))
			}))
	}
	return append(all, paceCases()...)
}

// paceCases ask for rates that the load generator can send.
func paceCases() []benchCase {
	var all []benchCase
	for _, p := range paces {
		l := of(p.batch)
		l.rate, l.inFlight = p.rate, 64
		run := pair(l.send(func(s *stage) time.Duration { return s.paceLength }), counting)
		all = append(all, benchCase{p.name, run})
	}
	return all
}

var paces = []struct {
	name  string
	rate  float64
	batch int
}{
	{"pace/1k", 1e3, 10},
	{"pace/10k", 10e3, 10},
	{"pace/100k", 100e3, 100},
	{"pace/1M", 1e6, 1000},
}

// telemetrygen sends as fast as it can. What it generates and does not deliver is
// lost without a word: only what arrived counts.
func telemetrygen(ctx context.Context, s *stage, to string) (sent, error) {
	p, err := command{
		path: s.telemetrygen, cpu: noCPU, procs: 1,
		args: []string{
			"traces", "--otlp-endpoint", to, "--otlp-insecure", "--rate", "0", "--workers", "1",
			"--duration", s.length.String(), "--child-spans", strconv.Itoa(traceSpans - 1),
			"--batch-size", "512",
		},
	}.start(ctx)
	if err != nil {
		return sent{}, err
	}
	cpu, err := p.wait(ctx)
	return sent{usage: usage{CPU: cpu}}, err
}
