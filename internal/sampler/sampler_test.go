package sampler_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/sampler"
)

func one(s sampler.Sampler) *sampler.Prediction {
	return &sampler.Prediction{Paths: [][]sampler.Sampler{{s}}}
}

func hash(percentage float64) sampler.Sampler {
	return sampler.Sampler{Probabilistic: &sampler.Probabilistic{
		Mode: sampler.HashSeed, Percentage: percentage, Precision: sampler.DefaultPrecision, FailClosed: true,
	}}
}

func tail(policies ...sampler.Policy) sampler.Sampler {
	return sampler.Sampler{Tail: &sampler.Tail{Policies: policies}}
}

// ExamplePrediction_Keeps predicts what a probabilistic_sampler of 25 % does to one trace.
func ExamplePrediction_Keeps() {
	keeps := one(hash(25)).Keeps()
	fmt.Println(keeps([16]byte{1}), keeps([16]byte{15: 16}))
	// Output: false true
}

func ids(n int) (all [][16]byte) {
	r := rand.New(rand.NewPCG(3, 4))
	for range n {
		var id [16]byte
		binary.BigEndian.PutUint64(id[:], r.Uint64())
		binary.BigEndian.PutUint64(id[8:], r.Uint64())
		all = append(all, id)
	}
	return all
}

// However a sampler decides, it keeps the share that it is asked for.
func TestShares(t *testing.T) {
	half := sampler.Policy{Type: sampler.ByProbability, Percentage: 50}
	salted := half
	salted.HashSalt = "sea"
	sub := func(of sampler.PolicyType, p ...sampler.Policy) sampler.Policy {
		return sampler.Policy{Type: of, Policies: p}
	}
	all := sampler.Policy{Type: sampler.AlwaysSample}
	mode := func(m sampler.Mode, percentage float64) sampler.Sampler {
		s := hash(percentage)
		s.Probabilistic.Mode = m
		return s
	}
	for _, c := range []struct {
		call string
		p    *sampler.Prediction
		want float64
	}{
		{"hash_seed 25", one(hash(25)), 0.25},
		{"hash_seed 0", one(hash(0)), 0},
		{"hash_seed 100", one(hash(100)), 1},
		{"equalizing 25", one(mode(sampler.Equalizing, 25)), 0.25},
		{"proportional 25", one(mode(sampler.Proportional, 25)), 0.25},
		{"proportional 50 of 50", &sampler.Prediction{Paths: [][]sampler.Sampler{
			{mode(sampler.Proportional, 50), mode(sampler.Proportional, 50)},
		}}, 0.25},
		{"equalizing 50 of 25", &sampler.Prediction{Paths: [][]sampler.Sampler{
			{mode(sampler.Equalizing, 25), mode(sampler.Equalizing, 50)},
		}}, 0.25},
		{"hash_seed twice", &sampler.Prediction{Paths: [][]sampler.Sampler{{hash(50), hash(50)}}}, 0},
		{"no policy", one(tail()), 0},
		{"probabilistic", one(tail(half)), 0.5},
		{"either of two", one(tail(half, salted)), 0.75},
		{"both of two", one(tail(sub(sampler.And, half, salted))), 0.25},
		{"the contrary", one(tail(sub(sampler.And, half, sub(sampler.Not, half)))), 0},
		{"all but a half", one(tail(all, sub(sampler.Drop, half))), 0.5},
		{"two ways", &sampler.Prediction{Paths: [][]sampler.Sampler{{tail(half)}, {tail(salted)}}}, 0.75},
		{"a free way", &sampler.Prediction{Paths: [][]sampler.Sampler{{tail()}, nil}}, 1},
		{"no way", &sampler.Prediction{}, 0},
	} {
		keeps, kept := c.p.Keeps(), 0
		const n = 20_000
		for _, id := range ids(n) {
			if keeps(id) {
				kept++
			}
		}
		if share := float64(kept) / n; share < c.want-0.015 || share > c.want+0.015 {
			t.Errorf("%s keeps %.3f, want %.3f", c.call, share, c.want)
		}
	}
}

// Nothing predicted is no function, rather than one that is wrong.
func TestUnpredictable(t *testing.T) {
	var nothing *sampler.Prediction
	if nothing.Keeps() != nil || (&sampler.Prediction{Unpredictable: "so"}).Keeps() != nil {
		t.Error("Keeps of what cannot be predicted is a function")
	}
}

func BenchmarkKeeps(b *testing.B) {
	all := ids(1024)
	for name, s := range map[string]sampler.Sampler{
		"probabilistic_sampler": hash(25),
		"tail_sampling":         tail(sampler.Policy{Type: sampler.ByProbability, Percentage: 50}),
	} {
		b.Run(name, func(b *testing.B) {
			keeps, n := one(s).Keeps(), 0
			for b.Loop() {
				keeps(all[n%len(all)])
				n++
			}
		})
	}
}
