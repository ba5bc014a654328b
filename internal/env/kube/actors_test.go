package kube

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// gatewayForTest, backendForTest and loadgenForTest are actors as plans have them.
func gatewayForTest() env.Actor {
	return env.Actor{
		Name: "gateway", Program: "/odigos-stress-otelcol",
		Args: []string{"--config", "$(file.gateway.yaml)"},
		Env: map[string]string{
			"GOMEMLIMIT": "440MiB", "STRESS_OTLP_GRPC": "$(self.otlp_grpc)",
			"STRESS_BACKEND_GRPC": "$(backend.otlp_grpc)", "PRICE": "5$$ $HOME",
			"STRESS_METRICS_HOST": "$(self.metrics.host)", "STRESS_METRICS_PORT": "$(self.metrics.port)",
		},
		Files:  map[string]string{"gateway.yaml": "endpoint: ${env:STRESS_OTLP_GRPC}\nregex: ^a$$\n"},
		Ports:  []string{"otlp_grpc", "otlp_http", "metrics", "health", "pprof", "other_port"},
		Ready:  env.Probe{Port: "health", Path: "/", Timeout: 30 * time.Second},
		Limits: env.Limits{CPUCores: 1.25, MemoryBytes: 600 << 20},
		Grace:  30 * time.Second,
	}
}

func backendForTest() env.Actor {
	return env.Actor{
		Name:  "backend",
		Args:  []string{"backend", "--grpc", "$(self.otlp_grpc)", "--admin", "$(self.admin)"},
		Ports: []string{"otlp_grpc", "admin"},
		Ready: env.Probe{Port: "admin", Path: "/readyz", Timeout: 30 * time.Second},
		Grace: 15 * time.Second,
	}
}

func loadgenForTest(n int) env.Actor {
	return env.Actor{
		Name: "loadgen", Replicas: n,
		Args: []string{
			"loadgen", "--otlp-endpoint", "$(gateway.otlp_grpc)", "--segment", "$(self.index)/$(self.replicas)",
		},
		Files:  map[string]string{"loadgen.json": "{}\n"},
		Ports:  []string{"admin"},
		Ready:  env.Probe{Port: "admin", Path: "/readyz", Timeout: 30 * time.Second},
		Limits: env.Limits{CPUCores: 1},
	}
}
