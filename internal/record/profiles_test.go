package record

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProfilesAreReadBack(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "profile", "testdata", "heap-grpc.pb.gz"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	log, err := Create(t.TempDir(), Header{SchemaVersion: SchemaVersion, Created: at}, at)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		profile Profile
		data    []byte
	}{
		{Profile{At: at, Elapsed: 3, Actor: Gateway, Kind: ProfileHeap, Moment: MomentSteady}, data},
		{Profile{At: at, Actor: Gateway, Kind: ProfileCPU, Moment: MomentLimit, Error: "refused"}, nil},
		{Profile{At: at, Elapsed: 4, Actor: Gateway, Kind: ProfileCPU, Moment: MomentLimit}, []byte("?")},
		{Profile{At: at, Elapsed: 5, Actor: Gateway, File: "../../etc/passwd"}, nil},
		{Profile{At: at, Elapsed: 3, Actor: "gateway/1", Kind: ProfileHeap, Moment: MomentSteady}, data},
	} {
		if err := log.Profile(p.profile, p.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(Ending{LoadStart: at.Add(-time.Second)}); err != nil {
		t.Fatal(err)
	}
	r, err := Open(log.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Profiles) != 5 {
		t.Fatalf("%d profiles, want 5", len(r.Profiles))
	}
	if p := r.Profiles[4]; p.Parsed == nil || p.Actor != "gateway/1" {
		t.Errorf("heap profile of one of several: %+v, want it parsed", p)
	}
	if p := r.Profiles[0]; p.Parsed == nil || p.Parsed.Unit != "bytes" || p.Error != "" {
		t.Errorf("heap profile: %+v, want it parsed", p)
	}
	if p := r.Profiles[1]; p.Elapsed != 1 || p.Error != "refused" || p.Parsed != nil {
		t.Errorf("profile that was refused: %+v, want its error, 1 s after the start", p)
	}
	for i, want := range map[int]string{2: "parse profile", 3: "not below the record"} {
		if p := r.Profiles[i]; p.Parsed != nil || !strings.Contains(p.Error, want) {
			t.Errorf("profile %d: error %q, want %q in it", i, p.Error, want)
		}
	}
}
