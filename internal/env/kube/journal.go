package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

// tellFor is how long a run goes on that cannot tell that it lives, or see what becomes of its
// installation: it ends the load before its watchdog gives that back.
const tellFor = aliveFor - 30*time.Second

// journalName is the ConfigMap in the namespace of an installation that holds what a run
// changes there. It is the lock as well: of two runs one cannot make it.
const journalName = "odigos-stress-journal"

// componentJournal is the component of a journal and of what belongs to it.
const componentJournal = "journal"

// Annotations of a journal, beside those of a run's owner.
const (
	// noteWatched names the pod that watches over it.
	noteWatched = "stress.odigos.io/watched-by"
	// noteClaimed is who takes the changes back: from then on nobody makes any.
	noteClaimed = "stress.odigos.io/restored-by"
	// noteDeadline is when the changes are taken back whoever lives.
	noteDeadline = "stress.odigos.io/deadline"
)

// A journal is what a run has changed in an installation, as it stands in the cluster. Every
// change is written here before it is made.
type journal struct {
	site  site
	run   string // its id
	uid   types.UID
	label string

	written []change // by the goroutine that starts the run

	mu   sync.Mutex
	lost error // why it is not this run's any more
}

// errLost is that the changes were taken back by another.
type errLost struct{ why string }

// Error implements error.
func (e errLost) Error() string { return e.why }

// openJournal makes the journal of a run, which is alive until then by the API server's clock.
func openJournal(
	ctx context.Context, s site, n naming, alive, deadline time.Time,
) (*journal, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	notes := map[string]string{
		noteRun: n.runID, noteOwner: thisProcess(), noteAlive: stamp(alive),
		noteDeadline: stamp(deadline),
	}
	made, err := s.access.client.CoreV1().ConfigMaps(s.namespace).Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Name: journalName, Namespace: s.namespace, Labels: n.labels(componentJournal),
			Annotations: notes,
		},
	}, metav1.CreateOptions{FieldManager: manager})
	if apierrors.IsAlreadyExists(err) {
		found, lost := s.journal(ctx)
		if lost != nil || !maps.Equal(found.Annotations, notes) {
			return nil, s.occupied(ctx)
		}
		made, err = found, nil // by this very request, whose first answer was lost
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make ConfigMap %s/%s: %w", s.namespace, journalName, err),
			s.removeUnanswered(ctx, n))
	}
	return &journal{site: s, run: n.runID, label: n.label, uid: made.UID}, nil
}

// removeUnanswered takes away a journal whose making was not answered and was done for all that.
func (s site) removeUnanswered(ctx context.Context, n naming) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	m, err := s.journal(ctx)
	if err != nil || m.Annotations[noteRun] != n.runID {
		return nil // there is none, or none of this run's; or nobody answers still
	}
	return s.removeJournal(ctx, m.UID)
}

// unoccupied fails where a run has changed the installation and not taken that back.
func (s site) unoccupied(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := s.journal(ctx)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("look for ConfigMap %s/%s: %w", s.namespace, journalName, err)
	}
	return s.occupied(ctx)
}

// occupied says whose the installation is.
func (s site) occupied(ctx context.Context) error {
	m, err := s.journal(ctx)
	if err != nil {
		return fmt.Errorf("use the installation in namespace %s: another run has changed it, and which "+
			"is not known: %w", s.namespace, err)
	}
	if by := m.Annotations[noteClaimed]; by != "" {
		return fmt.Errorf("use the installation in namespace %s: what run %s has changed is taken back "+
			"by %s, until %s; want to wait for that", s.namespace, m.Annotations[noteRun], by,
			m.Annotations[noteAlive])
	}
	return fmt.Errorf("use the installation in namespace %s: run %s of %s has changed it since %s, "+
		"and is alive until %s; want to wait for its end, or odigos-stress cleanup --environment "+
		"kubernetes -n %s if it is dead", s.namespace, m.Annotations[noteRun], m.Annotations[noteOwner],
		stamp(m.CreationTimestamp.Time), m.Annotations[noteAlive], s.namespace)
}

func (s site) journal(ctx context.Context) (*corev1.ConfigMap, error) {
	return s.access.client.CoreV1().ConfigMaps(s.namespace).Get(ctx, journalName, metav1.GetOptions{})
}

// readChanges are those of a journal, in the order in which they were written.
func readChanges(m *corev1.ConfigMap) ([]change, error) {
	var all []change
	for _, key := range slices.Sorted(maps.Keys(m.Data)) {
		var c change
		if err := json.Unmarshal([]byte(m.Data[key]), &c); err != nil {
			return nil, fmt.Errorf("read ConfigMap %s/%s, key %s: %w; want JSON as a run writes it",
				m.Namespace, m.Name, key, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// write puts a change down before it is made.
func (j *journal) write(ctx context.Context, c change) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write down what is changed: %w", err)
	}
	key := entryKey(len(j.written) + 1) // not what is there: this may be its second request
	err = j.update(ctx, func(m *corev1.ConfigMap) error {
		if m.Data == nil {
			m.Data = map[string]string{}
		}
		m.Data[key] = string(text)
		return nil
	})
	if err != nil {
		return fmt.Errorf("write down what is changed: %w", err)
	}
	j.written = append(j.written, c)
	return nil
}

func entryKey(entry int) string { return fmt.Sprintf("%04d", entry) }

// strike takes the last entry out again, whose change was not made: nobody is to take it back.
func (j *journal) strike(ctx context.Context) error {
	key := entryKey(len(j.written))
	err := j.update(ctx, func(m *corev1.ConfigMap) error {
		delete(m.Data, key)
		return nil
	})
	if err != nil {
		return fmt.Errorf("strike out what was not changed: %w", err)
	}
	j.written = j.written[:len(j.written)-1]
	return nil
}

// update changes the journal as it is now, if it is still this run's.
func (j *journal) update(ctx context.Context, change func(*corev1.ConfigMap) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	maps := j.site.access.client.CoreV1().ConfigMaps(j.site.namespace)
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		m, err := maps.Get(ctx, journalName, metav1.GetOptions{})
		if err = j.mine(m, err); err != nil {
			return err
		}
		if err := change(m); err != nil {
			return err
		}
		_, err = maps.Update(ctx, m, metav1.UpdateOptions{FieldManager: manager})
		return err
	})
	return j.noting(err)
}

// mine fails where the journal was taken away, is another's, or somebody takes the changes
// back.
func (j *journal) mine(m *corev1.ConfigMap, err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return errLost{"the journal of this run is gone: its watchdog took the changes back, since the " +
			"cluster had not heard of this run for " + aliveFor.String() + ", or somebody cleaned up"}
	case err != nil:
		return err
	case m.UID != j.uid:
		return errLost{fmt.Sprintf("the journal is another's now, of run %s: the changes of this run "+
			"were taken back before", m.Annotations[noteRun])}
	case m.Annotations[noteClaimed] != "":
		return errLost{"the changes of this run are taken back by " + m.Annotations[noteClaimed]}
	}
	return nil
}

func (j *journal) noting(err error) error {
	var lost errLost
	if errors.As(err, &lost) {
		j.mu.Lock()
		j.lost = lost
		j.mu.Unlock()
	}
	return err
}

// lose says why the journal is this run's no more.
func (j *journal) lose(why string) error { return j.noting(errLost{why}) }

// held fails where the changes have been taken back by another meanwhile.
func (j *journal) held(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	m, err := j.site.journal(ctx)
	return j.noting(j.mine(m, err))
}

// gone is why the journal is not this run's any more; nil while it is.
func (j *journal) gone() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lost
}

// beat says that the run is alive.
func (j *journal) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	now, err := j.site.access.now(ctx)
	if err != nil {
		return fmt.Errorf("read the API server's clock: %w", err)
	}
	return j.update(ctx, func(m *corev1.ConfigMap) error {
		m.Annotations[noteAlive] = stamp(now.Add(aliveFor))
		return nil
	})
}

// keepAlive beats until ctx ends or the journal is lost. It is given up where the last beat that
// was answered is so long ago that the watchdog may soon take the changes back.
func (j *journal) keepAlive(ctx context.Context, note func(string)) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for last := time.Now(); j.gone() == nil; {
		bounded, cancel := context.WithDeadline(ctx, last.Add(tellFor))
		select {
		case <-bounded.Done():
		case <-ticker.C:
		}
		began := time.Now()
		err := ctx.Err()
		if err == nil {
			err = j.beat(bounded)
		}
		cancel()
		switch {
		case err == nil:
			last = began
		case ctx.Err() != nil:
			return
		case time.Since(last) >= tellFor:
			note(j.lose(fmt.Sprintf("for %s the cluster was not told that this run is alive, and its "+
				"watchdog takes the changes back soon: %v", tellFor, err)).Error())
		default:
			note("the cluster was not told that this run is alive: " + err.Error())
		}
	}
}

// remove takes the journal away, and with it by their owner all that belongs to it.
func (s site) removeJournal(ctx context.Context, uid types.UID) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	how := metav1.DeletePropagationBackground
	maps := s.access.client.CoreV1().ConfigMaps(s.namespace)
	err := maps.Delete(ctx, journalName, metav1.DeleteOptions{
		PropagationPolicy: &how, Preconditions: metav1.NewUIDPreconditions(string(uid)),
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("remove ConfigMap %s/%s: %w", s.namespace, journalName, err)
	}
	return nil
}

// errAlive is that a run lives still, or that another takes its changes back.
var errAlive = errors.New("it lives still, or another takes its changes back")

// claim says that the changes are taken back now, so that none is made meanwhile. The journal
// as it is then holds them all, and is looked at in that moment: where dead says that it is not,
// that is errAlive; nil claims it whatever it says.
func (s site) claim(
	ctx context.Context, uid types.UID, who string, dead func(*corev1.ConfigMap) bool,
) (*corev1.ConfigMap, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	now, err := s.access.now(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the API server's clock: %w", err)
	}
	maps := s.access.client.CoreV1().ConfigMaps(s.namespace)
	var claimed *corev1.ConfigMap
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		m, err := maps.Get(ctx, journalName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if m.UID != uid {
			return apierrors.NewNotFound(corev1.Resource("configmaps"), journalName)
		}
		if dead != nil && !dead(m) {
			return errAlive
		}
		if m.Annotations == nil {
			m.Annotations = map[string]string{}
		}
		m.Annotations[noteClaimed], m.Annotations[noteAlive] = who, stamp(now.Add(claimedFor))
		claimed, err = maps.Update(ctx, m, metav1.UpdateOptions{FieldManager: manager})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim ConfigMap %s/%s: %w", s.namespace, journalName, err)
	}
	return claimed, nil
}

// unclaim lets others take the changes back at once, since who claimed them could not.
func (s site) unclaim(ctx context.Context, uid types.UID, who string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	now, err := s.access.now(ctx)
	if err != nil {
		return fmt.Errorf("read the API server's clock: %w", err)
	}
	maps := s.access.client.CoreV1().ConfigMaps(s.namespace)
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		m, err := maps.Get(ctx, journalName, metav1.GetOptions{})
		if err != nil || m.UID != uid || m.Annotations[noteClaimed] != who {
			return err
		}
		m.Annotations[noteAlive] = stamp(now)
		_, err = maps.Update(ctx, m, metav1.UpdateOptions{FieldManager: manager})
		return err
	})
	if err != nil {
		return fmt.Errorf("leave ConfigMap %s/%s to others: %w", s.namespace, journalName, err)
	}
	return nil
}

// claimedFor is how long a claim keeps others from taking the same changes back.
const claimedFor = restoreTime + 30*time.Second

// mayRestore is whether somebody may take a run's changes back at that time, by the API server's
// clock: the run has not told for too long that it lives, or its deadline has passed. Once another
// has claimed them it is theirs for some time.
func mayRestore(m *corev1.ConfigMap, who string, now time.Time) bool {
	lives := alive(m.Annotations[noteAlive], now)
	switch m.Annotations[noteClaimed] {
	case who:
		return true
	case "":
		return !lives || !alive(m.Annotations[noteDeadline], now)
	}
	return !lives
}
