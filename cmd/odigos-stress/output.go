package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A choice is a flag whose value is one of a few words.
type choice struct {
	value   *string
	allowed []string
}

var _ pflag.Value = choice{}

func (c choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

func (c choice) Type() string { return strings.Join(c.allowed, "|") }

func (c choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("found %q, want %s", s, strings.Join(c.allowed, " or "))
	}
	*c.value = s
	return nil
}

// outputFlag adds -o, --output; the first of the allowed forms is the default.
func outputFlag(cmd *cobra.Command, value *string, allowed ...string) {
	*value = allowed[0]
	cmd.Flags().VarP(choice{value, allowed}, "output", "o", "form of the output")
	_ = cmd.RegisterFlagCompletionFunc("output", // fails only for an unknown flag
		cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
}
