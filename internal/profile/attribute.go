package profile

import "strings"

// component names the part that a stack belongs to. It is given from the innermost frame
// outwards.
func component(stack []string) string {
	owner, work, inRuntime := "", "", true
	for _, function := range stack {
		pkg, name := split(function)
		if pkg == "runtime" || strings.HasPrefix(pkg, "internal/runtime/") || pkg == "" {
			if collects(name) {
				return "gc"
			}
			if owner == "" && startsUp(name) {
				owner = ownerStartup
			}
			continue
		}
		inRuntime = false
		if owner != "" {
			continue // what is left is looked at for the collector of garbage alone
		}
		if owner = ownerOf(pkg, name); owner != "" {
			continue
		}
		if w := workOf(pkg, name); work == "" || work == workPdata && isPdata(w) {
			work = w
		}
	}
	return partName(owner, work, inRuntime && len(stack) > 0)
}

func partName(owner, work string, inRuntime bool) string {
	switch {
	case owner == ownerStartup || owner == ownerObservation || owner == ownerTelemetry:
		return owner // what they do does not matter
	case owner != "" && work != "" && work != workPdata:
		return owner + ": " + work
	case owner != "":
		return owner
	case isPdata(work):
		return workPdata
	case work != "":
		return work
	case inRuntime:
		return "runtime"
	}
	return "other"
}

// split takes a function's name apart: "a.b/c.(*T).F" is package "a.b/c" and "(*T).F".
// Type arguments may hold paths and dots of their own, and are cut off before. What is
// not of Go has no package.
func split(function string) (pkg, name string) {
	head, _, _ := strings.Cut(function, "[")
	slash := strings.LastIndexByte(head, '/') + 1
	dot := strings.IndexByte(head[slash:], '.')
	if dot < 0 {
		return "", function // gcWriteBarrier and other assembly, or C
	}
	return head[:slash+dot], function[slash+dot+1:]
}

// collecting are the functions of the runtime below which it collects garbage, whoever
// has to do it: marking, assisting, sweeping, and giving memory back.
var collecting = []string{
	"gcBgMarkWorker", "gcAssistAlloc", "gcStart", "gcMarkDone", "gcMarkTermination",
	"bgsweep", "bgscavenge", "sweepone", "(*sweepLocked).sweep", "deductSweepCredit",
	"deductAssistCredit", "(*mheap).reclaim", "(*pageAlloc).scavenge",
	"gcWriteBarrier", "wbBufFlush", "_GC", "gcParkAssist",
}

func collects(name string) bool {
	for _, of := range collecting {
		if strings.HasPrefix(name, of) {
			return true
		}
	}
	return false
}

func startsUp(name string) bool {
	return strings.HasPrefix(name, "doInit") || name == "main" || name == "schedinit"
}
