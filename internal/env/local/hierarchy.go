package local

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A hierarchy is one mounted tree of cgroups, as this process sees it.
type hierarchy struct {
	Version     int // 1 or 2
	Mount       string
	Controllers []string // of a v1 tree; a v2 tree says so in a file of its own
	// Own is the directory of this process's cgroup. It is empty where that lies
	// outside of what is mounted, as in some containers.
	Own string
}

// readHierarchies reads the two files of /proc that say where cgroups are mounted
// and in which this process is.
func readHierarchies(proc string) ([]hierarchy, error) {
	mounts, err := os.ReadFile(filepath.Join(proc, "mountinfo"))
	if err != nil {
		return nil, fmt.Errorf("find cgroups: %w", err)
	}
	own, err := os.ReadFile(filepath.Join(proc, "cgroup"))
	if err != nil {
		return nil, fmt.Errorf("find cgroups: %w", err)
	}
	found := parseHierarchies(string(mounts), string(own))
	for i, h := range found {
		if info, err := os.Stat(h.Own); h.Own != "" && (err != nil || !info.IsDir()) {
			found[i].Own = ""
		}
	}
	return found, nil
}

// parseHierarchies joins the text of mountinfo with the text of cgroup. Lines that
// it does not understand are of other mounts, and passed over.
func parseHierarchies(mountinfo, cgroup string) []hierarchy {
	own := parseMembership(cgroup)
	var all []hierarchy
	for line := range strings.Lines(mountinfo) {
		left, right, ok := strings.Cut(strings.TrimSpace(line), " - ")
		fields, kind := strings.Fields(left), strings.Fields(right)
		if !ok || len(fields) < 6 || len(kind) < 3 {
			continue
		}
		h := hierarchy{Mount: unescape(fields[4])}
		var path string
		switch kind[0] {
		case "cgroup2":
			h.Version, path = 2, own[""]
		case "cgroup":
			h.Version = 1
			for option := range strings.SplitSeq(kind[2], ",") {
				if p, ok := own[option]; ok && option != "" {
					h.Controllers, path = append(h.Controllers, option), p
				}
			}
			if len(h.Controllers) == 0 {
				continue
			}
		default:
			continue
		}
		h.Own = within(h.Mount, unescape(fields[3]), path)
		all = append(all, h)
	}
	return all
}

// parseMembership reads /proc/PID/cgroup: the path by controller, that of v2 by "".
func parseMembership(cgroup string) map[string]string {
	paths := map[string]string{}
	for line := range strings.Lines(cgroup) {
		parts := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(parts) != 3 || !strings.HasPrefix(parts[2], "/") {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			paths[controller] = parts[2]
		}
	}
	return paths
}

// within is where path of a tree of cgroups is found when root of that tree is
// mounted at mount; empty when it lies outside.
func within(mount, root, path string) string {
	if path == "" || slices.Contains(strings.Split(path, "/"), "..") {
		return ""
	}
	if root == "/" {
		return filepath.Join(mount, path)
	}
	rest, ok := strings.CutPrefix(path, root)
	if !ok || rest != "" && rest[0] != '/' {
		return ""
	}
	return filepath.Join(mount, rest)
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// find is the tree that has a v1 controller, or the v2 tree for the empty name.
func find(all []hierarchy, controller string) (hierarchy, bool) {
	for _, h := range all {
		if controller == "" && h.Version == 2 || slices.Contains(h.Controllers, controller) {
			return h, true
		}
	}
	return hierarchy{}, false
}

// controllersOf is what a v2 cgroup can pass on to its children.
func controllersOf(dir string) []string {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}
