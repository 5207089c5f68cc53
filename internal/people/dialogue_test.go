package people

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/language"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

func aDialogue(components int) *dialogue {
	d := &dialogue{username: "example_bot", language: "en", languages: []string{"en", "zh-Hans"}}
	d.matcher = language.NewMatcher([]language.Tag{language.English, language.SimplifiedChinese})
	for i := range components {
		d.components = append(d.components, Component{ID: "c" + strconv.Itoa(i), Name: "Component " + strconv.Itoa(i)})
	}
	return d
}

func TestParseTyped(t *testing.T) {
	for text, want := range map[string]typed{
		"/start":                       {"start", ""},
		"／status":                      {"status", ""},
		"／verify　@example":             {"verify", "@example"},
		"／Start＠example_bot INC-12":    {"start", "INC-12"},
		" /Start INC-12 ":              {"start", "INC-12"},
		"/verify@Example_Bot a\nb":     {"verify", "a\nb"},
		"/settings@example_bot":        {"settings", ""},
		"/verify\nhttps://example.com": {"verify", "https://example.com"},
	} {
		if got, ok := parseTyped(text, "example_bot"); !ok || got != want {
			t.Errorf("%q is %+v, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "/", "start", "hello /start", "/start@other_bot", "/@example_bot"} {
		if got, ok := parseTyped(text, "example_bot"); ok {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

func TestManyServices(t *testing.T) {
	d := aDialogue(20)
	m := d.menu(mustTexts(t), "en")
	seen := map[string]bool{}
	for page := range 5 { // the last is beyond the end
		rows := m.rows(answer{what: services, sub: Subscriber{All: true}, page: page})
		if f := bots.CheckButtons(rows); f != nil {
			t.Errorf("page %d: %v", page, f)
		}
		for _, b := range slices.Concat(rows...) {
			seen[b.Data] = true
		}
	}
	for _, c := range d.components {
		if !seen["me:off:"+c.ID] {
			t.Errorf("%s is on no page", c.ID)
		}
	}
}

// TestWhoComesBackIsToldSomething checks that the button that takes messages up
// again does the same as the command: who has chosen nothing is told everything.
func TestWhoComesBackIsToldSomething(t *testing.T) {
	d := aDialogue(3)
	for before, want := range map[string]string{"/start INC-12": "all", "/start c1": "c1", "/start": "all"} {
		for _, again := range []bots.Event{pressing("again"), typing("/subscribe")} {
			s, _ := d.fold(Subscriber{Chat: 7}, []bots.Event{typing(before), typing("/unsubscribe"), again}, nil)
			if s.State != Active || chosen(s) != want {
				t.Errorf("after %s, %s%s: %+v", before, again.Text, again.Button, *s)
			}
		}
	}
}

// TestAComponentThatIsNoMore checks that who chose nothing but components that have
// left the configuration comes back to everything.
func TestAComponentThatIsNoMore(t *testing.T) {
	d := aDialogue(3)
	for _, state := range []State{Active, Stopped, Blocked} {
		for _, again := range []bots.Event{typing("/start"), typing("/subscribe"), pressing("again")} {
			for before, want := range map[string]string{"old": "all", "old c1": "c1"} {
				was := Subscriber{ID: 1, Chat: 7, Language: "en", Impact: incident.ImpactNone, Components: strings.Fields(before), State: state}
				if s, _ := d.fold(was, []bots.Event{again}, nil); s.State != Active || chosen(s) != want {
					t.Errorf("%s%s of who is %s and chose %s: %+v", again.Text, again.Button, state, before, *s)
				}
			}
		}
	}
	follows := Subscriber{ID: 1, Chat: 7, Language: "en", Impact: incident.ImpactNone, Components: []string{"old"}, Incidents: []string{"INC-12"}}
	if s, _ := d.fold(follows, []bots.Event{typing("/start")}, nil); chosen(s) != "INC-12" {
		t.Errorf("who follows one incident, and only begins: %+v", *s)
	}
}

// TestALinkAfterStopping checks that who stopped all messages and comes back for one
// thing is told of that alone.
func TestALinkAfterStopping(t *testing.T) {
	d := aDialogue(3)
	for link, want := range map[string]string{"/start INC-12": "INC-12", "/start c1": "c1"} {
		for _, before := range []string{"/start", "/start c2", "/start INC-11"} {
			s, _ := d.fold(Subscriber{Chat: 7}, []bots.Event{typing(before), typing("/unsubscribe"), typing(link)}, nil)
			if s.State != Active || chosen(s) != want {
				t.Errorf("%s after %s: %+v", link, before, *s)
			}
		}
		blocked := Subscriber{ID: 1, Chat: 7, Language: "en", Impact: incident.Major, All: true, Incidents: []string{"INC-3"}, State: Blocked}
		if s, _ := d.fold(blocked, []bots.Event{typing(link)}, nil); chosen(s) != want || s.Impact != incident.Major {
			t.Errorf("%s of who had blocked us: %+v", link, *s)
		}
	}
}

// chosen is what somebody is told of, in short.
func chosen(s *Subscriber) string {
	if s.All {
		return strings.Join(append([]string{"all"}, s.Incidents...), " ")
	}
	return strings.Join(slices.Concat(s.Components, s.Incidents), " ")
}

// FuzzDialogue checks that whatever a person types or presses, what is kept of
// him is sound, and what he is shown can be sent.
func FuzzDialogue(f *testing.F) {
	for _, s := range []string{"/start INC-12", "/start c1", "/unsubscribe", "/verify x", "hello", "me:off:c0", "me:erase!", "me:services:99999999999999999999", "me:least:none", "me:speak:zh-Hans", "me:"} {
		f.Add(s, "zh-hans", true, true)
		f.Add(s, "\xff", false, false)
	}
	texts := mustTexts(f)
	d := aDialogue(8)
	f.Fuzz(func(t *testing.T, said, app string, private, known bool) {
		was := Subscriber{Chat: 7}
		if known {
			was = Subscriber{ID: 1, Chat: 7, Language: "en", Impact: incident.Minor, Components: []string{"c0"}}
		}
		for _, e := range []bots.Event{
			{Kind: bots.Said, Chat: "7", Text: said, Language: app, Private: private},
			{Kind: bots.Said, Chat: "7", Text: said, Language: app, Private: private, Forwarded: true},
			{Kind: bots.Pressed, Chat: "7", Button: said, Language: app, Private: private},
		} {
			keep, a := d.hear(was, e)
			if erases := e.Kind == bots.Pressed && strings.HasPrefix(strings.TrimPrefix(said, buttonPrefix)+":", "erase!:"); erases != (keep == nil) {
				t.Errorf("%q erases: %t", said, keep == nil)
			}
			if keep != nil && (known || keep.known()) {
				sound := keep.known() && slices.Contains(d.languages, keep.Language) && keep.Chat == 7 && len(keep.Incidents) <= maxFollowed
				for _, id := range keep.Components {
					sound = sound && slices.ContainsFunc(d.components, func(c Component) bool { return c.ID == id })
				}
				if !sound {
					t.Errorf("%q keeps %+v", said, *keep)
				}
			}
			if f := bots.CheckButtons(d.menu(texts, a.sub.Language).rows(a)); f != nil {
				t.Errorf("%q is answered with buttons that cannot be sent: %v", said, f)
			}
		}
	})
}
