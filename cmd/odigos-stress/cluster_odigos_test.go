package main

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env/kube/odigostest"
)

// An odigosTest is a cluster that a stand-in for Odigos is installed in, with one
// Destination, which is nowhere.
type odigosTest struct {
	*clusterTest
	*odigostest.Odigos
	config *rest.Config
}

// newOdigosTest installs the stand-in. What is compared from then on has it in it.
func newOdigosTest(t *testing.T) *odigosTest {
	t.Helper()
	c := newClusterTest(t)
	without := *c
	without.ctx = context.WithoutCancel(c.ctx)
	t.Cleanup(without.wantNothingLeft)
	config := clusterConfig(t)
	o := &odigosTest{
		c, odigostest.Install(c.ctx, t, config, os.Getenv("ODIGOS_STRESS_IMAGE")), config,
	}
	err := o.Put(c.ctx, odigostest.NewDestination("production", "tempo.nowhere:4317"))
	if err == nil {
		err = o.Still(c.ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.before = stillInventory(c.ctx, t)
	return o
}

// spans are the lines in which the installation's gateway counts spans.
func (o *odigosTest) spans() string {
	o.Helper()
	pods, err := o.Client.Resource(odigostest.Pods).Namespace(odigostest.Namespace).
		List(o.ctx, metav1.ListOptions{LabelSelector: odigostest.Selector})
	if err != nil || len(pods.Items) != 1 {
		o.Fatalf("pods of the gateway: %v, %d; want 1", err, len(pods.Items))
	}
	client, err := kubernetes.NewForConfig(o.config)
	if err != nil {
		o.Fatal(err)
	}
	page, err := client.CoreV1().Pods(odigostest.Namespace).
		ProxyGet("http", pods.Items[0].GetName(), "8888", "metrics", nil).DoRaw(o.ctx)
	if err != nil || !strings.Contains(string(page), "otelcol_process_uptime") {
		o.Fatalf("metrics of the gateway: %v\n%s", err, page)
	}
	return countedSpans(string(page))
}

// countedSpans are the lines of a page of metrics that count spans.
func countedSpans(page string) string {
	return strings.Join(regexp.MustCompile(`(?m)^\w*spans\w*\{.*$`).FindAllString(page, -1), "\n")
}

func TestCountedSpans(t *testing.T) {
	const accepted, sent = `otelcol_receiver_accepted_spans_total{receiver="otlp"} 5`,
		`otelcol_exporter_sent_spans_total{exporter="otlp"} 5`
	page := "# TYPE otelcol_receiver_accepted_spans_total counter\n" + accepted + "\n" +
		"otelcol_process_uptime_seconds_total{} 9\n" + sent + "\n"
	if got, want := countedSpans(page), accepted+"\n"+sent; got != want {
		t.Errorf("countedSpans = %q, want %q", got, want)
	}
}

// A copy of Odigos' gateway takes the whole load, though nobody asked for one, and the
// original sees nothing of it.
func TestClusterClone(t *testing.T) {
	o := newOdigosTest(t)
	before := o.spans()
	r := o.run(ran, "basic-load-1k", "--duration=10s", "--warm-up=3s")
	o.exact(r, 10_000)
	h := r.Header
	if h.Original == nil || h.Original.Way != wayClone ||
		h.Original.Deployment != "odigos-system/odigos-gateway" || !h.Original.Odigos {
		t.Errorf("original %+v; want the stand-in's gateway", h.Original)
	}
	d, err := o.Client.Resource(odigostest.Deployments).Namespace(odigostest.Namespace).
		Get(o.ctx, odigostest.Gateway, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	containers, _, _ := unstructured.NestedSlice(d.Object, "spec", "template", "spec", "containers")
	image, _, _ := unstructured.NestedString(containers[0].(map[string]any), "image")
	if g := h.Scenario.Gateway; g.Image != image || g.CPULimit != 0.2 || g.MemoryLimit != 300<<20 ||
		g.Exporter != "otlp_grpc/generic-production" {
		t.Errorf("gateway %+v; want the original's image %s and limits", g, image)
	}
	if want := "a copy of odigos-system/odigos-gateway"; !strings.Contains(h.Collector.Headline, want) {
		t.Errorf("headline %q, want %q", h.Collector.Headline, want)
	}
	t.Logf("notes:\n%s", strings.Join(h.Notes, "\n"))
	if after := o.spans(); after != before {
		t.Errorf("the original counted spans: before\n%s\nafter\n%s", before, after)
	}
}
