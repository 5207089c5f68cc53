package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// String returns the effective configuration as TOML, defaults included and
// secrets as "***".
func (c *Config) String() string {
	var b strings.Builder
	usual := reflect.ValueOf(defaults()).Elem()
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("toml")
		switch f := v.Field(i); {
		case key == "-":
		case f.Kind() == reflect.Struct:
			section(&b, "["+key+"]", f, usual.Field(i))
		case f.Kind() == reflect.Slice:
			for j := range f.Len() {
				section(&b, "[["+key+"]]", f.Index(j), reflect.Zero(f.Type().Elem()))
			}
		case f.Kind() == reflect.Map:
			for _, name := range slices.Sorted(maps.Keys(byName(f))) {
				section(&b, "["+string(path(key).key(name))+"]", byName(f)[name], reflect.Zero(f.Type().Elem()))
			}
		}
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// section writes the keys of a table, except those that are empty as usual.
func section(b *strings.Builder, head string, v, usual reflect.Value) {
	fmt.Fprintf(b, "\n%s\n", head)
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("toml")
		if f := v.Field(i); key != "-" && !(f.IsZero() && usual.Field(i).IsZero()) {
			fmt.Fprintf(b, "%s = %s\n", key, literal(f))
		}
	}
}

// literal is how TOML writes a value.
func literal(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Secret, Hash:
		return `"***"`
	case *time.Location:
		return basic(x.String())
	case time.Duration:
		return basic(x.String())
	}
	var parts []string
	switch v.Kind() {
	case reflect.String:
		return basic(v.String())
	case reflect.Slice:
		for i := range v.Len() {
			parts = append(parts, literal(v.Index(i)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		for _, name := range slices.Sorted(maps.Keys(byName(v))) {
			parts = append(parts, string(path("").key(name))+" = "+literal(byName(v)[name]))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case reflect.Struct:
		for i := range v.NumField() {
			parts = append(parts, v.Type().Field(i).Tag.Get("toml")+" = "+literal(v.Field(i)))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	default: // integers and booleans
		return fmt.Sprint(v.Interface())
	}
}

// basic is a TOML string. No text of a Config holds control characters.
func basic(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func byName(m reflect.Value) map[string]reflect.Value {
	out := make(map[string]reflect.Value, m.Len())
	for it := m.MapRange(); it.Next(); {
		out[it.Key().String()] = it.Value()
	}
	return out
}
