package local_test

import (
	"context"
	"fmt"
	"os"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/local"
)

// An actor runs until it is stopped; Close leaves the machine as it was found.
func ExampleNew() {
	registry, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(registry)
	place, err := local.New(local.Options{RunID: "example", Registry: registry})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer place.Close()
	sleeper, err := place.Start(context.Background(), env.Actor{
		Name: "sleeper", Program: "sleep", Args: []string{"600"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sleeper.State().Running)
	state, err := sleeper.Stop(context.Background())
	fmt.Println(state.Signal, state.Stopped, err)
	// Output:
	// true
	// SIGTERM true <nil>
}
