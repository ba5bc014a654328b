package image

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

const (
	// mostConfig is how large the configuration of an image may be; a few KB is usual.
	mostConfig = 4 << 20
	// mostLayers is more than any container engine stacks.
	mostLayers = 500
)

// ask asks the registry which image the name is for the platform. Its manifest is checked
// against the digest where the name has one; the layers are checked as they come.
func (p *puller) ask() (v1.Image, error) {
	found, err := remote.Get(p.named, p.options()...)
	if err != nil {
		return nil, err
	}
	if !found.MediaType.IsIndex() {
		return found.Image()
	}
	index, err := found.ImageIndex()
	if err != nil {
		return nil, err
	}
	list, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var has []string
	for _, m := range list.Manifests {
		if m.Platform == nil || m.MediaType.IsIndex() {
			continue
		}
		if m.Platform.Satisfies(p.platform) {
			return index.Image(m.Digest)
		}
		if m.Platform.OS != "unknown" { // attestations stand beside images so
			has = append(has, m.Platform.String())
		}
	}
	return nil, p.otherPlatform(has)
}

func (p *puller) otherPlatform(has []string) error {
	return fmt.Errorf("choose platform: found the image for %s, want %s: take an image or a program "+
		"for this machine", orNone(strings.Join(has, ", ")), p.platform)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// config reads how the image is to be run, and refuses what is no image of a program for
// the platform, or larger than any collector.
func (p *puller) config(img v1.Image) (Config, error) {
	m, err := img.Manifest()
	if err != nil {
		return Config{}, err
	}
	if !m.Config.MediaType.IsConfig() {
		return Config{}, fmt.Errorf("read manifest: found a configuration of type %q, want that of a "+
			"container image", m.Config.MediaType)
	}
	var total int64
	for _, l := range m.Layers {
		total += max(0, l.Size)
	}
	switch {
	case m.Config.Size > mostConfig:
		return Config{}, fmt.Errorf("read manifest: found a configuration of %d bytes, want at most %d",
			m.Config.Size, mostConfig)
	case len(m.Layers) > mostLayers:
		return Config{}, fmt.Errorf("read manifest: found %d layers, want at most %d", len(m.Layers),
			mostLayers)
	case total > most.bytes:
		return Config{}, fmt.Errorf("read manifest: found layers of %d bytes, want at most %d", total,
			most.bytes)
	}
	p.meter.total = total
	file, err := img.ConfigFile()
	if err != nil {
		return Config{}, err
	}
	of := v1.Platform{OS: file.OS, Architecture: file.Architecture, Variant: file.Variant}
	if !of.Satisfies(p.platform) {
		return Config{}, p.otherPlatform([]string{of.String()})
	}
	return Config{
		Entrypoint: file.Config.Entrypoint, Cmd: file.Config.Cmd, Env: file.Config.Env,
		WorkingDir: file.Config.WorkingDir, User: file.Config.User, Labels: file.Config.Labels,
	}, nil
}

// An AwayError is that a registry could not be asked: not reached, or not able to answer.
type AwayError struct {
	Registry string
	Err      error
}

func (e AwayError) Error() string {
	return fmt.Sprintf("ask %s: %v: want a registry that can be reached, or a collector that is "+
		"here, with --collector-bin", e.Registry, e.Err)
}

func (e AwayError) Unwrap() error { return e.Err }

// away tells whether the registry said nothing about the image.
func away(err error) bool {
	var e AwayError
	return errors.As(err, &e)
}

// explain says what an error of the registry means, and what would be right.
func (p *puller) explain(err error) error {
	registry := p.named.Context().RegistryStr()
	var answer *transport.Error
	if !errors.As(err, &answer) {
		var request *url.Error
		if errors.As(err, &request) {
			return AwayError{Registry: registry, Err: err}
		}
		return err
	}
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("ask %s: it refuses: %w: want the name of an image that anybody may pull, or "+
			"credentials for this one, as `docker login %s` stores them", registry, err, registry)
	case code == http.StatusNotFound:
		return fmt.Errorf("ask %s: it has no such image: %w: want a repository and a tag that are "+
			"there, such as %s", registry, err, example)
	case code == http.StatusTooManyRequests || code >= http.StatusInternalServerError:
		return AwayError{Registry: registry, Err: err}
	}
	return fmt.Errorf("ask %s: %w", registry, err)
}
