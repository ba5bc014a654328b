package kube

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readPods(t *testing.T) Pods {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "pods.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return parsePods(t, string(text))
}

func parsePods(t *testing.T, text string) Pods {
	t.Helper()
	p, err := ParsePods("pods.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What cannot be asked is refused, and the error says where it stands.
func TestParsePodsRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "pods.yaml: found nothing, want one or more of all, gateway, backend, loadgen, tool"},
		{"# nothing\n---\n", "found nothing"},
		{"all: {}\n---\ngateway: {}\n", "found 2 documents, want one"},
		{"[all]", `found ["all"], want one or more of the keys all, gateway, backend, loadgen, tool`},
		{"all: {", "read YAML"},
		{"all: {}\nall: {}\n", "read YAML"},
		{"gatway: {}", "gatway: found a field that is not known, want one of all, gateway, backend, loadgen, tool"},
		{
			"gateway: {nodeselector: {a: b}}",
			"gateway.nodeselector: found a field that is not known, want one of labels, annotations, nodeSelector",
		},
		{"all: {tolerations: [{efect: NoSchedule}]}", "all.tolerations[0].efect: found a field that is not known"},
		{"tool: {resources: {claims: []}}", "tool.resources.claims: found a field that is not known"},
		{"gateway: {labels: {a: 1}}", "gateway.labels: found number, want a text"},
		{"gateway: {tolerations: {key: a}}", "gateway.tolerations: found object, want a list"},
		{"gateway: {affinity: near}", "gateway.affinity: found string, want keys and values"},
		{"gateway: gateway", "gateway: found string, want keys and values"},
		{
			"all: {labels: {app.kubernetes.io/component: x}}",
			"all.labels.app.kubernetes.io/component: found a label that the tool sets, want another key",
		},
		{"loadgen: {labels: {stress.odigos.io/run-id: x}}", "loadgen.labels.stress.odigos.io/run-id: found a label"},
		{"all: {labels: {a: b c}}", `all.labels.a: found "b c", want a valid label`},
		{"all: {labels: {a b: c}}", "all.labels.a b: found no key of a label"},
		{
			"loadgen: {annotations: {batch.kubernetes.io/job-completion-index: '1'}}",
			"found an annotation that the tool needs, want another key",
		},
		{"all: {annotations: {a b: c}}", "all.annotations.a b: found no key of an annotation"},
		{
			"all: {nodeSelector: {kubernetes.io/os: windows}}",
			"all.nodeSelector.kubernetes.io/os: found windows, want linux",
		},
		{
			"all: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {" +
				"nodeSelectorTerms: []}}}}",
			"nodeSelectorTerms: found none, want one or more",
		},
		{
			"all: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {" +
				"nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Is, values: [b]}]}]}}}}",
			"nodeSelectorTerms[0].matchExpressions[0].operator: Unsupported value: \"Is\"",
		},
		{"all: {tolerations: [{operator: Is, key: a}]}", "all.tolerations[0].operator: found Is, want Equal or Exists"},
		{"all: {tolerations: [{effect: Nope, key: a}]}", "all.tolerations[0].effect: found Nope, want NoSchedule"},
		{"all: {tolerations: [{effect: No, key: a}]}", "all.tolerations.effect: found bool, want a text: in quotes"},
		{
			"all: {tolerations: [{key: a, effect: NoExecute, tolerationSeconds: soon}]}",
			"all.tolerations.tolerationSeconds: found string, want a whole number",
		},
		{"all: {tolerations: [{value: a}]}", "all.tolerations[0]: found no key, want a key"},
		{"all: {tolerations: [{key: a, operator: Exists, value: b}]}", "all.tolerations[0].value: found b, want none"},
		{
			"all: {tolerations: [{key: a, effect: NoSchedule, tolerationSeconds: 3}]}",
			"all.tolerations[0].tolerationSeconds: found 3, want it with effect NoExecute alone",
		},
		{"all: {imagePullSecrets: [{name: A}]}", `all.imagePullSecrets[0].name: found "A", want the name of a Secret`},
		{"all: {imagePullSecrets: [{}]}", `all.imagePullSecrets[0].name: found ""`},
		{"all: {priorityClassName: A}", `all.priorityClassName: found "A", want the name of a PriorityClass`},
		{
			"gateway: {resources: {limits: {cpu: 1}}}",
			"gateway.resources: found some, want none: the gateway's limits are the question",
		},
		{"all: {resources: {limits: {cpu: 1}}}", "all.resources: found some, want those of backend, loadgen or tool"},
		{
			"backend: {resources: {limits: {cpu: two}}}",
			"backend.resources.limits.cpu: found two, want an amount such as 500m or 1Gi",
		},
		{"backend: {resources: {requests: {memory: -1Gi}}}", "backend.resources.requests.memory: found -1Gi"},
		{
			"backend: {resources: {limits: {cpu: 1}, requests: {cpu: 2}}}",
			"backend.resources.requests.cpu: found 2, want at most the limit of 1",
		},
	} {
		_, err := ParsePods("pods.yaml", []byte(c.text))
		contains(t, "ParsePods("+c.text+")", err, "pods.yaml: ", c.want)
	}
}

// All mistakes of a file are told at once.
func TestParsePodsTellsAll(t *testing.T) {
	_, err := ParsePods("pods.yaml", []byte("all: {priorityClassName: A}\ntool: {priorityClassName: B}\n"))
	contains(t, "ParsePods", err, "pods.yaml: all.priorityClassName", "pods.yaml: tool.priorityClassName")
}

// A record holds what was asked as it can be read back, and nothing where nothing was.
func TestPodsUnderstood(t *testing.T) {
	p := readPods(t)
	text, err := json.Marshal(p.Understood())
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParsePods(p.Name, text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	var held map[string]any
	if err := json.Unmarshal(text, &held); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Understood(), held); diff != "" {
		t.Errorf("as a record reads it (-want +got):\n%s", diff)
	}
	if got := (Pods{Name: "pods.yaml"}).Understood(); got != nil {
		t.Errorf("nothing is understood as %v", got)
	}
}

// The examples of the documentation can be used as they are.
func TestPodsOfDocs(t *testing.T) {
	examples := 0
	for _, page := range []string{"kubernetes.md", "managed-clusters.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		for n, block := range strings.Split(string(text), "```yaml\n")[1:] {
			block, _, _ = strings.Cut(block, "```")
			if !strings.HasPrefix(block, "# pods.yaml\n") {
				continue
			}
			examples++
			if _, err := ParsePods(page, []byte(block)); err != nil {
				t.Errorf("block %d of %s: %v", n+1, page, err)
			}
		}
	}
	if examples < 2 {
		t.Errorf("found %d examples, want one or more in each page", examples)
	}
}
