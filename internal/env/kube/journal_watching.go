package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Watch watches over a run's journal in a namespace until it is gone, and takes back what it says
// once the run has not told for some time that it lives, or its deadline has passed. It is what
// the watchdog's pod does.
func Watch(ctx context.Context, c Cluster, namespace, runID string, log *slog.Logger) error {
	a, err := connect(c)
	if err != nil {
		return err
	}
	defer a.close()
	return watchJournal(quiet(ctx, log), site{a, namespace}, runID, log)
}

func watchJournal(ctx context.Context, s site, runID string, log *slog.Logger) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	w := watchdog{site: s, runID: runID, log: log}
	for {
		over, err := w.look(ctx)
		if err != nil {
			log.Error("it is tried again", "error", err)
		}
		if over {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("watch the journal in namespace %s: %w", s.namespace, context.Cause(ctx))
		}
	}
}

// A watchdog watches over the journal of one run.
type watchdog struct {
	site
	runID  string
	log    *slog.Logger
	signed bool
	told   []string // why it could not restore
}

// look looks at the journal, and says whether there is nothing left to watch.
func (w *watchdog) look(ctx context.Context) (over bool, err error) {
	looking, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	m, err := w.journal(looking)
	switch {
	case isGone(err):
		w.log.Info("the journal is gone: the run is over")
		return true, nil
	case err != nil:
		return false, fmt.Errorf("read ConfigMap %s/%s: %w", w.namespace, journalName, err)
	case m.Annotations[noteRun] != w.runID:
		w.log.Info("the journal is of another run", "run", m.Annotations[noteRun])
		return true, nil
	}
	now, err := w.access.now(looking)
	if err != nil {
		return false, fmt.Errorf("read the API server's clock: %w", err)
	}
	if !w.signed { // what it takes is there
		if err := w.sign(looking, m); err != nil {
			return false, fmt.Errorf("sign ConfigMap %s/%s: %w", w.namespace, journalName, err)
		}
		w.signed = true
	}
	if !mayRestore(m, w.who(), now) {
		return false, nil
	}
	w.log.Info("takes back what the run has changed", "alive_until", m.Annotations[noteAlive],
		"deadline", m.Annotations[noteDeadline])
	return w.restore(ctx, m, now)
}

// restore takes back what a run has changed that was dead at that time.
func (w *watchdog) restore(
	ctx context.Context, m *corev1.ConfigMap, now time.Time,
) (over bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, restoreTime)
	defer cancel()
	dead := func(m *corev1.ConfigMap) bool { return mayRestore(m, w.who(), now) }
	r, err := w.claimAndReplay(ctx, m.UID, w.who(), dead)
	for _, text := range slices.Concat(r.Done, r.Left) {
		w.log.Info(text)
	}
	switch {
	case errors.Is(err, errAlive):
		w.log.Info("the run was slow and goes on, or another takes its changes back")
		return false, nil
	case isGone(err):
		w.log.Info("another took the rest back meanwhile")
		return true, nil
	case err != nil:
		w.complain(ctx, m, err)
		return false, err
	}
	w.tell(ctx, m, "Restored", "Run "+m.Annotations[noteRun]+" is dead. "+
		strings.Join(slices.Concat(r.Done, r.Left), " "))
	return false, w.removeJournal(ctx, m.UID)
}

func (*watchdog) who() string { return "its watchdog, " + thisProcess() }

// complain tells each reason for which it could not restore once: nobody reads its log.
func (w *watchdog) complain(ctx context.Context, m *corev1.ConfigMap, why error) {
	if slices.Contains(w.told, why.Error()) {
		return
	}
	w.told = append(w.told, why.Error())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	w.tell(ctx, m, "NotRestored", "What run "+m.Annotations[noteRun]+" has changed is not all taken "+
		"back, and is tried again: "+why.Error())
}

// sign says in the journal that it is watched over, which shows that it can be written.
func (s site) sign(ctx context.Context, m *corev1.ConfigMap) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	signed := m.DeepCopy()
	signed.Annotations[noteWatched] = host
	_, err = s.access.client.CoreV1().ConfigMaps(s.namespace).Update(ctx, signed,
		metav1.UpdateOptions{FieldManager: manager})
	return err
}

// tell leaves an event behind: the log of the watchdog goes with it.
func (w *watchdog) tell(ctx context.Context, m *corev1.ConfigMap, reason, text string) {
	if len(text) > mostEvent {
		text = text[:mostEvent]
	}
	now := metav1.Now()
	_, err := w.access.client.CoreV1().Events(w.namespace).Create(ctx, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("%s.%x", watchdogName, now.UnixNano()), Namespace: w.namespace,
		},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: string(kindConfigMap), Name: m.Name, Namespace: m.Namespace, UID: m.UID,
		},
		Reason: reason, Message: text,
		Type: corev1.EventTypeWarning, Source: corev1.EventSource{Component: watchdogName},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}, metav1.CreateOptions{})
	if err != nil {
		w.log.Warn("no event was left", "error", err)
	}
}

// mostEvent is what an event's message holds, less a little.
const mostEvent = 1000
