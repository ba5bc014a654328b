package kube

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// What $(self.PORT) listens on.
const (
	anyIPv4 = "0.0.0.0"
	anyIPv6 = "::"
)

// fixedPorts are those that everybody knows, by the names that actors give them.
var fixedPorts = map[string]int32{
	"otlp_grpc": 4317, "otlp_http": 4318, "admin": 8080, "metrics": 8888, "health": 13133,
	"pprof": 1777, "servicegraph": 9090, "zpages": 55679,
}

// firstPort is the first of those that have no number of their own.
const firstPort = 20000

// portNumbers gives every port of an actor its number: pods have addresses of their own,
// so that the same actor has the same numbers always.
func portNumbers(names []string) map[string]int32 {
	numbers := map[string]int32{}
	next := int32(firstPort)
	for _, name := range names {
		if n, ok := fixedPorts[name]; ok {
			numbers[name] = n
			continue
		}
		numbers[name] = next
		next++
	}
	return numbers
}

// A directory knows what references stand for.
type directory struct {
	namespace string
	listen    string
	ports     map[string][]string // of the actors started before
	hosts     map[string]string   // of those that are not in the namespace
}

// indexVariable is set by the Job's controller, and expanded by kubelet alone.
const indexVariable = "JOB_COMPLETION_INDEX"

// indexMark stands for it while everything else is escaped.
const indexMark = "\x00index\x00"

// expand makes of an actor's text what kubelet makes the wanted text of: kubelet expands
// $(VAR) itself, and takes $$ for a dollar sign.
func (d directory) expand(a env.Actor, text string) (string, error) {
	out, err := env.Expand(text, d.lookup(a))
	if err != nil {
		return "", err
	}
	out = strings.ReplaceAll(out, "$", "$$")
	return strings.ReplaceAll(out, indexMark, "$("+indexVariable+")"), nil
}

// lookup resolves what an actor's arguments may refer to.
func (d directory) lookup(a env.Actor) func(string) (string, error) {
	known := map[string]string{"self.replicas": strconv.Itoa(replicas(a))}
	for name, ports := range d.ports {
		host := name + "." + d.namespace + ".svc"
		if elsewhere := d.hosts[name]; elsewhere != "" {
			host = elsewhere
		}
		for port, number := range portNumbers(ports) {
			known[name+"."+port] = join(host, number)
		}
	}
	for port, number := range portNumbers(a.Ports) {
		known["self."+port] = join(d.listen, number)
	}
	for name := range a.Files {
		known["file."+name] = filePath(name)
	}
	if isJob(a) {
		known["self.index"] = indexMark
	}
	return func(ref string) (string, error) {
		if v, ok := known[ref]; ok {
			return v, nil
		}
		return "", fmt.Errorf("there is no %s; there is: %s", ref,
			strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
}

func join(host string, port int32) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// An expanded actor has no references left.
type expanded struct {
	args []string
	env  []variable // sorted by name
}

type variable struct{ name, value string }

func (d directory) expandAll(a env.Actor) (x expanded, err error) {
	for _, arg := range a.Args {
		text, err := d.expand(a, arg)
		if err != nil {
			return expanded{}, err
		}
		x.args = append(x.args, text)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Env)) {
		text, err := d.expand(a, a.Env[name])
		if err != nil {
			return expanded{}, fmt.Errorf("variable %s: %w", name, err)
		}
		x.env = append(x.env, variable{name, text})
	}
	return x, nil
}

// podAddr is what Instance.Addr gives: only Transport understands it.
func podAddr(pod, namespace string, port int32) string {
	return join(pod+"."+namespace+".pod", port)
}

// parsePodAddr takes such an address apart.
func parsePodAddr(addr string) (pod, namespace, port string, err error) {
	host, port, err := net.SplitHostPort(addr)
	rest, isPod := strings.CutSuffix(host, ".pod")
	dot := strings.LastIndexByte(rest, '.')
	if err != nil || !isPod || dot <= 0 || dot == len(rest)-1 || port == "" {
		return "", "", "", fmt.Errorf("%q is no address in a cluster: want POD.NAMESPACE.pod:PORT", addr)
	}
	return rest[:dot], rest[dot+1:], port, nil
}
