package selftest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A kept is the file of results: one a host, since a home directory may be shared.
type kept struct {
	SchemaVersion int               `json:"schema_version"`
	Hosts         []record.Selftest `json:"hosts"`
}

// Keep puts a result into the file, in place of an earlier one of the same machine
// whatever its kernel and cores were. The file is replaced whole or not at all; one
// that cannot be read is replaced too.
func Keep(path string, result record.Selftest) error {
	all, _ := read(path)
	all.SchemaVersion = record.SelftestVersion
	all.Hosts = slices.DeleteFunc(all.Hosts, func(s record.Selftest) bool {
		return s.Host.ID == result.Host.ID
	})
	all.Hosts = append(all.Hosts, result)
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = renameio.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("keep result: %w", err)
	}
	return nil
}

// Kept is the result of this host in the file; nil when there is none.
func Kept(path string, host record.HostID) (*record.Selftest, error) {
	all, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read kept result: %w", err)
	}
	for i := range all.Hosts {
		if all.Hosts[i].Host == host {
			return &all.Hosts[i], nil
		}
	}
	return nil, nil
}

func read(path string) (kept, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return kept{}, err
	}
	var version struct {
		SchemaVersion int `json:"schema_version"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return kept{}, fmt.Errorf("%s: %w", path, err)
	}
	if v := version.SchemaVersion; v != record.SelftestVersion {
		return kept{}, fmt.Errorf("%s: schema version %d, and this program knows %d: "+
			"run odigos-stress selftest again", path, v, record.SelftestVersion)
	}
	var all kept
	if err := json.Unmarshal(text, &all); err != nil {
		return kept{}, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// ThisHost is the identity of this machine, of which the rest is known already. The
// machine id is told to nobody, so only a hash of it under our name is kept.
func ThisHost(m record.Machine) record.HostID {
	name, err := os.ReadFile("/etc/machine-id")
	id := strings.TrimSpace(string(name))
	if err != nil || id == "" || id == "uninitialized" {
		id, _ = os.Hostname() // empty is a name too
	}
	sum := sha256.Sum256([]byte("odigos-stress host\x00" + id))
	return record.HostID{
		ID: hex.EncodeToString(sum[:8]), OS: m.OS, Arch: m.Arch, Kernel: m.Kernel,
		CPUModel: m.CPUModel, Cores: m.Cores,
	}
}
