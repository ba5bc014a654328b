package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env/local"
	"github.com/odigos-io/odigos-stress/internal/gateway"
)

// presumed is the collector of an image in a cluster as far as it can be told without a pod, for
// what starts nothing; the note says how it was told. A run asks it by a pod.
func (q *question) presumed(
	ctx context.Context, image, path string,
) (c gateway.Collector, note string, err error) {
	var failed error
	if image != "" {
		if c, failed = q.pulled(ctx, image, path); failed == nil {
			c.Path, c.Image, c.SHA256, c.Env = path, image, "", nil // as a pod would tell it
			return c, fmt.Sprintf("The collector in %s was asked on this machine, for nothing is started in "+
				"the cluster.", image), nil
		}
		if ctx.Err() != nil {
			return c, "", context.Cause(ctx)
		}
	}
	if c, err = sibling(ctx); err != nil {
		if failed != nil {
			err = fmt.Errorf("%w; and %w", failed, err)
		}
		return c, "", fmt.Errorf("tell the components of a collector without a pod: %w; want %s beside the "+
			"tool, or a run, which asks by a pod", err, gateway.Sibling)
	}
	beside := c.Name + " " + c.Version
	if q.place.isOwn(image) {
		return c, "", nil
	}
	if image == "" {
		return c, fmt.Sprintf("The collector in %s was not asked, for nothing is started: the one beside "+
			"the tool, %s, was taken for it.", q.place.ownImage(), beside), nil
	}
	named := gateway.Installation{Image: image, Program: path}.Collector()
	named.Components = c.Components
	return named, fmt.Sprintf("The collector in %s was not asked, for nothing is started, and on this "+
		"machine it could not be (%v): the components of the one beside the tool, %s, were taken for "+
		"its.", image, failed, beside), nil
}

// pulled is the collector of an image that is unpacked on this machine. A pod has no room for one.
func (q *question) pulled(ctx context.Context, image, path string) (gateway.Collector, error) {
	if os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		return gateway.Collector{}, errors.New("the tool is in a pod itself")
	}
	ctx, cancel := context.WithTimeout(ctx, pulling)
	defer cancel()
	return q.unpacked(ctx, image, path)
}

// pulling is how long an image may take to come for what starts nothing.
const pulling = 2 * time.Minute

// sibling is our collector beside the tool, as it is in the tool's own image.
func sibling(ctx context.Context) (gateway.Collector, error) {
	path, err := local.FindProgram([]string{gateway.Sibling})
	if err != nil {
		return gateway.Collector{}, err
	}
	c, err := identify(ctx, path)
	c.Path, c.SHA256 = ownCollector, "" // not looked at
	return c, err
}
