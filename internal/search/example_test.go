package search_test

import (
	"fmt"
	"time"

	"github.com/odigos-io/odigos-stress/internal/search"
)

// A gateway that holds up to 12,340 spans/s, always.
func ExampleSearch() {
	s := search.New(search.Spec{
		From: 1000, UpTo: 1e6, Precision: 0.03, Budget: 10 * time.Minute,
	})
	for try, ok := s.Next(); ok; try, ok = s.Next() {
		result := search.Held
		if try.Rate > 12340 {
			result = search.Broke
		}
		s.Observe(search.Trial{
			Rate: try.Rate, Length: try.Length, Result: result, Took: 20 * time.Second,
		})
	}
	a := s.Answer()
	fmt.Println(a.Standing, a.Low <= 12340 && 12340 <= a.High)
	// Output: found true
}
