package local

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// clockCapability tells whether sleeping until a time due can be exact: the clock's
// resolution, its source, and how much the kernel may add to a timer.
func clockCapability() env.Capability {
	var res unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC, &res); err != nil {
		return env.Capability{
			Name: "clock", Found: "read resolution: " + err.Error(),
			Remedy: "use a kernel with high resolution timers",
		}
	}
	source := fileText("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	if source == "" {
		source = "not known"
	}
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	text := fmt.Sprintf("resolution %s, source %s", time.Duration(res.Nano()), source)
	if err == nil {
		text += fmt.Sprintf(", timer slack %s", time.Duration(slack))
	}
	c := env.Capability{
		Name: "clock", Found: text,
		OK: time.Duration(res.Nano()) <= time.Microsecond && source != "acpi_pm" && source != "hpet",
	}
	if !c.OK {
		c.Remedy = "boot with clocksource=tsc: reading the time is slow, or coarse, with this one"
	}
	return c
}

func fileLimit() (soft, hard uint64, err error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, 0, fmt.Errorf("read limit of open files: %w", err)
	}
	return limit.Cur, limit.Max, nil
}
