package env

import (
	"math"
	"strconv"
	"strings"
)

// GoRuntime is how an actor's environment sets the Go runtime. What is not set there is
// 0: the runtime then decides by itself, and does not always tell (see GoChooser).
type GoRuntime struct {
	MemLimit int64 // GOMEMLIMIT, in bytes
	MaxProcs int   // GOMAXPROCS
	// GC is GOGC in percent, 100 where it is not set, and 0 where it is off.
	GC int
}

// GoRuntime reads the actor's environment as the Go runtime does; what the runtime would
// not understand counts as not set.
func (a Actor) GoRuntime() GoRuntime {
	r := GoRuntime{MemLimit: goBytes(a.Env["GOMEMLIMIT"]), GC: 100}
	if n, err := strconv.Atoi(a.Env["GOMAXPROCS"]); err == nil && n > 0 {
		r.MaxProcs = n
	}
	switch text := a.Env["GOGC"]; {
	case text == "off":
		r.GC = 0
	case text != "":
		if n, err := strconv.Atoi(text); err == nil {
			r.GC = max(0, n)
		}
	}
	return r
}

// goBytes reads a size as GOMEMLIMIT spells it; 0 for none.
func goBytes(text string) int64 {
	unit := int64(1)
	for i, suffix := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if number, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = number, 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(text, "B"), 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0
	}
	return n * unit
}
