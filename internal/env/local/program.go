package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// FindProgram is the path of the first candidate that there is. A candidate with a
// slash is a path; any other is looked for beside the tool's own binary, then on PATH.
func FindProgram(candidates []string) (path string, err error) {
	beside := ""
	if self, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		beside = filepath.Dir(self)
	}
	return findProgram(candidates, beside)
}

func findProgram(candidates []string, beside string) (string, error) {
	for _, c := range candidates {
		places := []string{c}
		if !strings.ContainsRune(c, filepath.Separator) && beside != "" {
			places = []string{filepath.Join(beside, c), c}
		}
		for _, place := range places {
			if path, err := exec.LookPath(place); err == nil {
				return filepath.Abs(path)
			}
		}
	}
	return "", fmt.Errorf("find program: none of %s is an executable on PATH or in %s",
		strings.Join(candidates, ", "), beside)
}

const (
	outputTime = 20 * time.Second // without an earlier deadline in the context
	outputMost = 4 << 20
)

// Output runs a program that is to answer and end, such as a collector that lists
// its components, and returns what it wrote to standard output.
func Output(ctx context.Context, path string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, outputTime)
	defer cancel()
	environ, _ := scrub(os.Environ())
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.WaitDelay = environ, time.Second
	out, errOut := &bounded{most: outputMost}, &bounded{most: 4 << 10}
	cmd.Stdout, cmd.Stderr = out, errOut
	err := cmd.Run()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil && out.over {
		err = fmt.Errorf("it wrote more than %d bytes", outputMost)
	}
	if err != nil {
		return nil, fmt.Errorf("run %s %s: %w: %s", path, strings.Join(args, " "), err,
			trim(errOut.text.Bytes()))
	}
	return out.text.Bytes(), nil
}

// A bounded keeps the first bytes that are written to it.
type bounded struct {
	text bytes.Buffer // not embedded: its ReadFrom would go past Write
	most int
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.most - b.text.Len(); len(p) > room {
		b.over = true
		b.text.Write(p[:room])
	} else {
		b.text.Write(p)
	}
	return len(p), nil
}

// SHA256 is the digest of a file, in hexadecimal.
func SHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
