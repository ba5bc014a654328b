package local

import (
	"maps"
	"slices"
	"strings"
)

// scrub takes from an environment what would change how an actor behaves without
// being in the plan: settings of the Go runtime, of OpenTelemetry, of proxies, and
// our own. It returns the names of what it took, sorted; values can be secrets.
func scrub(environ []string) (kept, taken []string) {
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if scrubbed(name) {
			taken = append(taken, name)
		} else {
			kept = append(kept, pair)
		}
	}
	slices.Sort(taken)
	return kept, slices.Compact(taken)
}

func scrubbed(name string) bool {
	switch strings.ToUpper(name) {
	case "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY":
		return true
	}
	if strings.HasPrefix(name, "OTEL_") || strings.HasPrefix(name, "ODIGOS_STRESS_") {
		return true
	}
	// GOGC, GOMEMLIMIT, GOMAXPROCS, GODEBUG … but not GOOGLE_CLOUD_PROJECT, nor GORACE, which
	// programs heed that were built for tests alone.
	return len(name) > 2 && strings.HasPrefix(name, "GO") && !strings.Contains(name, "_") &&
		name != "GORACE"
}

// lookup is the value of a name in an environment; the last one counts.
func lookup(environ []string, name string) string {
	for _, pair := range slices.Backward(environ) {
		if n, value, ok := strings.Cut(pair, "="); ok && n == name {
			return value
		}
	}
	return ""
}

// overlay puts more on top of an environment.
func overlay(environ []string, more map[string]string) []string {
	all := slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		_, replaced := more[name]
		return replaced
	})
	for _, name := range slices.Sorted(maps.Keys(more)) {
		all = append(all, name+"="+more[name])
	}
	return all
}
