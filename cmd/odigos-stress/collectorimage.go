package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/image"
)

// A collectorImage is the container image whose collector is to be tested.
type collectorImage struct {
	ref    string
	stderr func() io.Writer
}

func (i *collectorImage) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&i.ref, "collector-image", "",
		"test the collector of this container `image`, such as docker.io/keyval/odigos-collector:v1.35.1")
	i.stderr = cmd.ErrOrStderr
}

// imageAsked is the image that was asked for, empty where a program is. What was typed goes
// before a variable.
func (q *question) imageAsked() (string, error) {
	if q.image.ref == "" || q.collectorBin == "" {
		return q.image.ref, nil
	}
	imageByEnv := fromEnv(q.flagSet.Lookup("collector-image"))
	switch binByEnv := fromEnv(q.flagSet.Lookup("collector-bin")); {
	case imageByEnv && !binByEnv:
		return "", nil
	case binByEnv && !imageByEnv:
		return q.image.ref, nil
	}
	return "", usage(fmt.Errorf("--collector-image: found %s beside the program %s, want one of both",
		q.image.ref, q.collectorBin))
}

// collector pulls an image and asks its program who it is.
func (i *collectorImage) collector(ctx context.Context, ref string) (gateway.Collector, error) {
	u, err := localImage(ctx, ref, i.stderr())
	if err != nil {
		return gateway.Collector{}, err
	}
	program, err := u.Program()
	if err != nil {
		return gateway.Collector{}, err
	}
	found, err := identify(ctx, program)
	if err != nil {
		return gateway.Collector{}, fmt.Errorf("use image %s: %w", ref, err)
	}
	if found.SHA256 != u.SHA256 {
		return gateway.Collector{}, fmt.Errorf("use image %s: found %s changed since it was unpacked "+
			"(sha256 %s), want %s: remove %s to have the image pulled again", ref, program, found.SHA256,
			u.SHA256, filepath.Dir(u.Root))
	}
	found.Image, found.Env = u.Image, u.Environ()
	return found, nil
}

// localImage has an image for this machine in the cache, and tells of it meanwhile.
func localImage(ctx context.Context, ref string, w io.Writer) (*image.Unpacked, error) {
	dir, err := imagesDir()
	if err != nil {
		return nil, err
	}
	line := &pullLine{w: w, ref: ref, live: isTerminal(w)}
	u, err := image.Pull(ctx, ref, image.Options{
		Dir: dir, Platform: runtime.GOOS + "/" + runtime.GOARCH, Progress: line.show,
	})
	line.end()
	if err == nil && u.Note != "" {
		fmt.Fprintf(w, "note: %s\n", u.Note)
	}
	return u, err
}

// imagesDir is where unpacked images are kept.
func imagesDir() (string, error) {
	dir := os.Getenv("XDG_CACHE_HOME")
	if !filepath.IsAbs(dir) { // the specification: a relative one is no setting
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find where to keep images: %w; set XDG_CACHE_HOME", err)
		}
		dir = filepath.Join(home, ".cache")
	}
	return filepath.Join(dir, "odigos-stress", "images"), nil
}

// imagesCapability says where images are kept, and which have been unpacked there.
func imagesCapability() env.Capability {
	c := env.Capability{Name: "collector-images"}
	dir, err := imagesDir()
	if err != nil {
		c.Found, c.Remedy = err.Error(), "set XDG_CACHE_HOME"
		return c
	}
	c.OK = true
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.OK, c.Found, c.Remedy = false, err.Error(), "make "+dir+" readable, or set XDG_CACHE_HOME"
		return c
	}
	n := 0
	for _, e := range entries {
		if image.IsKept(filepath.Join(dir, e.Name())) {
			n++
		}
	}
	c.Found = fmt.Sprintf("%d unpacked in %s", n, dir)
	return c
}

// A pullLine tells how far a pull is: on a terminal one line that is written over and over,
// elsewhere one line at the beginning.
type pullLine struct {
	w     io.Writer
	ref   string
	live  bool
	drawn bool
	told  time.Time
}

// pullEvery is how often the line is written over.
const pullEvery = 100 * time.Millisecond

func (l *pullLine) show(done, total int64) {
	now := time.Now()
	switch {
	case l.drawn && (!l.live || now.Sub(l.told) < pullEvery):
		return
	case l.live:
		fmt.Fprintf(l.w, "\r\x1b[Kpulling %s  %s of %s", l.ref, megabytes(done), megabytes(total))
	default:
		fmt.Fprintf(l.w, "pulling %s, %s\n", l.ref, megabytes(total))
	}
	l.drawn, l.told = true, now
}

func (l *pullLine) end() {
	if l.live && l.drawn {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == ""
}
