package verdict_test

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// A kubelet tells each second what a new container uses, and seldom once it measures it
// itself: what the gateway says of its own CPU is judged then.
func TestUsageThatBecomesSeldom(t *testing.T) {
	const always = 1e9
	for _, c := range []struct {
		judgeCase
		text string
	}{
		{judgeCase{
			name: "calm", record: becomesSeldom, want: "pass valid 0", check: "cpu",
			severity: verdict.Held,
		}, "by its own metrics at most"},
		{judgeCase{
			name: "full from half-way on", trial: hotFrom(45, always, .97), record: becomesSeldom,
			want: "fail valid 99", check: "cpu", severity: verdict.Critical,
		}, "by its own metrics at or above 0.90 cores"},
		{judgeCase{
			name: "full from half-way on, and it does not tell", trial: hotFrom(35, always, .97),
			record: func(r *record.Record) { trials.Kubelet(r, atFirst(25, 13, 13, 13, 13, 13)...) },
			want:   "fail valid 99", check: "cpu", severity: verdict.Critical,
		}, "between readings 13 s apart"},
		{judgeCase{
			name: "memory critical from half-way on", trial: fullFrom(35, always, 590),
			record: becomesSeldom, want: "fail valid 99", check: "memory", severity: verdict.Critical,
		}, "at or above 540 MiB"},
		{judgeCase{
			name: "full once nothing is read any more", trial: hotFrom(45, always, .97),
			record: func(r *record.Record) {
				trials.OwnCPU(r)
				trials.Kubelet(r, atFirst(40, 1000)...)
			}, want: "fail valid 99", check: "cpu", severity: verdict.Critical,
		}, "by its own metrics"},
	} {
		checkCoarse(t, c.judgeCase, c.text)
	}
	r := trials.Calm().Record()
	becomesSeldom(r)
	f := verdict.Measure(r)
	if f.CPU.Source != verdict.BySelf || f.CPU.Windows < 50 {
		t.Errorf("CPU by %q over %d windows, want its own metrics over 50 or more", f.CPU.Source,
			f.CPU.Windows)
	}
	if m := f.Memory; m.Resolution == nil || *m.Resolution != 13 {
		t.Errorf("memory is read every %v s, want 13", m.Resolution)
	}
}

func becomesSeldom(r *record.Record) {
	trials.OwnCPU(r)
	trials.Kubelet(r, atFirst(25, 13, 13, 13, 13, 13)...)
}
