package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	batchac "k8s.io/client-go/applyconfigurations/batch/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// watchdogName is the Job that takes a run's changes back if the run does not, with its service
// account and its role. All of it belongs to the journal and goes with it.
const watchdogName = "odigos-stress-watchdog"

// componentWatchdog is the component of its pod.
const componentWatchdog = "watchdog"

const (
	// watchEvery is how often a watchdog looks at its journal.
	watchEvery = 5 * time.Second
	// watchSpare is how long a watchdog tries after the journal's deadline.
	watchSpare = time.Hour
	// watchRetries is how often its pod is made anew.
	watchRetries = 50
)

// watch makes the watchdog, and waits until it has shown that it can read the journal and write
// it. Before that nothing is changed.
func (t *takeover) watch(ctx context.Context, changes []change) error {
	j, client, ns := t.opened(), t.k.access.client, t.site.namespace
	meta := metav1.ObjectMeta{
		Name: watchdogName, Namespace: ns, Labels: t.k.naming.labels(componentWatchdog),
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "v1", Kind: string(kindConfigMap), Name: journalName, UID: j.uid,
		}},
	}
	job, err := t.watchdogJob(meta)
	if err != nil {
		return fmt.Errorf("draw Job %s: %w", watchdogName, err)
	}
	ctx, cancel := context.WithTimeout(ctx, t.k.o.Patience+callTime)
	defer cancel()
	options := metav1.CreateOptions{FieldManager: manager}
	var made *batchv1.Job
	for _, m := range []struct {
		what string
		make func() error
	}{
		{"ServiceAccount", func() error {
			account := &corev1.ServiceAccount{ObjectMeta: meta}
			_, err := client.CoreV1().ServiceAccounts(ns).Create(ctx, account, options)
			return err
		}},
		{"Role", func() error {
			_, err := client.RbacV1().Roles(ns).Create(ctx, &rbacv1.Role{
				ObjectMeta: meta, Rules: watchdogRules(changes),
			}, options)
			return err
		}},
		{"RoleBinding", func() error {
			_, err := client.RbacV1().RoleBindings(ns).Create(ctx, &rbacv1.RoleBinding{
				ObjectMeta: meta,
				Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: watchdogName, Namespace: ns}},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: watchdogName},
			}, options)
			return err
		}},
		{"Job", func() error {
			var err error
			made, err = client.BatchV1().Jobs(ns).Create(ctx, job, options)
			return err
		}},
	} {
		name := fmt.Sprintf("%s %s/%s", m.what, ns, watchdogName)
		err := t.await(ctx, step{name + " is made", func(context.Context) (string, error) {
			err := m.make()
			if apierrors.IsAlreadyExists(err) {
				return "there is that of a run before, which the cluster takes away", nil
			}
			return "", told(err)
		}})
		if err != nil {
			return err
		}
	}
	return t.await(ctx, step{"its watchdog watches", t.isWatched(made)})
}

// isWatched looks whether the watchdog has signed the journal, and else at its pod: what keeps that
// from running may pass, and is for good once it has lasted.
func (t *takeover) isWatched(job *batchv1.Job) func(context.Context) (string, error) {
	var failing failure
	return func(ctx context.Context) (string, error) {
		m, err := t.site.journal(ctx)
		if err != nil {
			return "", err
		}
		if m.Annotations[noteWatched] != "" {
			return "", nil
		}
		pods, err := t.k.access.client.CoreV1().Pods(t.site.namespace).List(ctx, metav1.ListOptions{
			LabelSelector: labelComponent + "=" + componentWatchdog + "," + t.k.naming.ofRun(),
		})
		if err != nil {
			return "", err
		}
		waits, hopeless := t.watchdogWaits(ctx, job, pods.Items)
		if failing.lasts(hopeless) {
			return "", hopelessPod{hopeless}
		}
		return waits, nil
	}
}

// watchdogWaits is what the watchdog's pods wait for, and why that looks to be in vain.
func (t *takeover) watchdogWaits(
	ctx context.Context, job *batchv1.Job, pods []corev1.Pod,
) (waits string, hopeless error) {
	if len(pods) == 0 {
		waits = "there is no pod of Job " + watchdogName + " yet"
		said := t.k.lastEvent(ctx, t.site.namespace,
			"involvedObject.uid="+string(job.UID)+",reason=FailedCreate")
		if said == "" || strings.Contains(said, "error looking up service account") {
			return waits, nil // or events may not be read
		}
		return waits + ": " + said, fmt.Errorf("the cluster makes no pod of Job %s/%s: %s",
			t.site.namespace, watchdogName, said)
	}
	for n := range pods {
		p := &pods[n]
		said, fatal := obstacle(env.Actor{Name: watchdogName}, p)
		if fatal != nil {
			return fatal.Error(), fatal
		}
		if waits = "pod " + p.Name + " has not signed it yet"; said != "" {
			waits = "pod " + p.Name + ": " + said
		}
	}
	return waits, nil
}

// A hopelessPod is one that will never run.
type hopelessPod struct{ why error }

// Error implements error.
func (e hopelessPod) Error() string { return e.why.Error() }

var watchdogResources = written("10m", "32Mi", "200m", "128Mi")

// watchdogJob is the tool itself, with rights to this journal and to what it names alone.
func (t *takeover) watchdogJob(meta metav1.ObjectMeta) (*batchv1.Job, error) {
	d := t.k.drawing()
	container := coreac.Container().WithImage(d.image).
		WithArgs("restore", "--namespace", t.site.namespace, "--run", t.k.naming.runID).
		WithResources(d.pods.toolResources(watchdogResources))
	pod := d.podSpec(watchdogName, container).WithRestartPolicy(corev1.RestartPolicyOnFailure).
		WithServiceAccountName(watchdogName).WithAutomountServiceAccountToken(true).
		WithTerminationGracePeriodSeconds(5)
	lasts := t.k.o.Lifetime + deadlineSpare + watchSpare
	drawn := batchac.JobSpec().WithCompletions(1).WithParallelism(1).WithBackoffLimit(watchRetries).
		WithActiveDeadlineSeconds(seconds(lasts)).
		WithTemplate(d.template(toolRole, componentWatchdog, nil, pod))
	text, err := json.Marshal(drawn)
	if err != nil {
		return nil, err
	}
	job := &batchv1.Job{ObjectMeta: meta}
	return job, json.Unmarshal(text, &job.Spec)
}

// watchdogRules are the rights to take these changes back, and none beside.
func watchdogRules(changes []change) []rbacv1.PolicyRule {
	names := map[string]map[string][]string{} // resource, name: verbs
	allow := func(resource, name string, verbs ...string) {
		if names[resource] == nil {
			names[resource] = map[string][]string{}
		}
		names[resource][name] = append(names[resource][name], verbs...)
	}
	allow("configmaps", journalName, "get", "update", "delete")
	for _, c := range changes {
		switch {
		case c.Make != "":
			allow(c.Make, c.Name, "get", "delete")
			if c.Rendered != "" {
				allow("configmaps", c.Rendered, "get")
			}
		case c.Disable != "":
			allow(destinations, c.Disable, "get", "update")
		default:
			allow("configmaps", c.Configure, "get", "update")
		}
	}
	rules := []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"create"},
	}}
	for _, resource := range slices.Sorted(maps.Keys(names)) {
		group := odigosGroup
		if resource == "configmaps" {
			group = ""
		}
		for _, name := range slices.Sorted(maps.Keys(names[resource])) {
			rules = append(rules, rbacv1.PolicyRule{
				APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: []string{name},
				Verbs: names[resource][name],
			})
		}
	}
	return rules
}
