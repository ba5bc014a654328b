package report

import (
	"io"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/baseline"
)

// baselinesIntroduction is how a baseline is made and read.
const baselinesIntroduction = `# Baselines

How many spans a second a gateway holds within given limits, as it was measured. This page is written by
` + "`odigos-stress baselines table -o markdown`" + ` from the files in ` + "`baselines/`" + `.

## How one is made

    odigos-stress capacity basic-load-10k --cpu-limit 1 --memory-limit 600Mi --save-baseline odigos-1-600mi

The capacity is searched as [capacity.md](capacity.md) says, and what it found is written to
` + "`baselines/odigos-1-600mi.json`" + ` (` + "`--baselines DIR`" + ` for another folder) with every trial that held or broke.
` + "`--matrix cpu=500m,1 memory=300Mi,600Mi`" + ` measures every pair and saves each as ` + "`NAME-<cpu>-<memory>`" + `.

What is no claim is not saved, and the command says why: a search that was interrupted, that ended without an
interval or with one wider than 10 % to a side, that had a trial in which the tool or the host was the limit,
or whose limits were not enforced or are more than the host has ([0021](adr/0021-baselines.md)).

## How it is read

- **spans/s** is the rate at which half of the trials hold; the edge lies **from–to** with the probability in
  brackets. Plan with the low end.
- **MB/s** is the spans as they were sent, before compression. **spans/s a core** divides by the CPU limit.
- **broke first** is what gave way first in the trials just above.
- Figures can be compared **within one table**: one collector (one binary), one host, one workload. Another
  kernel, another shape of span, another delay of the backend is another table, and says nothing of this one.
- A baseline is as old as its date says. It does not follow the collector: measure again with a new one.
- ` + "`odigos-stress baselines show NAME`" + ` tells one with all its trials.

## Measured
`

// BaselinesMarkdown is for people: docs/baselines.md, of those in baselines/.
func BaselinesMarkdown(w io.Writer, all []baseline.Baseline) error {
	var p page
	p.WriteString(baselinesIntroduction)
	if len(all) == 0 {
		p.line("")
		p.line("No baseline has been measured yet.")
	}
	title := ""
	for _, c := range kindred(all) {
		p.line("")
		if c.title() != title {
			title = c.title()
			p.line("### %s", title)
			p.line("")
		}
		p.line("%s.", capital(c.workload))
		p.line("")
		for i, row := range c.table() {
			p.cells(row...)
			if i == 0 {
				p.line("|---|---|%s---|---|", strings.Repeat("---:|", len(row)-4))
			}
		}
	}
	return p.to(w)
}
