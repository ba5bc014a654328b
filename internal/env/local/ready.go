package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// errEnded is that a process ended before it was ready.
var errEnded = errors.New("it ended before it was ready")

// defaultReady is for a probe without a timeout.
const defaultReady = 30 * time.Second

// awaitReady asks until the answer is 200, the process has ended, or time is up.
func awaitReady(ctx context.Context, url string, p env.Probe, ended <-chan struct{}) error {
	timeout := p.Timeout
	if timeout == 0 {
		timeout = defaultReady
	}
	late := fmt.Errorf("it was not ready within %s", timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, late)
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-ended:
			end(errEnded)
		case <-stop:
		}
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	last := errors.New("no answer")
	err := poll(ctx, func() bool {
		err := get(ctx, client, url)
		if err == nil || ctx.Err() == nil {
			last = err // and not that time was up
		}
		return err == nil
	})
	if err == nil {
		select {
		case <-ended: // and somebody else answered on its port
			return errEnded
		default:
			return nil
		}
	}
	if errors.Is(err, errEnded) {
		return err
	}
	return fmt.Errorf("%w: %w", err, last)
}

func get(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}
