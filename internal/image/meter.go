package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
)

// stallTime is how long nothing may come of a layer until it is given up.
const stallTime = time.Minute

// A meter counts what has come of the layers, and gives up when nothing comes.
type meter struct {
	done, total int64 // bytes, compressed
	progress    func(done, total int64)
	stall       *time.Timer
}

func newMeter(cancel context.CancelCauseFunc, progress func(done, total int64)) *meter {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	m := &meter{progress: progress, stall: time.AfterFunc(stallTime, func() {
		cancel(fmt.Errorf("download: nothing came for %v: want a registry that goes on", stallTime))
	})}
	m.stop()
	return m
}

func (m *meter) stop() { m.stall.Stop() }

// uncompressed is the tar of a layer, counted as it comes. It ends with an error where the
// layer is not the one of its digest.
func (m *meter) uncompressed(l v1.Layer) (io.ReadCloser, error) {
	counted, err := partial.CompressedToLayer(metered{l, m})
	if err != nil {
		return nil, err
	}
	return counted.Uncompressed()
}

// A metered is a layer that is counted.
type metered struct {
	v1.Layer
	m *meter
}

func (l metered) Compressed() (io.ReadCloser, error) {
	body, err := l.Layer.Compressed()
	return meteredBody{body, l.m}, err
}

type meteredBody struct {
	io.ReadCloser
	m *meter
}

// Read waits no longer than stallTime; what the reader does meanwhile does not count.
func (b meteredBody) Read(p []byte) (int, error) {
	b.m.stall.Reset(stallTime)
	n, err := b.ReadCloser.Read(p)
	b.m.stall.Stop()
	b.m.done += int64(n)
	b.m.progress(b.m.done, b.m.total)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("download: %w", err)
	}
	return n, err
}
