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
		dir := t.TempDir()
		if _, err := report.Write(dir, r); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, report.GraphsDir, "*"))
		if err != nil || len(files) != len(names) {
			t.Errorf("%s: pictures %v, want %v", name, files, names)
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
			if b := img.Bounds(); b.Dx() != 1600 || b.Dy() < 800 || b.Dy() > 1600 {
				t.Errorf("%s is %v, want 1600 wide and 800 to 1600 high", file, b)
			}
			if share := inked(img); share < 0.01 || share > 0.5 {
				t.Errorf("%s: %.3f of the pixels are not white", file, share)
			}
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
