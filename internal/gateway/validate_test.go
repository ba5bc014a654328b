package gateway_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/gateway"
)

// The collector itself says whether a configuration is right.
func TestCollectorAcceptsConfigurations(t *testing.T) {
	binary, err := filepath.Abs("../../bin/" + gateway.Sibling)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Skipf("no collector at %s: build it with: make build", binary)
	}
	setups := flavours(t)
	setups["user.yaml"] = userSetup(t)
	for name, s := range setups {
		if name == "odigos.golden.yaml" || name == "stock-scraping.golden.yaml" {
			continue // of components that this collector lacks
		}
		t.Run(name, func(t *testing.T) { validate(t, binary, s.Actor) })
	}
}

// The list that Identify reads is the one that the collector prints today.
func TestIdentifyRealCollector(t *testing.T) {
	binary := "../../bin/" + gateway.Sibling
	out, err := exec.Command(binary, "components").Output()
	if err != nil {
		t.Skipf("%v: build it with: make build", err)
	}
	c, err := gateway.Identify(binary, out)
	if err != nil || c.Name != gateway.Sibling || c.Odigos() {
		t.Fatalf("Identify = %+v, %v", c, err)
	}
}

func validate(t *testing.T, binary string, a env.Actor) {
	t.Helper()
	dir, port := t.TempDir(), 40000
	lookup := func(ref string) (string, error) {
		if file, ok := strings.CutPrefix(ref, "file."); ok {
			return filepath.Join(dir, file), nil
		}
		port++
		return fmt.Sprintf("127.0.0.1:%d", port), nil
	}
	for name, text := range a.Files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(binary, "validate")
	for _, arg := range a.Args {
		arg, err := env.Expand(arg, lookup)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Args = append(cmd.Args, arg)
	}
	cmd.Env = []string{"VENDOR_KEY=x"}
	for name, value := range a.Env {
		value, err := env.Expand(value, lookup)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s\n%v", strings.Join(cmd.Args, " "), err, out, a.Files)
	}
}
