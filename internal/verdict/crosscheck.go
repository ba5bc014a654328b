package verdict

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// counted compares the collector's own counters with the ledger, over the whole run:
// they agree, or the counter and the amount are named. The ledger is right either
// way: it counts at the border.
func counted(s *subject) []Finding {
	if s.account() == nil {
		return nil
	}
	all := s.ending.All
	tell := func(counter record.Metric, ours uint64, of, may string) Finding {
		f := Finding{
			Check: "counters", Severity: Held, Limit: new(float64(ours)),
			Unit: "spans", Source: record.SamplesFile + ": actors.gateway.metrics." + string(counter),
		}
		theirs := s.total(counter)
		switch {
		case s.gone():
			f.Severity = Note
			f.Text = fmt.Sprintf("%s ended with the gateway and cannot be compared with %s",
				counter, of)
		case theirs == nil:
			f.Severity = Note
			f.Text = fmt.Sprintf("%s is not known: %s %s cannot be compared with it",
				counter, Count(ours), of)
		default:
			f.Value = theirs
			difference := int64(*theirs) - int64(ours)
			if difference == 0 {
				f.Text = fmt.Sprintf("%s agrees with the ledger: %s %s", counter,
					Count(ours), of)
				break
			}
			f.Severity = Note
			f.Text = fmt.Sprintf("%s says %s, the ledger %s %s: %s%s", counter,
				Count(int64(*theirs)), Count(ours), of, more(difference), may)
		}
		return f
	}

	may := ""
	if n := all.Unknown.Items; n > 0 {
		may += fmt.Sprintf("; of %s unknown spans the gateway may have accepted some", Count(n))
	}
	if n := all.RejectedInPart.Items; n > 0 {
		may += fmt.Sprintf("; %s spans were in requests rejected in part", Count(n))
	}
	if s.r.Header.Scenario.Load.Retry == scenario.RetryExporter {
		may += "; a retried span may have been accepted twice"
	}
	received := s.received
	arrived := received.Unique + received.Duplicate + received.Foreign
	mayArrive := ""
	if received.AfterMark > 0 {
		mayArrive = fmt.Sprintf("; %s spans came while the gateway stopped, after its last look",
			Count(received.AfterMark))
	}
	found := []Finding{
		tell(record.ReceiverAccepted, all.Acknowledged.Items, "acknowledged spans", may),
		tell(record.ExporterSent, arrived, "spans received by the backend", mayArrive),
	}
	return append(found, s.explained()...)
}

func more(difference int64) string {
	if difference > 0 {
		return Count(difference) + " more"
	}
	return Count(-difference) + " fewer"
}

// explained compares what was lost with what the collector says that it gave up.
func (s *subject) explained() []Finding {
	missing := s.ending.All.Acknowledged.NotDelivered
	given := s.givenUp()
	if missing == 0 && given == 0 || s.gone() {
		return nil
	}
	text := fmt.Sprintf("%s acknowledged spans were not delivered in the whole run; the "+
		"collector says that it gave up %s at the queue and %s at the export", Count(missing),
		counter(s.f.Failures.EnqueueFailed), counter(s.f.Failures.ExportFailed))
	severity := Held
	if difference := int64(given) - int64(missing); difference != 0 {
		severity = Note
		text += fmt.Sprintf(": %s than the ledger says", more(difference))
	}
	return with(one("counters", severity, "%s", text), &given, new(float64(missing)), "spans",
		record.SamplesFile+": exporter_enqueue_failed_spans, exporter_send_failed_spans")
}

func counter(v *float64) string {
	if v == nil {
		return "none (no such counter)"
	}
	return Count(int64(*v))
}
