package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	for _, x := range []struct {
		name, src string
		want      map[path]int
	}{
		{"empty", "", map[path]int{}},
		{"byte order mark", "\ufeffa = 1", map[path]int{"a": 1}},
		{"comments and windows line ends", "# a = 1\r\n\r\na = 1 # b = 2\r\nb = 2\r\n", map[path]int{"a": 3, "b": 4}},
		{"dotted keys", "a.b.c = 1\n\na . d = 2", map[path]int{"a": 1, "a.b": 1, "a.b.c": 1, "a.d": 3}},
		{"quoted keys", "\"a b\" = 1\n'c.d'.e = 2\n\"\\u0066\" = 3\n\"\" = 4", map[path]int{
			`"a b"`: 1, `"c.d"`: 2, `"c.d".e`: 2, "f": 3, `""`: 4,
		}},
		{"tables", "[a]\nx = 1\n[ b . c ] # d\ny = 2\n[b]\n", map[path]int{"a": 1, "a.x": 2, "b": 5, "b.c": 3, "b.c.y": 4}},
		{"lists of tables", "[[a]]\nx = 1\n[[a]]\nx = 2\n[a.b]\nc = 1\n[[a.d]]\ne = 1\n[[a.d]]\ne = 2\n[[a]]", map[path]int{
			"a": 1, "a[0]": 1, "a[0].x": 2, "a[1]": 3, "a[1].x": 4, "a[1].b": 5, "a[1].b.c": 6,
			"a[1].d": 7, "a[1].d[0]": 7, "a[1].d[0].e": 8, "a[1].d[1]": 9, "a[1].d[1].e": 10, "a[2]": 11,
		}},
		{"strings that look like more", "a = \"x # \\\" = [\"\nb = 'y\\'\nc = 1", map[path]int{"a": 1, "b": 2, "c": 3}},
		{"multi-line strings", "a = \"\"\"\nb = 1\n\\\"\"\"\n\"\"\"\"\"\nc = '''\n\\''''\nd = \"\"\"\\\n  x\"\"\"\ne = 1", map[path]int{
			"a": 1, "c": 5, "d": 7, "e": 9,
		}},
		{"empty strings", "a = \"\"\nb = ''\nc = \"\"\"\"\"\"\nd = 1", map[path]int{"a": 1, "b": 2, "c": 3, "d": 4}},
		{"lists", "a = [\n  1, # one\n  \"]\",\n  [2, 3],\n]\nb = []\nc = 1", map[path]int{
			"a": 1, "a[0]": 2, "a[1]": 3, "a[2]": 4, "a[2][0]": 4, "a[2][1]": 4, "b": 6, "c": 7,
		}},
		{"inline tables", "a = { b = 1, \"c d\" = { e.f = 2 } }\ng = [\n { h = 1 },\n { h = 2 } ]\ni = {}\nj = 1", map[path]int{
			"a": 1, "a.b": 1, `a."c d"`: 1, `a."c d".e`: 1, `a."c d".e.f`: 1,
			"g": 2, "g[0]": 3, "g[0].h": 3, "g[1]": 4, "g[1].h": 4, "i": 5, "j": 6,
		}},
		{"dates", "a = 2026-11-22 13:05:22Z\nb = 1", map[path]int{"a": 1, "b": 2}},
	} {
		got, repeated := lines(x.src)
		if len(repeated) > 0 {
			t.Errorf("%s: repeated: %v", x.name, repeated)
		}
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.name, diff)
		}
	}
}

// The library takes these, and forgets one of the values.
func TestRepeated(t *testing.T) {
	for src, want := range map[string]map[path]int{
		"a.b = 1\n\na = 2":           {"a": 3},
		"a = { b = 1 }\n[a.c]":       {"a": 2},
		"a = { b = 1 }\n[a]\nc = 1":  {"a": 2},
		"a = 1\na = 2":               {"a": 2},
		"[[a.b]]\n[a]\nb.c = 1":      {"a.b": 3},
		"[[a]]\nb = 1\n[[a]]\nb = 1": {},
		"[a.b]\n[a]\nc = 1":          {},
		"[a]\nb.c = 1\nb.d = 1":      {},
	} {
		if _, got := lines(src); !cmp.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", src, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	p := path("").key("bots").key(`a.b"[\`).key("token").index(3).key("")
	if want := path(`bots."a.b\"[\\".token[3].""`); p != want {
		t.Fatalf("got %s, want %s", string(p), string(want))
	}
	for _, want := range []path{`bots."a.b\"[\\".token[3]`, `bots."a.b\"[\\".token`, `bots."a.b\"[\\"`, "bots", "", ""} {
		if p = p.parent(); p != want {
			t.Fatalf("parent %s, want %s", string(p), string(want))
		}
	}
	if got := path("channels").index(2).key("target").String(); got != "channels.target" {
		t.Errorf("shown as %s", got)
	}
}

// FuzzLines holds the scanner against the library: they must find the same
// places, and each key must stand in the line that is told.
func FuzzLines(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.toml", "testdata/bad/*.toml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(data))
		}
	}
	f.Add("a = [{b = \"\"\"\n\\\n\"\"\"}, {c.d = '''''''}]\r\n[[e.f]]\n[e.f.\"g\\u0020\"]\n[[e.f]]\n")
	f.Add("a = {\n b = 1, # c\n}\n")
	f.Fuzz(func(t *testing.T, src string) {
		found, repeated := lines(src)
		var doc map[string]any
		if invalidUTF8([]byte(src)) >= 0 || !accepted(src, &doc) || len(repeated) > 0 {
			return
		}
		real := map[path]bool{}
		places("", doc, real)
		for p := range real {
			if _, ok := found[p]; !ok {
				t.Errorf("%s is not found", string(p))
			}
		}
		text := strings.Split(src, "\n")
		for p, line := range found {
			if !real[p] {
				t.Errorf("%s is not there", string(p))
			}
			if line < 1 || line > len(text) {
				t.Fatalf("%s in line %d of %d", string(p), line, len(text))
			}
			if key := p.last(); bare(key) && !strings.Contains(text[line-1], key) && !strings.Contains(text[line-1], `\`) {
				t.Errorf("%s is not in line %d: %s", string(p), line, text[line-1])
			}
		}
	})
}

// accepted reports whether the library takes src.
func accepted(src string, doc *map[string]any) bool {
	_, err := toml.Decode(src, doc)
	return err == nil
}

// places collects what a decoded document holds.
func places(at path, v any, into map[path]bool) {
	if at != "" {
		into[at] = true
	}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			places(at.key(k), x, into)
		}
	case []map[string]any:
		for i, x := range v {
			places(at.index(i), x, into)
		}
	case []any:
		for i, x := range v {
			places(at.index(i), x, into)
		}
	}
}
