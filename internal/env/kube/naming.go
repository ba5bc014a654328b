package kube

import (
	"errors"
	"fmt"
	"hash/fnv"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// manager owns, by server-side apply, the fields that the tool sets; it is the name of
// the whole as well.
const manager = "odigos-stress"

// Labels and annotations of the tool's own.
const (
	labelRun = "stress.odigos.io/run-id"
	// noteRun is the run's id in full: a label holds 63 characters.
	noteRun = "stress.odigos.io/run"
	// noteAlive is until when the tool is known to live, by the API server's clock.
	noteAlive = "stress.odigos.io/alive-until"
	noteOwner = "stress.odigos.io/owner"
)

const (
	labelName      = "app.kubernetes.io/name"
	labelInstance  = "app.kubernetes.io/instance"
	labelComponent = "app.kubernetes.io/component"
	labelPartOf    = "app.kubernetes.io/part-of"
	labelManagedBy = "app.kubernetes.io/managed-by"
	// componentRun is the component of what belongs to no actor.
	componentRun = "run"
)

var (
	runRule = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,126}[A-Za-z0-9])?$`)
	// labelRule is that of a name in DNS.
	labelRule = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	// actorRule leaves room for what Kubernetes appends to a pod's name.
	actorRule = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$`)
	fileRule  = regexp.MustCompile(`^[-._a-zA-Z0-9]{1,253}$`)
	notInName = regexp.MustCompile(`[^a-z0-9]+`)
)

// A naming is how the objects of one run are called and labelled.
type naming struct {
	runID     string
	label     string // the run's id as far as a label bears it
	namespace string
}

func newNaming(o Options) naming {
	n := naming{runID: o.RunID, label: shortened(o.RunID, o.RunID), namespace: o.Namespace}
	if n.namespace == "" {
		plain := strings.Trim(notInName.ReplaceAllString(strings.ToLower(o.RunID), "-"), "-")
		n.namespace = shortened(manager+"-"+plain, manager+"-"+o.RunID)
	}
	return n
}

// shortened makes name fit where 63 characters do. Where it is not what it stands for, a
// hash of that keeps two apart.
func shortened(name, stands string) string {
	const most = 63
	if name == stands && len(name) <= most {
		return name
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(stands)) // never fails
	sum := fmt.Sprintf("-%08x", h.Sum32())
	if len(name) > most-len(sum) {
		name = name[:most-len(sum)]
	}
	return strings.TrimRight(name, "-_.") + sum
}

// labels are those of an object of the run.
func (n naming) labels(component string) map[string]string {
	return map[string]string{
		labelName:      manager,
		labelInstance:  n.label,
		labelComponent: component,
		labelPartOf:    manager,
		labelManagedBy: manager,
		labelRun:       n.label,
	}
}

// selector finds an actor's pods.
func (n naming) selector(component string) map[string]string {
	return map[string]string{labelComponent: component, labelRun: n.label}
}

// ofRun is the selector of all that the run has made.
func (n naming) ofRun() string { return labelRun + "=" + n.label }

// scope is what is heard of the run's own namespace.
func (n naming) scope() scope {
	return scope{namespace: n.namespace, pods: n.ofRun(), slices: n.ofRun()}
}

// loadActor is the one that has an end, and so is a Job.
const loadActor = "loadgen"

func isJob(a env.Actor) bool { return a.Name == loadActor }

func replicas(a env.Actor) int { return max(1, a.Replicas) }

// mostFiles is what a ConfigMap can hold.
const mostFiles = 1 << 20

// check refuses an actor that could not be started as it is.
func check(a env.Actor) error {
	if !actorRule.MatchString(a.Name) || slices.Contains([]string{
		"self", "file", componentRun,
		componentOutput,
	}, a.Name) {
		return fmt.Errorf("name %q: want lower-case letters, digits and - within, at most 32, "+
			"and neither self, file, %s nor %s", a.Name, componentRun, componentOutput)
	}
	if a.Ready.Port != "" && !slices.Contains(a.Ports, a.Ready.Port) {
		return fmt.Errorf("probe port %q is none of its ports: %s", a.Ready.Port, orNone(a.Ports))
	}
	size := 0
	for name, text := range a.Files {
		size += len(name) + len(text)
		if !fileRule.MatchString(name) || name == "." || name == ".." {
			return fmt.Errorf("file %q: want letters, digits, dots, - and _", name)
		}
	}
	if size > mostFiles {
		return fmt.Errorf("its files have %d bytes; want at most %d, which a ConfigMap holds",
			size, mostFiles)
	}
	if a.Replicas < 0 {
		return errors.New("it is wanted a negative number of times; want 1 or more")
	}
	return nil
}

// filesDir is where an actor finds its files.
const filesDir = "/etc/odigos-stress"

func filePath(name string) string { return path.Join(filesDir, name) }

func filesName(actor string) string { return actor + "-files" }
