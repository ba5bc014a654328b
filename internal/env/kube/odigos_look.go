package kube

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// errNoGateway is what an error wraps that says that there is no gateway to be found.
var errNoGateway = errors.New("found no gateway")

// LookForGateway is FindGateway where there need be none: without one why says, in words,
// what was looked for in vain, or that it may not be looked for. An error means that nothing
// is known.
func LookForGateway(ctx context.Context, c Cluster, w Wanted) (f Found, why string, err error) {
	f, err = FindGateway(ctx, c, w)
	switch {
	case errors.Is(err, errNoGateway):
		return Found{}, "the cluster has none of Odigos", nil
	case apierrors.IsForbidden(err):
		return Found{}, "whether the cluster has one of Odigos is not known, for " + err.Error(), nil
	}
	return f, "", err
}
