package crowd

import (
	"slices"
	"testing"
)

// Medians are of what a benchmark measured in each round, by unit. What else the
// machine does in one of them does not count then.
type Medians map[string][]float64

// Add notes what was measured in a round.
func (m Medians) Add(unit string, value float64) { m[unit] = append(m[unit], value) }

// Report prints the medians, in place of the time that a round took.
func (m Medians) Report(b *testing.B) {
	for unit, all := range m {
		slices.Sort(all)
		b.ReportMetric((all[len(all)/2]+all[(len(all)-1)/2])/2, unit)
	}
	b.ReportMetric(0, "ns/op")
}
