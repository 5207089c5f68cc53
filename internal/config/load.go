package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

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
	if err := d.first(); err != nil {
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
	faults   []finding
	warnings []finding
}

func newDocument(name string, env func(string) (string, bool)) *document {
	return &document{
		name:   name,
		env:    env,
		read:   func(file string) ([]byte, error) { return readFile(file, secretLimit) },
		secret: map[path]string{},
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

// parse goes on after faults as long as it makes sense, so that the first by
// line can be told.
func (d *document) parse(data []byte) *Config {
	cfg := defaults()
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
	for at, line := range repeated {
		d.faults = append(d.faults, finding{line, fmt.Sprintf("%s was already given in line %d; each table and key stands once", at, d.line(at))})
	}
	if len(d.faults) > 0 {
		return cfg
	}
	d.table("", table, reflect.ValueOf(cfg).Elem())
	if len(d.faults) == 0 {
		d.check(cfg)
	}
	return cfg
}

// text reports whether data is text at all.
func (d *document) text(data []byte) bool {
	if len(bytes.TrimSpace(data)) == 0 {
		d.faults = append(d.faults, finding{0, "the file is empty; write it from config.example.toml"})
	} else if i := invalidUTF8(data); i >= 0 {
		d.faults = append(d.faults, finding{lineOf(data, i), fmt.Sprintf("byte 0x%02x is not UTF-8 text; save the file as UTF-8", data[i])})
	}
	return len(d.faults) == 0
}

// lineOf is the line in which the i-th byte stands.
func lineOf(data []byte, i int) int { return 1 + bytes.Count(data[:i], []byte("\n")) }

// invalidUTF8 returns the place of the first byte that is not UTF-8 text, or
// -1. A zero byte is a sign of UTF-16.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 || r == 0 {
			return i
		}
		i += n
	}
	return -1
}

// quoted finds what the library repeats from the file, which may be a secret
// that was written without quotes.
var quoted = regexp.MustCompile(`["'\x60][^\s]{2,}["'\x60]`)

// syntax reports an error of the TOML library.
func (d *document) syntax(data []byte, err error) {
	var pe toml.ParseError
	if !errors.As(err, &pe) { // not for a map, which takes everything
		d.faults = append(d.faults, finding{0, "not TOML: " + strings.Join(strings.Fields(err.Error()), " ")})
		return
	}
	text := strings.Join(strings.Fields(pe.Message), " ")
	switch {
	case strings.Contains(text, "out of range"):
		text = "a number is too large; if it is an id or a secret, write it in quotes"
	case strings.HasPrefix(text, "unexpected EOF; expected") && !strings.HasSuffix(text, "value"):
		text = "the closing quotes are missing; text ends with the quotes that began it"
	case strings.HasPrefix(text, "Key '"):
		text = "key " + strings.TrimPrefix(text, "Key ")
		text = strings.TrimSuffix(text, ".") + "; each table and key stands once"
	case strings.HasPrefix(text, "expected value but found"):
		text = "a value is missing or lacks quotes; text stands in double quotes"
	case strings.HasPrefix(text, "strings cannot contain newlines"):
		text = "the closing quote is missing; text in quotes ends on its line"
	case strings.HasPrefix(text, "invalid escape"):
		text = `a backslash begins something unknown; write \\ for a backslash, or the text in single quotes`
	default:
		text = quoted.ReplaceAllString(text, "…") + "; see https://toml.io for how to write it"
	}
	// Position.Line is one too many where the line ends too soon.
	start := min(max(pe.Position.Start, 0), len(data))
	d.faults = append(d.faults, finding{lineOf(data, start), text})
}

// fault notes what is wrong at a place, and what to do.
func (d *document) fault(at path, format string, args ...any) {
	d.faults = append(d.faults, finding{d.line(at), fmt.Sprintf(format, args...)})
}

// warn notes what works but is probably not meant.
func (d *document) warn(at path, format string, args ...any) {
	d.warnings = append(d.warnings, finding{d.line(at), fmt.Sprintf(format, args...)})
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

func (d *document) first() error {
	if len(d.faults) == 0 {
		return nil
	}
	return errors.New(d.format(slices.MinFunc(d.faults, byLine)))
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
