package report

import "github.com/odigos-io/odigos-stress/internal/record"

// mostPoints is how many points a line has at most: two for each column of pixels or so.
const mostPoints = 3000

// thinned are panels whose long lines are thinned out: a day has 86,400 looks, and a
// picture 1,600 columns.
func thinned(panels []panel) []panel {
	for i := range panels {
		for j := range panels[i].lines {
			panels[i].lines[j].s = thin(panels[i].lines[j].s)
		}
	}
	return panels
}

// thin keeps of each run of points the lowest and the highest, in their order, so that
// what stands out is still seen.
func thin(s record.Series) record.Series {
	runs := mostPoints / 2
	if s.Len() <= mostPoints {
		return s
	}
	var out record.Series
	for i := range runs {
		low, high := i*s.Len()/runs, i*s.Len()/runs
		for k := low; k < (i+1)*s.Len()/runs; k++ {
			if s.Values[k] < s.Values[low] {
				low = k
			}
			if s.Values[k] > s.Values[high] {
				high = k
			}
		}
		for _, k := range []int{min(low, high), max(low, high)} {
			out.Elapsed = append(out.Elapsed, s.Elapsed[k])
			out.Values = append(out.Values, s.Values[k])
		}
	}
	return out
}
