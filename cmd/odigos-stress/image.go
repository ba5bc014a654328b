package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/image"
)

// imageName is that of the tool's own image.
const imageName = kube.OwnRepository

// imageTag is a version as a tag.
func imageTag(version string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_':
			return r
		}
		return '-'
	}, version)
}

// toolProgram is the file name of the tool's own program.
const toolProgram = "odigos-stress"

func imageCommand() *cobra.Command {
	var programs, tag string
	cmd := &cobra.Command{
		Use:   "image FILE",
		Short: "Write the tool's own image, without Docker and without a registry",
		Long: `Image writes an archive, as docker save does, of an image that holds odigos-stress and the
collector beside it, and nothing else. It is what the pods of --environment kubernetes run; where
the cluster has no registry it is loaded into its nodes. FILE - is the standard output.

The programs must be static ones for Linux; elsewhere --programs names where such are.`,
		Example: `  odigos-stress image odigos-stress.tar && kind load image-archive odigos-stress.tar
  odigos-stress image - | ctr --namespace k8s.io images import -
  odigos-stress image - | docker load`,
		Args: cobra.ExactArgs(1),
		RunE: command(func(cmd *cobra.Command, args []string) (err error) {
			if programs == "" {
				if programs, err = besideTool(); err != nil {
					return err
				}
			}
			c := imageContents(programs, tag)
			if args[0] == "-" {
				return image.Pack(cmd.OutOrStdout(), c)
			}
			if err := writeFile(args[0], func(w io.Writer) error { return image.Pack(w, c) }); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s into %s\n", tag, args[0])
			return nil
		}),
	}
	cmd.Flags().StringVar(&programs, "programs", "", "the `directory` of "+toolProgram+" and "+
		gateway.Sibling+"; if not given that of this program")
	cmd.Flags().StringVar(&tag, "tag", ownImage(), "`name` of the image")
	return cmd
}

// imageContents are both programs, as the Dockerfile has them.
func imageContents(dir, tag string) image.Contents {
	created, _ := time.Parse(time.RFC3339, date) // of the commit; not known is not said
	return image.Contents{
		Tag:      tag,
		Programs: []string{filepath.Join(dir, toolProgram), filepath.Join(dir, gateway.Sibling)},
		User:     "65534:65534",
		Labels: map[string]string{
			"org.opencontainers.image.title":    toolProgram,
			"org.opencontainers.image.version":  version,
			"org.opencontainers.image.revision": commit,
			"org.opencontainers.image.source":   "https://github.com/odigos-io/odigos-stress",
		},
		Created: created,
	}
}

// besideTool is the directory of this program.
func besideTool() (string, error) {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err != nil {
		return "", fmt.Errorf("find the tool's own program: %w", err)
	}
	return filepath.Dir(self), nil
}

// writeFile writes a file; none is left if that fails.
func writeFile(path string, write func(w io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(f, 1<<20)
	if err = errors.Join(write(buffered), buffered.Flush(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
