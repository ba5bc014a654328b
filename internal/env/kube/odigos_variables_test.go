package kube

import "testing"

func TestExpandVariables(t *testing.T) {
	env := []Variable{{Name: "A", Value: "1", Known: true}, {Name: "S", Kind: VariableSecret}}
	for text, want := range map[string]string{
		"": "", "x$(A)y": "x1y", "$(A)$(A)": "11", "$$(A)": "$(A)", "$(B) $(S)": "$(B) $(S)",
		"$": "$", "$(A": "$(A", "a$b": "a$b", "$$": "$",
	} {
		if got := expandVariables(text, env); got != want {
			t.Errorf("expandVariables(%q) = %q, want %q", text, got, want)
		}
	}
}
