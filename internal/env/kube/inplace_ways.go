package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// waysEvery is how often it is looked where the installation's traces go. The collector reads its
// configuration some seconds after it was rendered.
const waysEvery = 2 * time.Second

// An errStray is that the installation's traces go elsewhere than to the run's backend alone.
type errStray struct{ found string }

// Error implements error.
func (e errStray) Error() string {
	return "the load was not the run's alone: " + e.found + ". Somebody has changed Destinations " +
		"meanwhile, or a controller set them back; want them left alone, and what reconciles them " +
		"suspended"
}

// strays says where the traces of a configuration go, where that is not to the run's backend alone;
// empty where it is. The processors are those of its traces pipelines.
func strays(text string) (says string, processors []string) {
	to, processors, err := traceWays(text)
	switch {
	case err != nil:
		return err.Error(), nil
	case !slices.Contains(to, stressExporter):
		return "its traces go to " + orNone(to) + ", want " + stressExporter, nil
	case len(to) > 1:
		return "its traces go to " + strings.Join(to, ", ") + ", want " + stressExporter + " alone", nil
	}
	return "", processors
}

// lookAtWays fails with an errStray where others get the load too; any other error is that it
// could not be looked.
func (t *takeover) lookAtWays(ctx context.Context) error {
	from := t.o.Found.Config
	text, err := t.site.renderedText(ctx, from.name, from.key)
	switch {
	case apierrors.IsNotFound(err):
		return errStray{"there is no ConfigMap " + from.name}
	case err != nil:
		return fmt.Errorf("look where the installation's traces go: %w", err)
	}
	if says, _ := strays(text); says != "" {
		return errStray{says}
	}
	return nil
}

// watchWays looks where the load goes until ctx ends. An error is that others get it too, or that
// this was not known for too long.
func (t *takeover) watchWays(ctx context.Context) error {
	tick := time.NewTicker(waysEvery)
	defer tick.Stop()
	seen := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		began := time.Now()
		err := t.lookAtWays(ctx)
		var stray errStray
		switch {
		case err == nil:
			seen = began
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &stray):
			return t.strayed(stray)
		case time.Since(seen) >= tellFor:
			return t.opened().lose(fmt.Sprintf("for %s it was not known where its load goes: %v", tellFor,
				err))
		}
	}
}

// strayed keeps and tells that others got the load.
func (t *takeover) strayed(why errStray) error {
	t.mu.Lock()
	t.stray = why
	t.mu.Unlock()
	t.k.note(why.Error())
	return why
}

// lost is why the load was not the run's alone to its end; where nothing has said so it is looked
// once more.
func (t *takeover) lost(ctx context.Context) error {
	t.mu.Lock()
	lent := t.lent
	t.lent = false // what is given back goes elsewhere, whoever does that again
	t.mu.Unlock()
	if err := t.unfit(); err != nil || !lent {
		return err
	}
	var stray errStray
	if errors.As(t.lookAtWays(ctx), &stray) {
		return t.strayed(stray)
	}
	return nil
}

// unfit is why the installation is not the run's alone any more; nil while it is.
func (t *takeover) unfit() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stray != nil {
		return t.stray
	}
	if t.journal == nil {
		return nil
	}
	return t.journal.gone()
}

// guard has something watched until the run hushes. What that fails with ends the load at once:
// others would get what comes from then on.
func (t *takeover) guard(watch func(context.Context) error) {
	t.mu.Lock()
	ctx := t.beating
	t.mu.Unlock()
	t.guards.Add(1)
	t.k.background.Go(func() {
		defer t.guards.Done()
		if err := watch(ctx); err != nil {
			t.k.cutLoad(err)
		}
	})
}

// hush ends what guards the run, and waits until it has.
func (t *takeover) hush() {
	t.mu.Lock()
	quiet := t.quiet
	t.mu.Unlock()
	quiet()
	t.guards.Wait()
}
