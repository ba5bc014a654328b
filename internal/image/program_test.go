package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func isNative() bool { return runtime.GOOS+"/"+runtime.GOARCH == here }

// elfOf is the head of a program for Linux, with the path of a loader where it has one.
func elfOf(t *testing.T, kind elf.Type, machine elf.Machine, loader string) string {
	t.Helper()
	const head, prog = 64, 56
	h := elf.Header64{
		Type: uint16(kind), Machine: uint16(machine), Version: 1, Phoff: head, Ehsize: head,
		Phentsize: prog, Phnum: 1,
	}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	p := elf.Prog64{Type: uint32(elf.PT_LOAD), Off: head + prog}
	if loader != "" {
		loader += "\x00"
		p.Type, p.Filesz = uint32(elf.PT_INTERP), uint64(len(loader))
	}
	var b bytes.Buffer
	for _, part := range []any{h, p} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.String() + loader
}

func TestProgram(t *testing.T) {
	static := elfOf(t, elf.ET_EXEC, elf.EM_X86_64, "")
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"otelcol":           static,
		"usr/bin/collector": static,
		"app/otelcol":       static,
		"here":              elfOf(t, elf.ET_DYN, elf.EM_X86_64, test), // a loader that is there
		"away":              elfOf(t, elf.ET_DYN, elf.EM_X86_64, "/lib/ld-away.so.1"),
		"arm":               elfOf(t, elf.ET_EXEC, elf.EM_AARCH64, ""),
		"library":           elfOf(t, elf.ET_REL, elf.EM_X86_64, ""),
		"script":            "#!/bin/sh\nexec otelcol\n",
		"text":              "otelcol\n",
	}
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "data"), []byte(static), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"l": "/usr/bin/collector", "bin": "usr/bin", "app/l": "/usr/bin/collector"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	one := func(program string) Config { return Config{Entrypoint: []string{program}} }
	for what, c := range map[string]struct {
		config Config
		want   string // below the root, or in the error
	}{
		"a path":               {one("/otelcol"), "otelcol"},
		"a link":               {one("/l"), "usr/bin/collector"},
		"an absolute link":     {one("/app/l"), "usr/bin/collector"},
		"through a link":       {one("/bin/collector"), "usr/bin/collector"},
		"a name on PATH":       {one("collector"), "usr/bin/collector"},
		"PATH of the image":    {Config{Entrypoint: []string{"otelcol"}, Env: []string{"PATH=/x:/app"}}, "app/otelcol"},
		"below its directory":  {Config{Entrypoint: []string{"./otelcol"}, WorkingDir: "/app"}, "app/otelcol"},
		"a command":            {Config{Cmd: []string{"/otelcol", "--config=x"}}, "otelcol"},
		"its loader is here":   {one("/here"), "here"},
		"nothing":              {Config{}, "found no entrypoint and no command"},
		"an empty one":         {one(""), "found no entrypoint and no command"},
		"with arguments":       {Config{Entrypoint: []string{"/tini", "--", "/otelcol"}}, "whose arguments hold in its container only"},
		"not there":            {one("/gone"), "found no executable file at /gone"},
		"not on PATH":          {one("gone"), "found no executable file at /usr/local/sbin/gone, "},
		"above the root":       {one("/../../../../../../bin/sh"), "found no executable file"},
		"not executable":       {one("/data"), "found no executable file"},
		"a directory":          {one("/usr"), "found no executable file"},
		"a script":             {one("/script"), "/script is a script"},
		"a text":               {one("/text"), "is no program for Linux"},
		"a library":            {one("/library"), "is no program, but ET_REL"},
		"for another machine":  {one("/arm"), "is a program for arm64 and not for amd64"},
		"its loader is absent": {one("/away"), "needs the loader /lib/ld-away.so.1, which this machine does not have"},
	} {
		u := &Unpacked{Image: "x", Root: root, Platform: here, Config: c.config}
		got, err := u.Program()
		if _, good := files[c.want]; good {
			if want := filepath.Join(root, c.want); err != nil || got != want {
				t.Errorf("%s: Program() = %q, %v, want %q", what, got, err, want)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), "--collector-bin") {
			t.Errorf("%s: Program() = %q, %v, want %q", what, got, err, c.want)
		}
	}
}

func TestEnviron(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc/ssl"), 0o755); err != nil {
		t.Fatal(err)
	}
	u := &Unpacked{Root: root, Config: Config{Env: []string{
		"PATH=/bin", "HOME=/", "https_proxy=http://proxy.example:3128", "TMPDIR=/etc",
		"SSL_CERT_DIR=/etc/ssl", "SSL_CERT_FILE=/etc/ssl/none.crt", "LEVEL=info", "EMPTY=", "odd", "=x",
		"ROOT=/", "LEVEL=debug",
	}}}
	want := map[string]string{
		"SSL_CERT_DIR": filepath.Join(root, "etc/ssl"), "SSL_CERT_FILE": "/etc/ssl/none.crt",
		"LEVEL": "debug", "EMPTY": "", "ROOT": "/",
	}
	if diff := cmp.Diff(want, u.Environ()); diff != "" {
		t.Errorf("Environ() (-want +got):\n%s", diff)
	}
}
