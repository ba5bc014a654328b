package report_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/report"
)

func capacityPicture(t *testing.T, file, name string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	share := inked(img)
	if img.Bounds().Dx() != 800 || share < 0.01 || share > 0.5 {
		t.Errorf("%s of %s: %v, %.3f of the pixels are not white", file, name, img.Bounds(), share)
	}
}

// The interval, what held and what broke are to be seen where they are known, and nowhere
// else.
func TestCapacityPicturesShow(t *testing.T) {
	band, holds, breaks := color.RGBA{0xD3, 0xE6, 0xF4, 0xFF}, color.RGBA{0x00, 0x9E, 0x73, 0xFF},
		color.RGBA{0xD5, 0x5E, 0x00, 0xFF}
	for ending, pictures := range map[string]map[string]map[color.RGBA]bool{
		"found": {
			"capacity.png": {band: true, breaks: true}, // p99 is in that colour
			"search.png":   {band: true, holds: true, breaks: true},
		},
		"beyond-all": {
			"capacity.png": {band: false},
			"search.png":   {band: false, holds: true, breaks: false},
		},
		"below-all": {"search.png": {band: false, holds: false, breaks: true}},
	} {
		dir := t.TempDir()
		if err := report.WriteCapacity(dir, endings()[ending]); err != nil {
			t.Fatal(err)
		}
		for file, want := range pictures {
			b, err := os.ReadFile(filepath.Join(dir, report.GraphsDir, file))
			if err != nil {
				t.Fatal(err)
			}
			img, err := png.Decode(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			seen := colors(img)
			for c, some := range want {
				if got := seen[c] > 3; got != some {
					t.Errorf("%s of %s: %d pixels are %v; are there to be any: %v", file, ending, seen[c], c,
						some)
				}
			}
		}
	}
}

func colors(img image.Image) map[color.RGBA]int {
	n, b := map[color.RGBA]int{}, img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, a := img.At(x, y).RGBA()
			n[color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(bl >> 8), uint8(a >> 8)}]++
		}
	}
	return n
}
