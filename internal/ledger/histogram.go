package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// A Histogram is a distribution of durations (or of counts, where its owner says so)
// to three significant digits, from 1 µs to an hour: an HDR histogram in
// microseconds. In JSON it is HDR's compressed V2 encoding beside a few figures. It
// is not safe for concurrent use.
type Histogram struct{ h *hdr.Histogram }

// NewHistogram returns an empty histogram.
func NewHistogram() *Histogram {
	return &Histogram{h: hdr.New(1, time.Hour.Microseconds(), 3)}
}

// Record adds n entries of d; what is below a microsecond counts as one, what is
// above an hour as an hour.
func (h *Histogram) Record(d time.Duration, n int64) { h.RecordValue(d.Microseconds(), n) }

// RecordValue adds n entries of a plain number.
func (h *Histogram) RecordValue(v, n int64) {
	v = min(max(v, h.h.LowestTrackableValue()), h.h.HighestTrackableValue())
	_ = h.h.RecordValues(v, n) // cannot fail: v is within the trackable range
}

// Merge adds all entries of other.
func (h *Histogram) Merge(other *Histogram) { h.h.Merge(other.h) }

// Count is the number of entries.
func (h *Histogram) Count() int64 { return h.h.TotalCount() }

// Quantile is the duration below or at which the share q of the entries lies.
func (h *Histogram) Quantile(q float64) time.Duration {
	return time.Duration(h.Value(q)) * time.Microsecond
}

// Value is Quantile for plain numbers.
func (h *Histogram) Value(q float64) int64 { return h.h.ValueAtQuantile(100 * q) }

// Max is the largest entry.
func (h *Histogram) Max() time.Duration { return time.Duration(h.h.Max()) * time.Microsecond }

// Mean is the mean of the entries.
func (h *Histogram) Mean() time.Duration {
	return time.Duration(h.h.Mean() * float64(time.Microsecond))
}

// HDR gives the underlying histogram, for its iterators.
func (h *Histogram) HDR() *hdr.Histogram { return h.h }

type histogramJSON struct {
	Count int64  `json:"count"`
	HDR   string `json:"hdr"`
}

// MarshalJSON writes the compressed encoding.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	b, err := h.h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("encode histogram: %w", err)
	}
	return json.Marshal(histogramJSON{Count: h.Count(), HDR: string(b)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (h *Histogram) UnmarshalJSON(b []byte) error {
	var j histogramJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	inner, err := hdr.Decode([]byte(j.HDR))
	if err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	h.h = inner
	return nil
}
