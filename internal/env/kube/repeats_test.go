package kube

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// What is said again is told once in a while, with how often it was, and none of it is lost.
func TestRepeats(t *testing.T) {
	began := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	r := newRepeats()
	var told []string
	tell := func(h env.Happening) { told = append(told, h.At.Format("05 ")+h.Text) }
	hear := func(second int, of, text string, times int) {
		at := began.Add(time.Duration(second) * time.Second)
		s := said{Happening: env.Happening{At: at, Text: text}, of: of, times: times}
		if h, now := r.add(s, at); now {
			tell(h)
		}
	}
	look := func(second int) {
		for _, h := range r.due(began.Add(time.Duration(second)*time.Second - repeatEvery)) {
			tell(h)
		}
	}
	hear(0, "probe", "probe failed", 1)
	hear(1, "", "restart 1", 1)
	hear(1, "", "restart 1", 1)
	hear(2, "probe", "probe failed", 1)
	hear(4, "back-off", "back-off", 3)
	hear(9, "probe", "probe failed, too", 4)
	look(10)
	look(30)
	look(40)
	hear(50, "back-off", "back-off", 1)
	hear(51, "probe", "probe failed", 1)
	hear(52, "back-off", "back-off", 1)
	hear(52, "back-off", "back-off", 1)
	look(81)
	look(82)
	want := []string{
		"00 probe failed", "01 restart 1", "01 restart 1", "04 back-off (3 times)",
		"09 probe failed, too (5 times in 7s)", "50 back-off", "51 probe failed",
		"52 back-off (2 times)",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
