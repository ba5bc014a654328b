package odigostest

import (
	"fmt"

	"github.com/goccy/go-yaml"
)

// A configuration is what of odigos-configuration is heeded.
type configuration struct {
	CollectorGateway sizes `yaml:"collectorGateway"`
	Sampling         struct {
		TailSampling struct {
			TraceAggregationWaitDuration string `yaml:"traceAggregationWaitDuration"`
		} `yaml:"tailSampling"`
	} `yaml:"sampling"`
}

// sizes are the fields of collectorGateway; 0 is not given.
type sizes struct {
	MinReplicas                int  `yaml:"minReplicas"`
	MaxReplicas                int  `yaml:"maxReplicas"`
	RequestMemoryMiB           int  `yaml:"requestMemoryMiB"`
	LimitMemoryMiB             int  `yaml:"limitMemoryMiB"`
	RequestCPUm                int  `yaml:"requestCPUm"`
	LimitCPUm                  int  `yaml:"limitCPUm"`
	MemoryLimiterLimitMiB      int  `yaml:"memoryLimiterLimitMiB"`
	MemoryLimiterSpikeLimitMiB int  `yaml:"memoryLimiterSpikeLimitMiB"`
	GoMemLimitMiB              int  `yaml:"goMemLimitMiB"`
	ServiceGraphDisabled       bool `yaml:"serviceGraphDisabled"`
}

func readConfiguration(text string) (configuration, error) {
	var c configuration
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("read odigos-configuration: %w", err)
	}
	return c, nil
}

// settled fills in what was not given, by the numbers that the scheduler of Odigos has: the
// hard limit is 50 MiB below the request, or 85 % of it where that is more, GOMEMLIMIT 80 %
// of that.
func (s sizes) settled() sizes {
	fill := func(to *int, value int) {
		if *to <= 0 {
			*to = value
		}
	}
	fill(&s.MinReplicas, 1)
	fill(&s.MaxReplicas, 10)
	fill(&s.RequestMemoryMiB, 500)
	fill(&s.LimitMemoryMiB, s.RequestMemoryMiB*5/4)
	fill(&s.RequestCPUm, 500)
	fill(&s.LimitCPUm, 1000)
	fill(&s.MemoryLimiterLimitMiB, max(s.RequestMemoryMiB-50, s.RequestMemoryMiB*85/100))
	fill(&s.MemoryLimiterSpikeLimitMiB, s.MemoryLimiterLimitMiB*20/100)
	fill(&s.GoMemLimitMiB, s.MemoryLimiterLimitMiB*80/100)
	return s
}

// settings are the sizes as a CollectorsGroup tells them.
func (s sizes) settings() map[string]any {
	return map[string]any{
		"minReplicas":                int64(s.MinReplicas),
		"maxReplicas":                int64(s.MaxReplicas),
		"memoryRequestMiB":           int64(s.RequestMemoryMiB),
		"memoryLimitMiB":             int64(s.LimitMemoryMiB),
		"cpuRequestMillicores":       int64(s.RequestCPUm),
		"cpuLimitMillicores":         int64(s.LimitCPUm),
		"memoryLimiterLimitMiB":      int64(s.MemoryLimiterLimitMiB),
		"memoryLimiterSpikeLimitMiB": int64(s.MemoryLimiterSpikeLimitMiB),
		"gomemlimitMiB":              int64(s.GoMemLimitMiB),
	}
}
