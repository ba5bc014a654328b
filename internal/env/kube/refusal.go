package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// refusal is why the cluster makes no pods of an actor: a quota, an admission. The workload
// itself is admitted in such a case, and its controller refused.
func (k *Kube) refusal(ctx context.Context, a env.Actor, have int) error {
	if have >= replicas(a) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	said := ""
	if isJob(a) {
		job, err := k.access.client.BatchV1().Jobs(k.naming.namespace).Get(ctx, a.Name,
			metav1.GetOptions{})
		if err != nil {
			return nil // what cannot be asked now is asked again
		}
		if said = failedJob(job); said == "" {
			said = k.lastEvent(ctx, k.naming.namespace,
				"involvedObject.uid="+string(job.UID)+",reason=FailedCreate")
		}
	} else {
		deployment, err := k.access.client.AppsV1().Deployments(k.naming.namespace).Get(ctx, a.Name,
			metav1.GetOptions{})
		if err != nil {
			return nil
		}
		said = replicaFailure(deployment)
	}
	// A namespace that was made a moment ago has no service account yet.
	if said == "" || strings.Contains(said, "error looking up service account") {
		return nil
	}
	return fmt.Errorf("the cluster makes no pod of it: %s", said)
}

func replicaFailure(d *appsv1.Deployment) string {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return c.Message
		}
	}
	return ""
}

func failedJob(j *batchv1.Job) string {
	for _, c := range j.Status.Conditions {
		if c.Type == batchv1.JobFailed && c.Status == corev1.ConditionTrue {
			return c.Reason + ": " + c.Message
		}
	}
	return ""
}

// OwnRepository is where `odigos-stress image` puts the tool's own image. It is written out in
// full: there nobody but Docker can put an image, so that one that was not loaded is never taken
// from a stranger. No registry has it.
const OwnRepository = "docker.io/library/odigos-stress"

// pullHint says what would be right where an image cannot be pulled for an actor.
func pullHint(actor, image string) string {
	switch {
	case strings.HasPrefix(image, OwnRepository+":"):
		return "; no registry has this image: load it into the nodes (odigos-stress image, then kind " +
			"load, ctr or docker load), or push it into a registry of yours and name it there, by --image"
	case actor == watchdogName:
		return "; where its registry asks for a secret, name one of the installation's namespace by " +
			"--pods (imagePullSecrets of tool)"
	}
	return "; where its registry asks for a secret, name it by --pods (imagePullSecrets), and the " +
		"namespace that has it by --namespace"
}

// warnings is the last that the cluster's events say of an actor's pods.
func (k *Kube) warnings(ctx context.Context, a env.Actor) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	pods, _ := k.table.podsOf(a.Name)
	for _, p := range slices.Backward(pods) {
		said := k.lastEvent(ctx, k.naming.namespace, "involvedObject.uid="+string(p.UID)+",type=Warning")
		if said != "" {
			return said
		}
	}
	return ""
}

// lastEvent is empty where there is none, or events may not be read.
func (k *Kube) lastEvent(ctx context.Context, namespace, selector string) string {
	list, err := k.access.client.CoreV1().Events(namespace).List(ctx,
		metav1.ListOptions{FieldSelector: selector})
	if err != nil || len(list.Items) == 0 {
		return ""
	}
	last := slices.MaxFunc(list.Items, func(a, b corev1.Event) int {
		return whenSeen(a).Compare(whenSeen(b))
	})
	return strings.TrimSpace(last.Reason + ": " + last.Message)
}

// whenSeen is the last time of an event; which field holds it depends on who wrote it.
func whenSeen(e corev1.Event) time.Time {
	for _, at := range []time.Time{e.LastTimestamp.Time, e.EventTime.Time} {
		if !at.IsZero() {
			return at
		}
	}
	return e.CreationTimestamp.Time
}
