package env_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func ExampleExpand() {
	lookup := func(ref string) (string, error) {
		if ref == "backend.grpc" {
			return "127.0.0.1:40001", nil
		}
		return "", fmt.Errorf("no such port; the ports are backend.grpc")
	}
	fmt.Println(env.Expand("endpoint=$(backend.grpc) price=5$$ home=$HOME", lookup))
	_, err := env.Expand("endpoint=$(backend.http)", lookup)
	fmt.Println(err)
	// Output:
	// endpoint=127.0.0.1:40001 price=5$ home=$HOME <nil>
	// expand $(backend.http): no such port; the ports are backend.grpc
}

func TestExpand(t *testing.T) {
	known := map[string]string{
		"self.grpc": "1.2.3.4:5", "self.six": "[::1]:6", "self.x": "none", "file.a.yaml": "/tmp/$(self.grpc)",
		"file.a.host": "/tmp/a.host",
	}
	lookup := func(ref string) (string, error) {
		if v, ok := known[ref]; ok {
			return v, nil
		}
		return "", fmt.Errorf("unknown")
	}
	for _, c := range []struct{ in, want, fails string }{
		{in: "", want: ""},
		{in: "plain", want: "plain"},
		{in: "$(self.grpc)", want: "1.2.3.4:5"},
		{in: "a$(self.grpc)b$(self.grpc)", want: "a1.2.3.4:5b1.2.3.4:5"},
		{in: "$$(self.grpc)", want: "$(self.grpc)"},
		{in: "$$$(self.grpc)", want: "$1.2.3.4:5"},
		{in: "$", want: "$"},
		{in: "$$", want: "$"},
		{in: "${env:X} $X", want: "${env:X} $X"},
		{in: "--config=$(file.a.yaml)", want: "--config=/tmp/$(self.grpc)"}, // once only
		{in: "$(self.grpc.host) $(self.grpc.port)", want: "1.2.3.4 5"},
		{in: "$(self.six.host) $(self.six.port)", want: "::1 6"},
		{in: "$(file.a.host)", want: "/tmp/a.host"},
		{in: "$(self.x.port)", fails: `halve "none"`},
		{in: "$(other.grpc.port)", fails: "unknown"},
		{in: "$(self.host)", fails: "unknown"},
		{in: "$(self.grpc", fails: "no closing parenthesis"},
		{in: "$(grpc)", fails: `"$(grpc)" is no reference`},
		{in: "$(.grpc)", fails: "is no reference"},
		{in: "$(self.)", fails: "is no reference"},
		{in: "$(self. grpc)", fails: "is no reference"},
		{in: "$(a$(self.grpc))", fails: "is no reference"},
		{in: "$(other.grpc)", fails: "expand $(other.grpc): unknown"},
	} {
		got, err := env.Expand(c.in, lookup)
		switch {
		case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
			t.Errorf("Expand(%q) = %q, %v; want an error with %q", c.in, got, err, c.fails)
		case c.fails == "" && (err != nil || got != c.want):
			t.Errorf("Expand(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{"", "$", "$$", "$(a.b)", "x$(a.b)y$$(", "$(", "$()", "${x}", "$$$(a.b)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		same := func(ref string) (string, error) { return "$(" + ref + ")", nil }
		got, err := env.Expand(s, same)
		if err != nil {
			return
		}
		// With references that stand for themselves only $$ changes.
		if n := len(s) - len(got); n < 0 || n > strings.Count(s, "$$") {
			t.Errorf("Expand(%q) = %q: %d bytes less", s, got, n)
		}
		// What is escaped comes back as it was.
		quoted := strings.ReplaceAll(s, "$", "$$")
		if back, err := env.Expand(quoted, same); err != nil || back != s {
			t.Errorf("Expand(%q) = %q, %v; want %q", quoted, back, err, s)
		}
	})
}
