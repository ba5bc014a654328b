package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	batchac "k8s.io/client-go/applyconfigurations/batch/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"
)

// ownerName is the Job that stands for a run in its namespace, owns all else that the run
// made there, and ends it if nobody comes. It never has a pod: it waits for its deadline,
// which the tool puts off for as long as it lives. When the deadline has passed, the Job has
// failed, the cluster deletes it at once, as its time to live is 0, and its garbage collector
// all that it owned. No process of ours has to be left for that, nor a right.
const ownerName = "odigos-stress-run"

const (
	// renewEvery is how often the tool tells that it lives; aliveFor how long that holds. A
	// tool that cannot reach the cluster for so long loses its run.
	renewEvery = 10 * time.Second
	aliveFor   = 2 * time.Minute
)

// An owner is that Job, as the run made it, and the namespace if the run made that.
type owner struct {
	uid, namespace types.UID
	tried          bool      // to make the namespace: it may be there though nobody said so
	made           time.Time // the Job, by the API server's clock
}

// reference makes the owner take with it what bears it; nil where there is none.
func (o owner) reference() *metaac.OwnerReferenceApplyConfiguration {
	if o.uid == "" {
		return nil
	}
	return metaac.OwnerReference().WithAPIVersion(batchv1.SchemeGroupVersion.String()).
		WithKind(string(kindJob)).WithName(ownerName).WithUID(o.uid)
}

// ownerJob is that Job before it is made. Its pod is admissible, and never there.
func (d drawing) ownerJob(until string) (*batchv1.Job, error) {
	pod := d.podSpec(ownerName, coreac.Container().WithImage(d.image)).
		WithRestartPolicy(corev1.RestartPolicyNever)
	labels := d.naming.labels(componentRun)
	drawn := batchac.Job(ownerName, d.naming.namespace).WithLabels(labels).
		WithAnnotations(map[string]string{
			noteRun: d.naming.runID, noteOwner: thisProcess(), noteAlive: until,
		}).
		WithSpec(batchac.JobSpec().
			WithParallelism(0).WithCompletions(1).WithBackoffLimit(0).
			WithActiveDeadlineSeconds(seconds(aliveFor)).WithTTLSecondsAfterFinished(0).
			WithTemplate(d.template(toolRole, componentRun, nil, pod)))
	text, err := json.Marshal(drawn)
	if err != nil {
		return nil, err
	}
	job := &batchv1.Job{}
	return job, json.Unmarshal(text, job)
}

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
		k.owner.tried = true
		made, err := k.access.client.CoreV1().Namespaces().Apply(ctx, namespaceObject(k.naming), applying)
		if err != nil {
			return fmt.Errorf("make namespace %s: %w", name, err)
		}
		k.owner.namespace = made.UID
	}
	now, err := k.access.now(ctx)
	if err != nil {
		return fmt.Errorf("read the API server's clock: %w", err)
	}
	job, err := k.drawing().ownerJob(stamp(now.Add(aliveFor)))
	if err != nil {
		return fmt.Errorf("draw Job %s: %w", ownerName, err)
	}
	// Not applied but created: of two runs in one namespace one has to fail.
	made, err := k.access.client.BatchV1().Jobs(name).Create(ctx, job,
		metav1.CreateOptions{FieldManager: manager})
	if apierrors.IsAlreadyExists(err) {
		return k.occupied(ctx)
	}
	if err != nil {
		return fmt.Errorf("make Job %s in namespace %s: %w", ownerName, name, err)
	}
	k.owner.uid, k.owner.made = made.UID, now
	if at := made.CreationTimestamp.Time; !at.IsZero() {
		k.owner.made = at
	}
	return nil
}

// stamp is a time as annotations hold it.
func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// occupied says whose run has the namespace.
func (k *Kube) occupied(ctx context.Context) error {
	name := k.naming.namespace
	found, err := k.access.client.BatchV1().Jobs(name).Get(ctx, ownerName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("use namespace %s: another run lives there: %w", name, err)
	}
	notes := found.Annotations
	return fmt.Errorf("use namespace %s: run %s of %s has it, alive until %s; "+
		"want another namespace, or odigos-stress cleanup if that run is dead",
		name, notes[noteRun], notes[noteOwner], notes[noteAlive])
}

// thisProcess names the tool for people.
func thisProcess() string {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return fmt.Sprintf("%s process %d", host, os.Getpid())
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

// renew puts the owner's deadline off. It counts from the start of the Job, which was not
// before it was made.
func (k *Kube) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	now, err := k.access.now(ctx)
	if err != nil {
		return fmt.Errorf("read the API server's clock: %w", err)
	}
	return k.patchOwner(ctx, stamp(now.Add(aliveFor)), seconds(now.Sub(k.owner.made)+aliveFor))
}

// keep takes the deadline away: what is kept stays until somebody cleans up.
func (k *Kube) keep(ctx context.Context) error {
	now, err := k.access.now(ctx)
	if err == nil {
		err = k.patchOwner(ctx, stamp(now), nil)
	}
	if err != nil {
		return fmt.Errorf("keep what is in namespace %s: %w", k.naming.namespace, err)
	}
	return nil
}

// patchOwner writes until when the tool is alive, and the deadline: nil is none.
func (k *Kube) patchOwner(ctx context.Context, until string, deadline any) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{
			"uid":         k.owner.uid, // another's of the same name is not touched
			"annotations": map[string]string{noteAlive: until},
		},
		"spec": map[string]any{"activeDeadlineSeconds": deadline},
	})
	if err != nil {
		return err
	}
	_, err = k.access.client.BatchV1().Jobs(k.naming.namespace).Patch(ctx, ownerName,
		types.MergePatchType, patch, metav1.PatchOptions{FieldManager: manager})
	return err
}

// clean takes away what the run has made: its namespace, or in somebody else's its
// objects, the last made first, and the owner at the end.
func (k *Kube) clean(ctx context.Context) error {
	if k.own {
		return k.cleanNamespace(ctx)
	}
	if k.owner.uid == "" {
		return nil
	}
	k.mu.Lock()
	made := append([]object{{kindJob, ownerName, k.owner.uid}}, k.made...)
	k.mu.Unlock()
	return k.removeAll(ctx, made)
}

// cleanNamespace takes the run's own namespace away. One whose making failed may have been
// made all the same: the answer was lost, or not waited for.
func (k *Kube) cleanNamespace(ctx context.Context) error {
	name, uid := k.naming.namespace, k.owner.namespace
	if uid == "" && !k.owner.tried {
		return nil // it was never made
	}
	if uid == "" {
		found, err := k.access.client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return fmt.Errorf("look whether namespace %s was made: %w", name, err)
		case found.Annotations[noteRun] != k.naming.runID:
			return nil
		}
		uid = found.UID
	}
	return removeNamespace(ctx, k.access, name, uid)
}
