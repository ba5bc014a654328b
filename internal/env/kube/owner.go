package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ownerName is the ConfigMap that stands for a run in its namespace: as long as its
// alive-until lies ahead, a tool looks after the run. In somebody else's namespace it owns
// all that the run made, so that nothing stays when it goes.
const ownerName = "odigos-stress-run"

const (
	// renewEvery is how often the tool tells that it lives; aliveFor how long that holds.
	renewEvery = 10 * time.Second
	aliveFor   = time.Minute
)

// An owner is that ConfigMap, as the run made it, and the namespace if the run made that.
type owner struct{ uid, namespace types.UID }

// namespaceExists is whether the run's namespace is there already. One that may not be
// looked at, but was named, is taken for there.
func (k *Kube) namespaceExists(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	name := k.naming.namespace
	found, err := k.access.client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case apierrors.IsForbidden(err):
		return k.o.Namespace != "", nil
	case err != nil:
		return false, fmt.Errorf("look for namespace %s: %w", name, err)
	case found.DeletionTimestamp != nil:
		return false, fmt.Errorf("use namespace %s: it is being deleted; want another, or to wait", name)
	case found.Annotations[noteRun] != "":
		return false, fmt.Errorf("use namespace %s: it was made for run %s; want another, or "+
			"odigos-stress cleanup first", name, found.Annotations[noteRun])
	}
	return true, nil
}

// takePossession makes the namespace, where there is none, and the owner in it.
func (k *Kube) takePossession(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	name := k.naming.namespace
	if k.own {
		made, err := k.access.client.CoreV1().Namespaces().Apply(ctx, namespaceObject(k.naming), applying)
		if err != nil {
			return fmt.Errorf("make namespace %s: %w", name, err)
		}
		k.owner.namespace = made.UID
	}
	until, err := k.aliveUntil(ctx)
	if err != nil {
		return err
	}
	// Not applied but created: of two runs in one namespace one has to fail.
	made, err := k.access.client.CoreV1().ConfigMaps(name).Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Name: ownerName, Labels: k.naming.labels(componentRun),
			Annotations: map[string]string{
				noteRun: k.naming.runID, noteOwner: thisProcess(), noteAlive: until,
				noteBegan: time.Now().UTC().Format(time.RFC3339),
			},
		},
	}, metav1.CreateOptions{FieldManager: manager})
	if apierrors.IsAlreadyExists(err) {
		return k.occupied(ctx)
	}
	if err != nil {
		return fmt.Errorf("make ConfigMap %s in namespace %s: %w", ownerName, name, err)
	}
	k.owner.uid = made.UID
	return nil
}

// occupied says whose run has the namespace.
func (k *Kube) occupied(ctx context.Context) error {
	name := k.naming.namespace
	found, err := k.access.client.CoreV1().ConfigMaps(name).Get(ctx, ownerName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("use namespace %s: another run lives there: %w", name, err)
	}
	notes := found.Annotations
	return fmt.Errorf("use namespace %s: run %s of %s has it, alive until %s; want another namespace, "+
		"or odigos-stress cleanup if that run is dead", name, notes[noteRun], notes[noteOwner],
		notes[noteAlive])
}

// thisProcess names the tool for people.
func thisProcess() string {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return fmt.Sprintf("%s process %d", host, os.Getpid())
}

// aliveUntil is by the API server's clock, as the judgement of it is.
func (k *Kube) aliveUntil(ctx context.Context) (string, error) {
	now, err := k.access.now(ctx)
	if err != nil {
		return "", fmt.Errorf("read the API server's clock: %w", err)
	}
	return now.Add(aliveFor).UTC().Format(time.RFC3339), nil
}

// stayAlive renews the owner's lease until ctx ends.
func (k *Kube) stayAlive(ctx context.Context) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := k.renew(ctx); err != nil && ctx.Err() == nil {
			k.note("the cluster was not told that this run is alive: " + err.Error())
		}
	}
}

func (k *Kube) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	until, err := k.aliveUntil(ctx)
	if err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":         k.owner.uid, // another's of the same name is not touched
		"annotations": map[string]string{noteAlive: until},
	}})
	if err != nil {
		return err
	}
	_, err = k.access.client.CoreV1().ConfigMaps(k.naming.namespace).Patch(ctx, ownerName,
		types.MergePatchType, patch, metav1.PatchOptions{FieldManager: manager})
	return err
}

// clean takes away what the run has made: its namespace, or in somebody else's its
// objects, the last made first, and the owner at the end.
func (k *Kube) clean(ctx context.Context) error {
	if k.own {
		if k.owner.namespace == "" {
			return nil // it was never made
		}
		return removeNamespace(ctx, k.access, k.naming.namespace, k.owner.namespace)
	}
	if k.owner.uid == "" {
		return nil
	}
	k.mu.Lock()
	made := append([]object{{kindConfigMap, ownerName, k.owner.uid}}, k.made...)
	k.mu.Unlock()
	return k.removeAll(ctx, made)
}
