package report_test

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

var names = []string{"collector-metrics", "errors", "latency", "resource-usage", "throughput"}

func TestPictures(t *testing.T) {
	for name, r := range records() {
		t.Run(name, func(t *testing.T) { drawn(t, r, 800) })
	}
	t.Run("full size", func(t *testing.T) {
		report.FullSize(t)
		drawn(t, records()["troubled"], 1600)
	})
}

// drawn draws all pictures of a record and looks at them.
func drawn(t *testing.T, r *record.Record, width int) {
	t.Helper()
	dir := t.TempDir()
	if _, err := report.Write(dir, r); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, report.GraphsDir, "*"))
	if err != nil || len(files) != len(names) {
		t.Errorf("pictures %v, %v; want %v", files, err, names)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if b := img.Bounds(); b.Dx() != width || b.Dy() < width/2 || b.Dy() > width {
			t.Errorf("%s is %v, want %d wide and half to all of that high", file, b, width)
		}
		if share := inked(img); share < 0.01 || share > 0.5 {
			t.Errorf("%s: %.3f of the pixels are not white", file, share)
		}
	}
}

func inked(img image.Image) float64 {
	b, n := img.Bounds(), 0
	const step = 3 // is enough to see whether it is blank
	for y := b.Min.Y; y < b.Max.Y; y += step {
		for x := b.Min.X; x < b.Max.X; x += step {
			if r, g, bl, _ := img.At(x, y).RGBA(); r != 0xffff || g != 0xffff || bl != 0xffff {
				n++
			}
		}
	}
	return step * step * float64(n) / float64(b.Dx()*b.Dy())
}

// A gateway without limits, counters that are not there, and looks that were missed.
func TestPicturesOfWhatIsNotKnown(t *testing.T) {
	r := trials.Calm().Record()
	r.Header.Scenario.Gateway.CPULimit, r.Header.Scenario.Gateway.MemoryLimit = 0, 0
	for i := range r.Samples {
		g := r.Samples[i].Actors[record.Gateway]
		g.Metrics = nil
		if i%7 == 0 {
			g.Usage = nil
		}
		r.Samples[i].Actors[record.Gateway] = g
	}
	for _, name := range names {
		var b bytes.Buffer
		if err := report.Draw(&b, name, r); err != nil {
			t.Errorf("Draw(%s): %v", name, err)
		}
		if _, err := png.Decode(&b); err != nil {
			t.Errorf("Draw(%s): %v", name, err)
		}
	}
	if err := report.Draw(io.Discard, "nothing", r); err == nil {
		t.Error("Draw(nothing) succeeded")
	}
}
