// Package internal_test holds the house together: who may import whom.
package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/odigos-io/odigos-stress/"

// floors is the table: a package imports only packages of lower floors.
var floors = map[string]int{
	"internal/scenario": 0, "internal/search": 0, "internal/env": 0, "internal/ledger": 0,
	"internal/otlp": 0, "internal/h2": 0, "internal/admin": 0, "internal/sampler": 0,
	"internal/profile": 0,
	"scenarios":        1, "baselines": 2, "internal/baseline": 1,
	"internal/record": 1, "internal/loadgen": 1, "internal/backend": 1, "internal/gateway": 1,
	"internal/image":     1,
	"internal/env/local": 1, "internal/env/kube": 1, "internal/env/envtest": 1,
	"internal/env/kube/odigostest": 1,
	"internal/plan":                2, "internal/monitor": 2, "internal/verdict": 2,
	"internal/sizing": 2, "internal/clone": 2,
	"internal/trial": 3, "internal/report": 3, "internal/selftest": 3,
	"internal/suite":    4,
	"cmd/odigos-stress": 5,
}

// only names the packages that alone may import what begins with the key.
var only = map[string][]string{
	"os/exec":           {"internal/env/local"},
	"k8s.io/client-go/": {"internal/env/kube", "internal/env/kube/odigostest"},
	"k8s.io/api/":       {"internal/env/kube", "internal/env/kube/odigostest"},
	"github.com/google/go-containerregistry/": {"internal/image"},
	"flag":                                  {"cmd/odigos-stress"},
	"github.com/spf13/":                     {"cmd/odigos-stress"},
	"net/http/pprof":                        {},
	"html/template":                         {},
	"text/template":                         {},
	"testing":                               {"internal/env/envtest", "internal/env/kube/odigostest"},
	module + "internal/env/envtest":         {},
	module + "internal/env/kube/odigostest": {},
}

func TestFloors(t *testing.T) {
	for pkg, imports := range packages(t, "..") {
		floor, ok := floors[pkg]
		if !ok {
			t.Errorf("%s has no floor: put it into the table, and into ARCHITECTURE.md", pkg)
			continue
		}
		for _, imp := range imports {
			for _, problem := range problems(pkg, floor, imp) {
				t.Error(problem)
			}
		}
	}
}

func TestFloorsFindsWhatIsWrong(t *testing.T) {
	cases := []struct{ pkg, imp string }{
		{"internal/ledger", module + "internal/record"},
		{"internal/record", module + "internal/backend"},
		{"internal/report", module + "internal/trial"},
		{"internal/trial", "os/exec"},
		{"internal/plan", "flag"},
		{"cmd/odigos-stress", "html/template"},
	}
	for _, c := range cases {
		if len(problems(c.pkg, floors[c.pkg], c.imp)) == 0 {
			t.Errorf("problems(%s imports %s) found nothing", c.pkg, c.imp)
		}
	}
}

func problems(pkg string, floor int, imp string) []string {
	var out []string
	if inner, ok := strings.CutPrefix(imp, module); ok {
		if other, known := floors[inner]; !known || other >= floor {
			out = append(out, pkg+" (floor "+strconv.Itoa(floor)+") imports "+inner+
				" (floor "+strconv.Itoa(other)+"): a package imports only lower floors")
		}
	}
	for prefix, who := range only {
		if (imp == prefix || strings.HasSuffix(prefix, "/") && strings.HasPrefix(imp, prefix)) &&
			!slices.Contains(who, pkg) {
			out = append(out, pkg+" imports "+imp+": only "+strings.Join(who, ", ")+" may")
		}
	}
	return out
}

// packages maps each package of the module, tests left out, to what it imports.
func packages(t *testing.T, root string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, mod := os.Stat(filepath.Join(file, "go.mod"))
			if file != root && (mod == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		rel, _ := filepath.Rel(root, filepath.Dir(file))
		pkg := path.Clean(filepath.ToSlash(rel))
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		out[pkg] = append(out[pkg], []string{}...)
		for _, spec := range parsed.Imports {
			imp, _ := strconv.Unquote(spec.Path.Value)
			out[pkg] = append(out[pkg], imp)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
