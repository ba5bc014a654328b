package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// mostLinks is how many symbolic links a path may lead through, as in Linux.
const mostLinks = 40

// follow is where a path leads for a process whose root directory is root: links are
// followed, absolute ones from root, and .. stops at it. It is relative to root, has no
// link in it, and need not exist.
//
// os.Root follows links too, but takes an absolute one for an escape.
func follow(root *os.Root, name string) (string, error) {
	at, links := ".", 0
	for left := strings.Split(name, "/"); len(left) > 0; {
		part := left[0]
		left = left[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		info, err := root.Lstat(next)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if err != nil {
			return "", err
		}
		if links++; links > mostLinks {
			return "", fmt.Errorf("follow %s: found more than %d links, want fewer", name, mostLinks)
		}
		target, err := root.Readlink(next)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			at = "."
		}
		left = append(strings.Split(target, "/"), left...)
	}
	return at, nil
}

// within is the target of a link that lies in dir, for a process whose root is another: an
// absolute one, and one that would lead above the root, is relative and ends below it. It
// climbs at its beginning alone: where .. leads after the name of another link, only the
// kernel knows.
func within(dir, target string) string {
	from := path.Join(dir, target)
	if path.IsAbs(target) {
		from = target
	} else if filepath.IsLocal(from) {
		return path.Clean(target)
	}
	below := strings.TrimPrefix(path.Clean("/"+from), "/")
	relative, err := filepath.Rel(dir, path.Join(".", below))
	if err != nil {
		return below // both are relative, so it cannot fail
	}
	return relative
}
