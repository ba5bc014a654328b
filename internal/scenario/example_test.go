package scenario_test

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func ExampleRead() {
	file := []byte(`
name: lunch-rush
load:
  rate: 5k
gateway:
  preset: size_s
`)
	asked, err := scenario.Read("lunch-rush.yaml", file)
	if err != nil {
		fmt.Println(err)
		return
	}
	asked, err = asked.With([]string{"timing.duration=1m", "gateway.memory_limit=512Mi"})
	if err != nil {
		fmt.Println(err)
		return
	}
	all, err := asked.Resolved()
	fmt.Println(all.Load.Rate, "spans/s,", all.Load.SpansPerRequest, "a request,",
		all.Timing.Duration)
	fmt.Println(all.Gateway.CPULimit, "CPU,", all.Gateway.MemoryLimit, "memory, GOMEMLIMIT",
		all.Gateway.GoMemLimit, err)
	// Output:
	// 5000 spans/s, 100 a request, 1m
	// 0.3 CPU, 512Mi memory, GOMEMLIMIT 369Mi <nil>
}

func ExampleError() {
	_, err := scenario.Read("rush.yaml", []byte("name: rush\nload:\n  rte: 5k\n  shape: simpel\n"))
	for _, mistake := range scenario.Errors(err) {
		fmt.Printf("%d:%d %s\n", mistake.Line, mistake.Column, mistake.Path)
	}
	fmt.Println(scenario.Errors(err)[1])
	// Output:
	// 3:3 load.rte
	// 4:10 load.shape
	// rush.yaml:4:10: load.shape: found "simpel", want one of odigos-docs, simple, complex; did you mean simple?
	//     3 |   rte: 5k
	// >   4 |   shape: simpel
	//       |          ^
}
