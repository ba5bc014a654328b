package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// Set by the linker.
var (
	version = "dev"
	commit  = ""
	date    = ""
)

// collectorVersion is the version of the collector in collector/.
const collectorVersion = "0.157.0"

func tool() record.Tool {
	return record.Tool{Version: version, Commit: commit, Date: date, Go: runtime.Version()}
}

func versionCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error {
			t := tool()
			if output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
					record.Tool
					Collector string `json:"collector"`
				}{t, collectorVersion})
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "odigos-stress %s (%s), its own collector %s\n",
				t.Version, t.Go, collectorVersion)
			return err
		}),
	}
	outputFlag(cmd, &output, "text", "json")
	return cmd
}
