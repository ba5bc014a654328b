package kube

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
)

func TestMissingRightsAreNamedBeforeAnythingIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		for _, r := range []string{
			"create deployments.apps", "patch deployments.apps", "get pods/proxy", "create namespaces",
			"get nodes/proxy",
		} {
			c.denied[r] = true
		}
		_, err := c.try(Options{})
		if err == nil {
			t.Fatal("a run without rights was let in")
		}
		golden(t, "rights.golden.txt", err.Error()+"\n")
		for _, a := range c.Actions() {
			if v := a.GetVerb(); v != "get" && a.GetResource().Resource != "selfsubjectaccessreviews" {
				t.Errorf("it did %s %s before", v, a.GetResource().Resource)
			}
		}
	})
}

func TestRightsThatARunCanDoWithoutAreNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		c.denied["get nodes/proxy"] = true
		k := c.open(Options{})
		defer shut(t, k)
		notes := strings.Join(k.Notes(), "\n")
		want := "no right to get nodes/proxy: processor time and memory of pods are not known from kubelet"
		if notes != want {
			t.Errorf("notes: %q, want %q", notes, want)
		}
	})
}

func TestCapabilities(t *testing.T) {
	c := newTestCluster(t)
	c.denied["get pods/proxy"] = true
	all, err := capabilities(context.Background(), c.access(), "ns", true)
	if err != nil || len(all) != len(needed(true)) {
		t.Fatalf("%d capabilities, %v; want %d", len(all), err, len(needed(true)))
	}
	for _, x := range all {
		if x.OK == (x.Name == "get pods/proxy") || x.OK == (x.Remedy != "") {
			t.Errorf("%+v", x)
		}
	}
}
