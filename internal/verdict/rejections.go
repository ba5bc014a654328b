package verdict

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// rejected are the spans of requests that were refused before decoding, which a collector
// counts in requests. A request of the load holds as many spans as the scenario says. One
// of the SDK's holds so many at most: there they are what is left of the refused spans, as
// far as so many requests can hold it.
func (m measure) rejected(left uint64) uint64 {
	requests, load := m.counter(record.AdmissionRejections), m.r.Header.Scenario.Load
	most := requests * uint64(load.SpansPerRequest)
	if load.Engine == scenario.EngineSDK {
		return min(max(left, requests), most)
	}
	return most
}

// rejections tells how much of the refused spans that is.
func (m measure) rejections(spans uint64) string {
	requests := m.counter(record.AdmissionRejections)
	if requests == 0 {
		return ""
	}
	return fmt.Sprintf(", %s of them in %s requests refused before decoding", Count(spans),
		Count(requests))
}

// refusedBook is what was not let in. Refusals before decoding are counted in requests.
func (m measure) refusedBook(ExplainedFigures) (Book, bool) {
	all := m.ending.All
	b := Book{
		Counter: "receiver_refused_spans + receiver_failed_spans + admission_rejected_requests",
		metrics: []record.Metric{
			record.ReceiverRefused, record.ReceiverFailed, record.AdmissionRejections,
		},
		Least: all.RefusedRetryable.Items + all.RefusedPermanent.Items,
		room:  "of the spans that nobody answered some may have been refused",
	}
	b.Says = m.counter(record.ReceiverRefused) + m.counter(record.ReceiverFailed)
	rejected := m.rejected(b.Least - min(b.Least, b.Says))
	b.Says += rejected
	b.of = "refused spans" + m.rejections(rejected)
	b.Most = b.Least + all.Unknown.Items
	if m.retries() {
		// Each attempt beyond those that were taken may have been refused.
		taken := all.Acknowledged.Items + all.RejectedInPart.Items
		b.Most = max(b.Most, all.Attempts-min(all.Attempts, taken))
		b.room = "retried spans may have been refused more than once"
	}
	return b, b.Says+b.Least > 0 && m.total(record.ReceiverRefused) != nil
}
