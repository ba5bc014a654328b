package image

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A place is a root for layers, with something beside it that is none of theirs.
type place struct {
	u   *unpacker
	dir string
	// outside is what lay there before.
	outside map[string]string
}

func newPlace(t testing.TB) *place {
	t.Helper()
	p := &place{dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(p.dir, "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "outside"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(p.dir, "root"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	p.u = &unpacker{root: root, most: limits{bytes: 1 << 16, entries: 100}}
	p.outside = listing(t, p.dir)
	return p
}

// inside is what was unpacked. It fails the test when anything else changed.
func (p *place) inside(t testing.TB) map[string]string {
	t.Helper()
	outside := listing(t, p.dir)
	maps.DeleteFunc(outside, func(path, _ string) bool { return strings.HasPrefix(path, "root/") })
	if !maps.Equal(p.outside, outside) { // cheaper than a diff, and always alike to a fuzzer
		t.Errorf("outside of the root (-before +after):\n%s", cmp.Diff(p.outside, outside))
	}
	return listing(t, filepath.Join(p.dir, "root"))
}

func TestUnpackLayers(t *testing.T) {
	const dir, file = "drwxr-xr-x", "-rw-r--r-- "
	link := func(name, to string) entry { return entry{name: name, kind: tar.TypeSymlink, link: to} }
	hard := func(name, to string) entry { return entry{name: name, kind: tar.TypeLink, link: to} }
	for what, c := range map[string]struct {
		layers [][]entry
		want   map[string]string
	}{
		"a file covers a file": {
			[][]entry{{{name: "a", content: "1"}}, {{name: "a", content: "2"}}},
			map[string]string{"a": file + "2"},
		},
		"a file covers a directory, and a directory a file": {
			[][]entry{{{name: "a/b", content: "1"}, {name: "c"}}, {{name: "a", content: "2"}, {name: "c/"}}},
			map[string]string{"a": file + "2", "c": dir},
		},
		"a directory covers a link": {
			[][]entry{{{name: "a/b", content: "1"}, link("l", "a")}, {{name: "l/"}, {name: "l/c", content: "2"}}},
			map[string]string{"a": dir, "a/b": file + "1", "l": dir, "l/c": file + "2"},
		},
		"a whiteout takes a file, and a directory": {
			[][]entry{
				{{name: "a/b", content: "1"}, {name: "a/c", content: "1"}, {name: "d/e"}},
				{{name: "a/.wh.b"}, {name: ".wh.d"}},
			},
			map[string]string{"a": dir, "a/c": file + "1"},
		},
		"a whiteout spares what its own layer brings": {
			[][]entry{
				{{name: "a/b", content: "1"}},
				{{name: "a/c", content: "2"}, {name: ".wh.a"}},
			},
			map[string]string{"a": dir, "a/c": file + "2"},
		},
		"an opaque directory, its marker first or last": {
			[][]entry{
				{{name: "a/b/c", content: "1"}, {name: "a/d", content: "1"}, {name: "e/f", content: "1"}},
				{
					{name: "a/b/new", content: "2"},
					{name: "a/.wh..wh..opq"},
					{name: "e/.wh..wh..opq"},
					{name: "e/new", content: "2"},
				},
			},
			map[string]string{
				"a": dir, "a/b": dir, "a/b/new": file + "2", "e": dir, "e/new": file + "2",
			},
		},
		"a whiteout of what is not there": {
			[][]entry{{{name: "a/.wh.b"}, {name: "c/.wh..wh..opq"}}}, map[string]string{},
		},
		"a file goes through a link to a directory": {
			[][]entry{
				{{name: "usr/lib/"}, link("lib", "usr/lib"), link("lib64", "/usr/lib")},
				{{name: "lib/a", content: "1"}, {name: "lib64/b", content: "1"}, {name: "lib/.wh.b"}},
			},
			map[string]string{
				"usr": dir, "usr/lib": dir, "usr/lib/a": file + "1", "lib": "-> usr/lib",
				"lib64": "-> usr/lib", "usr/lib/b": file + "1",
			},
		},
		"hard links are files of their own once they are covered": {
			[][]entry{
				{{name: "a", content: "1"}, hard("b", "a"), hard("c", "/b"), hard("a", "a")},
				{{name: "a", content: "2"}},
			},
			map[string]string{"a": file + "2", "b": file + "1", "c": file + "1"},
		},
		"bits that would give rights away are dropped": {
			[][]entry{{
				{name: "a", mode: 0o6777, content: "1"},
				{name: "b", mode: 0o1, content: "1"},
				{name: "c/", mode: 0o1000},
			}},
			map[string]string{"a": "-rwxr-xr-x 1", "b": "-r-------x 1", "c": dir},
		},
		"devices and pipes are left out": {
			[][]entry{{
				{name: "a", kind: tar.TypeChar},
				{name: "b", kind: tar.TypeBlock},
				{name: "c", kind: tar.TypeFifo},
				{name: "d", content: "1"},
			}},
			map[string]string{"d": file + "1"},
		},
		"names from the root, and with dots": {
			[][]entry{{{name: "/a", content: "1"}, {name: "././b", content: "1"}, {name: "./"}}},
			map[string]string{"a": file + "1", "b": file + "1"},
		},
	} {
		p := newPlace(t)
		for _, l := range c.layers {
			if err := p.u.layer(bytes.NewReader(tarOf(t, l...))); err != nil {
				t.Errorf("%s: layer() = %v", what, err)
			}
		}
		if diff := cmp.Diff(c.want, p.inside(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

// Whatever layers say, nothing changes outside of the root.
func TestUnpackHostileLayers(t *testing.T) {
	link := func(name, to string) entry { return entry{name: name, kind: tar.TypeSymlink, link: to} }
	hard := func(name, to string) entry { return entry{name: name, kind: tar.TypeLink, link: to} }
	over := entry{content: "over"}
	as := func(name string) entry { e := over; e.name = name; return e }
	many := make([]entry, 101)
	for i := range many {
		many[i] = entry{name: strings.Repeat("a", i+1)}
	}
	for what, c := range map[string]struct {
		layer []entry
		want  string // in the error; empty: harmless
	}{
		"a name above the root":             {[]entry{as("../outside")}, "found .. in the name"},
		"a name above the root, later":      {[]entry{as("a/../../outside")}, "found .. in the name"},
		"a directory above the root":        {[]entry{{name: "../root2/"}}, "found .. in the name"},
		"a whiteout above the root":         {[]entry{as("../.wh.outside")}, "found .. in the name"},
		"a whiteout of what is above":       {[]entry{as(".wh...")}, "found a whiteout of nothing"},
		"a whiteout of itself":              {[]entry{as(".wh..")}, "found a whiteout of nothing"},
		"through a relative link":           {[]entry{link("l", ".."), as("l/outside")}, ""},
		"through a far link":                {[]entry{link("l", "../../../.."), as("l/outside")}, ""},
		"through an absolute link":          {[]entry{link("l", "/"), as("l/outside")}, ""},
		"over a link to a file":             {[]entry{link("l", "../outside"), as("l")}, ""},
		"a whiteout through a link":         {[]entry{link("l", ".."), as("l/.wh.outside")}, ""},
		"an opaque one through a link":      {[]entry{link("l", ".."), as("l/.wh..wh..opq")}, ""},
		"through links that climb":          {[]entry{link("a", "."), link("b", "a/../.."), as("b/outside")}, ""},
		"links in a circle":                 {[]entry{link("a", "b"), link("b", "a"), as("a/x")}, "more than 40 links"},
		"a hard link to what is above":      {[]entry{hard("h", "../outside")}, "found .. in the name"},
		"a hard link through a link":        {[]entry{link("l", ".."), hard("h", "l/outside")}, "found nothing of that name"},
		"a hard link to an absolute path":   {[]entry{hard("h", "/etc/passwd")}, "found nothing of that name"},
		"a hard link to a link that climbs": {[]entry{link("l", "../outside"), hard("h", "l"), as("h")}, ""},
		"a hard link to a directory":        {[]entry{{name: "d/"}, hard("h", "d")}, "want a file"},
		"a hard link to a link, elsewhere":  {[]entry{link("a/l", "../outside"), hard("h", "a/l")}, ""},
		"a link that climbs after another":  {[]entry{link("d", "."), link("l", "d/../outside")}, ""},
		"a long name":                       {[]entry{as(strings.Repeat("a/", 3000) + "a")}, "found a name of 6001 bytes"},
		"below a file":                      {[]entry{as("f"), as("f/g")}, "make its directory"},
		"too many files":                    {many, "found more than 100 files"},
		"too large":                         {[]entry{{name: "f", content: strings.Repeat("x", 1<<16)}}, "found more than 65536 bytes"},
	} {
		p := newPlace(t)
		err := p.u.layer(bytes.NewReader(tarOf(t, c.layer...)))
		if c.want == "" && err != nil || c.want != "" &&
			(err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: layer() = %v, want %q", what, err, c.want)
		}
		p.inside(t)
		p.noEscape(t, what)
	}
}

// noEscape fails the test where a link leads out of the root for the kernel, which knows of no
// root.
func (p *place) noEscape(t testing.TB, what string) {
	t.Helper()
	root := filepath.Join(p.dir, "root")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Type()&fs.ModeSymlink == 0 {
			return err
		}
		// Of what is not there the kernel does not say where it is.
		if to, err := filepath.EvalSymlinks(path); err == nil && to != root &&
			!strings.HasPrefix(to, root+"/") {
			t.Errorf("%s: %s leads to %s", what, path, to)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A few bytes can be many, uncompressed, without being files: what goes on after the last
// entry counts too.
func TestUnpackCountsTheWholeLayer(t *testing.T) {
	p := newPlace(t)
	err := p.u.layer(bytes.NewReader(append(tarOf(t), make([]byte, 1<<17)...)))
	if err == nil || !strings.Contains(err.Error(), "found more than 65536 bytes") {
		t.Errorf("layer(zeros) = %v, want that it is too large", err)
	}
	// A sparse file is large without many bytes in the layer.
	sparse := &tar.Header{Name: "f", Typeflag: tar.TypeGNUSparse, Size: 1 << 17}
	err = p.u.place(sparse, strings.NewReader(""), "f")
	if err == nil || !strings.Contains(err.Error(), "found more than 65536 bytes") {
		t.Errorf("place(a sparse file) = %v, want that it is too large", err)
	}
	p = newPlace(t)
	whole := tarOf(t, entry{name: "f", content: strings.Repeat("x", 1000)})
	if err := p.u.layer(bytes.NewReader(whole[:900])); err == nil {
		t.Error("layer(cut short) = nil, want an error")
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct{ dir, target, want string }{
		{".", "a", "a"},
		{"a/b", "../c", "../c"},
		{"a/b", "../../c", "../../c"},
		{"a/b", "../../../c", "../../c"},
		{"a/b", "/c", "../../c"},
		{".", "/c/d", "c/d"},
		{".", "..", "."},
		{"a", "/", ".."},
		{"a", "/../../b", "../b"},
		{"a", "x/../y", "y"},
		{".", "d/../x", "x"},
		{"a/b", ".././x/..", ".."},
	} {
		if got := within(c.dir, c.target); got != c.want {
			t.Errorf("within(%q, %q) = %q, want %q", c.dir, c.target, got, c.want)
		}
	}
}

// scripted are the layers of a script, one entry a line, an empty line between two: a letter
// for the kind, the name, and what a link leads to or a file holds. A fuzzer finds its way
// through lines; of tar files, which are mostly zeros and checksums, it makes nothing.
func scripted(script string) (layers [][]entry) {
	kinds := map[string]byte{
		"f": tar.TypeReg, "d": tar.TypeDir, "l": tar.TypeSymlink, "h": tar.TypeLink,
		"c": tar.TypeChar, "p": tar.TypeFifo, "s": tar.TypeReg, "D": tar.TypeDir,
	}
	layers = append(layers, nil)
	for line := range strings.Lines(script) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		name, more, _ := strings.Cut(rest, " ")
		kind, known := kinds[word]
		switch {
		case line == "\n":
			layers = append(layers, nil)
			continue
		case !known || strings.ContainsRune(name+more, 0):
			continue
		}
		e := entry{kind: kind, name: name}
		switch word {
		case "f":
			e.content = more
		case "l", "h":
			e.link = more
		case "s", "D":
			e.mode = 0o7777
		}
		layers[len(layers)-1] = append(layers[len(layers)-1], e)
	}
	return layers
}

// FuzzLayer has anything unpacked: nothing changes outside of the root, no bit and no file of
// a kind is there that should not be, and no link leads out.
func FuzzLayer(f *testing.F) {
	for _, seed := range []string{
		"f a/b 1\nf a/.wh.b\nf .wh..wh..opq\n\nf a/c 2\nf .wh.a\n",
		"l l ../..\nf l/outside 1\nl l/x /outside\n",
		"c d\np e\nh h a\ns s\nD dir/\n\nd s\nf dir\n",
		"l d .\nl l d/../outside\nl a/l ../outside\nh h a/l\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, script string) {
		p := newPlace(t)
		for _, l := range scripted(script) {
			layer, err := writeTar(l)
			if err != nil {
				t.Skip("a tar cannot say this")
			}
			_ = p.u.layer(bytes.NewReader(layer))
		}
		for path := range p.inside(t) {
			info, err := os.Lstat(filepath.Join(p.dir, "root", path))
			if err != nil {
				t.Fatal(err)
			}
			const never = fs.ModeDevice | fs.ModeNamedPipe | fs.ModeSocket | fs.ModeSetuid |
				fs.ModeSetgid | fs.ModeSticky
			if m := info.Mode(); m&never != 0 || m&fs.ModeSymlink == 0 && m.Perm()&0o022 != 0 {
				t.Errorf("%s has mode %v", path, m)
			}
		}
		p.noEscape(t, script)
	})
}
