package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// newKubeletPrometheus stands in for a Prometheus that has scraped the kubelet of the only
// node a moment ago: it answers a selector with what kubelet's own page has for it.
func newKubeletPrometheus(t *testing.T, client kubernetes.Interface) *httptest.Server {
	t.Helper()
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) == 0 {
		t.Fatalf("list nodes: found %d, %v; want one", len(nodes.Items), err)
	}
	page := "/api/v1/nodes/" + nodes.Items[0].Name + "/proxy/metrics/cadvisor"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		kind, result := "vector", model.Matrix{}
		if query != "vector(1)" {
			kind = "matrix"
			var err error
			if result, err = selected(r.Context(), client, page, query); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{ // who has gone needs no answer
			"status": "success", "data": map[string]any{"resultType": kind, "result": result},
		})
	}))
	t.Cleanup(server.Close)
	return server
}

var (
	namesRule   = regexp.MustCompile(`__name__=~"([^"]*)"`)
	matcherRule = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// selected are the series of a page that a range selector is about.
func selected(ctx context.Context, client kubernetes.Interface, page, query string) (
	model.Matrix, error,
) {
	names := namesRule.FindStringSubmatch(query)
	if names == nil {
		return nil, fmt.Errorf("found %s, want a selector of names", query)
	}
	wanted, err := regexp.Compile("^(?:" + names[1] + ")$")
	if err != nil {
		return nil, err
	}
	body, err := client.CoreV1().RESTClient().Get().AbsPath(page).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(body)
	if err != nil {
		return nil, err
	}
	found := model.Matrix{}
	for name, family := range families {
		if !wanted.MatchString(name) {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := model.Metric{model.MetricNameLabel: model.LabelValue(name)}
			for _, l := range m.GetLabel() {
				labels[model.LabelName(l.GetName())] = model.LabelValue(l.GetValue())
			}
			if v := m.GetUntyped().GetValue() + m.GetCounter().GetValue() + m.GetGauge().GetValue(); matches(
				labels, query) {
				found = append(found, &model.SampleStream{Metric: labels, Values: []model.SamplePair{{
					Timestamp: model.Time(m.GetTimestampMs()), Value: model.SampleValue(v),
				}}})
			}
		}
	}
	return found, nil
}

// matches is whether labels have all values that a selector asks for.
func matches(labels model.Metric, query string) bool {
	for _, m := range matcherRule.FindAllStringSubmatch(query, -1) {
		if string(labels[model.LabelName(m[1])]) != m[2] {
			return false
		}
	}
	return true
}
