package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Contents are what an image of one's own programs is made of.
type Contents struct {
	// Tag is the image's name with a tag, in full.
	Tag string
	// Programs are static ones for Linux; they come to lie at the root, and the first one is
	// the entry point.
	Programs []string
	User     string // UID:GID
	Labels   map[string]string
	Created  time.Time // zero: not said
}

// Pack writes an archive, as docker save does, of an image that holds programs and nothing
// else. The same contents give the same bytes.
func Pack(w io.Writer, c Contents) error {
	tag, err := name.NewTag(c.Tag, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("name image: %w", err)
	}
	programs, err := readPrograms(c.Programs)
	if err != nil {
		return err
	}
	image, err := c.image(programs)
	if err == nil {
		err = tarball.Write(tag, image, w)
	}
	if err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	return nil
}

// A program is a file that goes into the image.
type program struct {
	name, path string
	size       int64
	arch       string // as images name it
}

// readPrograms looks whether all run where there is nothing but themselves, and on one
// architecture.
func readPrograms(paths []string) ([]program, error) {
	var all []program
	for _, path := range paths {
		p, err := readProgram(path)
		if err != nil {
			return nil, fmt.Errorf("read program %s: %w; want a static program for Linux, as "+
				"CGO_ENABLED=0 GOOS=linux go build makes one", path, err)
		}
		if len(all) > 0 && all[0].arch != p.arch {
			return nil, fmt.Errorf("read programs: found %s for %s and %s for %s, want both for one",
				all[0].path, all[0].arch, p.path, p.arch)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, errors.New("read programs: found none, want one at least")
	}
	return all, nil
}

// architectures are those of an ELF file as images name them.
var architectures = map[elf.Machine]string{
	elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_S390: "s390x", elf.EM_PPC64: "ppc64le",
}

func readProgram(path string) (p program, err error) {
	f, err := os.Open(path)
	if err != nil {
		return p, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return p, err
	}
	file, err := elf.NewFile(f)
	if err != nil {
		return p, fmt.Errorf("found no ELF file (%w)", err)
	}
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			return p, errors.New("found one that is linked dynamically")
		}
	}
	arch, ok := architectures[file.Machine]
	if !ok {
		return p, fmt.Errorf("found one for %v, not for amd64, arm64, ppc64le or s390x", file.Machine)
	}
	return program{name: filepath.Base(path), path: path, size: info.Size(), arch: arch}, nil
}

func (c Contents) image(programs []program) (v1.Image, error) {
	layer, err := tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return programsTar(programs) },
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
	config.Created = v1.Time{Time: c.Created.UTC()}
	config.Config = v1.Config{
		Entrypoint: []string{"/" + programs[0].name}, User: c.User, Labels: c.Labels,
	}
	return mutate.ConfigFile(image, config)
}

// block is the unit of a tar file, which ends with two empty ones.
const block = 512

// programsTar is a tar of the programs, read from their files while it is read.
func programsTar(programs []program) (io.ReadCloser, error) {
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

func zeros(n int64) io.Reader { return bytes.NewReader(make([]byte, n)) }

// A strand is one stream after another, with what is to be closed.
type strand struct {
	io.Reader
	closers []io.Closer
}

// Close closes all of them.
func (s strand) Close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
