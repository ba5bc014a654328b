package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// questionOf is a question as its flags make it, with what it says of the gateway.
func questionOf(t *testing.T, args ...string) (q *question, said *bytes.Buffer) {
	t.Helper()
	q, said = &question{}, &bytes.Buffer{}
	cmd := &cobra.Command{}
	cmd.SetErr(said)
	q.flags(cmd, loadFlags)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return q, said
}

// answering is a cluster's API server that gives every GET one answer; it returns a
// kubeconfig.
func answering(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := `{apiVersion: v1, kind: Config, current-context: lab,
 clusters: [{name: c, cluster: {server: "` + s.URL + `"}}], users: [{name: u, user: {token: t}}],
 contexts: [{name: lab, context: {cluster: c, user: u}}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func withoutOdigos(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/pods") {
		_, _ = io.WriteString(w, `{"apiVersion": "v1", "kind": "PodList", "items": []}`)
		return
	}
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, `{"apiVersion": "v1", "kind": "Status", "status": "Failure",
 "reason": "NotFound", "code": 404, "message": "it is not there"}`)
}

func forbidding(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, `{"apiVersion": "v1", "kind": "Status", "status": "Failure",
 "reason": "Forbidden", "code": 403, "message": "you may not"}`)
}

// stock is a collector that has what a copy needs.
var stock = gateway.Collector{
	Name: "odigosotelcol", Version: "0.151.0", Path: "/odigosotelcol",
	Image:      "docker.io/keyval/odigos-collector:v1.35.1",
	Components: map[string][]string{"extensions": {"health_check", "pprof"}},
}

// planOf is the plan of the only trial that is asked for.
func planOf(t *testing.T, q *question, args ...string) (plan.Plan, error) {
	t.Helper()
	_, all, err := q.trials(t.Context(), args)
	if err != nil {
		return plan.Plan{}, err
	}
	s := subject{collector: stock, inCluster: true, target: q.way.target, notes: q.way.notes}
	if q.way.target.has(all[0].scenario.Gateway.Config) {
		s.sources.GatewayConfig = q.way.target.config
	}
	return s.plan(all[0].scenario)
}

const inLab = "--environment=kubernetes"

// Which gateway is asked, and why.
func TestWay(t *testing.T) {
	odigos, bare, closed := apiServer(t), answering(t, withoutOdigos), answering(t, forbidding)
	const copied = "The gateway is a copy of odigos-system/odigos-gateway " +
		"(docker.io/keyval/odigos-collector:v1.35.1), "
	for _, c := range []struct {
		name       string
		kubeconfig string
		args       []string
		scenario   string
		clone      bool
		want       string // in what is said, and in the first note
	}{
		{"by itself", odigos, nil, "basic-load-1k", true, copied + "as it was found in the cluster"},
		{"asked for", odigos, []string{"--gateway=clone"}, "basic-load-1k", true, copied + "as --gateway asks"},
		{
			"named", odigos,
			[]string{"--deployment=odigos-system/odigos-gateway", "--exporter=otlp"},
			"basic-load-1k", true, copied + "as --deployment, --exporter asks",
		},
		{"not wanted", odigos, []string{"--gateway=scenario"}, "basic-load-1k", false, ""},
		{
			"no Odigos", bare, nil, "basic-load-1k", false,
			"describes: the cluster has none of Odigos.",
		},
		{
			"no right to look", closed, nil, "basic-load-1k", false,
			"describes: whether the cluster has one of Odigos is not known, for ",
		},
		{
			"another scenario", odigos, nil, "oom-http", false,
			"describes: gateway.protection is said of it.",
		},
		{
			"another image", odigos,
			[]string{"--collector-image=example.com/o:1"},
			"basic-load-1k", false,
			"describes: --collector-image is said of it.",
		},
		{
			"another protection", odigos,
			[]string{"--set=gateway.protection=none"},
			"basic-load-1k", false,
			"describes: gateway.protection is said of it.",
		},
	} {
		q, said := questionOf(t, append(c.args, inLab, "--kubeconfig="+c.kubeconfig)...)
		_, all, err := q.trials(t.Context(), []string{c.scenario})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		isClone := all[0].scenario.Gateway.Image == "docker.io/keyval/odigos-collector:v1.35.1"
		if isClone != c.clone || isClone != (q.way.target != nil) {
			t.Errorf("%s: gateway %+v, target %+v; want a copy: %v", c.name, all[0].scenario.Gateway,
				q.way.target, c.clone)
		}
		if !strings.Contains(said.String(), c.want) || c.want == "" && said.Len() > 0 {
			t.Errorf("%s: said %q, want %q", c.name, said, c.want)
		}
		if len(q.way.notes) == 0 != (c.want == "") {
			t.Errorf("%s: notes %q, want one with %q", c.name, q.way.notes, c.want)
		}
	}
}

// The copy has what the original has, what the command line says goes before it, and what
// the scenario says of sizes does not.
func TestWayLays(t *testing.T) {
	kubeconfig := apiServer(t)
	const whole = 1 << 20
	for _, c := range []struct {
		args   []string
		cpu    float64
		memory int64
		env    string // GOMEMLIMIT
		notes  []string
	}{
		{nil, 1, 600 * whole, "440MiB", []string{
			"What the scenario says in gateway.preset does not apply: the copy has what the original has.",
			"The copy requests what it is limited to; the original requests nothing.",
			"The service account odigos-gateway, volumes and Secrets of the original are not copied.",
			"Image pull secrets regcred are not copied: ",
		}},
		{[]string{"--memory-limit=1Gi"}, 1, 1024 * whole, "779MiB", []string{
			"The limits are 1 cores and 1Gi, as was asked; the original has 1 cores and 600Mi.",
			"GOMEMLIMIT is 779Mi, as Odigos' chart derives it from the memory limit; the original has 440Mi.",
		}},
		{[]string{"--memory-limit=1Gi", "--set=gateway.gomemlimit=100Mi"}, 1, 1024 * whole, "100MiB", nil},
		{
			[]string{"--memory-limit=1Gi", "--deployment=odigos-system/odigos-gateway"},
			1, 1024 * whole, "440MiB",
			[]string{"GOMEMLIMIT stays at the original's 440Mi: another is given by gateway.gomemlimit."},
		},
		{[]string{"--set=gateway.preset=size_l"}, 1.25, 850 * whole, "640MiB", nil},
		{[]string{"--set=gateway.replicas=2"}, 1, 600 * whole, "440MiB", []string{
			"The original has 1 pod, the copy 2 (gateway.replicas).",
		}},
	} {
		q, _ := questionOf(t, append(c.args, inLab, "--gateway=clone", "--kubeconfig="+kubeconfig)...)
		p, err := planOf(t, q, "basic-load-1k")
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
			continue
		}
		if l := p.Gateway.Limits; l.CPUCores != c.cpu || l.MemoryBytes != c.memory ||
			p.Gateway.Env["GOMEMLIMIT"] != c.env {
			t.Errorf("%q: limits %+v, GOMEMLIMIT %s; want %v, %v, %s", c.args, l,
				p.Gateway.Env["GOMEMLIMIT"], c.cpu, c.memory, c.env)
		}
		for _, want := range c.notes {
			if !slices.ContainsFunc(p.Notes, func(n string) bool { return strings.HasPrefix(n, want) }) {
				t.Errorf("%q: found no note %q in\n%s", c.args, want, strings.Join(p.Notes, "\n"))
			}
		}
	}
}

// The plan says what the gateway was made from, and one that is made later says the same.
func TestWayIsTold(t *testing.T) {
	q, _ := questionOf(t, inLab, "--kubeconfig="+apiServer(t))
	p, err := planOf(t, q, "basic-load-1k")
	if err != nil {
		t.Fatal(err)
	}
	const headline = "odigosotelcol 0.151.0, a copy of odigos-system/odigos-gateway"
	if p.Collector.Headline != headline {
		t.Errorf("headline %q, want %q", p.Collector.Headline, headline)
	}
	o := p.Original
	if o == nil || o.Way != wayClone || !o.Odigos || o.Deployment != "odigos-system/odigos-gateway" ||
		o.Config != "ConfigMap odigos-system/odigos-gateway, key collector-conf" || o.ReadAt.IsZero() ||
		!strings.HasPrefix(o.Cluster, "context lab of ") || o.GoMemLimit != 440<<20 || o.Replicas != 1 {
		t.Errorf("original %+v", o)
	}
	if !strings.Contains(p.Gateway.Files[gateway.ConfigFile], "# A copy of ConfigMap odigos-system/") {
		t.Errorf("configuration\n%s", p.Gateway.Files[gateway.ConfigFile])
	}
	again := subject{
		collector: stock, target: &target{original: *o},
		sources: plan.Sources{GatewayConfig: q.way.target.config},
	}
	again.collector.Image = "example.com/o:2"
	if p, err := again.plan(p.Scenario); err != nil ||
		p.Collector.Headline != headline+" with another image" {
		t.Errorf("with another image: headline %q, %v", p.Collector.Headline, err)
	}
	again.collector = stock
	asked := p.Scenario
	asked.Gateway.MemoryLimit = 1 << 30
	if p, err = again.plan(asked); err != nil || p.Collector.Headline != headline ||
		*p.Original != *o || p.Gateway.Env["GOMEMLIMIT"] != "779MiB" {
		t.Errorf("again: headline %q, original %+v, GOMEMLIMIT %s, %v", p.Collector.Headline, p.Original,
			p.Gateway.Env["GOMEMLIMIT"], err)
	}
}

// Presets of variants go before the limits of the original; protections are none of a copy.
func TestWayOfVariants(t *testing.T) {
	kubeconfig := apiServer(t)
	file := filepath.Join(t.TempDir(), "sizes.yaml")
	if err := os.WriteFile(file, []byte(`name: sizes
load: {rate: 1k}
gateway: {replicas: 2, on_death: restart, max_restarts: 3}
variants:
  - {name: small, set: {gateway.preset: size_s}}
  - {name: as-it-is}
`), 0o644); err != nil {
		t.Fatal(err)
	}
	q, said := questionOf(t, inLab, "--kubeconfig="+kubeconfig)
	if _, _, err := q.trials(t.Context(), []string{file}); err != nil || q.way.target != nil {
		t.Errorf("sizes that are compared: %v, target %+v; want the scenario's own", err, q.way.target)
	}
	if want := "describes: gateway.preset of variant small is said of it."; !strings.Contains(said.String(),
		want) {
		t.Errorf("said %q, want %q", said, want)
	}
	q, _ = questionOf(t, inLab, "--kubeconfig="+kubeconfig, "--gateway=clone")
	_, all, err := q.trials(t.Context(), []string{file})
	if err != nil {
		t.Fatal(err)
	}
	var limits []scenario.Bytes
	for _, a := range all {
		s, err := a.scenario.Resolved()
		if err != nil {
			t.Fatal(err)
		}
		limits = append(limits, s.Gateway.MemoryLimit)
		if g := s.Gateway; g.Replicas != 2 || g.OnDeath != scenario.DeathRestart || g.MaxRestarts != 3 {
			t.Errorf("gateway %+v; want what the scenario says of replicas and of a death", g)
		}
	}
	if want := []scenario.Bytes{300 << 20, 600 << 20}; !slices.Equal(limits, want) {
		t.Errorf("memory limits %v, want %v", limits, want)
	}
	q, _ = questionOf(t, inLab, "--kubeconfig="+kubeconfig, "--gateway=clone")
	_, _, err = q.trials(t.Context(), []string{"oom-prevention"})
	if err == nil || !strings.Contains(err.Error(), "gateway.protection") ||
		!strings.Contains(err.Error(), "the gateway is a copy of odigos-system/odigos-gateway; to ask") {
		t.Errorf("oom-prevention of a copy: %v", err)
	}
}

func TestWayRefuses(t *testing.T) {
	odigos, bare := apiServer(t), answering(t, withoutOdigos)
	for _, c := range []struct {
		kubeconfig string
		args       []string
		code       int
		want       string
	}{
		{"", []string{"--gateway=clone"}, exitUsage, "--gateway: found clone with --environment local, want " +
			"--environment kubernetes"},
		{"", []string{"--exporter=otlp"}, exitUsage, "--exporter: found it with --environment local"},
		{"", []string{"--gateway=copy"}, exitUsage, `found "copy", want scenario or clone or in-place`},
		{
			odigos,
			[]string{inLab, "--gateway=scenario", "--deployment=a/b"},
			exitUsage,
			"--deployment: found it with --gateway scenario, want --gateway clone",
		},
		{bare, []string{inLab, "--gateway=clone"}, exitCannotRun, "found no gateway: no pod labelled"},
		{odigos, []string{inLab, "--exporter=x"}, exitCannotRun, "found no exporter x"},
	} {
		args := append([]string{"plan", "basic-load-1k"}, c.args...)
		if c.kubeconfig != "" {
			args = append(args, "--kubeconfig="+c.kubeconfig)
		}
		var out, said bytes.Buffer
		code := run(args, strings.NewReader(""), &out, &said)
		if code != c.code || !strings.Contains(said.String(), c.want) {
			t.Errorf("%q: exit code %d, %s\nwant %d, %q", c.args, code, said.String(), c.code, c.want)
		}
	}
}

// What prints manifests asks no cluster by itself.
func TestWayOffline(t *testing.T) {
	kubeconfig := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("it asked for %s", r.URL)
	})
	q, said := questionOf(t, inLab, "--kubeconfig="+kubeconfig)
	q.place.offline = true
	if _, _, err := q.trials(t.Context(), []string{"basic-load-1k"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "no cluster was asked whether it has one of Odigos") {
		t.Errorf("said %q", said)
	}
}
