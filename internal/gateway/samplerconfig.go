package gateway

import (
	"fmt"
	"math"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/sampler"
)

// probabilistic reads the configuration of a probabilistic_sampler, with the collector's
// defaults. Fields for logs say nothing of traces.
func probabilistic(config map[string]any) (*sampler.Probabilistic, error) {
	s := &sampler.Probabilistic{
		Mode: sampler.HashSeed, Precision: sampler.DefaultPrecision, FailClosed: true,
	}
	for key, value := range config {
		var err error
		switch key {
		case "sampling_percentage":
			s.Percentage, err = number(key, value)
		case "hash_seed":
			var seed float64
			seed, err = number(key, value)
			s.HashSeed = uint32(seed)
		case "sampling_precision":
			var digits float64
			digits, err = number(key, value)
			s.Precision = int(digits)
		case "fail_closed":
			closed, ok := value.(bool)
			s.FailClosed = closed
			err = unless(ok, key)
		case "mode":
			mode, ok := value.(string)
			s.Mode = sampler.Mode(mode)
			err = unless(ok, key)
		case "from_attribute", "attribute_source", "sampling_priority":
		default:
			err = cannot("what " + key + " does is not known")
		}
		if err != nil {
			return nil, err
		}
	}
	switch s.Mode {
	case "":
		s.Mode = sampler.HashSeed
	case sampler.HashSeed, sampler.Equalizing, sampler.Proportional:
	default:
		return nil, cannot(fmt.Sprintf("mode %q is not known", s.Mode))
	}
	return s, nil
}

// number insists on a number that is written out.
func number(key string, value any) (float64, error) {
	switch v := value.(type) {
	case int:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case uint64:
		return float64(v), nil
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v, nil
		}
	}
	return 0, unless(false, key)
}

func unless(ok bool, key string) error {
	if ok {
		return nil
	}
	return cannot(key + " is not written out in the configuration")
}

// undecided are the settings of tail_sampling that change when it decides, or what is
// kept in memory, and not what it decides by trace id.
var undecided = map[string]bool{
	"decision_wait": true, "decision_wait_after_root_received": true, "num_traces": true,
	"block_on_overflow": true, "expected_new_traces_per_sec": true, "decision_cache": true,
	"sample_on_first_match": true, "drop_pending_traces_on_shutdown": true,
}

// tail reads the configuration of a tail_sampling.
func tail(config map[string]any) (*sampler.Tail, error) {
	s := new(sampler.Tail)
	for key, value := range config {
		switch {
		case key == "policies":
			policies, err := policies(value)
			if err != nil {
				return nil, err
			}
			s.Policies = policies
		case key == "sampling_strategy" && value == "trace-complete":
		case !undecided[key]:
			return nil, cannot(fmt.Sprintf("%s: %v is not predicted", key, value))
		}
	}
	return s, nil
}

func policies(value any) (out []sampler.Policy, err error) {
	list, ok := value.([]any)
	if !ok {
		return nil, unless(false, "a list of policies")
	}
	for _, item := range list {
		p, err := policy(item)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// policy reads one that decides by trace id alone; any other cannot be predicted.
func policy(value any) (p sampler.Policy, err error) {
	config, ok := value.(map[string]any)
	if !ok {
		return p, unless(false, "a policy")
	}
	name, _ := config["name"].(string)
	kind, _ := config["type"].(string)
	settings, _ := config[kind].(map[string]any)
	p.Type = sampler.PolicyType(kind)
	switch p.Type {
	case sampler.AlwaysSample:
	case sampler.ByProbability:
		if v, there := settings["sampling_percentage"]; there {
			if p.Percentage, err = number("sampling_percentage", v); err != nil {
				return p, err
			}
		}
		if v, there := settings["hash_salt"]; there {
			if p.HashSalt, err = word("hash_salt", v); err != nil {
				return p, err
			}
		}
	case sampler.And, sampler.Drop:
		p.Policies, err = policies(settings[kind+"_sub_policy"])
	case sampler.Not:
		var sub sampler.Policy
		sub, err = policy(settings["not_sub_policy"])
		p.Policies = []sampler.Policy{sub}
	default:
		err = cannot(fmt.Sprintf("policy %s does not decide by trace id (%s)", name, kind))
	}
	return p, err
}

// word insists on a text that is no reference.
func word(key string, value any) (string, error) {
	text, ok := value.(string)
	return text, unless(ok && !strings.Contains(text, "$"), key)
}
