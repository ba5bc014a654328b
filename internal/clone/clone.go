// Package clone makes of a gateway that runs in a cluster one that a scenario can ask for:
// a copy that sends to the mock backend alone. The original is not touched.
package clone

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Clone is a copy of a gateway before it runs.
type Clone struct {
	// Name is the original's, as scenarios may be called.
	Name string
	// Gateway is of kind otelcol, with the image, limits, variables and exporter of the
	// original. Its configuration is Config, in the file ConfigFile.
	Gateway scenario.Gateway
	Config  []byte
	// MetricsPort is where the original serves its own metrics; 0: the collector's default.
	MetricsPort int
	// Differences to the original, in sentences.
	Differences []string
	// Withheld are the variables that the configuration refers to and the copy has not.
	Withheld []kube.Variable
}

// New copies what was found. Exporter names the one that carries the load; empty: the only
// one that can.
func New(f kube.Found, exporter string) (Clone, error) {
	c := Clone{Name: nameOf(f.Deployment)}
	copied, err := gateway.NewCopy(gateway.Source{Name: f.Config.From, Text: []byte(f.Config.Text)},
		exporter)
	if err != nil {
		return Clone{}, fmt.Errorf("clone %s: %w", f.Workload(), err)
	}
	c.MetricsPort = copied.MetricsPort
	c.Config = append(fmt.Appendf(nil, "# A copy of %s. What was taken out of it is told in %s.\n",
		f.Config.From, c.File()), copied.Text...)
	c.Gateway = scenario.Gateway{
		Kind: scenario.GatewayOtelcol, Image: f.Image, Binary: f.Program, Config: c.ConfigFile(),
		Exporter:       copied.Exporter,
		AllowExporters: copied.AllowExporters,
		CPULimit:       scenario.CPU(f.Limits.CPUCores),
		MemoryLimit:    scenario.Bytes(f.Limits.MemoryBytes),
		Env:            map[string]string{},
	}
	c.variables(f, copied.Variables)
	c.differ(f, copied)
	return c, nil
}

// File is what the scenario file that asks for the copy is called.
func (c Clone) File() string { return c.Name + ".yaml" }

// ConfigFile is what the copy's configuration is called, beside the scenario.
func (c Clone) ConfigFile() string { return c.Name + "-collector.yaml" }

// words are what a scenario's name is made of.
var words = regexp.MustCompile(`[a-z0-9]+`)

// longestName leaves room for the names of variants.
const longestName = 50

func nameOf(deployment string) string {
	name := strings.Join(words.FindAllString(strings.ToLower(deployment), -1), "-")
	if len(name) > longestName {
		name = strings.TrimRight(name[:longestName], "-")
	}
	return name
}

// secretive are names of variables whose values are not written down, whatever they are.
var secretive = regexp.MustCompile(`(?i)token|secret|passw|credential|api_?key|private_?key`)

// variables takes over what the configuration refers to and what the Go runtime goes by.
func (c *Clone) variables(f kube.Found, referred []string) {
	var left []string
	goEnv := map[string]string{}
	for _, v := range f.Env {
		switch {
		case v.Name == "GOMEMLIMIT" || v.Name == "GOMAXPROCS":
			goEnv[v.Name] = v.Value
			if !v.Known {
				c.Withheld = append(c.Withheld, v)
			}
		case !slices.Contains(referred, v.Name) && !slices.Contains(runtimeVariables, v.Name):
			if !strings.HasSuffix(v.Name, "*") {
				left = append(left, v.Name)
			} else {
				c.Withheld = append(c.Withheld, v)
			}
		case secretive.MatchString(v.Name):
			c.Withheld = append(c.Withheld, v)
		default:
			c.variable(f, v)
		}
	}
	runtime := env.Actor{Env: goEnv}.GoRuntime()
	c.Gateway.GoMemLimit = scenario.Bytes(runtime.MemLimit)
	c.Gateway.GoMaxProcs = runtime.MaxProcs
	if len(left) > 0 {
		c.sentence("Variables %s are left out: the configuration does not refer to them.",
			strings.Join(left, ", "))
	}
}

// runtimeVariables are those that Go's runtime goes by, beside GOMEMLIMIT and GOMAXPROCS.
var runtimeVariables = []string{"GODEBUG", "GOGC"}

// variable takes over one, or a text that stands for it.
func (c *Clone) variable(f kube.Found, v kube.Variable) {
	switch value, ok := standIn(f, v); {
	case v.Known:
		c.Gateway.Env[v.Name] = v.Value
	case ok:
		c.Gateway.Env[v.Name] = value
		c.sentence("%s is %q: in the original it is %s of each pod.", v.Name, value, v.From)
	default:
		c.Withheld = append(c.Withheld, v)
	}
}

// standIn is what stands for a field of a pod in the copy.
func standIn(f kube.Found, v kube.Variable) (string, bool) {
	if v.Kind != kube.VariableField {
		return "", false
	}
	value, ok := map[string]string{
		"metadata.name":           f.Deployment + "-0",
		"metadata.namespace":      f.Namespace,
		"metadata.uid":            "00000000-0000-0000-0000-000000000000",
		"spec.nodeName":           "node",
		"spec.serviceAccountName": f.Account,
		"status.podIP":            "0.0.0.0", // something is listened on there
		"status.podIPs":           "0.0.0.0",
		"status.hostIP":           "127.0.0.1",
	}[v.From]
	return value, ok
}

func (c *Clone) sentence(format string, args ...any) {
	c.Differences = append(c.Differences, fmt.Sprintf(format, args...))
}

// differ says what is not as in the original, the weightiest first.
func (c *Clone) differ(f kube.Found, copied gateway.Copy) {
	variables := c.Differences
	c.Differences = nil
	if len(copied.ByWorkload) > 0 {
		c.sentence("There are no rules for workloads: %s go by objects of Odigos in the cluster, which"+
			" the copy has no rights to read. They let through what they would sample or change.",
			strings.Join(copied.ByWorkload, ", "))
	}
	c.Differences = append(c.Differences, copied.Differences...)
	if len(c.Withheld) > 0 {
		var all []string
		for _, v := range c.Withheld {
			if strings.HasSuffix(v.Name, "*") {
				all = append(all, "all of "+source(v))
				continue
			}
			all = append(all, fmt.Sprintf("%s (%s)", v.Name, source(v)))
		}
		c.sentence("Variables that are not copied: %s. Give those that are needed with gateway.env.",
			strings.Join(all, ", "))
	}
	c.Differences = append(c.Differences, variables...)
	if len(f.Args) > 0 {
		c.sentence("Arguments %s are not given to the copy.", strings.Join(f.Args, " "))
	}
	c.sentence("The service account %s, volumes and Secrets of the original are not copied.",
		f.Account)
	if len(f.PullSecrets) > 0 {
		c.sentence("Image pull secrets %s are not copied: where %s cannot be pulled without one, name it"+
			" with --pods (imagePullSecrets), and the namespace that has it with --namespace.",
			strings.Join(f.PullSecrets, ", "), f.Image)
	}
	if placed := placed(f.Placement); placed != "" {
		c.sentence("Where the original's pods may go is not copied: %s. --pods asks for the like.",
			placed)
	}
	if a := f.Autoscaler; a != nil && a.Name != "" {
		c.sentence("The HPA %s (%d to %d replicas) is not copied: the number of replicas stays.",
			a.Name, a.Min, a.Max)
	}
}

// placed says in words what decides on the nodes that pods go to; empty where nothing does.
func placed(p kube.Placement) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(p.NodeSelector)) {
		all = append(all, fmt.Sprintf("node selector %s=%s", key, p.NodeSelector[key]))
	}
	for _, t := range p.Tolerations {
		all = append(all, "toleration "+t)
	}
	all = slices.AppendSeq(all, slices.Values(slices.Sorted(maps.Keys(p.Affinity))))
	if p.PriorityClass != "" {
		all = append(all, "priority class "+p.PriorityClass)
	}
	return strings.Join(all, ", ")
}

// source says in words where a variable has its value from.
func source(v kube.Variable) string {
	switch v.Kind {
	case kube.VariableSecret:
		return "Secret " + v.From
	case kube.VariableConfigMap:
		return "ConfigMap " + v.From
	case kube.VariableValue:
		return "its name says that it is a secret"
	}
	return v.From
}
