package kube

import (
	"bytes"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func TestManifests(t *testing.T) {
	o := Options{RunID: "20261126-040000_basic-load-1k_1000sps", Image: "registry.example/odigos-stress:1.2"}
	actors := []env.Actor{backendForTest(), gatewayForTest(), loadgenForTest(2)}
	var b bytes.Buffer
	if err := Manifests(&b, o, actors); err != nil {
		t.Fatal(err)
	}
	golden(t, "manifests.golden.yaml", b.String())

	// A reference to what comes later is nobody's.
	err := Manifests(&b, o, []env.Actor{gatewayForTest()})
	contains(t, "Manifests", err, "write gateway", "there is no backend.otlp_grpc; there is: ")
	indexed := backendForTest()
	indexed.Args = []string{"$(self.index)"}
	contains(t, "Manifests", Manifests(&b, o, []env.Actor{indexed}), "there is no self.index")
	contains(t, "Manifests", Manifests(&b, Options{RunID: "a"}, actors), "use the tool's image")
	contains(t, "Manifests", Manifests(&b, Options{RunID: "a b", Image: "x"}, actors), `use run id "a b"`)
	contains(t, "Manifests", Manifests(&b, Options{RunID: "a", Image: "x", Namespace: "A"}, actors),
		`use namespace "A"`)
}

func TestNaming(t *testing.T) {
	for _, c := range []struct{ id, label, namespace string }{
		{"run-1", "run-1", "odigos-stress-run-1"},
		{
			"20261126-040000_basic-load-1k_1000sps", "20261126-040000_basic-load-1k_1000sps",
			"odigos-stress-20261126-040000-basic-load-1k-1000sps-4f642be2",
		},
		{
			"20261126-040000_a-scenario-with-a-name-that-goes-on-and-on_1000000sps",
			"20261126-040000_a-scenario-with-a-name-that-goes-on-an-d5dccb6b",
			"odigos-stress-20261126-040000-a-scenario-with-a-name-t-5ea84d9a",
		},
	} {
		n := newNaming(Options{RunID: c.id})
		if n.label != c.label || n.namespace != c.namespace {
			t.Errorf("%s: label %s, namespace %s; want %s, %s", c.id, n.label, n.namespace, c.label, c.namespace)
		}
		if !labelRule.MatchString(n.namespace) || len(n.label) > 63 {
			t.Errorf("%s: namespace %s or label %s is none", c.id, n.namespace, n.label)
		}
	}
}

func TestPodAddr(t *testing.T) {
	pod, namespace, port, err := parsePodAddr(podAddr("gateway-1.a", "ns", 8888))
	if pod != "gateway-1.a" || namespace != "ns" || port != "8888" || err != nil {
		t.Errorf("parsePodAddr gave %q %q %q %v", pod, namespace, port, err)
	}
	for _, addr := range []string{"127.0.0.1:80", "a.pod:80", "a.ns.pod", ".ns.pod:80", "a.ns.svc:80", "a..pod:1"} {
		_, _, _, err := parsePodAddr(addr)
		contains(t, "parsePodAddr", err, "want POD.NAMESPACE.pod:PORT")
	}
}
