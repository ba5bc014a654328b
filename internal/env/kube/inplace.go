package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// An InPlace says that the gateway of a run is an installation of Odigos itself: it is pointed at
// the run's backend and sized as the actor asks, and given back afterwards. Every change is
// written into the cluster before it is made.
type InPlace struct {
	// Found is the gateway as FindGateway gives it.
	Found Found
	// AllowLive takes an installation that others use: its other Destinations are disabled
	// meanwhile, and what its Sources send comes to the run's backend.
	AllowLive bool
	// Autoscale leaves the number of replicas to the installation's HPA.
	Autoscale bool
	// Objects are added for the time of the run.
	Objects []Object
	// Compression is how the gateway sends to the backend; empty is none.
	Compression string
}

// What a run calls its Destination, and what Odigos makes of that.
const (
	destinationName = manager
	stressExporter  = "otlp_grpc/generic-" + destinationName
)

// StressExporter is the exporter to the run's backend in an installation's configuration.
const StressExporter = stressExporter

// ConfigMaps of Odigos: what its users write, and what it makes of that.
const (
	odigosConfiguration = "odigos-configuration"
	odigosEffective     = "effective-config"
	odigosSettingsKey   = "config.yaml"
)

// A takeover is a run's hold on an installation.
type takeover struct {
	k    *Kube
	o    InPlace
	site site

	mu       sync.Mutex
	journal  *journal
	beating  context.Context // ends when what guards the run has to
	quiet    context.CancelFunc
	guards   sync.WaitGroup
	lent     bool  // the load may come
	stray    error // others got the load too
	toOther  bool  // its watchdog is to take the changes back
	over     bool  // all is as it was
	told     restoration
	text     string // the collector's configuration, once it is rendered
	deployed *appsv1.Deployment
}

func newTakeover(k *Kube, o InPlace) (*takeover, error) {
	f := o.Found
	switch {
	case f.Container != gatewayContainer:
		return nil, fmt.Errorf("use %s in place: found container %q, want %q, as Odigos calls it",
			f.Workload(), f.Container, gatewayContainer)
	case f.Config.name == "" || f.Config.namespace != f.Namespace:
		return nil, fmt.Errorf("use %s in place: found its configuration in %s, want a ConfigMap in "+
			"namespace %s, as Odigos has it", f.Workload(), f.Config.From, f.Namespace)
	case k.naming.namespace == f.Namespace:
		return nil, fmt.Errorf("use %s in place: found --namespace %s, want another: what the run makes "+
			"and what it gives back are kept apart", f.Workload(), f.Namespace)
	}
	return &takeover{k: k, o: o, site: site{k.access, f.Namespace}}, nil
}

// refuse says early what would be refused later; of none it is nothing.
func (t *takeover) refuse(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.site.unoccupied(ctx); err != nil {
		return err
	}
	if _, err := t.others(ctx); err != nil {
		return err
	}
	return t.live(ctx)
}

// start takes the installation over, and waits until its pods serve the run.
func (t *takeover) start(ctx context.Context, a env.Actor) ([]incarnation, env.Actor, error) {
	if t.isOver() {
		return nil, a, errors.New("the installation was given back already")
	}
	if t.opened() == nil {
		if err := t.take(ctx, a); err != nil {
			return nil, a, err
		}
	}
	a.Replicas = int(t.wanted())
	dead := t.k.table.dead(a.Name)
	lives, err := t.k.await(ctx, a, dead)
	return lives, a, err
}

func (t *takeover) wanted() int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deployed == nil || t.deployed.Spec.Replicas == nil {
		return 1
	}
	return *t.deployed.Spec.Replicas
}

func (t *takeover) opened() *journal {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.journal
}

func (t *takeover) isOver() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

// take makes all changes, in this order: what is refused is refused before the first of them,
// and the watchdog watches.
func (t *takeover) take(ctx context.Context, a env.Actor) error {
	changes, err := t.changes(ctx, a)
	if err != nil {
		return err
	}
	if err := t.open(ctx, changes); err != nil {
		return err
	}
	for _, c := range changes {
		t.k.o.Log.Info("changes the installation", "namespace", t.site.namespace, "change", c.String())
		if err := t.make(ctx, c); err != nil {
			return err
		}
	}
	want := t.wants(a, changes)
	if err := t.settle(ctx, want); err != nil {
		return err
	}
	if err := t.follow(ctx); err != nil {
		return err
	}
	if err := t.renewPods(ctx, want); err != nil {
		return err
	}
	if err := t.lookAtWays(ctx); err != nil { // the pods have taken their time
		return err
	}
	t.mu.Lock()
	t.lent = true
	t.mu.Unlock()
	t.guard(t.watchWays)
	return t.putOff(ctx)
}

// putOff sets the deadline anew: the start may have taken long.
func (t *takeover) putOff(ctx context.Context) error {
	now, err := t.k.access.now(ctx)
	if err != nil {
		return fmt.Errorf("read the API server's clock: %w", err)
	}
	return t.opened().update(ctx, func(m *corev1.ConfigMap) error {
		m.Annotations[noteDeadline] = stamp(now.Add(t.k.o.Lifetime + deadlineSpare))
		return nil
	})
}

// make writes a change down, makes it, and makes sure that nobody took the changes back
// meanwhile: then this one is taken back too. One that was refused was not made: it is struck out,
// for taking it back would undo what somebody else did.
func (t *takeover) make(ctx context.Context, c change) error {
	j := t.opened()
	if err := j.write(ctx, c); err != nil {
		return err
	}
	// What was sent may be done, whatever becomes of the answer: it is not called off.
	sent := context.WithoutCancel(ctx)
	err := c.apply(sent, t.site)
	var not errRefused
	if errors.As(err, &not) {
		return errors.Join(err, j.strike(sent))
	}
	err = errors.Join(err, j.held(sent))
	if j.gone() == nil {
		return err
	}
	back, cancel := context.WithTimeout(sent, callTime)
	defer cancel()
	return errors.Join(err, c.takeBack(back, t.site, &restoration{}))
}

// open makes the journal, and what watches over it.
func (t *takeover) open(ctx context.Context, changes []change) error {
	now, err := t.k.access.now(ctx)
	if err != nil {
		return fmt.Errorf("read the API server's clock: %w", err)
	}
	deadline := now.Add(t.k.o.Lifetime + deadlineSpare)
	j, err := openJournal(ctx, t.site, t.k.naming, now.Add(aliveFor), deadline)
	if err != nil {
		return err
	}
	t.beat(j)
	return t.watch(ctx, changes)
}

// beat says that the run lives until it hushes.
func (t *takeover) beat(j *journal) {
	beating, quiet := context.WithCancel(t.k.life)
	t.mu.Lock()
	t.journal, t.beating, t.quiet = j, beating, quiet
	t.mu.Unlock()
	t.guard(func(ctx context.Context) error {
		j.keepAlive(ctx, t.k.note)
		return j.gone()
	})
}

// deadlineSpare is how long after the end of the load at the latest the installation is given
// back, whoever lives.
const deadlineSpare = 15 * time.Minute

// giveBack takes all changes back. What fails is tried again by the next call, and by the
// watchdog.
func (t *takeover) giveBack(ctx context.Context) error {
	j := t.opened()
	if j == nil || t.isOver() {
		return nil
	}
	t.hush() // or a beat would take this run's own claim for another's
	if t.isLeft() {
		return fmt.Errorf("give the installation in namespace %s back: the load was not stopped, and "+
			"would come to others; its watchdog does it, %s after the last word of this run",
			t.site.namespace, aliveFor)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreTime)
	defer cancel()
	lost := t.lost(ctx)
	told, err := t.site.restoreJournal(ctx, j.uid, "the run itself, "+thisProcess(), nil)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told = told
	t.over = err == nil || isGone(err)
	for _, s := range told.Left {
		t.k.note(s)
	}
	switch {
	case lost != nil && t.over:
		return fmt.Errorf("give the installation back: %w", lost)
	case isGone(err):
		return fmt.Errorf("give the installation back: %w", j.mine(nil, err))
	case err != nil:
		return fmt.Errorf("give the installation in namespace %s back: %w; its watchdog tries it too, "+
			"%s later at the latest; so does odigos-stress cleanup --environment "+
			"kubernetes -n %[1]s", t.site.namespace, err, claimedFor)
	}
	return nil
}

// leave has the watchdog take the changes back.
func (t *takeover) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.toOther = true
}

func (t *takeover) isLeft() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.toOther
}

// rendered is the collector's configuration as it ran.
func (t *takeover) rendered() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text
}

// deployment is the gateway's, as it is now.
func (t *takeover) deployment(ctx context.Context) (*appsv1.Deployment, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	name := t.o.Found.Deployment
	deployments := t.k.access.client.AppsV1().Deployments(t.site.namespace)
	d, err := deployments.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("look at Deployment %s/%s: %w", t.site.namespace, name, err)
	}
	return d, nil
}

// follow has the table hear of the installation's pods too, as if they were the run's gateway.
func (t *takeover) follow(ctx context.Context) error {
	d, err := t.deployment(ctx)
	if err != nil {
		return err
	}
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil || selector.Empty() {
		return fmt.Errorf("find the pods of Deployment %s/%s: found no usable selector", d.Namespace,
			d.Name)
	}
	t.k.background.Go(func() {
		t.k.table.follow(t.k.life, t.k.access.client, scope{
			namespace: t.site.namespace, pods: selector.String(),
			slices: serviceNameLabel + "=" + odigosGateway, as: gatewayActor,
		})
	})
	return nil
}

// stopped is the state of a pod that was given back: it goes on, and is the run's no more.
func (t *takeover) stopped(at time.Time) env.State {
	return env.State{Stopped: true, Ended: at}
}

// target is the gateway's Deployment.
func (t *takeover) target() target {
	return target{
		namespace: t.site.namespace, deployment: t.o.Found.Deployment, autoscaled: true,
	}
}

// service is the host by which the load generator reaches the installation.
func (t *takeover) service() string { return serviceOf(t.site.namespace) }

func serviceOf(namespace string) string { return odigosGateway + "." + namespace + ".svc" }

// givenBack is what giving it back has done, and left, in sentences.
func (t *takeover) givenBack() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Concat(t.told.Done, t.told.Left)
}

// Changes says what a run would change in an installation, and what is to be heeded before, in
// sentences, and changes nothing. An error is why it would be refused.
func Changes(ctx context.Context, o Options, gateway env.Actor) (all, notes []string, err error) {
	k, err := visit(o)
	if err != nil {
		return nil, nil, err
	}
	defer k.access.close()
	ctx = quiet(ctx, k.o.Log)
	if k.inPlace, err = newTakeover(k, *k.o.InPlace); err != nil {
		return nil, nil, err
	}
	changes, err := k.inPlace.changes(ctx, gateway)
	if err != nil {
		return nil, nil, err
	}
	ns := k.inPlace.site.namespace
	all = append(all, fmt.Sprintf("Make ConfigMap %s, a Job that watches over it, and its rights, in "+
		"namespace %s.", journalName, ns))
	for _, c := range changes {
		text := c.String()
		all = append(all, fmt.Sprintf("%s%s in namespace %s.", strings.ToUpper(text[:1]), text[1:], ns))
	}
	return append(all, fmt.Sprintf("Start the pods of Deployment %s anew, one after the other.",
		o.InPlace.Found.Workload()), "Take all of that back at the end."), k.Notes(), nil
}
