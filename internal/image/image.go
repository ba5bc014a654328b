// Package image is container images without a container engine: those of collectors are
// pulled, unpacked and their programs found; the tool's own is packed.
package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// An Unpacked is an image of one platform, laid out in the cache.
type Unpacked struct {
	// Image is its name as it was asked for, with the digest of its manifest behind it. The
	// same text asks for exactly this image again.
	Image    string
	Digest   string
	Platform string // such as linux/amd64
	// Root is the directory that would be / in a container.
	Root   string
	Config Config
	// SHA256 of the program as it was unpacked; empty where there is none that can run.
	SHA256 string
	// Note is what its user should know of how it came, in a sentence.
	Note string
}

// A Config is what an image says of how it is to be run.
type Config struct {
	Entrypoint []string          `json:"entrypoint,omitempty"`
	Cmd        []string          `json:"cmd,omitempty"`
	Env        []string          `json:"env,omitempty"` // NAME=VALUE
	WorkingDir string            `json:"working_dir,omitempty"`
	User       string            `json:"user,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
}

// Options say where images come from and where they are kept. Dir and Platform are
// required.
type Options struct {
	// Dir is the cache; it is made.
	Dir string
	// Platform is the system and processor that the image is to be for, such as
	// linux/amd64.
	Platform string
	// Transport carries the requests; nil means one that heeds the proxies of the process.
	Transport http.RoundTripper
	// Progress hears how many bytes of the layers have come, of how many; one call at a
	// time, but not always in the same goroutine.
	Progress func(done, total int64)
}

// Pull has an image in the cache, unpacked. What a digest names and what is there already
// is taken from there without a request; of a tag the registry is asked which image it is
// now. Where it cannot be asked, the image that it was the last time is taken, with a note.
func Pull(ctx context.Context, ref string, o Options) (*Unpacked, error) {
	u, err := pull(ctx, ref, o)
	if err != nil {
		return nil, fmt.Errorf("pull image %s: %w", ref, err)
	}
	u.Image = withDigest(ref, u.Digest)
	return u, nil
}

func pull(ctx context.Context, ref string, o Options) (*Unpacked, error) {
	named, err := name.ParseReference(ref)
	if err != nil {
		return nil, fmt.Errorf("read its name: %w: want one such as %s", err, example)
	}
	c := cache{dir: o.Dir, platform: o.Platform}
	known, err := c.recall(named)
	if err != nil {
		return nil, err
	}
	if _, exact := named.(name.Digest); exact && known != nil {
		return known, nil
	}
	p, err := newPuller(ctx, named, o)
	if err != nil {
		return nil, err
	}
	defer p.close()
	u, err := p.pull(c)
	switch {
	case err == nil:
		return u, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case known != nil && away(err):
		known.Note = fmt.Sprintf("The registry could not be asked what %s is now (%v): the image that "+
			"it was before is taken, from %s.", ref, err, filepath.Dir(known.Root))
		return known, nil
	}
	return nil, err
}

// example is what a name may look like.
const example = "docker.io/keyval/odigos-collector:v1.35.1"

// withDigest is a name that means one image.
func withDigest(ref, digest string) string {
	ref, _, _ = strings.Cut(ref, "@")
	return ref + "@" + digest
}

// A puller gets one image from its registry.
type puller struct {
	ctx       context.Context
	cancel    context.CancelCauseFunc
	named     name.Reference
	platform  v1.Platform
	transport http.RoundTripper
	idle      func()
	meter     *meter
}

// headerTime is how long a registry may take until it begins to answer.
const headerTime = 30 * time.Second

func newPuller(ctx context.Context, named name.Reference, o Options) (*puller, error) {
	platform, err := v1.ParsePlatform(o.Platform)
	if err != nil {
		return nil, fmt.Errorf("read platform: %w", err)
	}
	p := &puller{named: named, platform: *platform, transport: o.Transport, idle: func() {}}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	if p.transport == nil {
		own := remote.DefaultTransport.(*http.Transport).Clone()
		own.ResponseHeaderTimeout = headerTime
		p.transport, p.idle = own, own.CloseIdleConnections
	}
	p.meter = newMeter(p.cancel, o.Progress)
	return p, nil
}

func (p *puller) close() {
	p.meter.stop()
	p.cancel(nil)
	p.idle()
}

// pull asks which image it is, and unpacks it unless it is there.
func (p *puller) pull(c cache) (*Unpacked, error) {
	img, err := p.ask()
	if err != nil {
		return nil, p.explain(err)
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, err
	}
	u, err := c.open(digest.String())
	if err == nil && u == nil {
		u, err = p.unpack(c, img, digest.String())
	}
	if err != nil {
		return nil, err
	}
	return u, c.remember(p.named, u.Digest)
}

// unpack unpacks the image into the cache, unless somebody else did meanwhile.
func (p *puller) unpack(c cache, img v1.Image, digest string) (*Unpacked, error) {
	unlock, err := c.lock(p.ctx, digest)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if u, err := c.open(digest); err != nil || u != nil {
		return u, err
	}
	config, err := p.config(img)
	if err != nil {
		return nil, p.explain(err)
	}
	err = c.unpack(digest, config, func(u *unpacker) error { return p.layers(img, u) })
	if cause := context.Cause(p.ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		return nil, p.explain(err)
	}
	return c.open(digest)
}

// layers unpacks the layers of the image, the lowest first.
func (p *puller) layers(img v1.Image, u *unpacker) error {
	all, err := img.Layers()
	if err != nil {
		return err
	}
	for i, l := range all {
		if err := p.layer(l, u); err != nil {
			return fmt.Errorf("unpack layer %d of %d: %w", i+1, len(all), err)
		}
	}
	return nil
}

func (p *puller) layer(l v1.Layer, u *unpacker) error {
	content, err := p.meter.uncompressed(l)
	if err != nil {
		return err
	}
	return errors.Join(u.layer(content), content.Close())
}

// options are those of every request.
func (p *puller) options() []remote.Option {
	return []remote.Option{
		remote.WithContext(p.ctx), remote.WithTransport(p.transport),
		remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithPlatform(p.platform),
		remote.WithUserAgent("odigos-stress"),
	}
}
