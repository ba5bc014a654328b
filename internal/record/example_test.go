package record_test

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/record"
)

func ExampleOpen() {
	r, err := record.Open("testdata/record")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Header.Collector.Headline)
	for _, phase := range record.Phases(r.Samples) {
		fmt.Printf("%-9s %4.1f to %4.1f s\n", phase.Phase, phase.From, phase.To)
	}
	cores := record.Rate(record.CPUSeconds(record.Measured(r.Samples), record.Gateway))
	fmt.Println("gateway CPU:", cores.Values)
	missed, _ := record.Missed(r.Samples, record.Gateway)
	fmt.Println("missed scrapes:", missed)
	fmt.Println("whole:", r.Ending != nil && r.Torn == nil)
	// Output:
	// otelcol 0.157.0, Odigos-shaped (not Odigos)
	// starting  -0.5 to  0.5 s
	// warm-up    0.5 to  1.5 s
	// measuring  1.5 to  3.5 s
	// draining   3.5 to  3.5 s
	// gateway CPU: [0.25]
	// missed scrapes: 1
	// whole: true
}
