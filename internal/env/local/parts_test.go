package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseExec(t *testing.T) {
	for _, c := range []struct {
		args           []string
		parent         int
		files, program []string
		fails          bool
	}{
		{
			args: execArgs(7, []string{"/a", "/b"}, "prog", "--", "-x")[1:], parent: 7,
			files: []string{"/a", "/b"}, program: []string{"prog", "--", "-x"},
		},
		{args: execArgs(7, nil, "prog")[1:], parent: 7, files: []string{}, program: []string{"prog"}},
		{args: nil, fails: true},
		{args: []string{"7", "--"}, fails: true},
		{args: []string{"7", "prog"}, fails: true},
		{args: []string{"x", "--", "prog"}, fails: true},
	} {
		parent, files, program, err := parseExec(c.args)
		if (err != nil) != c.fails {
			t.Errorf("parseExec(%q) = %v", c.args, err)
			continue
		}
		if c.fails {
			continue
		}
		if diff := cmp.Diff([]any{c.parent, c.files, c.program}, []any{parent, files, program}); diff != "" {
			t.Errorf("parseExec(%q) (-want +got)\n%s", c.args, diff)
		}
	}
}

func TestHidden(t *testing.T) {
	for _, args := range [][]string{nil, {"run"}, {"--help"}} {
		if handled, err := Hidden(args); handled || err != nil {
			t.Errorf("Hidden(%q) = %v, %v", args, handled, err)
		}
	}
	if handled, err := Hidden([]string{"__exec"}); !handled || err == nil {
		t.Errorf("Hidden(__exec) = %v, %v", handled, err)
	}
}

// A tool that dies between two claims, or within one, leaves what came before.
func TestReadClaims(t *testing.T) {
	const held = `{"op":"hold","path":"/a"}
{"op":"hold","cgroup":"/c"}
{"op":"hold","process":{"pid":3,"start":9}}
{"op":"hold","path":"/b"}
{"op":"drop","path":"/a"}
`
	want := holdings{Processes: []process{{3, 9}}, Cgroups: []string{"/c"}, Paths: []string{"/b"}}
	got, done := readClaims(strings.NewReader(held + `{"op":"hold","pa`))
	if diff := cmp.Diff(want, got); diff != "" || done {
		t.Errorf("readClaims: done %v (-want +got)\n%s", done, diff)
	}
	if _, done := readClaims(strings.NewReader(held + `{"op":"done"}` + "\n")); !done {
		t.Error("readClaims did not see that the tool was done")
	}
}

func FuzzReadClaims(f *testing.F) {
	f.Add([]byte(`{"op":"hold","path":"/a"}` + "\n" + `{"op":"drop","path":"/a"}`))
	f.Add([]byte(`{"op":"done"}`))
	f.Add([]byte("\n\x00{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		held, done := readClaims(bytes.NewReader(text))
		if _, err := json.Marshal(held); err != nil {
			t.Errorf("readClaims(%q) = %v, %v: %v", text, held, done, err)
		}
	})
}

func TestProcessIsToldFromALaterOne(t *testing.T) {
	me := self()
	if !me.alive() {
		t.Fatal("this process does not live")
	}
	if back, err := parseProcess(me.String()); err != nil || back != me {
		t.Errorf("parseProcess(%q) = %v, %v", me, back, err)
	}
	if runtime.GOOS != "linux" {
		return
	}
	for _, other := range []process{{me.PID, me.Start + 1}, {me.PID, 0}, {0, 0}, {1 << 30, 5}} {
		if other.alive() {
			t.Errorf("%v.alive() = true; this is %v", other, me)
		}
		other.kill() // must not end this one
	}
	for _, s := range []string{"", "1", "-", "x-1", "1-x", "-1-1", "0-1"} {
		if p, err := parseProcess(s); err == nil {
			t.Errorf("parseProcess(%q) = %v", s, p)
		}
	}
}

func TestFreePorts(t *testing.T) {
	taken := map[int]bool{}
	all := map[string]bool{}
	for range 20 {
		addrs, err := freePorts([]string{"grpc", "http", "admin"}, taken)
		if err != nil {
			t.Fatal(err)
		}
		for name, addr := range addrs {
			if _, port, err := net.SplitHostPort(addr); err != nil || port == "0" || all[addr] {
				t.Errorf("freePorts: %s = %q, given before: %v", name, addr, all[addr])
			}
			all[addr] = true
		}
	}
	if len(all) != 60 {
		t.Errorf("%d addresses; want 60", len(all))
	}
}

func TestRegistryOfSomebodyElseIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "registry")
	if err := makeRegistry(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := makeRegistry(dir); err == nil || !strings.Contains(err.Error(), "only you can write") {
		t.Errorf("makeRegistry(open to all) = %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if err := makeRegistry(link); err == nil {
		t.Error("makeRegistry(a link) = nil")
	}
}

// Entries of another boot name processes and cgroups of somebody else.
func TestEntryOfAnotherBoot(t *testing.T) {
	if bootID() == "" {
		t.Skip("this system does not tell one boot from another")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "old.txt")
	mustWriteFile(t, file, "")
	e := entry{RunID: "old", Tool: self(), Boot: "another", holdings: holdings{
		Processes: []process{self()}, Cgroups: []string{"/sys/fs/cgroup"}, Paths: []string{file},
	}}
	if e.owned() {
		t.Error("an entry of another boot is owned")
	}
	if err := writeEntry(dir, e); err != nil {
		t.Fatal(err)
	}
	found, err := Cleanup(t.Context(), Options{Registry: dir}, false) // this test lives on
	if err != nil || len(found) != 1 || found[0].Path != file {
		t.Errorf("Cleanup() = %v, %v; want %s alone", found, err, file)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left", file)
	}
}

func mustWriteFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestScrub(t *testing.T) {
	kept, taken := scrub([]string{
		"PATH=/bin", "HOME=/root", "GOGC=1", "GOMEMLIMIT=1", "GOTRACEBACK=all",
		"GOOGLE_CREDENTIALS=x", "GO=1", "OTEL_X=1", "Http_Proxy=p", "all_proxy=p", "ODIGOS_STRESS_RUN=1",
		"PROXY=stays", "GOGC=2",
	})
	if diff := cmp.Diff([]string{"PATH=/bin", "HOME=/root", "GOOGLE_CREDENTIALS=x", "GO=1", "PROXY=stays"},
		kept); diff != "" {
		t.Errorf("kept (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"GOGC", "GOMEMLIMIT", "GOTRACEBACK", "Http_Proxy", "ODIGOS_STRESS_RUN",
		"OTEL_X", "all_proxy",
	}, taken); diff != "" {
		t.Errorf("taken (-want +got)\n%s", diff)
	}
}

func TestTailIsTheLastLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	mustWriteFile(t, path, "of an earlier start\n")
	f, o, err := openOutput(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := o.tail(); got != "" {
		t.Errorf("tail() of nothing = %q", got)
	}
	for range 5000 {
		if _, err := f.WriteString("line\n"); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = f.WriteString("panic: the last \xff line\n")
	got := o.tail()
	if n := strings.Count(got, "\n"); n != 19 || !strings.HasSuffix(got, "panic: the last � line") {
		t.Errorf("tail() = %d lines: %q", n+1, got)
	}
}

func TestFindProgram(t *testing.T) {
	dir, path := t.TempDir(), t.TempDir()
	t.Setenv("PATH", path)
	for _, file := range []string{
		filepath.Join(dir, "sibling"), filepath.Join(path, "on-path"),
		filepath.Join(path, "sibling"),
	} {
		mustWriteFile(t, file, "#!/bin/sh\n")
		if err := os.Chmod(file, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mustWriteFile(t, filepath.Join(path, "no-program"), "")
	for _, c := range []struct {
		candidates []string
		want       string
	}{
		{[]string{"none", "on-path", "sibling"}, filepath.Join(path, "on-path")},
		{[]string{"sibling"}, filepath.Join(dir, "sibling")},
		{[]string{filepath.Join(path, "sibling")}, filepath.Join(path, "sibling")},
		{[]string{"none", "no-program"}, ""},
	} {
		got, err := findProgram(c.candidates, dir)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("findProgram(%q) = %q, %v; want %q", c.candidates, got, err, c.want)
		}
	}
}

func TestOutput(t *testing.T) {
	t.Setenv("GOGC", "1")
	out, err := Output(t.Context(), "/bin/sh", "-c", "echo gogc=$GOGC; echo aside >&2")
	if err != nil || string(out) != "gogc=\n" {
		t.Errorf("Output() = %q, %v", out, err)
	}
	_, err = Output(t.Context(), "/bin/sh", "-c", "echo why >&2; exit 4")
	if err == nil || !strings.Contains(err.Error(), "exit status 4: why") {
		t.Errorf("Output(fails) = %v", err)
	}
	if _, err := Output(t.Context(), "/bin/sh", "-c", "head -c 5000000 /dev/zero"); err == nil ||
		!strings.Contains(err.Error(), "more than") {
		t.Errorf("Output(too much) = %v", err)
	}
}

func TestSHA256(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	mustWriteFile(t, path, "abc")
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got, err := SHA256(path); err != nil || got != want {
		t.Errorf("SHA256(abc) = %q, %v", got, err)
	}
}

func TestCapabilities(t *testing.T) {
	cs := Capabilities(t.Context(), Options{Registry: filepath.Join(t.TempDir(), "registry")})
	seen := map[string]bool{}
	for _, c := range cs {
		seen[c.Name] = true
		if c.Found == "" || c.OK == (c.Remedy != "") {
			t.Errorf("%+v: want what was found, and a remedy exactly when it is not OK", c)
		}
	}
	for _, name := range []string{
		"limit-cpu", "limit-memory", "swap", "pressure", "oom-events", "clock", "cores",
		"memory", "open-files", "load", "own-cpu-quota",
	} {
		if !seen[name] {
			t.Errorf("Capabilities() do not speak of %s", name)
		}
	}
}

// A quota of a cgroup above the tool bounds all that is below it.
func TestOwnQuota(t *testing.T) {
	root := t.TempDir()
	own := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	mustWriteFile(t, filepath.Join(own, "cpu.max"), "max 100000\n")
	mustWriteFile(t, filepath.Join(root, "a", "cpu.max"), "150000 100000\n")
	all := []hierarchy{{Version: 2, Mount: root, Own: own}}
	if c := ownQuota(all, 4); c.OK || !strings.HasPrefix(c.Found, "1.5 cores, by "+root+"/a") {
		t.Errorf("ownQuota(4 cores) = %+v", c)
	}
	if c := ownQuota(all, 1); !c.OK {
		t.Errorf("ownQuota(1 core) = %+v", c)
	}
}

func TestThisMachine(t *testing.T) {
	m := ThisMachine()
	if m.OS != runtime.GOOS || m.Arch != runtime.GOARCH || m.Cores < 1 {
		t.Errorf("ThisMachine() = %+v", m)
	}
	if m.OS == "linux" && (m.Kernel == "" || m.MemoryBytes == 0) {
		t.Errorf("ThisMachine() = %+v", m)
	}
}
