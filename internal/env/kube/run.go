package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// componentOutput is the component of pods that run one program to its end.
const componentOutput = "output"

// mostOutput is how much of such a program's output is read.
const mostOutput = 16 << 20

// Output runs a program of an image to its end, in a pod, and returns what it wrote, on
// both of its outputs: the cluster does not keep them apart. That it failed is an error
// with its last lines. An image that is empty is the tool's own; a first word that is
// empty is the image's entry point.
func (k *Kube) Output(ctx context.Context, image string, command ...string) ([]byte, error) {
	if len(command) == 0 {
		return nil, errors.New("run a program: none was named; want one")
	}
	ctx, leave, err := k.enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", programOf(image, command), err)
	}
	defer leave()
	text, err := k.output(ctx, image, command)
	if err != nil {
		return nil, fmt.Errorf("run %s in the cluster: %w", programOf(image, command), err)
	}
	return text, nil
}

// programOf names what is run.
func programOf(image string, command []string) string {
	if command[0] == "" {
		return "the entry point of " + image
	}
	return command[0]
}

func (k *Kube) output(ctx context.Context, image string, command []string) ([]byte, error) {
	k.mu.Lock()
	k.pods++
	name := componentOutput + "-" + strconv.Itoa(k.pods)
	k.mu.Unlock()
	err := k.make(ctx, kindPod, name, func() (metav1.Object, error) {
		return k.access.client.CoreV1().Pods(k.naming.namespace).Apply(ctx,
			k.outputPod(name, image, command), applying)
	})
	if err != nil {
		return nil, told(err)
	}
	o, _ := k.object(kindPod, name)
	defer func() {
		life, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
		defer cancel()
		if err := k.remove(life, o, new(int64(1))); err != nil {
			k.note(err.Error())
		}
	}()
	p, state, err := k.awaitEnd(ctx, o)
	if err != nil {
		return nil, err
	}
	if state.ExitCode != 0 || state.Reason != "" {
		tail := k.lastLines(ctx, p, name)
		return nil, &env.StartError{Actor: name, State: state, Tail: tail, Err: errors.New("it failed")}
	}
	return k.readLogs(ctx, name)
}

// outputResources are of a collector that lists its components. Ours takes 33 MiB and 0.03 s for
// it: three times that is kept, and more let for collectors that have more. A quota wants both.
var outputResources = written("50m", "100Mi", "500m", "384Mi")

func (k *Kube) outputPod(name, image string, command []string) *coreac.PodApplyConfiguration {
	d := k.drawing()
	if image == "" {
		image = k.o.Image
	}
	c := coreac.Container().WithImage(image).WithResources(d.pods.toolResources(outputResources))
	if command[0] != "" {
		c.WithCommand(strings.ReplaceAll(command[0], "$", "$$"))
	}
	for _, word := range command[1:] {
		c.WithArgs(strings.ReplaceAll(word, "$", "$$"))
	}
	spec := d.podSpec(name, c).WithRestartPolicy(corev1.RestartPolicyNever).
		WithTerminationGracePeriodSeconds(1).
		WithActiveDeadlineSeconds(seconds(k.o.Lifetime))
	t := d.template(toolRole, componentOutput, nil, spec)
	return coreac.Pod(name, k.naming.namespace).WithLabels(t.Labels).WithAnnotations(t.Annotations).
		WithOwnerReferences(d.owners()...).WithSpec(t.Spec)
}

// awaitEnd waits until the only container of a pod has ended.
func (k *Kube) awaitEnd(ctx context.Context, o object) (*corev1.Pod, env.State, error) {
	late := fmt.Errorf("it had not ended within %s", k.o.Patience)
	ctx, cancel := context.WithTimeoutCause(ctx, k.o.Patience, late)
	defer cancel()
	as := env.Actor{Name: o.name}
	waiting := "its pod is not there yet"
	for {
		pods, changed := k.table.podsOf(componentOutput)
		for _, p := range pods {
			if p.UID != o.uid {
				continue
			}
			if state, ended := endedEarly(as, p, nil); ended {
				return p, state, nil
			}
			wait, fatal := obstacle(as, p)
			if fatal != nil {
				return nil, env.State{}, fatal
			}
			if waiting = wait; wait == "" {
				waiting = "it runs"
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, env.State{}, fmt.Errorf("%w: %s", context.Cause(ctx), waiting)
		}
	}
}

// readLogs reads the container that is called as its pod. An admission may have put another beside
// it, and of several the API server wants to know which.
func (k *Kube) readLogs(ctx context.Context, pod string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	stream, err := k.access.client.CoreV1().Pods(k.naming.namespace).
		GetLogs(pod, &corev1.PodLogOptions{Container: pod}).Stream(ctx)
	if err != nil {
		return nil, fmt.Errorf("read its output: %w", err)
	}
	defer stream.Close()
	text, err := io.ReadAll(io.LimitReader(stream, mostOutput))
	if err != nil {
		return nil, fmt.Errorf("read its output: %w", err)
	}
	return text, nil
}
