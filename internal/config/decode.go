package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones must be known in a bare container too
	"unicode"
)

// A field is where the value of a key goes.
type field struct {
	index int
	form  string // how a secret is given: "", "_env" or "_file"
}

// fields lists the keys of a table that is decoded into t. A secret x may
// also be x_env or x_file.
func fields(t reflect.Type) map[string]field {
	known := map[string]field{}
	for i := range t.NumField() {
		key := t.Field(i).Tag.Get("toml")
		if key == "-" {
			continue
		}
		known[key] = field{index: i}
		if secretType(t.Field(i).Type) {
			known[key+"_env"] = field{i, "_env"}
			known[key+"_file"] = field{i, "_file"}
		}
	}
	return known
}

func secretType(t reflect.Type) bool {
	return t == reflect.TypeFor[Secret]() || t == reflect.TypeFor[Hash]()
}

// table decodes a TOML table onto the struct to, and finds unknown keys.
func (d *document) table(at path, from any, to reflect.Value) {
	table, ok := from.(map[string]any)
	if !ok {
		d.wrongType(at, from, to.Type())
		return
	}
	known := fields(to.Type())
	for _, key := range slices.Sorted(maps.Keys(table)) {
		switch f, ok := known[key]; {
		case !ok:
			d.unknownKey(at, key, table[key], known)
		case secretType(to.Field(f.index).Type()):
			d.secretValue(at, key, f.form, table[key], to.Field(f.index))
		default:
			d.value(at.key(key), table[key], to.Field(f.index))
		}
	}
}

// unknownKey reports a key that means nothing in the table at a place.
func (d *document) unknownKey(table path, key string, from any, known map[string]field) {
	at, keys := table.key(key), slices.Sorted(maps.Keys(known))
	home := sectionOf(key)
	switch _, section := from.(map[string]any); {
	case home != "" && nearest(key, keys) == "":
		d.fault(at, "key %q does not belong here; move it to %s", key, home)
		d.lost[""] = true // a section far away may lack it
	case table == "" && section:
		d.unknown(at, "section", key, keys)
		d.loseAbsent(keys)
	default:
		d.unknown(at, "key", key, keys)
		d.lost[table] = true
	}
}

// loseAbsent notes that an unknown section may be any that the file lacks.
func (d *document) loseAbsent(sections []string) {
	for _, name := range sections {
		if at := path(name); !d.has(at) {
			d.lost[at] = true
		}
	}
}

// unknown reports a name that is none of keys.
func (d *document) unknown(at path, what, name string, keys []string) {
	if near := nearest(name, keys); near != "" {
		d.fault(at, "unknown %s %q; did you mean %q?", what, name, near)
		return
	}
	d.fault(at, "unknown %s %q; known here are %s", what, name, strings.Join(keys, ", "))
}

// sectionOf returns the one or two sections that have a key, as one writes
// them, or nothing.
func sectionOf(key string) string {
	var homes []string
	t := reflect.TypeFor[Config]()
	for name, f := range fields(t) {
		form, section := "["+name+"]", t.Field(f.index).Type
		switch section.Kind() {
		case reflect.Slice:
			form, section = "[["+name+"]]", section.Elem()
		case reflect.Map:
			form, section = "["+name+".NAME]", section.Elem()
		}
		if _, ok := fields(section)[key]; ok {
			homes = append(homes, form)
		}
	}
	if len(homes) > 2 {
		return ""
	}
	slices.Sort(homes)
	return strings.Join(homes, " or ")
}

// value decodes anything but secrets.
func (d *document) value(at path, from any, to reflect.Value) {
	switch v := to.Addr().Interface().(type) {
	case *time.Duration:
		d.duration(at, from, v)
		return
	case **time.Location:
		d.location(at, from, v)
		return
	}
	switch to.Kind() {
	case reflect.Struct:
		d.table(at, from, to)
	case reflect.Map:
		d.mapped(at, from, to)
	case reflect.Slice:
		d.list(at, from, to)
	case reflect.String:
		d.word(at, from, to)
	default:
		d.plain(at, from, to)
	}
}

// plain decodes numbers and booleans.
func (d *document) plain(at path, from any, to reflect.Value) {
	switch v := from.(type) {
	case bool:
		if to.Kind() == reflect.Bool {
			to.SetBool(v)
			return
		}
	case int64:
		if to.Kind() == reflect.Float64 {
			to.SetFloat(float64(v))
			return
		}
		if to.Kind() == reflect.Int && !to.OverflowInt(v) {
			to.SetInt(v)
			return
		}
	case float64:
		if to.Kind() == reflect.Float64 {
			to.SetFloat(v)
			return
		}
	}
	d.wrongType(at, from, to.Type())
}

// word decodes text, which may have to be one of few words.
func (d *document) word(at path, from any, to reflect.Value) {
	s, ok := from.(string)
	if !ok {
		d.wrongType(at, from, to.Type())
		return
	}
	if words := choices(to.Type()); words != nil && !slices.Contains(words, s) {
		d.notOneOf(at, s, words)
		return
	}
	if i := strings.IndexFunc(s, unicode.IsControl); i >= 0 {
		d.lose(at, "%s contains a line end or control character; write it on one line", at)
		return
	}
	to.SetString(strings.TrimSpace(s))
}

func (d *document) notOneOf(at path, s string, words []string) {
	if near := nearest(s, words); near != "" {
		d.lose(at, "%s cannot be %q; did you mean %q?", at, s, near)
		return
	}
	d.lose(at, "%s cannot be %q; write one of %s", at, s, strings.Join(words, ", "))
}

// mapped decodes a table whose keys are names.
func (d *document) mapped(at path, from any, to reflect.Value) {
	table, ok := from.(map[string]any)
	if !ok {
		d.wrongType(at, from, to.Type())
		return
	}
	to.Set(reflect.MakeMap(to.Type()))
	words := choices(to.Type().Key())
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if words != nil && !slices.Contains(words, key) {
			d.unknown(at.key(key), "key", key, words)
			continue
		}
		elem := reflect.New(to.Type().Elem()).Elem()
		if _, ok := table[key].(map[string]any); !ok && elem.Kind() == reflect.Struct {
			d.wrongType(at.key(key), table[key], elem.Type())
			d.lost[at] = true
			return // [bots] instead of [bots.NAME]: once is enough
		}
		d.value(at.key(key), table[key], elem)
		to.SetMapIndex(reflect.ValueOf(key).Convert(to.Type().Key()), elem)
	}
}

// list decodes a list, which TOML writes as [a, b] or as [[tables]].
func (d *document) list(at path, from any, to reflect.Value) {
	v := reflect.ValueOf(from)
	if v.Kind() != reflect.Slice {
		d.wrongType(at, from, to.Type())
		return
	}
	to.Set(reflect.MakeSlice(to.Type(), v.Len(), v.Len()))
	for i := range v.Len() {
		d.value(at.index(i), v.Index(i).Interface(), to.Index(i))
	}
}

func (d *document) duration(at path, from any, to *time.Duration) {
	s, ok := from.(string)
	v, err := time.ParseDuration(s)
	if !ok || err != nil {
		d.lose(at, `%s is not a duration; write it like "20m" or "1h30m"`, at)
		return
	}
	*to = v
}

func (d *document) location(at path, from any, to **time.Location) {
	s, ok := from.(string)
	loc, err := time.LoadLocation(s)
	if !ok || err != nil || s == "" || s == "Local" {
		d.lose(at, `%s is not a time zone; write one like "Europe/Berlin" or "UTC"`, at)
		return
	}
	*to = loc
}

// wrongType reports a value of another type than t. It repeats the value only
// where that is an id.
func (d *document) wrongType(at path, from any, t reflect.Type) {
	d.lose(at, "%s is %s where %s is expected; %s", at, typeOf(from), wanted(t), remedy(at, from, t))
}

// typeOf says what the library made of a value.
func typeOf(from any) string {
	switch from.(type) {
	case string:
		return "text"
	case int64:
		return "an integer"
	case float64:
		return "a number"
	case bool:
		return "true or false"
	case time.Time:
		return "a date or time"
	case map[string]any:
		return "a table"
	default:
		return "a list"
	}
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Int:
		return "an integer"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	default:
		if secretType(t) {
			return "text"
		}
		return "a table"
	}
}

// remedy says how to write a t.
func remedy(at path, from any, t reflect.Type) string {
	_, text := from.(string)
	switch k := t.Kind(); {
	case k == reflect.String && isID(at.last()):
		return fmt.Sprintf(`ids are strings: write "%v" in quotes`, from)
	case k == reflect.String || secretType(t):
		return "write it in double quotes"
	case k == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return fmt.Sprintf("write [[%s]] with double brackets, once for each", at)
	case k == reflect.Slice:
		return "write it in square brackets, like [\"a\", \"b\"]"
	case k == reflect.Struct && strings.HasPrefix(string(at), "bots."), k == reflect.Map && at == "bots":
		return "every bot has a section of its own: [bots.NAME]"
	case k == reflect.Struct && strings.HasPrefix(string(at), "hooks."), k == reflect.Map && at == "hooks":
		return "every hook has a section of its own: [hooks.NAME]"
	case k == reflect.Struct && at != "" && !strings.ContainsAny(string(at), ".["):
		return fmt.Sprintf("write [%s] with single brackets, once", at)
	case k == reflect.Struct || k == reflect.Map:
		return "write it in curly brackets: { key = value }"
	case text:
		return "write it without quotes"
	default:
		return "write " + wanted(t)
	}
}

func isID(key string) bool {
	switch key {
	case "target", "telegram", "discord", "application", "guild":
		return true
	}
	return false
}

// nearest returns the word that was probably meant, or nothing.
func nearest(s string, words []string) string {
	best, least := "", max(2, len(s)/3)+1
	for _, w := range words {
		if n := distance(strings.ToLower(s), w); n < least && n < len(w) {
			best, least = w, n
		}
	}
	return best
}

// distance is how many letters must be added, removed or exchanged to make a
// from b (Levenshtein), or a neighbouring pair be swapped.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
