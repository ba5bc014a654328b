package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// limits bound what an image may take of the disk.
type limits struct {
	bytes   int64
	entries int
}

// most is far above any collector: the largest known take some 500 MB.
var most = limits{bytes: 4 << 30, entries: 200_000}

// An unpacker lays layers upon each other below a directory, the lowest first, as the OCI
// image specification says (layer.md): a file covers what was there, and a whiteout takes
// it away. Owners, times, extended attributes, and the bits for setuid, setgid and sticky
// are not kept; devices and pipes are left out. Nothing is written outside of the
// directory, whatever the layers say.
type unpacker struct {
	root *os.Root
	most limits

	bytes   int64 // of files
	read    int64 // of tars
	entries int
}

const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// layer unpacks one layer, and reads it to its end, where its digest is checked.
func (u *unpacker) layer(content io.Reader) error {
	in := &bounded{content, u}
	placed := map[string]bool{}
	for t := tar.NewReader(in); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		if u.entries++; u.entries > u.most.entries {
			return fmt.Errorf("unpack: found more than %d files, want fewer: no collector has so many",
				u.most.entries)
		}
		if err := u.entry(h, t, placed); err != nil {
			return fmt.Errorf("unpack %q: %w", shown(h.Name), err)
		}
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return fmt.Errorf("read tar: %w", err)
	}
	return nil
}

// shown is a name as errors tell it.
func shown(name string) string {
	const most = 200
	if len(name) > most {
		return name[:most] + "…"
	}
	return name
}

// entry unpacks one entry. Placed are the paths that this layer has brought so far, and
// those above them: its own whiteouts are about lower layers only.
func (u *unpacker) entry(h *tar.Header, content io.Reader, placed map[string]bool) error {
	name, err := entryName(h.Name)
	if err != nil || name == "." {
		return err
	}
	dir, base := path.Split(name)
	parent, err := follow(u.root, dir)
	if err != nil {
		return err
	}
	switch hidden, hides := strings.CutPrefix(base, whiteout); {
	case base == opaque:
		return u.hideIn(parent, placed)
	case hides:
		if hidden == "" || hidden == "." || hidden == ".." {
			return fmt.Errorf("found a whiteout of nothing, want %sNAME", whiteout)
		}
		return u.hide(path.Join(parent, hidden), placed)
	}
	if err := u.root.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make its directory: %w", err)
	}
	at := path.Join(parent, base)
	for p := at; p != "." && !placed[p]; p = path.Dir(p) {
		placed[p] = true
	}
	return u.place(h, content, at)
}

// place puts an entry where it belongs, in place of what was there.
func (u *unpacker) place(h *tar.Header, content io.Reader, at string) error {
	if h.Typeflag == tar.TypeDir {
		return u.directory(at)
	}
	target, err := u.target(h)
	if err != nil {
		return err
	}
	if h.Typeflag == tar.TypeLink && target == at {
		return nil
	}
	if err := u.root.RemoveAll(at); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		return u.file(h, content, at)
	case tar.TypeSymlink:
		return u.root.Symlink(within(path.Dir(at), h.Linkname), at)
	case tar.TypeLink:
		return u.link(target, at)
	}
	return nil
}

// link gives a file another name. What a symbolic link says goes from where it lies, so that
// another name for one is another link.
func (u *unpacker) link(target, at string) error {
	info, err := u.root.Lstat(target)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return u.root.Link(target, at)
	}
	says, err := u.root.Readlink(target)
	if err != nil {
		return err
	}
	return u.root.Symlink(within(path.Dir(at), says), at)
}

// target is what a hard link is to be another name of; it lies in the root.
func (u *unpacker) target(h *tar.Header) (string, error) {
	if h.Typeflag != tar.TypeLink {
		return "", nil
	}
	name, err := entryName(h.Linkname)
	if err != nil {
		return "", fmt.Errorf("link to %q: %w", h.Linkname, err)
	}
	dir, base := path.Split(name)
	if dir, err = follow(u.root, dir); err != nil {
		return "", err
	}
	target := path.Join(dir, base)
	info, err := u.root.Lstat(target)
	if err != nil {
		return "", fmt.Errorf("link to %q: found nothing of that name in the image, want a file",
			h.Linkname)
	}
	if info.IsDir() {
		return "", fmt.Errorf("link to %q: found a directory, want a file", h.Linkname)
	}
	return target, nil
}

func (u *unpacker) directory(at string) error {
	if info, err := u.root.Lstat(at); err == nil && info.IsDir() {
		return nil
	}
	if err := u.root.RemoveAll(at); err != nil {
		return err
	}
	return u.root.Mkdir(at, 0o755)
}

func (u *unpacker) file(h *tar.Header, content io.Reader, at string) error {
	if h.Size > u.most.bytes-u.bytes {
		return u.tooLarge()
	}
	u.bytes += h.Size
	mode := fs.FileMode(h.Mode)&0o755 | 0o400
	f, err := u.root.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// hide takes away what lower layers have at a path; what this layer has there stays.
func (u *unpacker) hide(at string, placed map[string]bool) error {
	if !placed[at] {
		return u.root.RemoveAll(at)
	}
	return u.hideIn(at, placed)
}

// hideIn takes away what lower layers have in a directory.
func (u *unpacker) hideIn(dir string, placed map[string]bool) error {
	info, err := u.root.Lstat(dir)
	if err != nil || !info.IsDir() {
		return nil //nolint:nilerr // there is nothing to hide
	}
	f, err := u.root.Open(dir)
	if err != nil {
		return err
	}
	names, err := f.Readdirnames(-1)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, name := range names {
		if err := u.hide(path.Join(dir, name), placed); err != nil {
			return err
		}
	}
	return nil
}

// mostName is how long the name of a file may be with its path, as in Linux (PATH_MAX).
const mostName = 4096

// entryName is the name of an entry as a path below the root.
func entryName(name string) (string, error) {
	if len(name) > mostName {
		return "", fmt.Errorf("found a name of %d bytes, want at most %d", len(name), mostName)
	}
	if strings.ContainsRune(name, 0) {
		return "", errors.New("found a zero byte in the name, want none")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New("found .. in the name, want a path below the root of the image")
		}
	}
	name = path.Clean(strings.TrimLeft(name, "/"))
	if !filepath.IsLocal(name) {
		return "", errors.New("found a name outside of the image, want a path below its root")
	}
	return name, nil
}

// A bounded reader fails once more came of all layers than may: a few bytes can be many,
// uncompressed, without being a file.
type bounded struct {
	r io.Reader
	u *unpacker
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.u.read += int64(n); b.u.read > b.u.most.bytes {
		return 0, b.u.tooLarge()
	}
	return n, err
}

func (u *unpacker) tooLarge() error {
	return fmt.Errorf("found more than %d bytes in the image, want fewer: no collector is so large",
		u.most.bytes)
}
