package templates

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// talks are the answers of the dialogue in a language, in order.
func talks(s *Set, language string) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(s.find("telegram", language).trees)) {
		if name, ok := strings.CutPrefix(name, talkPrefix); ok && name != "others" { // which is only the end of a list
			names = append(names, name)
		}
	}
	return names
}

func TestGoldenTalk(t *testing.T) {
	s := mustLoad(t, "")
	all := Talk{
		Site: "Example Exchange", Channel: "https://t.me/example_status", Page: "https://status.example.com", Subscribed: true, Topic: true,
		Services: []string{"Login", "Withdrawals"}, Least: incident.Major, Follows: []string{"INC-12"}, Language: "zh-Hans",
		Ref: "INC-12/3", Title: "Login is unavailable", Status: incident.Monitoring, Impact: incident.Critical, Text: "Nobody can log in.",
		At: noon, Next: noon.Add(time.Hour), Begin: noon.Add(24 * time.Hour), End: noon.Add(26 * time.Hour), Done: true,
		Open: []string{"INC-12 · Login is unavailable", "INC-11 · Deposits are late"}, Link: "https://status.example.com/incidents/INC-12", Part: true, More: true, Now: noon, Zone: singapore(t),
	}
	few := Talk{Group: true, Over: true, Follows: []string{"INC-12"}, Language: "en", Ref: "INC-12/3", Title: "Login is unavailable", Status: incident.Resolved, Now: noon}
	for _, language := range []string{"en", "zh-Hans"} {
		var got strings.Builder
		for _, name := range talks(s, language) {
			for i, talk := range []Talk{all, few} {
				text, err := s.Talk(language, name, talk)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "=== %s, %s\n%s\n\n", name, []string{"all fields", "few fields"}[i], text)
			}
		}
		compareGolden(t, filepath.Join("testdata", "golden", "talk."+language+".txt"), got.String())
	}
}

// TestChineseTalkIsComplete checks that no answer, label or command falls back
// to English.
func TestChineseTalkIsComplete(t *testing.T) {
	all := embeddedSources(t)
	for name := range all["en"] {
		dialogue := slices.ContainsFunc([]string{talkPrefix, "button.", "severity.", "command."}, func(p string) bool { return strings.HasPrefix(name, p) })
		if dialogue && all["zh-Hans"][name] == nil {
			t.Errorf("%q is not translated", name)
		}
	}
}

// TestALongListIsCut checks that an answer lists as many services as have room, and
// counts the others.
func TestALongListIsCut(t *testing.T) {
	s := mustLoad(t, "")
	var names []string
	for k := range 160 {
		names = append(names, fmt.Sprintf("Withdrawals %03d", k))
	}
	for language, want := range map[string][2]string{
		"en":      {"Withdrawals 056, Withdrawals 057 and 102 more\n", "Withdrawals 002, Withdrawals 003\n"},
		"zh-Hans": {"Withdrawals 060、Withdrawals 061，另有 98 项\n", "Withdrawals 002、Withdrawals 003\n"},
	} {
		for i, few := range [][]string{names, names[:4]} {
			if text, err := s.Talk(language, "settings", Talk{Services: few}); err != nil || !strings.Contains(text, want[i]) {
				t.Errorf("in %s, %v: %s", language, err, text)
			}
		}
	}
	if text, err := s.Talk("en", "settings", Talk{Services: []string{strings.Repeat("long ", 300), "Login"}}); err != nil || !strings.Contains(text, " and 1 more") {
		t.Errorf("%v: %s", err, text)
	}
}

// TestTalkInAnotherLanguage checks that a template file alone adds a language
// to the dialogue.
func TestTalkInAnotherLanguage(t *testing.T) {
	s := mustLoad(t, overrides(t, map[string]string{
		"de.tmpl":          `{{define "talk-stopped"}}Es kommen keine Nachrichten mehr.{{end}}{{define "button.stop"}}Keine Nachrichten mehr{{end}}`,
		"telegram.de.tmpl": `{{define "talk-erased"}}Alles gelöscht.{{end}}`,
	}), "de")
	for block, want := range map[string]string{"stopped": "Es kommen keine", "erased": "Alles gelöscht.", "erase": "Delete everything"} {
		if text, err := s.Talk("de", block, Talk{}); !strings.HasPrefix(text, want) || err != nil {
			t.Errorf("%s: %q, %v", block, text, err)
		}
	}
	if word := s.Word("de", "button.stop"); word != "Keine Nachrichten mehr" {
		t.Errorf("the button says %q", word)
	}
	if name := OwnName("de"); name != "Deutsch" {
		t.Errorf("de is called %q", name)
	}
}
