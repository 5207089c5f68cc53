package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/BurntSushi/toml"
)

// Sizes of files, far above what anybody writes.
const (
	configLimit = 1 << 20
	secretLimit = 64 << 10
)

// Load reads the configuration in a file. env looks up environment variables
// for secrets, as [os.LookupEnv] does.
func Load(file string, env func(string) (string, bool)) (*Config, error) {
	data, err := readFile(file, configLimit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such file; write one from config.example.toml, or name another with --config", file)
	case err != nil:
		return nil, fmt.Errorf("%s: %s; the file must be readable by the user that runs allclear", file, reason(err))
	}
	return Parse(file, data, env)
}

// Parse reads a configuration. name is its file's path: errors begin with it,
// and relative paths start in its folder.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	d := newDocument(name, env)
	cfg := d.parse(data)
	if err := d.faulty(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(d.warnings, byLine)
	for _, w := range d.warnings {
		cfg.Warnings = append(cfg.Warnings, d.format(w))
	}
	return cfg, nil
}

// A document is a file on its way to a Config.
type document struct {
	name     string
	env      func(string) (string, bool)
	read     func(string) ([]byte, error)
	lines    map[path]int
	secret   map[path]string // the key that gave the secret at a place: token, token_env or token_file
	lost     map[path]bool   // what could not be decoded
	faults   []finding
	warnings []finding
}

func newDocument(name string, env func(string) (string, bool)) *document {
	return &document{
		name:   name,
		env:    env,
		read:   func(file string) ([]byte, error) { return readFile(file, secretLimit) },
		secret: map[path]string{},
		lost:   map[path]bool{},
	}
}

// A finding is something to tell about a line; 0 is the file as a whole.
type finding struct {
	line int
	text string
}

func byLine(a, b finding) int {
	last := func(line int) int { return cmp.Or(line, configLimit+1) }
	return cmp.Compare(last(a.line), last(b.line))
}

// parse goes on after faults as long as it makes sense, so that all can be told,
// and the first by line where there is room for one.
func (d *document) parse(data []byte) *Config {
	cfg := defaults()
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !d.text(data) {
		return cfg
	}
	var table map[string]any
	if _, err := toml.Decode(string(data), &table); err != nil {
		d.syntax(data, err)
		return cfg
	}
	var repeated map[path]int
	d.lines, repeated = lines(string(data))
	for _, at := range slices.Sorted(maps.Keys(repeated)) {
		d.faults = append(d.faults, finding{repeated[at], fmt.Sprintf("%s was already given in line %d; each table and key stands once", at, d.line(at))})
	}
	if len(d.faults) > 0 {
		return cfg
	}
	d.table("", table, reflect.ValueOf(cfg).Elem())
	d.check(cfg)
	return cfg
}

// fault notes what is wrong at a place, and what to do.
func (d *document) fault(at path, format string, args ...any) {
	d.faults = append(d.faults, finding{d.line(at), fmt.Sprintf(format, args...)})
}

// warn notes what works but is probably not meant.
func (d *document) warn(at path, format string, args ...any) {
	d.warnings = append(d.warnings, finding{d.line(at), fmt.Sprintf(format, args...)})
}

// lose is fault for what cannot be decoded. Nothing follows from it: what holds the
// place is not checked (see whole).
func (d *document) lose(at path, format string, args ...any) {
	d.fault(at, format, args...)
	d.lost[at] = true
}

// whole reports whether all that the file gives at a place could be decoded, so that
// what is missing there is missing in the file.
func (d *document) whole(at path) bool {
	for lost := range d.lost {
		if lost.within(at) || at.within(lost) {
			return false
		}
	}
	return true
}

// line is where the place is, or where the table begins that lacks it.
func (d *document) line(at path) int {
	for ; at != ""; at = at.parent() {
		if n, ok := d.lines[at]; ok {
			return n
		}
	}
	return 0
}

// has reports whether the file gives a key, or a secret in any of its forms.
func (d *document) has(at path) bool {
	if _, ok := d.secret[at]; ok {
		return true
	}
	_, ok := d.lines[at]
	return ok
}

// Faults are what is wrong with a configuration, by line, a text for each. There is
// at least one, which is told where there is room for no more.
type Faults []string

func (f Faults) Error() string { return f[0] }

// faulty returns the [Faults] of a document that has any.
func (d *document) faulty() error {
	if len(d.faults) == 0 {
		return nil
	}
	var all Faults
	for _, f := range slices.SortedStableFunc(slices.Values(d.faults), byLine) {
		all = append(all, d.format(f))
	}
	return all
}

func (d *document) format(f finding) string {
	if f.line == 0 {
		return d.name + ": " + f.text
	}
	return fmt.Sprintf("%s:%d: %s", d.name, f.line, f.text)
}

// resolve makes a path of the file one of this process.
func (d *document) resolve(file string) string {
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(d.name), file)
}

// readFile reads a file of at most limit bytes, so that a device that never
// ends is no trap.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if info.IsDir() {
		return nil, errors.New("it is a folder")
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("it is larger than %d KiB", limit>>10)
	}
	return data, err
}

// reason is an error without the path that the message already has.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return "cannot be read: " + err.Error()
}
