package record

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/odigos-io/odigos-stress/internal/profile"
)

// maxProfile is how much of a profile is read or kept. A collector's are some 50 KB.
const maxProfile = 16 << 20

// readProfiles reads the profiles that the record names. One that cannot be read says why
// in its Error, and is no error of the record.
func (r *Record) readProfiles() {
	for i := range r.Profiles {
		p := &r.Profiles[i]
		if p.File == "" {
			continue
		}
		parsed, err := readProfile(r.Dir, p.File)
		if err != nil {
			p.Error = err.Error()
			continue
		}
		p.Parsed = parsed
	}
}

// readProfile reads one profile below dir; a name that leads out of it is refused.
func readProfile(dir, file string) (*profile.Profile, error) {
	if !filepath.IsLocal(file) {
		return nil, fmt.Errorf("read profile: %q is not below the record", file)
	}
	path := filepath.Join(dir, file)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	if info.Size() > maxProfile {
		return nil, fmt.Errorf("read profile: %s is larger than %d MiB", path, maxProfile>>20)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	parsed, err := profile.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read profile: %s: %w", path, err)
	}
	return parsed, nil
}
