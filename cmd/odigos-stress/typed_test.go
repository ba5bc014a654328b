package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a record keeps of a command line has no secrets of URLs, and all the rest.
func TestWithoutSecrets(t *testing.T) {
	got := withoutSecrets([]string{
		"run", "--prometheus=https://ann:pa@ss@prom.example.com:9090/x?a=b@c", "--prometheus",
		"http://token@10.0.0.1:9090", "http://prom.example.com/a@b", "--set",
		"gateway.image=example.com/o@sha256:ab", "--assert", "p(99)<500ms",
	})
	want := []string{
		"run", "--prometheus=https://xxxxx@prom.example.com:9090/x?a=b@c", "--prometheus",
		"http://xxxxx@10.0.0.1:9090", "http://prom.example.com/a@b", "--set",
		"gateway.image=example.com/o@sha256:ab", "--assert", "p(99)<500ms",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("withoutSecrets (-want +got):\n%s", diff)
	}
}
