package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// restoreTime bounds a restoration.
	restoreTime = 3 * time.Minute
	// renderTime is how long Odigos is waited for until it has taken an exporter out.
	renderTime = time.Minute
)

// isGone is whether a journal is not there any more.
func isGone(err error) bool { return apierrors.IsNotFound(err) }

// restoreJournal takes back all that a journal says, and then the journal away with its watchdog,
// if it is dead in the moment of the claim. Where something could not be taken back, the journal
// stays.
func (s site) restoreJournal(
	ctx context.Context, uid types.UID, who string, dead func(*corev1.ConfigMap) bool,
) (restoration, error) {
	r, err := s.claimAndReplay(ctx, uid, who, dead)
	if err != nil {
		return r, err
	}
	return r, s.removeJournal(ctx, uid)
}

// claimAndReplay takes back all that a journal says, and leaves the journal. Where something could
// not be taken back others may try at once.
func (s site) claimAndReplay(
	ctx context.Context, uid types.UID, who string, dead func(*corev1.ConfigMap) bool,
) (restoration, error) {
	m, err := s.claim(ctx, uid, who, dead)
	if err != nil {
		return restoration{}, err
	}
	r, err := s.replay(ctx, m)
	if err != nil && !isGone(err) {
		err = errors.Join(err, s.unclaim(ctx, uid, who))
	}
	return r, err
}

// replay takes back all that a journal says: first the run's Destination, whose exporter is waited
// for to go, so that nothing of the run can come to anybody else; then the rest, the last change
// first. What fails does not keep the others.
func (s site) replay(ctx context.Context, m *corev1.ConfigMap) (restoration, error) {
	var r restoration
	changes, err := readChanges(m)
	if err != nil {
		return r, err
	}
	var errs []error
	for _, c := range slices.Backward(changes) {
		if c.Make != destinations {
			continue
		}
		if err := s.stands(ctx, m.UID); err != nil {
			return r, errors.Join(append(errs, err)...)
		}
		errs = append(errs, c.takeBack(ctx, s, &r))
		if err := s.awaitUnrendered(ctx, c); err != nil {
			r.left("%s", sentence(err.Error()))
		}
	}
	for _, c := range slices.Backward(changes) {
		if c.Make != destinations {
			if err := s.stands(ctx, m.UID); err != nil {
				return r, errors.Join(append(errs, err)...)
			}
			errs = append(errs, c.takeBack(ctx, s, &r))
		}
	}
	return r, errors.Join(errs...)
}

// stands fails where a journal is there no more: another has taken its changes back meanwhile, and
// what looks like them may be a later run's.
func (s site) stands(ctx context.Context, uid types.UID) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	m, err := s.journal(ctx)
	if err == nil && m.UID != uid {
		err = apierrors.NewNotFound(corev1.Resource("configmaps"), journalName)
	}
	return err
}

func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// awaitUnrendered waits until the exporter of a Destination is out of the gateway's configuration.
// It does not keep the rest: an Odigos that does not work any more is to have its settings back.
func (s site) awaitUnrendered(ctx context.Context, c change) error {
	if c.Rendered == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, renderTime)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, lookAgain, true, func(ctx context.Context) (bool, error) {
		text, err := s.renderedText(ctx, c.Rendered, c.RenderedKey)
		return isGone(err) || err == nil && !strings.Contains(text, stressExporter), nil
	})
	if err != nil {
		return fmt.Errorf("the exporter %s was in ConfigMap %s/%s still, %s after its Destination was "+
			"removed", stressExporter, s.namespace, c.Rendered, renderTime)
	}
	return nil
}

// A Restored is an installation that a dead run had changed.
type Restored struct {
	Namespace string    `json:"namespace"`
	RunID     string    `json:"run"`
	Began     time.Time `json:"began,omitzero"`
	// Changes are those of the journal, in words.
	Changes []string `json:"changes,omitempty"`
	// Done and Left say what was taken back, and what somebody else has changed meanwhile.
	Done []string `json:"done,omitempty"`
	Left []string `json:"left,omitempty"`
	// Whole is set once all is taken back.
	Whole bool `json:"whole"`
	// Alive is until when the run lives, or who takes its changes back has time for that: it is
	// left alone. Zero of one that is dead.
	Alive time.Time `json:"alive_until,omitzero"`
}

// RestoreInstallations takes back what dead runs have changed in installations of Odigos, in all
// namespaces that may be looked at; dryRun only tells. Dead is a run that has not told for some
// time that it lives, by the API server's clock; those that live are told of too. Where not all
// namespaces may be looked at, looked are those that were; else it is nil.
func RestoreInstallations(ctx context.Context, c Cluster, dryRun bool) (
	all []Restored, looked []string, err error,
) {
	a, err := connect(c)
	if err != nil {
		return nil, nil, err
	}
	defer a.close()
	return restoreInstallations(ctx, a, c.Namespace, dryRun)
}

func restoreInstallations(ctx context.Context, a access, named string, dryRun bool) (
	all []Restored, looked []string, err error,
) {
	now, err := a.now(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("reach the cluster of %s: %w", a.where, err)
	}
	journals, looked, err := journalsIn(ctx, a, named)
	errs := []error{err}
	who := "odigos-stress cleanup, " + thisProcess()
	for n := range journals {
		m := &journals[n]
		dead := func(m *corev1.ConfigMap) bool { return mayRestore(m, who, now) }
		r := Restored{
			Namespace: m.Namespace, RunID: m.Annotations[noteRun], Began: m.CreationTimestamp.UTC(),
		}
		if !dead(m) {
			r.Alive = aliveUntil(m.Annotations[noteAlive])
			all = append(all, r)
			continue
		}
		changes, err := readChanges(m)
		for _, c := range changes {
			r.Changes = append(r.Changes, c.String())
		}
		if err == nil && !dryRun {
			var told restoration
			told, err = site{a, m.Namespace}.restoreJournal(ctx, m.UID, who, dead)
			if errors.Is(err, errAlive) {
				continue // it was slow and goes on, or another is at it
			}
			if isGone(err) {
				told.done("Another took the rest back meanwhile.")
				err = nil
			}
			r.Done, r.Left, r.Whole = told.Done, told.Left, err == nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("restore the installation in namespace %s: %w", m.Namespace, err))
		}
		all = append(all, r)
	}
	return all, looked, errors.Join(errs...)
}

// journalsIn are those of the whole cluster, or of where Odigos is usually and the context's
// namespace: looked are then those of the two that could be looked at. Where the user named one,
// the other may be closed to them.
func journalsIn(ctx context.Context, a access, named string) (
	all []corev1.ConfigMap, looked []string, err error,
) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	options := metav1.ListOptions{
		LabelSelector: labelManagedBy + "=" + manager + "," + labelComponent + "=" + componentJournal,
	}
	list, err := a.client.CoreV1().ConfigMaps(metav1.NamespaceAll).List(ctx, options)
	if err == nil {
		return list.Items, nil, nil
	}
	if !apierrors.IsForbidden(err) {
		return nil, nil, fmt.Errorf("list ConfigMaps: %w", err)
	}
	looked = []string{}
	var errs []error
	for _, ns := range slices.Compact([]string{odigosNamespace, a.asked}) {
		if ns == "" {
			continue
		}
		m, err := site{a, ns}.journal(ctx)
		switch {
		case err == nil:
			all, looked = append(all, *m), append(looked, ns)
		case apierrors.IsNotFound(err):
			looked = append(looked, ns)
		case apierrors.IsForbidden(err) && named != "" && ns != named:
		default:
			errs = append(errs, fmt.Errorf("look for ConfigMap %s/%s: %w; want the right to get it, or -n "+
				"with the namespace of the installation that a run had changed", ns, journalName, err))
		}
	}
	return all, looked, errors.Join(errs...)
}
