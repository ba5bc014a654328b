package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

func joinCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "join ACCOUNT...",
		Short: "Join the accounts of load generators and backends, by the identity of every span",
		Long: `Join brings together what any number of load generators and backends of one run wrote with
--account; each file says which end it is of. Exit codes: 0 every acknowledged span was delivered,
99 some are missing, 1 an account is damaged or of another run.`,
		Example: `  odigos-stress join loadgen-0.account loadgen-1.account backend-a.account backend-b.account`,
		Args:    cobra.MinimumNArgs(2),
		RunE: command(func(cmd *cobra.Command, args []string) error {
			found, err := joinAccounts(args)
			if err != nil {
				return err
			}
			return found.tell(cmd.OutOrStdout(), output)
		}),
	}
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// A joinedAccount is what several ends of one run know together, as it is printed.
type joinedAccount struct {
	SchemaVersion int            `json:"schema_version"`
	RunID         string         `json:"run_id"`
	Senders       int            `json:"senders"`
	Receivers     int            `json:"receivers"`
	All           ledger.Account `json:"account_all"`
	// Measured is without the senders' warm-up.
	Measured ledger.Account `json:"account_measured"`
	Foreign  uint64         `json:"foreign_spans"`
	// Missing are the first measured spans that were acknowledged and did not come.
	Missing []record.MissingRange `json:"missing,omitempty"`
}

// joinAccounts sorts the files by what they say they are, and joins them.
func joinAccounts(names []string) (*joinedAccount, error) {
	var senders, receivers []io.ReaderAt
	var from [2][]string // by end
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("join: %w", err)
		}
		defer f.Close()
		end, err := ledger.EndOf(f)
		if err != nil {
			return nil, fmt.Errorf("join %s: %w", name, err)
		}
		from[end] = append(from[end], name)
		if end == ledger.Sender {
			senders = append(senders, f)
		} else {
			receivers = append(receivers, f)
		}
	}
	switch {
	case len(senders) == 0:
		return nil, usage(errors.New("join: none of these is the account of a load generator"))
	case len(receivers) == 0:
		return nil, usage(errors.New("join: none of these is the account of a backend"))
	}
	j, err := ledger.Join(senders, receivers)
	if err != nil {
		return nil, fmt.Errorf("%w (senders: %s; receivers: %s)", err,
			strings.Join(from[ledger.Sender], ", "), strings.Join(from[ledger.Receiver], ", "))
	}
	a := &joinedAccount{
		SchemaVersion: 1, RunID: j.RunID, Senders: len(senders), Receivers: len(receivers),
		All: j.All, Measured: j.Measured, Foreign: j.Foreign,
	}
	for _, m := range j.Missing {
		a.Missing = append(a.Missing, record.MissingRange(m))
	}
	if err := a.All.Check(); err != nil {
		return nil, err
	}
	return a, nil
}

// tell prints the account; the exit says whether something is missing.
func (a *joinedAccount) tell(w io.Writer, output string) error {
	var err error
	if output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		err = e.Encode(a)
	} else {
		err = a.text(w)
	}
	switch lost := a.All.Acknowledged.NotDelivered; {
	case err != nil:
		return err
	case a.All.Impossible > 0:
		return fmt.Errorf("join: %d spans came that none of these load generators sent: "+
			"an account is missing, or wrong", a.All.Impossible)
	case lost > 0:
		return &exit{code: exitThresholds, err: fmt.Errorf("%s of %s acknowledged spans are missing",
			verdict.Count(lost), verdict.Count(a.All.Acknowledged.Items))}
	}
	return nil
}

func (a *joinedAccount) text(to io.Writer) error {
	fmt.Fprintf(to, "run %s: accounts of load generators: %d, of backends: %d\n\n", a.RunID, a.Senders,
		a.Receivers)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\tspans\tdelivered once\trepeatedly\tnot delivered\t\n")
	all := &a.All
	fmt.Fprintf(w, "due\t%s\t\t\t\t\n", verdict.Count(all.Due))
	fmt.Fprintf(w, "unsent\t%s\t\t\t\t\n", verdict.Count(all.Unsent))
	for _, of := range []struct {
		name string
		ledger.Fate
	}{
		{"acknowledged", all.Acknowledged},
		{"refused, retryable", all.RefusedRetryable},
		{"refused, permanent", all.RefusedPermanent},
		{"rejected in part", all.RejectedInPart},
		{"unknown", all.Unknown},
		{"dropped", all.Dropped},
	} {
		if of.Items == 0 && of.name != "acknowledged" {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\n", of.name, verdict.Count(of.Items),
			verdict.Count(of.Once), verdict.Count(of.Repeatedly), verdict.Count(of.NotDelivered))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if a.Foreign > 0 {
		fmt.Fprintf(to, "spans of somebody else: %s\n", verdict.Count(a.Foreign))
	}
	for i, m := range a.Missing {
		if i == mostRanges {
			fmt.Fprintf(to, "and more: see -o json\n")
			break
		}
		fmt.Fprintf(to, "missing: stream %d, %s spans from %d on\n", m.Stream, verdict.Count(m.Count),
			m.First)
	}
	return nil
}

// mostRanges are told as text.
const mostRanges = 10
