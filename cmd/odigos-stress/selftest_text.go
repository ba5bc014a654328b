package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// selftestText tells a result to people.
func selftestText(to io.Writer, s record.Selftest) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(to, "%s, %d cores, %s %s\n", s.Host.CPUModel, s.Host.Cores, s.Host.OS, s.Host.Kernel)
	fmt.Fprintf(to, "both ends on the same cores, no gateway; every span of every step arrived once\n\n")

	fmt.Fprint(w, "ceiling\tspans a request\tcompression\tspans/s\tMB/s on the wire\t"+
		"CPU µs a span: loadgen\tbackend\t\n")
	for _, c := range s.Ceilings {
		more := ""
		if !c.Reached {
			more = "more than "
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s%s\t%.1f\t%.3f\t%.3f\t\n", c.Shape, c.SpansPerRequest,
			c.Compression, more, verdict.Number(c.Rate), c.Rate*c.WirePerSpan/1e6,
			1e6*c.LoadgenCPU, 1e6*c.BackendCPU)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprint(w, "\npacing\tsends\tlateness p50\tp99\tslope error\t\n")
	for _, p := range s.Pacing {
		slope := "not known"
		if p.SlopeError != nil {
			slope = verdict.Percent(*p.SlopeError)
		}
		fmt.Fprintf(w, "%s spans/s\t%s\t%s\t%s\t%s\t\n", verdict.Number(p.Rate), verdict.Count(p.Slots),
			seconds(p.LatenessP50), seconds(p.LatenessP99), slope)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	f, n := s.Floor, s.Noise
	fmt.Fprintf(to, "\nlatency floor: due to receipt p50 %s, p99 %s, at %s spans/s, %d a request\n",
		seconds(f.P50), seconds(f.P99), verdict.Number(f.Rate), f.SpansPerRequest)
	_, err := fmt.Fprintf(to, "noise: CPU per span spreads by %s (loadgen), %s (backend) around its "+
		"median over %d windows of %s\n", verdict.Percent(n.LoadgenSpread),
		verdict.Percent(n.BackendSpread), n.Windows, verdict.Seconds(n.WindowSeconds))
	return err
}

func seconds(s *float64) string {
	if s == nil {
		return "not known"
	}
	return verdict.Seconds(*s)
}
