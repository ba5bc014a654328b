package record

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// Open reads a record. It reads what a killed writer left, too: Ending is then nil,
// and a file whose last line was cut off is named in Torn.
func Open(dir string) (*Record, error) {
	r := &Record{Dir: dir}
	if err := r.read(); err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	return r, nil
}

// OpenLatest reads the record in root that was begun last.
func OpenLatest(root string) (*Record, error) {
	dir, err := LatestDir(root)
	if err != nil {
		return nil, err
	}
	return Open(dir)
}

// LatestDir is what was begun last in root: the directory of a record, or of a suite.
func LatestDir(root string) (string, error) {
	name, err := os.Readlink(filepath.Join(root, Latest))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("open latest record: no trial has been recorded in %s", root)
	}
	if err != nil {
		return "", fmt.Errorf("open latest record: %w", err)
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(root, name)
	}
	return name, nil
}

// IsSuite tells whether dir holds many trials that belong together.
func IsSuite(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, SuiteFile))
	return err == nil
}

// noHeader says why dir is not a record.
func noHeader(dir string) error {
	if !IsSuite(dir) {
		return fmt.Errorf("%s is not a record: it has no %s", dir, HeaderFile)
	}
	below, _ := filepath.Glob(filepath.Join(dir, "*", "*", HeaderFile))
	for i := range below {
		below[i] = strings.TrimSuffix(below[i], string(filepath.Separator)+filepath.FromSlash(HeaderFile))
	}
	if len(below) == 0 {
		return fmt.Errorf("%s is a suite of trials, none of which has been recorded", dir)
	}
	return fmt.Errorf("%s is a suite of trials and not a record: name one of its records, %s", dir,
		strings.Join(below, ", "))
}

func (r *Record) read() error {
	err := r.readHeader()
	if err != nil {
		return err
	}
	err = errors.Join(
		readLinesOf(r, SamplesFile, true, &r.Samples),
		readLinesOf(r, EventsFile, true, &r.Events),
		readLinesOf(r, PulsesFile, false, &r.Pulses),
		readLinesOf(r, ProfilesFile, false, &r.Profiles),
	)
	if err != nil {
		return err
	}
	if err := r.readEnding(); err != nil {
		return err
	}
	r.readProfiles()
	r.orderPulses()
	r.countFromStart()
	return nil
}

func (r *Record) readHeader() error {
	path := filepath.Join(r.Dir, HeaderFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return noHeader(r.Dir)
	}
	if err != nil {
		return err
	}
	// The version is read first: a newer header may not fit the type at all.
	var version struct {
		SchemaVersion *int `json:"schema_version"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	switch v := version.SchemaVersion; {
	case v == nil:
		return fmt.Errorf("%s: no schema_version", path)
	case *v > SchemaVersion:
		return fmt.Errorf("%s: schema version %d, and this program knows up to %d: "+
			"read it with the version that wrote it, or a later one", path, *v, SchemaVersion)
	case *v < 1:
		return fmt.Errorf("%s: schema version %d, and the first is 1", path, *v)
	}
	if err := json.Unmarshal(b, &r.Header); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return r.readGatewayConfig()
}

// gatewayConfig is what an actor's file is called that is the collector's configuration.
const gatewayConfig = "gateway.yaml"

// readGatewayConfig puts what the gateway ran in the place where that of other gateways is.
func (r *Record) readGatewayConfig() error {
	text, err := os.ReadFile(filepath.Join(r.Dir, GatewayConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for n := range r.Header.Actors {
		if a := &r.Header.Actors[n]; a.Name == Gateway && a.Files == nil {
			a.Files = map[string]string{gatewayConfig: string(text)}
		}
	}
	return nil
}

func (r *Record) readEnding() error {
	path := filepath.Join(r.Dir, EndingFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var e Ending
	if err := json.Unmarshal(b, &e); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r.Ending = &e
	r.locate()
	return nil
}

// locate takes the node that the gateway was on for the machine, where it is known; of
// several gateways that of the first. Of a node that came later nothing else is known.
func (r *Record) locate() {
	on := cmp.Or(r.Ending.Nodes[Gateway], r.Ending.Nodes[env.MemberName(Gateway, 0)])
	if on != "" {
		r.Header.Machine = r.node(on)
	}
}

// readLinesOf reads one of the files that grow by lines. One that need not be there
// leaves nothing when it is not.
func readLinesOf[T any](r *Record, file string, needed bool, all *[]T) error {
	read, torn, err := readFile[T](filepath.Join(r.Dir, file))
	if !needed && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if torn {
		r.Torn = append(r.Torn, file)
	}
	*all = read
	return nil
}

func readFile[T any](path string) (all []T, torn bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	return readLines[T](f, path)
}

// readLines reads a JSON object a line. Only the last line may lack its end: then it
// is left out when it does not parse, and torn is set. Any other line that does not
// parse is an error that names file and line.
func readLines[T any](r io.Reader, file string) (all []T, torn bool, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, false, fmt.Errorf("%s:%d: %w", file, number, err)
		}
		if len(line) == 0 {
			return all, false, nil
		}
		var v T
		bad := decodeObject(line, &v)
		switch {
		case bad == nil:
			all = append(all, v)
		case err != nil:
			return all, true, nil
		default:
			return nil, false, fmt.Errorf("%s:%d: %w: found %s", file, number, bad, excerpt(line))
		}
		if err != nil {
			return all, false, nil
		}
	}
}

// decodeObject refuses what json would take without a word: null for any type.
func decodeObject(line []byte, v any) error {
	if !strings.HasPrefix(strings.TrimSpace(string(line)), "{") {
		return errors.New("not a JSON object")
	}
	return json.Unmarshal(line, v)
}

func excerpt(line []byte) string {
	text := strings.TrimRight(string(line), "\n")
	if len(text) > 60 {
		return fmt.Sprintf("%q…", text[:60])
	}
	return fmt.Sprintf("%q", text)
}

// countFromStart gives a time to what was written before the start was known, which
// bears 0. Where the load never began, time counts up to the last sample.
func (r *Record) countFromStart() {
	start, ok := r.start()
	if !ok {
		return
	}
	for i := range r.Samples {
		if s := &r.Samples[i]; s.Elapsed == 0 {
			s.Elapsed = s.At.Sub(start).Seconds()
		}
	}
	for i := range r.Events {
		if e := &r.Events[i]; e.Elapsed == 0 {
			e.Elapsed = e.At.Sub(start).Seconds()
		}
	}
	for i := range r.Pulses {
		if p := &r.Pulses[i]; p.Elapsed == 0 {
			p.Elapsed = p.At.Sub(start).Seconds()
		}
	}
	for i := range r.Profiles {
		if p := &r.Profiles[i]; p.Elapsed == 0 {
			p.Elapsed = p.At.Sub(start).Seconds()
		}
	}
}

func (r *Record) start() (time.Time, bool) {
	if r.Ending != nil && !r.Ending.LoadStart.IsZero() {
		return r.Ending.LoadStart, true
	}
	for _, s := range r.Samples {
		if s.Elapsed != 0 {
			return s.At.Add(-time.Duration(s.Elapsed * float64(time.Second))), true
		}
	}
	if n := len(r.Samples); n > 0 {
		return r.Samples[n-1].At, true
	}
	return time.Time{}, false
}
