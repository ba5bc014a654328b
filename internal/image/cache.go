package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// A cache is a directory of unpacked images. An image appears in it whole or not at all:
//
//	sha256-1f…/rootfs      what would be / in a container
//	sha256-1f…/image.json  a kept
//	sha256-1f….part        one that is being unpacked, or was when its process was killed
//	sha256-1f….lock        held by who unpacks it
//	names/9c….json         an asked: which image a name was the last time
type cache struct {
	dir      string
	platform string
}

const (
	rootDir  = "rootfs"
	keptFile = "image.json"
	namesDir = "names"
)

// A kept is what is known of an unpacked image.
type kept struct {
	SchemaVersion int       `json:"schema_version"`
	Digest        string    `json:"digest"`
	Platform      string    `json:"platform"`
	Unpacked      time.Time `json:"unpacked"`
	Entries       int       `json:"entries"`
	Bytes         int64     `json:"bytes"`
	Config        Config    `json:"config"`
	SHA256        string    `json:"program_sha256,omitempty"`
}

const schemaVersion = 1

// An asked is what a registry said of a name.
type asked struct {
	Name     string    `json:"name"`
	Platform string    `json:"platform"`
	Digest   string    `json:"digest"`
	At       time.Time `json:"at"`
}

func (c cache) path(digest string) string {
	return filepath.Join(c.dir, strings.ReplaceAll(digest, ":", "-"))
}

// open is the image of a digest, nil where it is not there.
func (c cache) open(digest string) (*Unpacked, error) {
	dir := c.path(digest)
	text, err := os.ReadFile(filepath.Join(dir, keptFile))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(dir); err != nil {
			return nil, nil //nolint:nilerr // nothing is there
		}
	}
	var k kept
	if err == nil {
		err = json.Unmarshal(text, &k)
	}
	if err == nil && (k.SchemaVersion != schemaVersion || k.Digest != digest) {
		err = fmt.Errorf("found version %d and digest %s, want %d and %s", k.SchemaVersion, k.Digest,
			schemaVersion, digest)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w: remove that directory to have the image pulled again", dir,
			err)
	}
	return &Unpacked{
		Digest: k.Digest, Platform: k.Platform, Root: filepath.Join(dir, rootDir), Config: k.Config,
		SHA256: k.SHA256,
	}, nil
}

// unpack fills the directory of an image. Only who holds its lock may call it.
func (c cache) unpack(digest string, config Config, fill func(*unpacker) error) (err error) {
	dir := c.path(digest)
	part := dir + ".part"
	if err := os.RemoveAll(part); err != nil { // of one who was killed
		return fmt.Errorf("make room in the cache: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}()
	if err := os.MkdirAll(filepath.Join(part, rootDir), 0o755); err != nil {
		return fmt.Errorf("make room in the cache: %w", err)
	}
	root, err := os.OpenRoot(filepath.Join(part, rootDir))
	if err != nil {
		return fmt.Errorf("make room in the cache: %w", err)
	}
	defer root.Close()
	into := &unpacker{root: root, most: most}
	if err := fill(into); err != nil {
		return err
	}
	k := kept{
		SchemaVersion: schemaVersion, Digest: digest, Platform: c.platform,
		Unpacked: time.Now().UTC(), Entries: into.entries, Bytes: into.bytes, Config: config,
	}
	if at, err := entrypoint(root, config); err == nil {
		if k.SHA256, err = hashOf(root, at); err != nil {
			return err
		}
	}
	if err := writeJSON(filepath.Join(part, keptFile), k); err != nil {
		return err
	}
	if err := os.Rename(part, dir); err != nil {
		return fmt.Errorf("keep image: %w", err)
	}
	return nil
}

func hashOf(root *os.Root, file string) (string, error) {
	f, err := root.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash program: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = renameio.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

func (c cache) namePath(named name.Reference) string {
	h := sha256.Sum256([]byte(named.Name() + " " + c.platform))
	return filepath.Join(c.dir, namesDir, hex.EncodeToString(h[:16])+".json")
}

// remember notes which image a name is now.
func (c cache) remember(named name.Reference, digest string) error {
	path := c.namePath(named)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make cache: %w", err)
	}
	return writeJSON(path, asked{
		Name: named.Name(), Platform: c.platform, Digest: digest, At: time.Now().UTC(),
	})
}

// recall is the image that a name was the last time, nil where it is not known or no
// longer there. A digest may itself be that of an image in the cache.
func (c cache) recall(named name.Reference) (*Unpacked, error) {
	if d, exact := named.(name.Digest); exact {
		u, err := c.open(d.DigestStr())
		if err != nil || u != nil && u.Platform == c.platform {
			return u, err
		}
	}
	text, err := os.ReadFile(c.namePath(named))
	if err != nil {
		return nil, nil //nolint:nilerr // what is not known is asked
	}
	var a asked
	if json.Unmarshal(text, &a) != nil || a.Name != named.Name() || a.Platform != c.platform {
		return nil, nil
	}
	return c.open(a.Digest)
}

// lockPoll is how often somebody else's lock is tried.
const lockPoll = 100 * time.Millisecond

// lock keeps other processes, and other calls, from unpacking the same image.
func (c cache) lock(ctx context.Context, digest string) (unlock func(), err error) {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make cache: %w", err)
	}
	f, err := os.OpenFile(c.path(digest)+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock image: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}

// IsKept tells whether a directory is that of an unpacked image.
func IsKept(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, keptFile))
	return err == nil && !strings.HasSuffix(dir, ".part")
}
