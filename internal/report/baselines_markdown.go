package report

import (
	_ "embed"
	"io"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/baseline"
)

// baselinesIntroduction is how a baseline is made and read.
//
//go:embed baselines.md
var baselinesIntroduction string

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
