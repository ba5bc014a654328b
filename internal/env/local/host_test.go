package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func TestReadHost(t *testing.T) {
	proc := t.TempDir()
	// user nice system idle iowait irq softirq steal guest guest_nice, in 1/100 s
	const stat = "cpu  1000 200 300 99999 50 0 0 75 500 0\ncpu0 1000 200 300 99999 50 0 0 75 500 0\n"
	if err := os.WriteFile(filepath.Join(proc, "stat"), []byte(stat), 0o644); err != nil {
		t.Fatal(err)
	}
	want := env.Host{BusySeconds: 15, StealSeconds: 0.75} // no pressure: not known
	got, err := readHost(proc)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("readHost() = %+v, %v (-want +got):\n%s", got, err, diff)
	}
	const pressure = "some avg10=0.00 avg60=0.07 avg300=0.15 total=2500000\nfull avg10=0.00 avg60=0.03 " +
		"avg300=0.08 total=1\n"
	if err := os.Mkdir(filepath.Join(proc, "pressure"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cpu", "memory"} {
		if err := os.WriteFile(filepath.Join(proc, "pressure", name), []byte(pressure), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want.CPUStalled, want.MemoryStalled = new(2.5), new(2.5)
	got, err = readHost(proc)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("readHost() = %+v, %v (-want +got):\n%s", got, err, diff)
	}
	if _, err := readHost(t.TempDir()); err == nil {
		t.Error("readHost() of an empty directory gave no error")
	}
}
