package gateway_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

var update = flag.Bool("update", false, "write the golden files")

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// collector is the one whose list of components is in testdata.
func collector(t testing.TB, name string) gateway.Collector {
	t.Helper()
	c, err := gateway.Identify("/bin/"+name, read(t, "components-"+name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, name)), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it:\n%s", path, diff)
	}
}

func ExampleCollector_Headline() {
	own := gateway.Collector{Name: "otelcol", Version: "0.157.0"}
	fmt.Println(own.Headline(scenario.GatewayOdigos))
	fmt.Println(own.Headline(scenario.GatewayOtelcol))
	own.Name, own.Version = "odigosotelcol", "0.151.0"
	own.Components = map[string][]string{"connectors": {"odigosrouterconnector"}}
	fmt.Println(own.Headline(scenario.GatewayOdigos))
	// Output:
	// otelcol 0.157.0, Odigos-shaped (not Odigos)
	// otelcol 0.157.0, user's configuration
	// odigosotelcol 0.151.0
}

func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		file, name, version string
		odigos              bool
		has                 string
	}{
		{"stock", "odigos-stress-otelcol", "0.157.0", false, "otlp_grpc"},
		{"odigos", "odigosotelcol", "0.151.0", true, "otlp_grpc"},
		{"old", "otelcol", "0.70.0", false, "logging"},
	} {
		got := collector(t, c.file)
		if got.Name != c.name || got.Version != c.version || got.Odigos() != c.odigos {
			t.Errorf("Identify(%s) = %s %s, Odigos %v; want %s %s, %v", c.file,
				got.Name, got.Version, got.Odigos(), c.name, c.version, c.odigos)
		}
		if ids := strings.Join(got.Components["exporters"], " "); !strings.Contains(ids, c.has) {
			t.Errorf("Identify(%s): exporters %q; want %s among them", c.file, ids, c.has)
		}
	}
	if ids := collector(t, "stock").Components["providers"]; !cmp.Equal(ids, []string{"env", "file", "yaml"}) {
		t.Errorf("providers: %v", ids)
	}
}

func TestIdentifyRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "names no command",
		"usage: cat [FILE]":             "",
		"a: [":                          "read what",
		"buildinfo: {command: otelcol}": "no command and version",
		"buildinfo: {command: x, version: 1}\nreceivers: []": "lists no receiver",
	} {
		if _, err := gateway.Identify("/bin/x", []byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Identify(%q): %v; want an error with %q", in, err, want)
		}
	}
}

func FuzzIdentify(f *testing.F) {
	for _, name := range []string{"stock", "odigos", "old"} {
		f.Add(read(f, "components-"+name+".yaml"))
	}
	f.Add([]byte("buildinfo: [1]"))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := gateway.Identify("x", in)
		if err == nil && (c.Name == "" || c.Version == "" || len(c.Components["receivers"]) == 0) {
			t.Errorf("Identify(%q) = %+v and no error", in, c)
		}
	})
}

func TestCandidates(t *testing.T) {
	odigos := scenario.Gateway{Kind: scenario.GatewayOdigos}
	named := odigos
	named.Binary = "my-otelcol"
	for _, c := range []struct {
		g     scenario.Gateway
		named string
		want  string
	}{
		{odigos, "", "odigosotelcol odigos-stress-otelcol@sibling otelcol-contrib otelcol"},
		{
			scenario.Gateway{Kind: scenario.GatewayOtelcol},
			"",
			"odigos-stress-otelcol@sibling otelcol-contrib otelcol",
		},
		{odigos, "./otelcol", "./otelcol!"},
		{named, "", "my-otelcol!"},
		{named, "/opt/otelcol", "/opt/otelcol!"},
	} {
		var got []string
		for _, cand := range gateway.Candidates(c.g, c.named) {
			where := cand.Name
			if cand.Sibling {
				where += "@sibling"
			}
			if cand.Required {
				where += "!"
			}
			got = append(got, where)
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("Candidates(%s, %q) (-want +got):\n%s", c.g.Kind, c.named, diff)
		}
	}
	err := gateway.NotFound(gateway.Candidates(odigos, ""))
	for _, want := range []string{"odigosotelcol on PATH", "beside the tool", "make build"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("NotFound: %q is not in:\n%v", want, err)
		}
	}
}

func TestGoMemLimit(t *testing.T) {
	for in, want := range map[scenario.Bytes]string{440 << 20: "440MiB", 1000: "1000B"} {
		if got := gateway.GoMemLimit(in); got != want {
			t.Errorf("GoMemLimit(%d) = %s, want %s", in, got, want)
		}
	}
}
