package kube

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// Usual are the reasons of events that every run has, with why nothing is lost when they
// are not told.
var usual = map[string]string{
	"Scheduled":        "the record has each actor's node",
	"Pulling":          "an image that cannot be pulled has a reason of its own",
	"Pulled":           "the same",
	"Created":          "that an actor is ready is told, and that its container was started again",
	"Started":          "the same",
	"SuccessfulCreate": "ScalingReplicaSet says of several at once what this says of each pod",
	"SuccessfulDelete": "the same",
	"Completed":        "the end of the load is told",
}

// whileStarting are usual until an actor is ready, and whileStopping once it was asked to
// end.
var (
	whileStarting = []string{"Unhealthy", "ScalingReplicaSet"}
	whileStopping = []string{"Unhealthy", "Killing"}
)

// The kinds of objects whose events are told.
const (
	kindReplicaSet = "ReplicaSet"
	kindAutoscaler = "HorizontalPodAutoscaler"
)

// longestSaid is how much of an event's message is kept: a probe's may be a page.
const longestSaid = 300

// followEvents says what a namespace's events tell of the run, until ctx ends. They are
// core/v1's: events.k8s.io has the same ones by other names, and needs another right.
func (k *Kube) followEvents(ctx context.Context, namespace string, say func(said)) {
	if !k.mayFollow(ctx, namespace, right{resource: "events", without: withoutEvents}) {
		return
	}
	since, err := k.access.now(ctx)
	if err != nil {
		since = time.Now()
	}
	if k.own && namespace == k.naming.namespace {
		since = time.Time{} // whatever happens in there is of the run
	}
	events := k.access.client.CoreV1().Events(namespace)
	mirror(ctx, k.access.client, "events", events, metav1.ListOptions{}, &corev1.Event{}, &eventStore{
		kube: k, say: say, since: since.Truncate(time.Second), counts: map[types.UID]int{},
	})
}

// An eventStore says what the reflector of events hears. Only that calls it.
type eventStore struct {
	kube   *Kube
	say    func(said)
	since  time.Time // what was before is not of this trial
	counts map[types.UID]int
}

// Add implements cache.ReflectorStore.
func (s *eventStore) Add(o any) error {
	s.hear(o.(*corev1.Event))
	return nil
}

// Update implements cache.ReflectorStore.
func (s *eventStore) Update(o any) error { return s.Add(o) }

// Delete implements cache.ReflectorStore: events are forgotten after an hour.
func (s *eventStore) Delete(o any) error {
	delete(s.counts, o.(*corev1.Event).UID)
	return nil
}

// Replace implements cache.ReflectorStore.
func (s *eventStore) Replace(all []any, _ string) error {
	events := make([]*corev1.Event, len(all))
	for i, o := range all {
		events[i] = o.(*corev1.Event)
	}
	slices.SortFunc(events, func(a, b *corev1.Event) int {
		return cmp.Or(whenSeen(*a).Compare(whenSeen(*b)), cmp.Compare(a.Name, b.Name))
	})
	for _, e := range events {
		s.hear(e)
	}
	return nil
}

// Resync implements cache.ReflectorStore.
func (s *eventStore) Resync() error { return nil }

func (s *eventStore) hear(e *corev1.Event) {
	count := occurrences(e)
	times := count - s.counts[e.UID]
	s.counts[e.UID] = count
	at := whenSeen(*e)
	if times <= 0 || at.Before(s.since) || usual[e.Reason] != "" {
		return
	}
	actor, ours := s.kube.whose(e.InvolvedObject)
	if !ours || s.kube.expected(actor, e) {
		return
	}
	about := e.InvolvedObject
	s.say(said{
		Happening: env.Happening{At: at, Actor: actor, Text: eventText(e)},
		of:        strings.Join([]string{about.Namespace, about.Kind, about.Name, e.Reason}, "/"),
		times:     times,
	})
}

// occurrences is how often an event was, by whichever field its writer counts in.
func occurrences(e *corev1.Event) int {
	if e.Series != nil {
		return int(max(1, e.Series.Count))
	}
	return int(max(1, e.Count))
}

func eventText(e *corev1.Event) string {
	message := strings.Join(strings.Fields(e.Message), " ")
	if runes := []rune(message); len(runes) > longestSaid {
		message = string(runes[:longestSaid]) + "…"
	}
	about := " (" + e.InvolvedObject.Kind + " " + e.InvolvedObject.Name + ")"
	if message == "" {
		return e.Reason + about
	}
	return e.Reason + ": " + message + about
}

// madeBy are the names of what controllers make for an object of a name. Their letters are
// those of k8s.io/apimachinery/pkg/util/rand, and a Job's pods have their index.
var (
	replicaSetRule = regexp.MustCompile(`^-[bcdfghjklmnpqrstvwxz2456789]{1,10}$`)
	podRule        = regexp.MustCompile(
		`^-([bcdfghjklmnpqrstvwxz2456789]{1,10}|[0-9]{1,5})-[bcdfghjklmnpqrstvwxz2456789]{5}$`)
)

// whose is the actor, or member, that an object is of, if it is the run's: a pod that the
// run has heard of, else by its name. What stands for the run as a whole is nobody's.
func (k *Kube) whose(o corev1.ObjectReference) (actor string, ours bool) {
	g := k.gateway()
	if o.Namespace == g.namespace && isOf(o, g.deployment) {
		return k.memberOf(gatewayActor, o), true
	}
	if o.Kind == kindAutoscaler && o.Namespace == g.namespace && k.scales.isAutoscaler(o.Name) {
		return gatewayActor, true
	}
	if o.Namespace != k.naming.namespace {
		return "", false
	}
	if o.Kind == string(kindPod) {
		if actor, known := k.table.actorOf(o.UID); known {
			return k.memberOf(actor, o), true
		}
	}
	k.mu.Lock()
	names := make([]string, len(k.stages))
	for i, s := range k.stages {
		names[i] = s.actor.Name
	}
	k.mu.Unlock()
	for _, name := range names {
		if isOf(o, name) {
			return k.memberOf(name, o), true
		}
	}
	return "", o.Kind == string(kindJob) && o.Name == ownerName
}

// isOf is whether an object is a workload of a name, or made for it.
func isOf(o corev1.ObjectReference, workload string) bool {
	rest, ok := strings.CutPrefix(o.Name, workload)
	if !ok {
		return false
	}
	switch o.Kind {
	case string(kindDeployment), string(kindJob):
		return rest == ""
	case kindReplicaSet:
		return replicaSetRule.MatchString(rest)
	case string(kindPod):
		return podRule.MatchString(rest)
	}
	return false
}

// memberOf is which of several an object is about, where it is a pod of one.
func (k *Kube) memberOf(actor string, o corev1.ObjectReference) string {
	if o.Kind != string(kindPod) {
		return actor
	}
	if c := k.crewOf(actor); c != nil {
		for _, m := range c.Members() {
			if i, ok := m.(*Instance); ok && i.life.pod == o.Name {
				return i.name
			}
		}
	}
	return actor
}

// crewOf is of an actor's last start that became ready; nil: none has.
func (k *Kube) crewOf(actor string) *crew {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.stages {
		if s.actor.Name == actor {
			return s.crew
		}
	}
	return nil
}

// expected is whether an event is of an actor's start, or of an end that was asked for.
func (k *Kube) expected(name string, e *corev1.Event) bool {
	actor, _, _ := strings.Cut(name, "/")
	c := k.crewOf(actor)
	if c != nil && c.asked() && slices.Contains(whileStopping, e.Reason) {
		return true
	}
	if !slices.Contains(whileStarting, e.Reason) {
		return false
	}
	return c == nil || e.InvolvedObject.Kind == string(kindPod) &&
		k.table.neverReady(e.InvolvedObject.UID)
}
