package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// apiServerAllowing is apiServer for a user with all rights but one, as kubectl writes it, and
// with objects in place of its own: how their paths end, and what they are.
func apiServerAllowing(t *testing.T, butFor string, objects ...string) string {
	t.Helper()
	return apiServerThat(t, func(r *http.Request) (string, bool) {
		for n := 0; n < len(objects); n += 2 {
			if strings.HasSuffix(r.URL.Path, objects[n]) {
				return objects[n+1], true
			}
		}
		if !strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews") {
			return "", false
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
		if err != nil {
			t.Errorf("%v: %q", err, body)
			return "", false
		}
		of := asked.(*authorizationv1.SelfSubjectAccessReview).Spec.ResourceAttributes
		name := fmt.Sprintf("%s %s.%s in %s", of.Verb, of.Resource, of.Group, of.Namespace)
		return fmt.Sprintf(`{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
 "status": {"allowed": %t, "reason": "says the test"}}`, name != butFor), true
	})
}

func doctored(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(append([]string{"doctor", inLab}, args...), strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// Whoever wants to ask an installation in place is told beforehand what a run would lack there.
func TestDoctorInPlace(t *testing.T) {
	kubeconfig := "--kubeconfig=" + apiServerAllowing(t, "create destinations.odigos.io in odigos-system")
	code, stdout, stderr := doctored(kubeconfig, "--gateway=in-place")
	if code != exitCannotRun {
		t.Errorf("exit code %d, want %d: %s", code, exitCannotRun, stderr)
	}
	for _, want := range []string{
		"ok       gateway: odigos-system/odigos-gateway, docker.io/keyval/odigos-collector:v1.35.1, limits",
		"ok       create jobs.batch: allowed",
		"ok       create jobs.batch in odigos-system: allowed",
		"missing  create destinations.odigos.io in odigos-system: not allowed: says the test",
		"missing  installation: ",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout has no %q:\n%s", want, stdout)
		}
	}
	for _, want := range []string{"create destinations.odigos.io in odigos-system", "installation"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr has no %q: %s", want, stderr)
		}
	}
}

// An installation without limits is refused, as a run refuses it.
func TestDoctorInPlaceWithoutLimits(t *testing.T) {
	const limits = `"limits": {"cpu": "1", "memory": "600Mi"}`
	without := strings.Replace(gatewayDeployment, limits, `"limits": {"cpu": "1"}`, 1)
	if without == gatewayDeployment {
		t.Fatal("the gateway of the test has other limits")
	}
	code, stdout, _ := doctored("--gateway=in-place",
		"--kubeconfig="+apiServerAllowing(t, "", "deployments/odigos-gateway", without))
	if code != exitCannotRun || !strings.Contains(stdout, "missing  gateway: use odigos-system/odigos-gateway") ||
		!strings.Contains(stdout, "want CPU and memory limited") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

// Of a copy it is told whether its original may be read; without a word of it nothing is.
func TestDoctorOfClone(t *testing.T) {
	kubeconfig := "--kubeconfig=" + apiServerAllowing(t, "")
	const there = "ok       gateway: odigos-system/odigos-gateway, docker.io/keyval/odigos-collector:v1.35.1"
	_, stdout, _ := doctored(kubeconfig, "--gateway=clone")
	if !strings.Contains(stdout, there) || strings.Contains(stdout, "installation") {
		t.Errorf("of a copy stdout should have %q and no installation:\n%s", there, stdout)
	}
	code, stdout, _ := doctored(kubeconfig, "--deployment=other/collector")
	if code != exitCannotRun || !strings.Contains(stdout, "missing  gateway: find gateway: ") {
		t.Errorf("of one that is not there: exit code %d\n%s", code, stdout)
	}
	if _, stdout, _ = doctored(kubeconfig); strings.Contains(stdout, " gateway: ") {
		t.Errorf("of none that is named:\n%s", stdout)
	}
}

// What contradicts itself is refused as a run refuses it.
func TestDoctorRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--allow-live"}, "--allow-live: found it without --gateway in-place"},
		{[]string{"--gateway=scenario", "--container=c"}, "--container: found it with --gateway scenario"},
		{[]string{"--gateway=in-place", "--odigos-object=none.yaml", "--kubeconfig=" + apiServer(t)}, "none.yaml"},
	} {
		if code, _, stderr := doctored(c.args...); code != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d, %s; want %d, %q", c.args, code, stderr, exitUsage, c.want)
		}
	}
}
