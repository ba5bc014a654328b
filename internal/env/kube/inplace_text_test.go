package kube

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsEdited(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		set              settings
		whole            bool
	}{
		{
			name: "one that is there keeps its comment",
			text: "# ours\na: 1 # one\ncollectorGateway: # sizes\n    limitCPUm: 300 # thousandths\n    x: y\nb: [1, 2]\n",
			set:  settings{"limitCPUm": new(1000)},
			want: "# ours\na: 1 # one\ncollectorGateway: # sizes\n    limitCPUm: 1000 # thousandths\n    x: y\nb: [1, 2]\n",
		},
		{
			name: "one that is not there is put before the others, with their indentation",
			text: "collectorGateway:\n    minReplicas: 2\nz: 1\n",
			set:  settings{"limitMemoryMiB": new(600), "minReplicas": new(1)},
			want: "collectorGateway:\n    limitMemoryMiB: 600\n    minReplicas: 1\nz: 1\n",
		},
		{
			name: "no section, no last line end",
			text: "a: 1", set: settings{"limitCPUm": new(5), "limitMemoryMiB": new(6)},
			want: "a: 1\ncollectorGateway:\n  limitMemoryMiB: 6\n  limitCPUm: 5\n",
		},
		{
			name: "an empty text", text: "", set: settings{"limitCPUm": new(5)},
			want: "collectorGateway:\n  limitCPUm: 5\n",
		},
		{
			name: "an empty section", text: "a: 1\ncollectorGateway: {}\nb: 2\n",
			set: settings{"limitCPUm": new(5)}, want: "a: 1\ncollectorGateway:\n  limitCPUm: 5\nb: 2\n",
		},
		{
			name: "a section that is null", text: "collectorGateway:\nb: 2\n",
			set: settings{"limitCPUm": new(5)}, want: "collectorGateway:\n  limitCPUm: 5\nb: 2\n",
		},
		{
			name: "one is taken away", text: "collectorGateway:\n  a: b\n  limitCPUm: 5 # x\n",
			set: settings{"limitCPUm": nil}, want: "collectorGateway:\n  a: b\n",
		},
		{
			name: "the last is taken away, and the section with it",
			text: "a: 1\ncollectorGateway:\n  limitCPUm: 5\nb: 2\n", whole: true,
			set: settings{"limitCPUm": nil}, want: "a: 1\nb: 2\n",
		},
		{
			name: "what is not there is taken away", text: "a: 1\n", set: settings{"limitCPUm": nil},
			want: "a: 1\n",
		},
		{
			name: "one in quotes of the same name elsewhere is left",
			text: "other:\n  limitCPUm: 1\ncollectorGateway:\n  limitCPUm: 300\n",
			set:  settings{"limitCPUm": new(7)},
			want: "other:\n  limitCPUm: 1\ncollectorGateway:\n  limitCPUm: 7\n",
		},
	} {
		got, err := c.set.edited(c.text, c.whole)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, diff)
		}
	}
}

func TestSettingsRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a: [", "read YAML"},
		{"- a\n", "mapping is expected"},
		{"{a: 1}\n", "in braces"},
		{"collectorGateway: {a: b}\n", "in braces"},
		{"collectorGateway: 3\n", "want a mapping"},
		{"collectorGateway: &x\n  limitCPUm: 1\nother: *x\n", "found Anchor, want a mapping"},
		{"a: 1\n---\nb: 2\n", "2 YAML documents"},
	} {
		got, err := settings{"limitCPUm": new(7)}.edited(c.text, false)
		contains(t, fmt.Sprintf("edited(%q) = %q", c.text, got), err, c.want)
	}
	_, err := settingsOf("collectorGateway: {limitCPUm: many}\n", []string{"limitCPUm"})
	contains(t, "settingsOf", err, "collectorGateway.limitCPUm: found many, want a whole number")
}

// What is set and then set back by its own name leaves the text to the letter, where the
// settings were there or the section was not.
func TestSettingsThereAndBack(t *testing.T) {
	names := []string{"limitCPUm", "limitMemoryMiB", "maxReplicas", "minReplicas", "other"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var text strings.Builder
		text.WriteString("a: 1 # first\n")
		there := map[string]bool{}
		if r.IntN(4) > 0 {
			text.WriteString("collectorGateway:\n")
			for _, name := range names {
				if name == "other" || r.IntN(2) == 0 {
					there[name] = true
					fmt.Fprintf(&text, "  %s: %d # %s\n", name, r.IntN(9000), name)
				}
			}
		}
		text.WriteString("b:\n- 1\n")
		change := settings{}
		for _, name := range names[:4] {
			if r.IntN(2) == 0 {
				change[name] = new(r.IntN(9000))
			}
		}
		before, err := settingsOf(text.String(), slices.Collect(maps.Keys(change)))
		if err != nil {
			t.Fatal(err)
		}
		out, err := change.edited(text.String(), false)
		if err != nil {
			t.Fatal(err)
		}
		back, err := before.edited(out, len(there) == 0)
		if diff := cmp.Diff(text.String(), back); diff != "" || err != nil {
			t.Fatalf("%v there and back, %v (-before +after):\n%s", change, err, diff)
		}
	}
}
