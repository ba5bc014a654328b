package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env/kube"
)

const (
	gatewayDeployment = `{"apiVersion": "apps/v1", "kind": "Deployment",
 "metadata": {"name": "odigos-gateway", "namespace": "odigos-system"},
 "spec": {"replicas": 1, "selector": {"matchLabels": {"odigos.io/collector-role": "CLUSTER_GATEWAY"}},
  "template": {"spec": {"serviceAccountName": "odigos-gateway",
   "imagePullSecrets": [{"name": "regcred"}], "containers": [{
   "name": "gateway", "image": "docker.io/keyval/odigos-collector:v1.35.1",
   "args": ["--config=k8scm:odigos-system/odigos-gateway/collector-conf"],
   "env": [{"name": "GOMEMLIMIT", "value": "440MiB"}],
   "resources": {"limits": {"cpu": "1", "memory": "600Mi"}}}]}}},
 "status": {"readyReplicas": 1, "updatedReplicas": 1}}`
	gatewayPods = `{"apiVersion": "v1", "kind": "PodList", "items": [{
 "metadata": {"name": "odigos-gateway-6d4f-aaaaa", "namespace": "odigos-system",
  "labels": {"pod-template-hash": "6d4f"},
  "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "odigos-gateway-6d4f", "uid": "1"}]},
 "status": {"containerStatuses": [{"name": "gateway", "ready": true, "restartCount": 0}]}}]}`
	gatewayConfig = "receivers: {otlp: {protocols: {grpc: }}}\n" +
		"exporters: {otlp: {endpoint: \"tempo:4317\"}}\n" +
		"service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}\n"
)

// apiServer answers as a cluster that has Odigos and keeps its HPAs to itself, and returns
// a kubeconfig.
func apiServer(t *testing.T) string {
	t.Helper()
	return apiServerThat(t, func(*http.Request) (string, bool) { return "", false })
}

// apiServerThat is apiServer with answers of its own before these.
func apiServerThat(t *testing.T, answers func(r *http.Request) (string, bool)) string {
	t.Helper()
	config, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "odigos-gateway"},
		"data": map[string]string{"collector-conf": gatewayConfig},
	})
	if err != nil {
		t.Fatal(err)
	}
	const inNamespace = "namespaces/odigos-system/"
	objects := map[string]string{
		"/api/v1/pods":                    gatewayPods,
		"/api/v1/" + inNamespace + "pods": gatewayPods,
		"/apis/apps/v1/" + inNamespace + "deployments/odigos-gateway": gatewayDeployment,
		"/api/v1/" + inNamespace + "configmaps/odigos-gateway":        string(config),
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if text, ok := answers(r); ok {
			_, _ = w.Write([]byte(text))
			return
		}
		text, ok := objects[r.URL.Path]
		if !ok || r.Method != http.MethodGet {
			w.WriteHeader(http.StatusForbidden)
			text = `{"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "Forbidden",
 "code": 403, "message": "you may not"}`
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: lab
clusters: [{name: c, cluster: {server: %q}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: lab, context: {cluster: c, user: u}}]
`, s.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// emptyPrometheus knows of no gateway.
func emptyPrometheus(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status": "success", "data": {"resultType": "vector", "result": []}}`)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func imported(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(append([]string{"import"}, args...), strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// What import writes is a scenario that can be run, and is not written over.
func TestImport(t *testing.T) {
	kubeconfig, dir := apiServer(t), t.TempDir()
	args := []string{"--kubeconfig", kubeconfig, "--prometheus", emptyPrometheus(t), "--out", dir}
	code, stdout, stderr := imported(args...)
	if code != exitPass {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	file := filepath.Join(dir, "odigos-gateway.yaml")
	for _, want := range []string{
		"Deployment odigos-system/odigos-gateway, container gateway: docker.io/keyval/odigos-collector:v1.35.1",
		"wrote " + file + " and " + filepath.Join(dir, "odigos-gateway-collector.yaml"),
		"want verb list on resource horizontalpodautoscalers.autoscaling",
		"Prometheus has no spans accepted by pods of odigos-system/odigos-gateway",
		"odigos-stress run " + file,
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout has no %q:\n%s", want, stdout)
		}
	}
	if err := validate(file); err != nil {
		t.Error(err)
	}
	config := filepath.Join(dir, "odigos-gateway-collector.yaml")
	text, err := os.ReadFile(config)
	if err != nil || !strings.HasSuffix(string(text), "receivers: {otlp: {protocols: {grpc: null}}}\n"+
		"exporters: {otlp: {endpoint: \"tempo:4317\"}}\n"+
		"service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}\n") {
		t.Errorf("configuration %v:\n%s", err, text)
	}

	code, _, stderr = imported(args...)
	if code != exitCannotRun || !strings.Contains(stderr, "write "+file+": found a file there") {
		t.Errorf("a second time: exit code %d, %s", code, stderr)
	}
	if err := os.Chmod(config, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr = imported(append(args, "--force")...); code != exitPass {
		t.Errorf("with --force: exit code %d, %s", code, stderr)
	}
	if info, err := os.Stat(config); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("with --force: %v, %v; want the configuration its owner's alone", info.Mode(), err)
	}
}

func TestImportJSON(t *testing.T) {
	dir := t.TempDir()
	code, stdout, stderr := imported("--kubeconfig", apiServer(t), "-o", "json", "--out", dir)
	if code != exitPass {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var found kube.Found
	if err := json.Unmarshal([]byte(stdout), &found); err != nil {
		t.Fatal(err)
	}
	if found.Config.Text != gatewayConfig || found.Workload() != "odigos-system/odigos-gateway" ||
		found.Limits.MemoryBytes != 600<<20 || !strings.HasPrefix(found.Cluster, "context lab of ") {
		t.Errorf("found %+v", found)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("it wrote %v, %v", files, err)
	}
}

func TestImportRefuses(t *testing.T) {
	kubeconfig := apiServer(t)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--since", "week"}, exitUsage, "--since: "},
		{[]string{"--since", "1m"}, exitUsage, "--since: found 1m, want at least 10m0s"},
		{[]string{"--prometheus", "localhost:9090"}, exitUsage, `--prometheus: found "localhost:9090", want a URL`},
		{[]string{"--context", "x"}, exitCannotRun, `use context "x"`},
		{[]string{"-n", "x"}, exitCannotRun, "want verb list on resource pods"},
		{[]string{"--exporter", "x", "--out", t.TempDir()}, exitCannotRun, "found no exporter x"},
	} {
		code, _, stderr := imported(append(c.args, "--kubeconfig", kubeconfig)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("import %q: exit code %d, %s\nwant %d, %q", c.args, code, stderr, c.code, c.want)
		}
	}
}
