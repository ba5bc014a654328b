package env

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGoRuntime(t *testing.T) {
	for _, c := range []struct {
		vars map[string]string
		want GoRuntime
	}{
		{nil, GoRuntime{GC: 100}},
		{
			map[string]string{"GOMEMLIMIT": "440MiB", "GOMAXPROCS": "2", "GOGC": "50"},
			GoRuntime{MemLimit: 440 << 20, MaxProcs: 2, GC: 50},
		},
		{map[string]string{"GOMEMLIMIT": "1000B", "GOGC": "off"}, GoRuntime{MemLimit: 1000}},
		{map[string]string{"GOMEMLIMIT": "4096", "GOMAXPROCS": "0"}, GoRuntime{MemLimit: 4096, GC: 100}},
		{map[string]string{"GOMEMLIMIT": "off"}, GoRuntime{GC: 100}},
		{map[string]string{"GOMEMLIMIT": "9999999TiB", "GOGC": "much"}, GoRuntime{GC: 100}},
	} {
		got := Actor{Env: c.vars}.GoRuntime()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("GoRuntime of %v (-want +got):\n%s", c.vars, diff)
		}
	}
}
