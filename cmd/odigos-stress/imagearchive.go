package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// nobody is the user that the image's programs run as; the Dockerfile says the same.
const nobody = "65534:65534"

// writeImage writes an archive of an image that holds the programs in dir. The same programs
// give the same bytes.
func writeImage(w io.Writer, tag name.Tag, dir string) error {
	programs, err := imagePrograms(dir)
	if err != nil {
		return err
	}
	image, err := imageOf(programs)
	if err == nil {
		err = tarball.Write(tag, image, w)
	}
	if err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	return nil
}

// imageOf is an image of programs and nothing else.
func imageOf(programs []program) (v1.Image, error) {
	layer, err := tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return layerOf(programs) },
		tarball.WithCompressedCaching, tarball.WithCompressionLevel(gzip.BestSpeed),
	)
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", programs[0].arch
	if at, err := time.Parse(time.RFC3339, date); err == nil {
		config.Created = v1.Time{Time: at.UTC()}
	}
	config.Config = v1.Config{
		Entrypoint: []string{"/" + programs[0].name},
		User:       nobody,
		Labels: map[string]string{
			"org.opencontainers.image.title":    toolProgram,
			"org.opencontainers.image.version":  version,
			"org.opencontainers.image.revision": commit,
			"org.opencontainers.image.source":   "https://github.com/odigos-io/odigos-stress",
		},
	}
	return mutate.ConfigFile(image, config)
}

// layerOf is a tar of the programs, read from their files while it is read.
func layerOf(programs []program) (io.ReadCloser, error) {
	var parts []io.Reader
	var out strand
	for _, p := range programs {
		var header bytes.Buffer
		err := tar.NewWriter(&header).WriteHeader(&tar.Header{
			Name: p.name, Mode: 0o755, Size: p.size, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR,
		})
		if err != nil {
			return nil, errors.Join(err, out.Close())
		}
		f, err := os.Open(p.path)
		if err != nil {
			return nil, errors.Join(err, out.Close())
		}
		out.closers = append(out.closers, f)
		parts = append(parts, &header, io.LimitReader(f, p.size), zeros((block-p.size%block)%block))
	}
	out.Reader = io.MultiReader(append(parts, zeros(2*block))...)
	return out, nil
}

// block is the unit of a tar file, which ends with two empty ones.
const block = 512

func zeros(n int64) io.Reader { return bytes.NewReader(make([]byte, n)) }
