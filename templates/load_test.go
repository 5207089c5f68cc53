package templates

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/allclear-hq/allclear/internal/incident"
)

// overrides writes a directory of overrides.
func overrides(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestEmbeddedTextsPassTheRehearsal(t *testing.T) {
	s := mustLoad(t, "", "de", "zh-TW")
	if k, err := rehearse(s); err != nil {
		t.Errorf("%s: %v", k, err)
	}
	if err := checkOverrides("texts", embeddedSources(t), embeddedSources(t), []string{"en", "zh-Hans"}); err != nil {
		t.Error(err)
	}
}

func embeddedSources(t *testing.T) sources {
	t.Helper()
	all := sources{}
	if err := all.read(os.DirFS("texts"), "texts", &strings.Builder{}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFaultyOverrides(t *testing.T) {
	for _, test := range []struct{ file, text, want string }{
		{"en.tmpl", "{{define \"edited\"}}\n{{if}}{{end}}", "en.tmpl:2: missing value for if: mend it, or remove the block"},
		{"en.tmpl", `{{define "edited"}}`, "en.tmpl:1: unexpected EOF: mend it"},
		{"en.tmpl", `{{define "edited"}}{{printf "%s" .Title}}{{end}}`, `en.tmpl:1: function "printf" not defined`},
		{"en.tmpl", "{{define \"edited\"}}\n\n{{.Titel}}{{end}}", "en.tmpl:3:2: unknown field .Titel: use one of .Form, "},
		{"en.tmpl", `{{define "edited"}}{{if .Title.Body}}x{{end}}{{end}}`, "unknown field .Title.Body"},
		{"en.tmpl", `{{define "edited"}}{{if false}}{{.Titel}}{{end}}{{end}}`, "false is not available: use a field"},
		{"en.tmpl", `{{define "edited"}}{{if .Cut}}{{else}}{{.Titel}}{{end}}{{end}}`, "unknown field .Titel"},
		{"en.tmpl", `{{define "edited"}}{{.Cut}}{{end}}`, "en.tmpl:1:21: .Cut is a condition: use it with if"},
		{"en.tmpl", `{{define "edited"}}{{if eq .Cut "x"}}{{end}}{{end}}`, ".Cut is a condition"},
		{"en.tmpl", `{{define "edited"}}{{if eq .Title}}{{end}}{{end}}`, "wrong number of operands"},
		{"en.tmpl", `{{define "edited"}}{{if ne .Title "a" "b"}}{{end}}{{end}}`, "wrong number of operands"},
		{"en.tmpl", `{{define "edited"}}{{if .Title | not}}{{end}}{{end}}`, "not available"},
		{"en.tmpl", `{{define "edited"}}{{range 1000000000}}` + "\n" + `{{end}}{{end}}`, "{{range 1000000000}} {{end}} is not available: use fields, if, else and template"},
		{"en.tmpl", `{{define "edited"}}{{with .Title}}{{.}}{{end}}{{end}}`, "is not available: use fields, if, else and template"},
		{"en.tmpl", `{{define "edited"}}{{$x := .Title}}{{$x}}{{end}}`, "print one field, like {{.Body}}"},
		{"en.tmpl", `{{define "edited"}}{{.}}{{end}}`, ". is not available"},
		{"en.tmpl", `{{define "frist"}}x{{end}}`, `en.tmpl:1:18: unknown block "frist": use one of ack, affected, change, corrected, `},
		{"en.tmpl", `{{define "status.solved"}}x{{end}}`, `unknown block "status.solved": use one of button.all, `},
		{"en.tmpl", `{{define "foot"}}{{template "promiss" .}}{{end}}`, `unknown block "promiss"`},
		{"en.tmpl", `{{define "foot"}}{{template "promise"}}{{end}}`, `write {{template "promise" .}}`},
		{"en.tmpl", `{{define "foot"}}{{template "time" .}}{{end}}`, `block "time" has other fields than this one`},
		{"en.tmpl", `{{define "foot"}}{{template "rest" .}}{{end}}{{define "rest"}}{{template "foot" .}}{{end}}`, `calls itself`},
		{"en.tmpl", `{{define "status.resolved"}}{{.Title}}{{end}}`, `block "status.resolved" is a word: write plain text`},
		{"en.tmpl", `{{define "status.resolved"}} {{end}}`, `block "status.resolved" is not a word`},
		{"en.tmpl", "Hello\n{{define \"edited\"}}x{{end}}", `en.tmpl:1:0: text outside of a block: put it between {{define "…"}} and {{end}}`},
		{"en.tmpl", "{{define \"edited\"}}\n\n\xff{{end}}", "en.tmpl:3: not UTF-8: save the file as UTF-8"},
		{"fr.tmpl", "", `fr.tmpl: unknown language "fr": add it to [site] languages or remove the file`},
		{"telegram.fr.tmpl", "", `telegram.fr.tmpl: unknown language "fr"`},
		{"myspace.en.tmpl", "", `myspace.en.tmpl: unknown platform "myspace": use one of telegram, discord, twitter, wechat`},
		{"en.tmp", "", "en.tmp: not a template: name it <language>.tmpl or <platform>.<language>.tmpl, or move it away"},
		{"de.tmpl", "{{define \"update\"}}\n{{.Status}}{{end}}", `de.tmpl:1:19: block "update" drops the body: write {{.Body}} where the text belongs`},
		{"de.tmpl", `{{define "first"}}{{.Title}}{{if .Impact}}{{.Body}}{{end}}{{end}}`, `block "first" drops the body`},
		{"de.tmpl", `{{define "talk-stopped"}}{{end}}`, `block "talk-stopped" says nothing in "talk-stopped": write what a subscriber is answered`},
		{"de.tmpl", `{{define "talk-help"}}{{.Body}}{{end}}`, "unknown field .Body: use one of .Site, .Channel"},
		{"de.tmpl", `{{define "talk-help"}}` + strings.Repeat("lang ", 400) + `{{end}}`, `is 1999 characters long in "talk-help": shorten it to 1500`},
		{"de.tmpl", `{{define "first"}}{{.Body}}{{end}}`, `block "first" drops the title`},
		{"de.tmpl", `{{define "update"}}{{.Body}} {{.Body}}{{end}}`, `block "update" says the body twice`},
		{"de.tmpl", `{{define "withdrawn"}}{{end}}{{define "tombstone"}}{{template "withdrawn" .}}{{end}}`, `block "withdrawn" renders empty`},
		{"twitter.de.tmpl", `{{define "corrected"}}` + strings.Repeat("long ", 60) + `{{end}}{{define "rest"}}mehr: {{.Link}}{{end}}`, `block "corrected" is over the limit of 280 without any body, at `},
	} {
		_, err := Load(overrides(t, map[string]string{test.file: test.text}), []string{"de"})
		if err == nil {
			t.Errorf("%s %.60q is accepted", test.file, test.text)
			continue
		}
		if got := err.Error(); !strings.Contains(got, test.want) || strings.Contains(got, "\n") {
			t.Errorf("%s %.60q:\ngot  %s\nwant %s", test.file, test.text, got, test.want)
		}
	}
}

func TestUnreadableOverrides(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none"), nil); err == nil || !strings.Contains(err.Error(), "create the directory or remove [site] templates") {
		t.Errorf("missing directory: %v", err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "en.tmpl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, nil); err == nil || !strings.Contains(err.Error(), "en.tmpl: is a directory: make it readable or remove it") {
		t.Errorf("directory for a file: %v", err)
	}
}

func TestOverridesReplaceSingleBlocks(t *testing.T) {
	dir := overrides(t, map[string]string{
		"de.tmpl":         "{{define \"promise\"}}Nächste Meldung bis {{.Next}}{{end}}\r\n{{define \"status.resolved\"}}Behoben{{end}}",
		"twitter.de.tmpl": `{{define "promise"}}Mehr bis {{.Next}}{{end}}{{define "edited"}}{{end}}`,
		"wechat.en.tmpl":  `{{define "date"}}{{.Name}} {{.Day}}{{end}}`,
		".hidden":         "not ours",
	})
	s := mustLoad(t, dir, "de")
	m := Message{Form: Update, Ref: "INC-1/2", Status: incident.Resolved, Body: "Alles läuft.", At: noon, NextUpdate: noon.AddDate(0, 0, 1), Revision: 2}
	for _, test := range []struct{ platform, language, want string }{
		{"telegram", "de", "Behoben\nAlles läuft.\n\nNächste Meldung bis 1 Dec 12:18 UTC\n(edited)"},
		{"twitter", "de", "Behoben\nAlles läuft.\n\nMehr bis 1 Dec 12:18 UTC"},
		{"wechat", "de-AT", "Behoben\n\nAlles läuft.\n\nNächste Meldung bis Dec 1 12:18 UTC\n(edited)"},
		{"wechat", "fr", "Resolved\n\nAlles läuft.\n\nNext update by Dec 1 12:18 UTC\n(edited)"},
		{"matrix", "zh-CN", "【已恢复】\nAlles läuft.\n\n下次更新不晚于 12月1日 12:18 UTC\n（已修改）"},
		{"telegram", "not a tag", "Resolved\nAlles läuft.\n\nNext update by 1 Dec 12:18 UTC\n(edited)"},
	} {
		text := checkFit(t, s, test.platform, test.language, m, nominal(test.platform))
		if want := test.want + "\n\nINC-1/2 · 12:18 UTC"; text.String != want {
			t.Errorf("%s in %s:\n%s\nwant:\n%s", test.platform, test.language, text.String, want)
		}
	}
	if plain := mustLoad(t, "", "de"); plain.Version() == s.Version() || len(s.Version()) != 64 || s.Version() != mustLoad(t, dir, "de").Version() {
		t.Errorf("version is %s with overrides and %s without", s.Version(), plain.Version())
	}
}

// TestLongPartIsLeftOut shows that a part that is not needed gives way to the
// operators' words even when an override has made it too long.
func TestLongPartIsLeftOut(t *testing.T) {
	dir := overrides(t, map[string]string{"twitter.en.tmpl": `{{define "edited"}}` + strings.Repeat("long ", 60) + `{{end}}`})
	s := mustLoad(t, dir)
	m := Message{Form: Update, Ref: "INC-1/2", Body: "All is well.", At: noon, Revision: 2}
	text := checkFit(t, s, "twitter", "en", m, nominal("twitter"))
	if want := "All is well.\n\nINC-1/2 · 12:18 UTC"; text.String != want || text.Cut {
		t.Errorf("got %q", text.String)
	}
}

func TestOperatorsTextsAreNoTemplates(t *testing.T) {
	s := mustLoad(t, "")
	body := `{{.Title}} {{define "first"}}x{{end}} {{template "update" .}}`
	m := Message{Form: First, Ref: "INC-1/1", Title: "{{.Body}}", Body: body, Components: []string{"{{.Ref}}"}, At: noon}
	text := checkFit(t, s, "telegram", "en", m, nominal("telegram"))
	if !strings.Contains(text.String, "{{.Body}}\n\n"+body+"\n\nAffected: {{.Ref}}") {
		t.Errorf("got:\n%s", text.String)
	}
}

func TestBothLanguagesHaveEveryBlock(t *testing.T) {
	all := embeddedSources(t)
	for _, prefix := range []string{"", "twitter.", "wechat."} {
		english, chinese := all[prefix+"en"], all[prefix+"zh-Hans"]
		for block := range english {
			if chinese[block] == nil && !strings.HasPrefix(block, "zone.") {
				t.Errorf("%szh-Hans lacks %q", prefix, block)
			}
		}
		for block := range chinese {
			if english[block] == nil && !strings.HasPrefix(block, "zone.") {
				t.Errorf("%sen lacks %q", prefix, block)
			}
		}
	}
	if len(all) != 6 {
		t.Errorf("%d embedded files: name the new ones here", len(all))
	}
}

func TestEveryWordIsThere(t *testing.T) {
	s := mustLoad(t, "")
	for _, language := range []string{"en", "zh-Hans"} {
		var words []string
		for _, kind := range incident.Kinds {
			for _, status := range kind.Statuses() {
				words = append(words, s.Status(language, status))
			}
		}
		for _, impact := range incident.Impacts {
			words = append(words, s.Impact(language, impact))
		}
		for _, state := range incident.ComponentStates {
			words = append(words, s.Component(language, state))
		}
		if slices.Contains(words, "") || len(slices.Compact(slices.Sorted(slices.Values(words)))) != len(words) {
			t.Errorf("words of %s: %q", language, words)
		}
	}
}

func TestChineseTextsAreChinese(t *testing.T) {
	s, zone := mustLoad(t, ""), singapore(t)
	names := strings.NewReplacer(drillMark, "", "UTC", "", "INC", "", "MNT", "", "DRL", "",
		"https://status.example.com/incidents/", "", "https://example.com/status/", "", "Messages that promise coins are not ours.", "")
	for _, platform := range Platforms {
		for _, situation := range situations("zh-Hans", zone) {
			for _, form := range Forms {
				for _, status := range situation.message.Kind.Statuses() {
					m := situation.message
					m.Form, m.Status = form, status
					text := checkFit(t, s, platform, "zh-Hans", m, nominal(platform)).String
					if left := names.Replace(text); strings.ContainsFunc(left, func(r rune) bool { return unicode.Is(unicode.Latin, r) }) {
						t.Errorf("%s %s has foreign words:\n%s", platform, form, text)
					}
				}
			}
		}
	}
}

func FuzzOverride(f *testing.F) {
	f.Add(`{{define "update"}}{{.Body}}{{end}}`)
	f.Add(`{{define "head"}}{{if and .Impact (or .Ended (eq .Kind "notice" .Title))}}{{.Impact}}{{end}}{{end}}`)
	f.Add("{{define \"rest\"}}{{template \"head\" .}}{{/* x */ -}}\xff")
	f.Add(`{{define "date"}}{{.Day}}.{{.Month}}.{{end}}{{define "comma"}} / {{end}}`)
	f.Fuzz(func(t *testing.T, text string) {
		builtin, languages := sources{}, []string{english}
		if err := builtin.read(os.DirFS("texts"), "texts", &strings.Builder{}); err != nil {
			t.Fatal(err)
		}
		trees, err := parseSource("en.tmpl", []byte(text))
		if err != nil {
			return
		}
		override := sources{english: trees}
		if checkOverrides("", builtin, override, languages) != nil {
			return
		}
		s, err := newSet(builtin, override, languages, nil)
		if err != nil {
			return // calls itself
		}
		for _, m := range rehearsals()[:4] {
			if _, err := s.Render("telegram", english, m, Space{1 << 20, func(s string) int { return len(s) }}); err != nil {
				t.Fatalf("passed the checks, but: %v", err)
			}
		}
	})
}
