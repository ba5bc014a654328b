// Package memoryadmission is a collector extension that refuses gRPC requests before
// they are decoded, while the Go runtime cannot keep its memory below GOMEMLIMIT.
//
// It is named under `middlewares` of a gRPC server. Refusals are gRPC UNAVAILABLE, which
// OTLP senders try again, and are counted in requests: what is in a request that was not
// decoded nobody knows. Nothing protects an HTTP server.
package memoryadmission

import (
	"context"
	"fmt"
	"math"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// Type is what the extension is called in a configuration.
const Type = "memory_admission"

// Rejections is the counter of refused requests. It bears the name that Odigos' collector
// gives its own, so that one dashboard reads both; here it is there from the start, and 0.
const Rejections = "odigos_collector_memory_limiter_batch_rejections"

const scope = "github.com/odigos-io/odigos-stress/collector/memoryadmission"

// Config is empty: the limit is GOMEMLIMIT.
type Config struct{}

// NewFactory returns the factory that the collector is built with.
func NewFactory() extension.Factory {
	return extension.NewFactory(component.MustNewType(Type),
		func() component.Config { return &Config{} }, create, component.StabilityLevelDevelopment)
}

func create(
	_ context.Context, set extension.Settings, _ component.Config,
) (extension.Extension, error) {
	return newAdmission(set, newRuntimeReader())
}

// refusal is made once: above the limit there is no memory to spare for another.
var refusal = status.Error(codes.Unavailable,
	"the collector's memory is at GOMEMLIMIT: send again later")

// admission decides about each request.
type admission struct {
	read       func() reading
	log        *zap.Logger
	rejections metric.Int64Counter
}

var (
	_ extension.Extension            = (*admission)(nil)
	_ extensionmiddleware.GRPCServer = (*admission)(nil)
)

func newAdmission(set extension.Settings, read func() reading) (*admission, error) {
	rejections, err := set.MeterProvider.Meter(scope).Int64Counter(Rejections,
		metric.WithDescription("Requests refused before decoding since memory is at GOMEMLIMIT"),
		metric.WithUnit("{request}"))
	if err != nil {
		return nil, fmt.Errorf("create counter %s: %w", Rejections, err)
	}
	return &admission{read: read, log: set.Logger, rejections: rejections}, nil
}

// Start says what is protected, and shows the counter before it counts.
func (a *admission) Start(ctx context.Context, _ component.Host) error {
	a.rejections.Add(ctx, 0)
	if limit := a.read().limit; limit == math.MaxInt64 {
		a.log.Warn("GOMEMLIMIT is not set: no request is refused, whatever memory is used")
	} else {
		a.log.Info("requests are refused while memory cannot be kept below GOMEMLIMIT",
			zap.Uint64("gomemlimit_bytes", limit))
	}
	return nil
}

// Shutdown has nothing to end.
func (a *admission) Shutdown(context.Context) error { return nil }

// GetGRPCServerOptions returns the handle that gRPC calls when the header of a request is
// there and its body is not yet read. A server takes one such handle at most.
func (a *admission) GetGRPCServerOptions(context.Context) ([]grpc.ServerOption, error) {
	return []grpc.ServerOption{grpc.InTapHandle(a.admit)}, nil
}

// admit runs in the goroutine that reads the connection and must not wait.
func (a *admission) admit(ctx context.Context, _ *tap.Info) (context.Context, error) {
	if !a.read().full() {
		return ctx, nil
	}
	a.rejections.Add(ctx, 1)
	return nil, refusal
}
