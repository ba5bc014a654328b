package main

import (
	"context"
	"fmt"
)

// localImage is the path of the collector of an image, unpacked on this machine.
func localImage(_ context.Context, ref string) (path string, err error) {
	return "", fmt.Errorf("unpack %s: %w", ref, errNotBuilt)
}
