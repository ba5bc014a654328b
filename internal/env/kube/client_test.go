package kube

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const kubeconfigText = `apiVersion: v1
kind: Config
current-context: one
clusters:
- {name: c1, cluster: {server: "https://one.example:6443/prefix"}}
- {name: c2, cluster: {server: "https://two.example"}}
users:
- {name: u, user: {token: secret}}
contexts:
- {name: one, context: {cluster: c1, user: u, namespace: shop}}
- {name: two, context: {cluster: c2, user: u}}
- {name: broken, context: {cluster: c3, user: u}}
`

func TestConnect(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config")
	second := filepath.Join(dir, "second")
	empty := filepath.Join(dir, "empty")
	for path, text := range map[string]string{
		file: kubeconfigText, empty: "apiVersion: v1\nkind: Config\n",
		second: strings.NewReplacer("one", "uno", "two", "due", "c1", "d1", "c2", "d2").Replace(kubeconfigText),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for _, c := range []struct {
		cluster                   Cluster
		server, asked, where, err string
	}{
		{
			cluster: Cluster{Kubeconfig: file}, server: "https://one.example:6443/prefix", asked: "shop",
			where: "context one of " + file,
		},
		{
			cluster: Cluster{Kubeconfig: file, Context: "two", As: "ann"}, server: "https://two.example",
			asked: "default", where: "context two of " + file + " as ann",
		},
		{
			cluster: Cluster{Kubeconfig: file + ":" + second, Context: "due"}, server: "https://due.example",
			asked: "default", where: "context due of " + second,
		},
		{
			cluster: Cluster{Kubeconfig: file, Namespace: "mine"}, server: "https://one.example:6443/prefix",
			asked: "mine", where: "context one of " + file,
		},
		{cluster: Cluster{Kubeconfig: file, Context: "six"}, err: `use context "six": ` + file +
			" has none of that name; it has: broken, one, two"},
		{cluster: Cluster{Kubeconfig: file, Context: "broken"}, err: "use context broken of " + file},
		{cluster: Cluster{Kubeconfig: dir + "/none"}, err: "read kubeconfig: stat " + dir + "/none"},
		{cluster: Cluster{Kubeconfig: empty}, err: "find a cluster: " + empty + " names none"},
	} {
		a, err := connect(c.cluster)
		if c.err != "" {
			contains(t, "connect", err, c.err)
			continue
		}
		if err != nil {
			t.Errorf("connect(%+v): %v", c.cluster, err)
			continue
		}
		if got := strings.TrimSuffix(a.base.String(), "/"); got != c.server || a.asked != c.asked || a.where != c.where {
			t.Errorf("connect(%+v) = %s, %s, %s; want %s, %s, %s", c.cluster, got, a.asked, a.where,
				c.server, c.asked, c.where)
		}
		a.close()
	}
}
