package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A view is what is known of an actor's pods at one moment of its start.
type view struct {
	pods   []*corev1.Pod
	served map[string]bool
	// dead had ended before this start, and say nothing of it.
	dead map[string]bool
}

// A finding is what a view says: all are ready, one has failed, or what is waited for.
type finding struct {
	lives []incarnation // of all, once they are ready
	// ended is a pod that ended before it was ready, with its state.
	ended *corev1.Pod
	state env.State
	// failed is why there will never be one.
	failed error
	// running is set once all containers run, and are waited for to be ready.
	running bool
	waiting string
}

// find looks at a view. It is pure.
func find(a env.Actor, v view) finding {
	var f finding
	waits := map[string]int{}
	running := 0
	for _, p := range v.pods {
		if p.DeletionTimestamp != nil || v.dead[string(p.UID)] {
			continue
		}
		if state, ended := endedEarly(a, p, v.dead); ended {
			return finding{ended: p, state: state}
		}
		wait, fatal := obstacle(a, p)
		if fatal != nil {
			return finding{failed: fatal}
		}
		life, runs := incarnationOf(p, a.Name)
		if runs && !v.dead[life.id] {
			running++
		}
		switch {
		case wait != "":
		case !runs || v.dead[life.id]:
			wait = "its container does not run yet"
		case !isReady(p):
			wait = "it is not ready"
		case !v.served[p.Name]:
			wait = "its Service does not answer with it yet"
		}
		if wait != "" {
			waits["pod "+p.Name+": "+wait]++
			continue
		}
		f.lives = append(f.lives, life)
	}
	want := replicas(a)
	f.running = running >= want
	if len(f.lives) >= want {
		return f
	}
	f.lives = nil
	f.waiting = strings.Join(slices.Sorted(maps.Keys(waits)), "; ")
	if f.waiting == "" {
		f.waiting = fmt.Sprintf("there is no pod yet of %d", want)
	}
	return f
}

// endedEarly is whether a pod's container has ended that had not before this start.
func endedEarly(a env.Actor, p *corev1.Pod, dead map[string]bool) (env.State, bool) {
	if s := statusOfContainer(p, a.Name); s != nil {
		for _, state := range []corev1.ContainerState{s.State, s.LastTerminationState} {
			if e := state.Terminated; e != nil && !dead[e.ContainerID] {
				return endOf(*e, reasonOf(p)), true
			}
		}
	}
	if over(p) {
		return env.State{ExitCode: -1, Ended: transition(p), Reason: reasonOf(p)}, true
	}
	return env.State{}, false
}

func isReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// hopeless are the reasons for which a container will not start without being changed.
var hopeless = map[string]string{
	"ImagePullBackOff":           "its image cannot be pulled",
	"InvalidImageName":           "its image's name is none",
	"ErrImageNeverPull":          "its image is not on the node, and may not be pulled",
	"ImageInspectError":          "its image cannot be read",
	"CreateContainerConfigError": "its container cannot be made",
	"CreateContainerError":       "its container cannot be made",
	"RunContainerError":          "its container cannot be run",
}

// obstacle is what a pod waits for, or why it waits in vain.
func obstacle(a env.Actor, p *corev1.Pod) (waits string, fatal error) {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return "it cannot be scheduled: " + c.Message, nil // a node may come
		}
	}
	s := statusOfContainer(p, a.Name)
	if s == nil || s.State.Waiting == nil {
		return "", nil
	}
	w := s.State.Waiting
	if what, ok := hopeless[w.Reason]; ok {
		hint := ""
		if w.Reason == "ImagePullBackOff" {
			hint = pullHint(a.Name, s.Image)
		}
		return "", fmt.Errorf("pod %s: %s: %s: %s%s", p.Name, what, s.Image, w.Message, hint)
	}
	switch w.Reason {
	case "", "ContainerCreating", "PodInitializing":
		return "", nil
	case "CrashLoopBackOff":
		return "kubelet waits before it starts it again: " + w.Message, nil
	}
	return w.Reason + ": " + w.Message, nil
}

// tryFor is how long kubelet may go on trying what looks hopeless: a registry or a runtime that
// failed once may not the next time, some 10 s later.
const tryFor = 12 * time.Second

// A failure may pass.
type failure struct{ since time.Time }

// lasts is whether there was one for long enough, whenever it was asked.
func (f *failure) lasts(err error) bool {
	switch {
	case err == nil:
		f.since = time.Time{}
	case f.since.IsZero():
		f.since = time.Now()
	default:
		return time.Since(f.since) >= tryFor
	}
	return false
}

// defaultReady is for a probe without a timeout.
const defaultReady = 30 * time.Second

// await waits until all of an actor are ready: for a node, an image and a container with
// the patience of the run, and from then on with that of the probe.
func (k *Kube) await(ctx context.Context, a env.Actor, dead map[string]bool) (
	[]incarnation, error,
) {
	patience := k.o.Patience
	pending := time.NewTimer(patience)
	defer pending.Stop()
	refusals := time.NewTicker(2 * time.Second)
	defer refusals.Stop()
	late := a.Ready.Timeout
	if late == 0 {
		late = defaultReady
	}
	var ready <-chan time.Time
	var failing failure
	told, refused := "", 0
	for {
		pods, changed := k.table.podsOf(a.Name)
		f := find(a, view{pods, k.table.served(a.Name), dead})
		switch {
		case f.lives != nil:
			return k.inOrder(a, f.lives), nil
		case failing.lasts(f.failed):
			return nil, f.failed
		case f.ended != nil:
			return nil, &endedError{pod: f.ended, state: f.state}
		}
		if f.running && ready == nil {
			timer := time.NewTimer(late)
			defer timer.Stop() // one at most
			ready = timer.C
			pending.Stop()
		}
		if strings.Contains(f.waiting, "cannot be scheduled") && f.waiting != told {
			told = f.waiting
			k.o.Log.Info(a.Name+" waits", "for", f.waiting)
		}
		select {
		case <-changed:
		case <-refusals.C:
			err := k.refusal(ctx, a, len(pods))
			if err == nil {
				refused = 0
			} else if refused++; refused > 1 { // it may not last: controllers try again
				return nil, err
			}
		case <-pending.C:
			if ready == nil {
				return nil, k.inVain(ctx, a, f, patience)
			}
		case <-ready:
			return nil, k.inVain(ctx, a, f, late)
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %s", context.Cause(ctx), f.waiting)
		}
	}
}

// inVain tells what was waited for, with what the cluster's events add to it.
func (k *Kube) inVain(ctx context.Context, a env.Actor, f finding, limit time.Duration) error {
	text := fmt.Sprintf("it was not ready within %s: %s", limit, f.waiting)
	if said := k.warnings(ctx, a); said != "" {
		text += "; the cluster's last warning: " + said
	}
	return errors.New(text)
}

// An endedError is a pod whose container ended before it was ready.
type endedError struct {
	pod   *corev1.Pod
	state env.State
}

// Error implements error.
func (e *endedError) Error() string {
	return "it ended before it was ready (pod " + e.pod.Name + ")"
}

// inOrder sorts the lives of a Job by their index. Those of others have none.
func (k *Kube) inOrder(a env.Actor, lives []incarnation) []incarnation {
	if !isJob(a) {
		return lives
	}
	slices.SortStableFunc(lives, func(x, y incarnation) int {
		return cmp.Compare(k.table.index(x), k.table.index(y))
	})
	return lives
}

// index is which of a Job's pods one is; those of which it is not known come first.
func (t *table) index(i incarnation) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.pods[i.uid]
	if !ok {
		return -1
	}
	n, err := strconv.Atoi(p.Annotations[batchv1.JobCompletionIndexAnnotation])
	if err != nil {
		return -1
	}
	return n
}
