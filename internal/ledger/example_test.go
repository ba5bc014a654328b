package ledger_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
)

func ExampleKey() {
	key := ledger.NewKey("2026-01-02T03-04-05Z")
	var trace [16]byte
	var span [8]byte
	first, second := ledger.Number(41), ledger.Number(42)
	key.PutTraceID(trace[:], first) // both spans are of the trace that begins with 41
	key.PutSpanID(span[:], second)
	fmt.Println(key.Number(trace[:], span[:]))
	fmt.Println(ledger.NewKey("another run").Number(trace[:], span[:]))
	// Output:
	// 42 true
	// 0 false
}

// Three spans are sent and acknowledged; the last one never arrives.
func ExampleJoin() {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var sent bytes.Buffer
	dispatch, _ := ledger.NewDispatch(&sent, ledger.Header{RunID: "run", Start: start, MeasuredTo: 3})
	dispatch.Settle(ledger.Settlement{First: 0, Count: 3, Class: ledger.Acknowledged, Attempts: 1})
	_ = dispatch.Close()

	file, _ := os.CreateTemp("", "account")
	defer os.Remove(file.Name())
	defer file.Close()
	receipts := ledger.NewReceipts(file)
	_ = receipts.Start(ledger.Run{RunID: "run", Start: start})
	key, request := ledger.NewKey("run"), receipts.Begin()
	for n := range ledger.Number(2) {
		var ids [24]byte
		key.PutTraceID(ids[:16], 0)
		key.PutSpanID(ids[16:], n)
		request.Add(binary.BigEndian.Uint64(ids[:8]), binary.BigEndian.Uint64(ids[8:16]),
			binary.BigEndian.Uint64(ids[16:]), uint64(start.UnixNano()))
	}
	request.Commit(start.Add(time.Second), true)
	_ = receipts.Close()

	joined, err := ledger.Join([]io.ReaderAt{bytes.NewReader(sent.Bytes())}, []io.ReaderAt{file})
	fmt.Println(err)
	fmt.Printf("%+v\n", joined.Measured.Acknowledged)
	fmt.Printf("%+v\n", joined.Missing)
	// Output:
	// <nil>
	// {Items:3 Once:2 Repeatedly:0 NotDelivered:1 Extra:0 TurnedAway:0}
	// [{Stream:0 First:2 Count:1}]
}
