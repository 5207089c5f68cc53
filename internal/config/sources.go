package config

import (
	"errors"
	"io/fs"
	"reflect"
	"regexp"
	"strings"
	"unicode"
)

// secretValue decodes a secret given by key, which ends in form. Its messages
// never repeat the value: that may be the secret, written under the wrong key.
func (d *document) secretValue(table path, key, form string, from any, to reflect.Value) {
	at, name := table.key(key), strings.TrimSuffix(key, form)
	if other, ok := d.secret[table.key(name)]; ok {
		d.given(table, other, key)
		return
	}
	d.secret[table.key(name)] = key
	value, ok := from.(string)
	if !ok {
		d.wrongType(at, from, to.Type())
		return
	}
	switch form {
	case "_env":
		value, ok = d.fromEnv(at, value)
	case "_file":
		value, ok = d.fromFile(at, value)
	}
	if !ok || !d.usable(at, value) {
		return
	}
	switch v := to.Addr().Interface().(type) {
	case *Secret:
		*v = NewSecret(value)
	case *Hash:
		*v = HashOf(value)
		if len(value) < goodToken {
			d.warn(at, `%s is short enough to be guessed; "allclear token" makes a good one`, at)
		}
	}
}

// goodToken is the length in bytes from which a token for the API is hard to
// guess even for somebody who has its hash.
const goodToken = 20

// given reports a secret that the file gives twice, where it does so again.
func (d *document) given(table path, a, b string) {
	at := table.key(b)
	if d.line(table.key(a)) > d.line(at) {
		at = table.key(a)
	}
	d.fault(at, "%s and %s are both given; keep one", a, b)
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (d *document) fromEnv(at path, name string) (string, bool) {
	if !envName.MatchString(name) {
		d.fault(at, `%s is not the name of an environment variable; write one like "TELEGRAM_TOKEN", without $`, at)
		return "", false
	}
	value, _ := d.env(name)
	if strings.TrimSpace(value) != "" {
		return strings.TrimSpace(value), true
	}
	if name == strings.ToUpper(name) { // otherwise it may be the secret itself
		d.fault(at, "environment variable %s is not set; set it, or use %s_file", name, strings.TrimSuffix(at.last(), "_env"))
	} else {
		d.fault(at, "%s names an environment variable that is not set; set it, and write its name here, not the secret", at)
	}
	return "", false
}

func (d *document) fromFile(at path, name string) (string, bool) {
	if name == "" {
		d.fault(at, "%s is empty; write the path of the file that holds the secret", at)
		return "", false
	}
	data, err := d.read(d.resolve(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.fault(at, "%s names a file that does not exist; relative paths start in the folder of this file", at)
	case err != nil:
		d.fault(at, "the file that %s names %s", at, reason(err)+"; it must be readable by the user that runs allclear")
	case strings.TrimSpace(string(data)) == "":
		d.fault(at, "the file that %s names is empty; write the secret into it", at)
	default:
		return strings.TrimSpace(string(data)), true
	}
	return "", false
}

// usable reports whether a value can be a secret of any platform.
func (d *document) usable(at path, value string) bool {
	odd := func(r rune) bool {
		return unicode.IsControl(r) || r == unicode.ReplacementChar ||
			unicode.IsSpace(r) && at.parent() != "store" // a database's path may have spaces
	}
	switch {
	case value == "":
		d.fault(at, "%s is empty; write the secret, or use %[1]s_env or %[1]s_file", strings.TrimSuffix(strings.TrimSuffix(at.last(), "_env"), "_file"))
	case strings.ContainsFunc(value, odd):
		d.fault(at, "%s contains a space or line break; write only the secret, nothing around it", at)
	default:
		return true
	}
	return false
}
