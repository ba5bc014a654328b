package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"
)

// ErrClosed is what a Log answers after its ending was written.
var ErrClosed = errors.New("record is closed")

// A Log is the pen of a running trial: what was written stays readable whatever
// becomes of the writer. It is safe for concurrent use.
type Log struct {
	dir     string
	samples *lines
	pulses  *lines
	events  *lines
	test    *lines

	profiles *lines

	mu     sync.Mutex
	closed bool
}

// Create makes a new directory in root, which is made too where it is missing, writes
// the header into it and points root's link "latest" at it. A directory that is there
// is never written to: its name gets a number.
func Create(root string, h Header, now time.Time) (*Log, error) {
	name := Name(now, h.Scenario.Name, float64(h.Scenario.Load.Rate))
	if strings.ContainsAny(name, `/\`) {
		return nil, fmt.Errorf("create record: scenario name %q cannot be part of a file name",
			h.Scenario.Name)
	}
	dir, err := MakeDir(root, name)
	if err != nil {
		return nil, fmt.Errorf("create record: %w", err)
	}
	l, err := begin(dir, h)
	if err != nil {
		return nil, err
	}
	if err := PointLatest(dir); err != nil {
		_ = l.closeFiles()
		return nil, fmt.Errorf("create record: %w", err)
	}
	return l, nil
}

// CreateIn makes a record in dir, which must not be there yet, for one who keeps many
// together. No link points at it.
func CreateIn(dir string, h Header) (*Log, error) {
	err := os.MkdirAll(filepath.Dir(dir), 0o755)
	if err == nil {
		err = os.Mkdir(dir, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("create record: %w", err)
	}
	return begin(dir, h)
}

func begin(dir string, h Header) (*Log, error) {
	h.SchemaVersion = SchemaVersion
	l := &Log{dir: dir}
	if err := l.begin(h); err != nil {
		_ = l.closeFiles()
		return nil, fmt.Errorf("create record: %w", err)
	}
	return l, nil
}

// PointLatest points the link "latest" that lies beside dir at it.
func PointLatest(dir string) error {
	err := renameio.Symlink(filepath.Base(dir), filepath.Join(filepath.Dir(dir), Latest))
	if err != nil {
		return fmt.Errorf("point %s at it: %w", Latest, err)
	}
	return nil
}

// MakeDir makes the first directory in root of the name, or the name and a number, that
// is not there yet. The making itself decides: two trials may begin at once.
func MakeDir(root, name string) (string, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	dir := filepath.Join(root, name)
	for n := 2; ; n++ {
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		dir = filepath.Join(root, name+"-"+strconv.Itoa(n))
	}
}

// begin writes the header last: where it is, the files of the second stroke are.
func (l *Log) begin(h Header) error {
	for _, sub := range []string{"raw", "logs", ProfilesDir} {
		if err := os.Mkdir(filepath.Join(l.dir, sub), 0o755); err != nil {
			return err
		}
	}
	for _, file := range []struct {
		to   **lines
		name string
	}{
		{&l.samples, SamplesFile},
		{&l.pulses, PulsesFile},
		{&l.profiles, ProfilesFile},
		{&l.events, EventsFile},
		{&l.test, TestLogFile},
	} {
		opened, err := createLines(filepath.Join(l.dir, file.name))
		if err != nil {
			return err
		}
		*file.to = opened
	}
	return l.writeJSON(HeaderFile, h)
}

// Dir is the record's directory, as a path below the root that Create was given.
func (l *Log) Dir() string { return l.dir }

// LogPath is where an actor's output belongs.
func (l *Log) LogPath(actor string) string { return filepath.Join(l.dir, LogFile(actor)) }

// TestLog is the plain text that goes with the trial; each Write is one or more whole
// lines. Events are written to it too.
func (l *Log) TestLog() io.Writer { return l.test }

// Sample appends one look, as one line with one write: it outlives the writer's death,
// though not that of the machine.
func (l *Log) Sample(s Sample) error {
	if err := l.samples.json(s); err != nil {
		return fmt.Errorf("record sample: %w", err)
	}
	return nil
}

// Pulse appends one close look, as Sample does.
func (l *Log) Pulse(p Pulse) error {
	if err := l.pulses.json(p); err != nil {
		return fmt.Errorf("record pulse: %w", err)
	}
	return nil
}

// Profile keeps a profile's bytes under a name of its own, and a line about it. Without
// bytes there is the line alone, which says why.
func (l *Log) Profile(p Profile, data []byte) error {
	if len(data) > 0 {
		p.File = fmt.Sprintf("%s/%s-%s-%s-%.2fs.pb.gz", ProfilesDir, inFile(p.Actor), p.Moment, p.Kind,
			p.Elapsed)
		path := filepath.Join(l.dir, p.File)
		err := renameio.WriteFile(path, data, 0o644, renameio.WithTempDir(filepath.Dir(path)))
		if err != nil {
			return fmt.Errorf("record profile: %w", err)
		}
	}
	if err := l.profiles.json(p); err != nil {
		return fmt.Errorf("record profile: %w", err)
	}
	return nil
}

// GatewayConfig keeps what the gateway runs, where that is its place's to say.
func (l *Log) GatewayConfig(text string) error {
	path := filepath.Join(l.dir, GatewayConfigFile)
	err := renameio.WriteFile(path, []byte(text), 0o644, renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return fmt.Errorf("record the gateway's configuration: %w", err)
	}
	return nil
}

// Event appends one event, as Sample does, and a line for people in the test log.
func (l *Log) Event(e Event) error {
	if err := l.events.json(e); err != nil {
		return fmt.Errorf("record event: %w", err)
	}
	if _, err := l.test.Write(eventText(e)); err != nil {
		return fmt.Errorf("record event: %w", err)
	}
	return nil
}

// eventText keeps an event on one line whatever its text holds.
func eventText(e Event) []byte {
	text := strings.ReplaceAll(strings.TrimSpace(e.Text), "\n", " | ")
	if e.Actor != "" {
		text = e.Actor + ": " + text
	}
	return fmt.Appendf(nil, "%s %+9.3fs %-9s %s\n",
		e.At.UTC().Format("2006-01-02T15:04:05.000Z"), e.Elapsed, e.Kind, text)
}

// Account gives the file for an actor's account. Closing it makes it durable; the
// account's own format tells whether it is whole.
func (l *Log) Account(actor string) (*AccountPen, error) {
	f, err := os.OpenFile(filepath.Join(l.dir, AccountFile(actor)),
		os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("record account: %w", err)
	}
	return &AccountPen{f}, nil
}

// An AccountPen is the file of an account that is being written. It is synced when it is closed.
type AccountPen struct{ file *os.File }

// Write implements io.Writer.
func (p *AccountPen) Write(b []byte) (int, error) { return p.file.Write(b) }

// Anew begins again: what was written is gone.
func (p *AccountPen) Anew() error {
	_, err := p.file.Seek(0, io.SeekStart)
	if err = errors.Join(err, p.file.Truncate(0)); err != nil {
		return fmt.Errorf("record account: %w", err)
	}
	return nil
}

// Close implements io.Closer.
func (p *AccountPen) Close() error { return errors.Join(p.file.Sync(), p.file.Close()) }

// Close writes the ending, which is there whole or not at all, and closes the files.
// A second call fails with ErrClosed.
func (l *Log) Close(e Ending) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("record ending: %w", ErrClosed)
	}
	l.closed = true
	err := errors.Join(l.closeFiles(), l.writeJSON(EndingFile, e))
	if err != nil {
		return fmt.Errorf("record ending: %w", err)
	}
	return nil
}

func (l *Log) closeFiles() error {
	var errs []error
	for _, f := range []*lines{l.samples, l.pulses, l.profiles, l.events, l.test} {
		if f != nil {
			errs = append(errs, f.close())
		}
	}
	return errors.Join(errs...)
}

func (l *Log) writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	path := filepath.Join(l.dir, name)
	return renameio.WriteFile(path, append(b, '\n'), 0o644,
		renameio.WithTempDir(filepath.Dir(path)))
}

// lines is a file that grows by whole lines.
type lines struct {
	mu     sync.Mutex
	f      file
	size   int64 // up to the end of the last whole line
	closed bool
}

// file is what lines need of an *os.File.
type file interface {
	io.WriteCloser
	Truncate(size int64) error
	Sync() error
}

func createLines(path string) (*lines, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return &lines{f: f}, nil
}

func (l *lines) json(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = l.Write(append(b, '\n'))
	return err
}

// Write appends b with one write. What a full disk let through of it is taken back,
// so that the next line does not begin in the middle of this one.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, ErrClosed
	}
	n, err := l.f.Write(b)
	if err != nil {
		return 0, errors.Join(err, l.f.Truncate(l.size))
	}
	l.size += int64(n)
	return n, nil
}

func (l *lines) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	return errors.Join(l.f.Sync(), l.f.Close())
}
