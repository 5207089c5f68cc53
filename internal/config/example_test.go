package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const exampleFile = "../../config.example.toml"

// exampleEnv has every variable that the example names.
func exampleEnv(name string) (string, bool) { return "a-secret-called-" + name, true }

func mustReadExample(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mustParseExample(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := Parse("config.example.toml", []byte(text), exampleEnv)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestExampleLoads(t *testing.T) {
	cfg, err := Load(exampleFile, exampleEnv)
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Warnings) > 0 {
		t.Errorf("warnings: %q", cfg.Warnings)
	}
	if got := len(cfg.Bots); got != 4 {
		t.Errorf("%d bots, want one for each platform", got)
	}
}

var commentedOut = regexp.MustCompile(`(?m)^#([a-z_]+ = )`)

// The example promises that "#key = value" is what holds without the key.
func TestExampleShowsDefaults(t *testing.T) {
	text := mustReadExample(t)
	if n := len(commentedOut.FindAllString(text, -1)); n < 20 {
		t.Errorf("only %d defaults are shown", n)
	}
	want := mustParseExample(t, text)
	got := mustParseExample(t, commentedOut.ReplaceAllString(text, "$1"))
	if diff := cmp.Diff(want, got, cmp.Comparer(sameZone)); diff != "" {
		t.Errorf("(-as it stands +with defaults written out):\n%s", diff)
	}
}

// Every key that is understood is used in the example, or explained in a
// comment of its section.
func TestExampleMentionsEveryKey(t *testing.T) {
	for section, keys := range knownKeys() {
		text := sectionText(mustReadExample(t), section)
		if text == "" {
			t.Errorf("no section %s", section)
		}
		for _, key := range keys {
			mention := regexp.MustCompile(`(?m)^#? *` + key + `(_env|_file)? = |^#   ` + key + ` |\b` + key + ` = `)
			if !mention.MatchString(text) {
				t.Errorf("%s: %s is not mentioned", section, key)
			}
		}
	}
}

// knownKeys lists the keys of every section, those of tables inside it too.
func knownKeys() map[string][]string {
	known := map[string][]string{}
	var walk func(section string, t reflect.Type)
	walk = func(section string, t reflect.Type) {
		for key, f := range fields(t) {
			if f.form != "" {
				continue
			}
			elem := t.Field(f.index).Type
			for elem.Kind() == reflect.Slice || elem.Kind() == reflect.Map {
				elem = elem.Elem()
			}
			here := section
			if section == "" {
				here = key
			} else {
				known[section] = append(known[section], key)
			}
			if elem.Kind() == reflect.Struct && !secretType(elem) {
				walk(here, elem)
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
	return known
}

var ruler = regexp.MustCompile(`(?m)^# -{80,}\n`)

// sectionText returns the part of the example about a section.
func sectionText(text, section string) string {
	for _, part := range ruler.Split(text, -1) {
		if strings.Contains(part, "\n["+section) || strings.HasPrefix(part, "["+section) || strings.Contains(part, "\n[["+section) {
			return part
		}
	}
	return ""
}

// The test of the example must notice a key that is missing.
func TestExampleCheckNotices(t *testing.T) {
	keys := knownKeys()
	for section, want := range map[string]string{"bots": "consumer_secret", "policy": "people", "operators": "token", "hooks": "secret"} {
		if !strings.Contains(strings.Join(keys[section], " "), want) {
			t.Errorf("%s: %s is not among the keys %v", section, want, keys[section])
		}
	}
	if got := sectionText(mustReadExample(t), "rooms"); !strings.Contains(got, "[[rooms]]") || strings.Contains(got, "[[operators]]") {
		t.Errorf("not the part about rooms:\n%s", got)
	}
}
