package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// commands are the indented command lines of a markdown text.
func commands(text string) []string {
	var out []string
	fenced := false // a terminal's output, which may be indented too
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if fenced {
			continue
		}
		if c, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "    "); ok {
			out = append(out, c)
		}
	}
	return out
}

// TestReadmeCommands runs every command that the README and the page on capacity show, with a
// measured time of a second laid over those that would take minutes. The larger rates and the
// searches are planned, not run: they ask for more than a test may take.
func TestReadmeCommands(t *testing.T) {
	var shown []string
	for _, page := range []string{"../../README.md", "../../docs/capacity.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, commands(string(text))...)
	}
	ran := 0
	for _, c := range shown {
		t.Run(c, func(t *testing.T) {
			ran++
			words := strings.Fields(c)
			switch {
			case c == "make stress-test SCENARIO=basic-load-1k":
				shell(t, c, "DURATION=1s", "ODIGOS_STRESS_WARM_UP=0s", "ODIGOS_STRESS_RESULTS="+t.TempDir())
			case words[0] == "make" && words[1] == "capacity":
				shell(t, "bin/odigos-stress capacity --dry-run "+makeVariables(t, words))
			case words[0] == "make":
				shell(t, "bin/odigos-stress plan "+makeVariables(t, words))
			case strings.HasPrefix(c, "bin/odigos-stress capacity --resume"):
				// the story in testdata/script/capacity.txtar goes on with a search
			case strings.HasPrefix(c, "bin/odigos-stress capacity"):
				shell(t, c+" --dry-run")
			case strings.HasPrefix(c, "bin/odigos-stress run "):
				shell(t, strings.Replace(c, " run ", " plan ", 1))
			case c == "bin/odigos-stress selftest":
				shell(t, c+" --quick", "XDG_DATA_HOME="+t.TempDir())
			case strings.HasPrefix(c, "bin/odigos-stress "):
				shell(t, c)
			default:
				t.Errorf("nobody knows how to try %q", c)
			}
		})
	}
	if ran < 12 {
		t.Errorf("the pages show %d commands, want at least 12", ran)
	}
}

// makeVariables turns make's variables into the flags that run-stress-test.sh makes of
// them.
func makeVariables(t *testing.T, words []string) string {
	t.Helper()
	script, err := os.ReadFile("../../run-stress-test.sh")
	if err != nil {
		t.Fatal(err)
	}
	name, flags := "custom", []string{}
	for _, w := range words[2:] {
		variable, value, _ := strings.Cut(w, "=")
		if variable == "SCENARIO" {
			name = value
			continue
		}
		m := regexp.MustCompile(`"(--[a-z-]+)=\$` + variable + `"`).FindStringSubmatch(string(script))
		if m == nil {
			t.Fatalf("run-stress-test.sh does not know %s", variable)
		}
		flags = append(flags, m[1]+"="+value)
	}
	return name + " " + strings.Join(flags, " ")
}

func shell(t *testing.T, command string, environ ...string) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), "sh", "-c", command)
	cmd.Dir, _ = filepath.Abs("../..")
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "MAKEFLAGS="), environ...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
}

// TestReadmeScenario reads the scenario that the README shows.
func TestReadmeScenario(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "```yaml\n")
	text, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the README shows no scenario")
	}
	if _, err := scenario.Read("README.md", []byte(text)); err != nil {
		t.Error(err)
	}
}
