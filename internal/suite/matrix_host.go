package suite

import (
	"fmt"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// lacking is why this machine cannot give a cell its limits, in a clause, empty where it
// can as far as is known; and how many cores it has left beside the limit, of those that
// gateway and ends may use together. In a cluster the ends may be on other nodes, so that it is
// the gateway alone that has to find room.
func (m *Matrix) lacking(c Cell) (why string, left *float64) {
	if m.Environment == onCluster {
		if m.Unplaceable == nil {
			return "", nil
		}
		return m.Unplaceable(float64(c.CPU), int64(c.Memory)), nil
	}
	has, memory := m.Machine.Cores, m.Machine.MemoryBytes
	if c.CPU > 0 && has > 0 {
		left = new(verdict.HostRoom(has) - float64(c.CPU))
	}
	if memory > 0 && int64(c.Memory) > memory {
		return fmt.Sprintf("the memory limit of %v is more than the %v of this machine", c.Memory,
			mebibytes(memory)), left
	}
	if left == nil {
		return "", nil
	}
	if float64(c.CPU) > float64(has) {
		return fmt.Sprintf("the CPU limit of %v cores is more than the %d of this machine", c.CPU,
			has), left
	}
	of := fmt.Sprintf(" for load generator and backend: of this machine's %d cores all together may "+
		"use %.3g before they wait for each other", has, verdict.HostRoom(has))
	if *left <= 0 {
		return fmt.Sprintf("a CPU limit of %v leaves none%s", c.CPU, of), left
	}
	published, ok := publishedRates[c.Preset]
	if need, at := endsNeed(m.Selftest, m.edge().Load, published.Rate); ok && need > *left {
		return fmt.Sprintf("a CPU limit of %v leaves %.2f%s, and these two take %.2f at the published "+
			"%s spans/s, by the selftest of %s", c.CPU, *left, of, need,
			verdict.Number(published.Rate), at.UTC().Format(time.DateOnly)), left
	}
	return "", left
}

// mebibytes is a machine's memory without the digits that nobody asked for.
func mebibytes(v int64) scenario.Bytes { return scenario.Bytes(v >> 20 << 20) }

// endsNeed is how many cores load generator and backend take at a rate, by what they took a
// span at their ceiling in a selftest of the same load; 0 where it is not known.
func endsNeed(kept *record.Selftest, l scenario.Load, rate float64) (cores float64, at time.Time) {
	if kept == nil {
		return 0, at
	}
	for _, c := range kept.Ceilings {
		if c.Shape == string(l.Shape) && c.Protocol == string(l.Protocol) &&
			c.Compression == string(l.Compression) && c.SpansPerRequest == l.SpansPerRequest {
			return rate * (c.LoadgenCPU + c.BackendCPU), kept.Finished
		}
	}
	return 0, at
}
