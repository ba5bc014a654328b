package sizing

import (
	"errors"
	"fmt"
	"math"
)

// Prices are the user's own; none are known here.
type Prices struct {
	CPUHour float64 `json:"cpu_hour"`
	GiBHour float64 `json:"gib_hour"`
	// Currency is only written after the figures.
	Currency string `json:"currency,omitempty"`
}

func (p *Prices) check() error {
	if p == nil {
		return nil
	}
	var errs []error
	for _, price := range []struct {
		name  string
		value float64
	}{{"a CPU hour", p.CPUHour}, {"a GiB hour", p.GiBHour}} {
		if !(price.value >= 0) || math.IsInf(price.value, 0) {
			errs = append(errs, fmt.Errorf("check the price of %s: found %v, want 0 or more", price.name,
				price.value))
		}
	}
	return errors.Join(errs...)
}

// A Cost is what all pods cost at the user's prices, by their limits.
type Cost struct {
	Month float64 `json:"per_month"` // of 730 hours
	// Billion is by a thousand million spans at the wanted rate.
	Billion  float64 `json:"per_billion_spans"`
	Currency string  `json:"currency,omitempty"`
}

// monthHours is a year's hours by twelve.
const monthHours = 730

// cost is nil without prices.
func (p *Prices) cost(cores, bytes, rate float64) *Cost {
	if p == nil {
		return nil
	}
	month := monthHours * (cores*p.CPUHour + bytes/(1<<30)*p.GiBHour)
	return &Cost{
		Month: month, Billion: month / (rate * 3600 * monthHours / 1e9), Currency: p.Currency,
	}
}
