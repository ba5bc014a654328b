package main

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// readValues reads values over the chart's own, from a file of testdata.
func readValues(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return parseValues(t, string(text))
}

func parseValues(t *testing.T, text string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// render renders the chart as helm install does, by file of the chart. The release is called
// stress, in namespace load-tests.
func render(t *testing.T, values map[string]any) (map[string]string, error) {
	t.Helper()
	chart, err := loader.LoadDir(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	release := common.ReleaseOptions{
		Name: "stress", Namespace: "load-tests", Revision: 1, IsInstall: true,
	}
	all, err := util.ToRenderValues(chart, values, release, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	rendered, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, text := range rendered {
		name = strings.TrimPrefix(name, chart.Name()+"/templates/")
		if text = strings.TrimSpace(text); text != "" && !strings.HasPrefix(filepath.Base(name), "_") {
			out[name] = text
		}
	}
	return out, nil
}

// notes is the file that helm prints, and does not apply.
const notes = "NOTES.txt"

// manifests are all files that are applied, as one text.
func manifests(files map[string]string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name != notes {
			text.WriteString("---\n# " + name + "\n" + strings.TrimPrefix(files[name], "---\n") + "\n")
		}
	}
	return text.String()
}

// cases are the values that goldens are made of.
var cases = []string{"defaults", "everything", "namespace", "nothing", "cluster"}

func TestGoldens(t *testing.T) {
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			files, err := render(t, readValues(t, name))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".golden.yaml", manifests(files))
			golden(t, name+".golden.txt", files[notes]+"\n")
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", name, diff)
	}
}

// Lint says nothing that --strict would fail for, with an image and without: helm lint knows none.
func TestLint(t *testing.T) {
	for _, name := range append([]string{""}, cases...) {
		values := map[string]any{}
		if name != "" {
			values = readValues(t, name)
		}
		for _, m := range lint.RunAll(chartDir, values, "load-tests").Messages {
			// That there is no icon is told as information.
			if m.Severity > support.InfoSev {
				t.Errorf("lint with values %q: %v", name, m)
			}
		}
	}
}

// What is wrong in values is refused, and the message says where.
func TestValuesAreRefused(t *testing.T) {
	for _, c := range []struct{ values, want string }{
		{"{}", "image.repository: found nothing, want the tool's image"},
		{"image: {repository: r.example.com/stress:v1}", "/image/repository"},
		{"image: {repo: r.example.com/stress}", "additional properties 'repo' not allowed"},
		{"image: {tag: 1.2}", "at '/image/tag': got number, want string"},
		{"nigths: []", "additional properties 'nigths' not allowed"},
		{"nights: [{name: a, schedule: 0 2 * *, args: [run]}]", "/nights/0/schedule"},
		{"nights: [{name: A, schedule: '@daily', args: [run]}]", "/nights/0/name"},
		{
			"nights: [{name: a, schedule: '@daily', args: [basic-load-1k]}]",
			"at '/nights/0/args/0': value must be one of 'run', 'capacity'",
		},
		{
			"nights: [{name: a, schedule: '@daily', args: [run, --rate, 15000]}]",
			"at '/nights/0/args/2': got number, want string",
		},
		{"nights: [{name: a, args: [run]}]", "missing property 'schedule'"},
		{
			"nights: [{name: a, schedule: '@daily', args: [run], deadline: 1}]",
			"additional properties 'deadline' not allowed",
		},
		{"namespace: Load", "/namespace"},
		{"rbac: {nodesProxy: 'yes'}", "at '/rbac/nodesProxy': got string, want boolean"},
		{"rbac: {clone: {namespace: ''}}", "/rbac/clone/namespace"},
		{"results: {claim: c}", "additional properties 'claim' not allowed"},
		{"scenarios: {a/b.yaml: x}", "invalid propertyName 'a/b.yaml'"},
		{"scenarios: {a.yaml: {name: a}}", "at '/scenarios/a.yaml': got object, want string"},
		{"cleanup: {schedule: often}", "/cleanup/schedule"},
		{"podMonitor: {interval: 15}", "at '/podMonitor/interval': got number, want string"},
		{"resources: {limits: {memory: 1GB}}", "/resources/limits/memory"},
		{"tolerations: [{efect: NoSchedule}]", "additional properties 'efect' not allowed"},
		{"pods: {gatway: {}}", "additional properties 'gatway' not allowed"},
		{"pods: {gateway: {resources: {}}}", "additional properties 'resources' not allowed"},
		{"pods: {tool: {resources: {limits: {cpu: two}}}}", "/pods/tool/resources/limits/cpu"},
		{"pods: {all: {labels: {a: 1}}}", "at '/pods/all/labels/a': got number, want string"},
		{
			"{image: {repository: r}, pods: {loadgen: {imagePullSecrets: [{name: a}]}}}",
			"pods.loadgen.imagePullSecrets: found some without namespace, want a namespace that has them",
		},
		{"extraEnv: [{name: A, value: 1}]", "at '/extraEnv/0/value': got number, want string"},
		{
			"{image: {repository: r}, nights: [" +
				"{name: a, schedule: '@daily', args: [run]}, {name: a, schedule: '@daily', args: [run]}]}",
			"nights: found two named a, want names of their own",
		},
		{
			"{image: {repository: r}, fullnameOverride: a-name-of-more-than-forty-characters-in-all, nights: [" +
				"{name: a-night-2, schedule: '@daily', args: [run]}]}",
			"found 53 characters, want at most 52",
		},
		{
			"{image: {repository: r}, namespace: here, cleanup: {schedule: '@daily'}}",
			`cleanup.schedule: found "@daily" with namespace here, want none`,
		},
	} {
		_, err := render(t, parseValues(t, c.values))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("values %s: error %v, want one with %q", c.values, err, c.want)
		}
	}
}

// A night that goes on with another has nothing to be asked beforehand; any other is tried.
func TestTestsOfNights(t *testing.T) {
	for _, c := range []struct {
		args string
		want bool
	}{
		{"[run]", true},
		{"[capacity, --resume, latest]", false},
		{"[capacity, --resume=latest]", false},
		{"[run, --resume-not.yaml]", true},
	} {
		files, err := render(t, parseValues(t, "{image: {repository: r}, nights: ["+
			"{name: a, schedule: '@daily', args: "+c.args+"}]}"))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(files["tests/doctor.yaml"], "test-a\n"); got != c.want {
			t.Errorf("args %s: tried %v, want %v", c.args, got, c.want)
		}
	}
}

// Every value that is set in values.yaml is known to the schema, and stands in it with its type.
func TestSchemaKnowsAllValues(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chartDir, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	values := parseValues(t, string(text))
	values["image"].(map[string]any)["repository"] = "r.example.com/odigos-stress"
	if _, err := render(t, values); err != nil {
		t.Error(err)
	}
}

// A chart in an archive is the chart, with the version of the tool.
func TestPack(t *testing.T) {
	path, err := pack("v1.2.3", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	chart, err := loader.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if chart.Metadata.AppVersion != "v1.2.3" || len(chart.Templates) == 0 || chart.Schema == nil {
		t.Errorf("%s: app version %q, %d templates, schema of %d bytes", path,
			chart.Metadata.AppVersion, len(chart.Templates), len(chart.Schema))
	}
}
