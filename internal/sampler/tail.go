package sampler

import (
	"math"
	"math/big"
)

// A Tail is the tail_sampling processor, with policies that decide by trace id alone.
type Tail struct {
	Policies []Policy `json:"policies,omitempty"`
}

// A Policy is one rule of a Tail, or of another rule.
type Policy struct {
	Type       PolicyType `json:"type"`
	Percentage float64    `json:"sampling_percentage,omitempty"` // probabilistic
	HashSalt   string     `json:"hash_salt,omitempty"`           // probabilistic
	// Policies are what and, drop and not are made of; not has one.
	Policies []Policy `json:"policies,omitempty"`
}

// A PolicyType is a sort of policy.
type PolicyType string

// The types that decide by trace id alone, as the collector spells them.
const (
	AlwaysSample  PolicyType = "always_sample"
	ByProbability PolicyType = "probabilistic"
	And           PolicyType = "and"
	Not           PolicyType = "not"
	Drop          PolicyType = "drop"
)

// defaultSalt is the collector's, where a policy has none.
const defaultSalt = "default-hash-seed"

// keeps follows the collector's tailsamplingprocessor 0.157: a drop that matches wins,
// else any policy that samples.
func (t *Tail) keeps() func(traceID [16]byte) bool {
	var sampling, dropping []func([16]byte) bool
	for _, p := range t.Policies {
		if p.Type == Drop {
			dropping = append(dropping, p.matches())
		} else {
			sampling = append(sampling, p.matches())
		}
	}
	return func(traceID [16]byte) bool {
		return !anyMatches(dropping, traceID) && anyMatches(sampling, traceID)
	}
}

func anyMatches(rules []func([16]byte) bool, traceID [16]byte) bool {
	for _, matches := range rules {
		if matches(traceID) {
			return true
		}
	}
	return false
}

// matches tells whether a policy says yes: to sample, or of a drop to drop.
func (p Policy) matches() func(traceID [16]byte) bool {
	switch p.Type {
	case AlwaysSample:
		return func([16]byte) bool { return true }
	case ByProbability:
		return p.probabilistic()
	case Not:
		matches := p.Policies[0].matches()
		return func(traceID [16]byte) bool { return !matches(traceID) }
	}
	var all []func([16]byte) bool
	for _, sub := range p.Policies {
		all = append(all, sub.matches())
	}
	return func(traceID [16]byte) bool {
		for _, matches := range all {
			if !matches(traceID) {
				return false
			}
		}
		return true
	}
}

// probabilistic keeps what an FNV-1a hash of salt and trace id puts at or below a
// threshold.
func (p Policy) probabilistic() func(traceID [16]byte) bool {
	salt := p.HashSalt
	if salt == "" {
		salt = defaultSalt
	}
	const prime = 1099511628211
	salted := uint64(14695981039346656037)
	for _, c := range []byte(salt) {
		salted = (salted ^ uint64(c)) * prime
	}
	// In big numbers as the collector does it: a float64 does not hold 2^64−1.
	whole := new(big.Float).SetUint64(math.MaxUint64)
	threshold, _ := whole.Mul(whole, big.NewFloat(p.Percentage/100)).Uint64()
	return func(traceID [16]byte) bool {
		hash := salted
		for _, c := range traceID {
			hash = (hash ^ uint64(c)) * prime
		}
		return hash <= threshold
	}
}
