package people

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// maxAnswer is how long an answer may be (core.telegram.org/bots/api#sendmessage).
const maxAnswer = 4096

// speaker is an audience that puts answers of a dialogue into words.
func speaker(t *testing.T, d *dialogue, published ...*incident.Incident) *Audience {
	t.Helper()
	return &Audience{Config: Config{Texts: mustTexts(t), Components: d.components, Language: d.language, Page: "https://status.example.com"}, dialogue: d,
		news: &news{config: bookConfig(t), list: func(context.Context, int) ([]*incident.Incident, error) { return published, nil }}}
}

// typing is what somebody types in private.
func typing(text string) bots.Event {
	return bots.Event{Kind: bots.Said, Chat: "7", Private: true, Text: text}
}

// pressing is a button that somebody presses in private.
func pressing(button string) bots.Event {
	return bots.Event{Kind: bots.Pressed, Chat: "7", Private: true, Message: "5", Button: buttonPrefix + button}
}

// hears has somebody do things in order, and puts the last answer into words.
func (a *Audience) hears(t *testing.T, was Subscriber, events ...bots.Event) (*Subscriber, wording) {
	t.Helper()
	now, answers := a.dialogue.fold(was, events, nil)
	w, err := a.word(t.Context(), answers[len(answers)-1])
	if err != nil {
		t.Fatal(err)
	}
	return now, w
}

// manyServices is a dialogue about a great many components with long names.
func manyServices() *dialogue {
	d := aDialogue(0)
	for k := range 160 {
		d.components = append(d.components, Component{ID: "c" + strconv.Itoa(k), Name: "Deposits and withdrawals of C" + strconv.Itoa(1000+k)})
	}
	return d
}

// TestStatusOfATotalOutage checks that an outage is told of however many services
// it affects.
func TestStatusOfATotalOutage(t *testing.T) {
	d := manyServices()
	states := map[string]incident.ComponentState{}
	for _, c := range d.components {
		states[c.ID] = incident.MajorOutage
	}
	i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: 1}, Kind: incident.Outage, Status: incident.Investigating, CreatedAt: noon}
	i.Say(incident.Saying{Title: "Everything is down", Impact: incident.Critical, Components: states, Body: incident.Text{"en": strings.Repeat("All is down. ", 100)}}, "Ana", nil, noon)
	a := speaker(t, d, i)
	for lang, more := range map[string]string{"en": " and 1", "zh-Hans": "，另有 1"} {
		_, w := a.hears(t, Subscriber{Chat: 7, Language: lang}, typing("/status"))
		if n := utf8.RuneCountInString(w.text); n > statusRoom || !strings.HasPrefix(w.text, "Everything is down") || !strings.Contains(w.text, more) || !strings.Contains(w.text, "INC-1/1") {
			t.Errorf("in %s, %d characters: %s", lang, n, w.text)
		}
	}
}

// TestAShortAnswerLeadsToThePage checks that who is answered shortly is told
// where to look, and that it is done where something was, and only there.
func TestAShortAnswerLeadsToThePage(t *testing.T) {
	d := aDialogue(3)
	a := speaker(t, d)
	known := Subscriber{ID: 1, Chat: 7, Language: "en", Impact: incident.ImpactNone, Components: []string{"c1"}}
	check := func(e bots.Event, lang, word string, done bool) {
		_, answers := d.fold(known, []bots.Event{e}, nil)
		p := answers[0]
		p.short, p.sub.Language = true, lang
		w, err := a.word(t.Context(), p)
		if err != nil || strings.Contains(w.text, word) != done || !strings.Contains(w.text, a.Page) || len(w.buttons) > 0 {
			t.Errorf("%s%s in %s: %q with %d buttons, %v", e.Text, e.Button, lang, w.text, len(w.buttons), err)
		}
	}
	for done, events := range map[bool][]bots.Event{
		true: {typing("/start"), typing("/start INC-12"), typing("/unsubscribe"), pressing("all"), pressing("again"), pressing("stop"),
			pressing("on:c2"), pressing("least:major"), pressing("speak:en"), pressing("erase!")},
		false: {typing("/settings"), typing("/status"), typing("/verify"), typing("/verify this"), typing("/help"), typing("hello"), typing("/nothing"),
			pressing("menu"), pressing("services:0"), pressing("impact"), pressing("tongue"), pressing("erase"), pressing("off:c1"),
			pressing("least:worst"), pressing("speak:tlh"), pressing("of another version")},
	} {
		for _, e := range events {
			check(e, "en", "Done.", done)
			check(e, "zh-Hans", "已处理", done)
		}
	}
	w, err := a.word(t.Context(), pending{answer: answer{what: admins, sub: Subscriber{Language: "en"}}, short: true})
	if err != nil || strings.Contains(w.text, "Done.") {
		t.Errorf("who is refused is answered %q, %v", w.text, err)
	}
}

// TestManyServicesAreAnswered checks that an answer can be sent however many
// services somebody chose.
func TestManyServicesAreAnswered(t *testing.T) {
	for _, lang := range []string{"en", "zh-Hans"} {
		a := speaker(t, manyServices())
		start := typing("/start")
		start.Language = lang
		for _, e := range []bots.Event{typing("/settings"), pressing("menu"), typing("/subscribe"), typing("/start INC-12"), typing("/unsubscribe")} {
			_, w := a.hears(t, Subscriber{Chat: 7}, start, pressing("off:c3"), e)
			if n := utf8.RuneCountInString(w.text); n > maxAnswer {
				t.Errorf("%s%s in %s is answered in %d characters", e.Text, e.Button, lang, n)
			}
		}
		if _, w := a.hears(t, Subscriber{Chat: 7}, start, pressing("off:c3"), typing("/settings")); !strings.Contains(w.text, "C1002") || strings.Contains(w.text, "C1003") {
			t.Errorf("in %s: %s", lang, w.text)
		}
	}
}

// TestALinkToWhatIsFollowed checks that a second link to the same incident is
// answered about that one, which is then the newest.
func TestALinkToWhatIsFollowed(t *testing.T) {
	a := speaker(t, aDialogue(3))
	now, w := a.hears(t, Subscriber{Chat: 7}, typing("/start INC-1"), typing("/start INC-2"), typing("/start INC-1"))
	if !strings.Contains(w.text, "INC-1") || strings.Contains(w.text, "INC-2") || chosen(now) != "INC-2 INC-1" {
		t.Errorf("%+v is answered: %s", *now, w.text)
	}
}

// TestAnOldMenuAfterErasing checks that the menus of who had his data deleted show
// that he is not subscribed, and not what he would have chosen.
func TestAnOldMenuAfterErasing(t *testing.T) {
	a := speaker(t, aDialogue(3))
	for _, button := range []string{"stop", "on:c1", "off:c1", "least:major", "speak:en", "menu"} {
		now, w := a.hears(t, Subscriber{Chat: 7}, pressing(button))
		if now.known() || !strings.Contains(w.text, "Services: none") || !strings.Contains(w.text, "No messages are sent to you") || len(w.buttons) != 1 || w.buttons[0][0].Data != "me:start" {
			t.Errorf("%s keeps %+v and shows %v under %s", button, *now, w.buttons, w.text)
		}
	}
}

// TestFollowingIsNotEverything checks that who follows an incident is told that
// /subscribe gets him everything where it does.
func TestFollowingIsNotEverything(t *testing.T) {
	a := speaker(t, aDialogue(3))
	for before, want := range map[string]bool{"/start INC-11": true, "/start c1": false, "/start": false} {
		for lang, words := range map[string]string{"en": "hear about everything else too", "zh-Hans": "同时接收其他全部通知"} {
			first := typing(before)
			first.Language = lang
			_, w := a.hears(t, Subscriber{Chat: 7}, first, typing("/start INC-12"))
			if offered := strings.Contains(w.text, words); offered != want || offered != (len(w.buttons) > 0) {
				t.Errorf("after %s in %s, with %v: %s", before, lang, w.buttons, w.text)
			}
		}
	}
}

// TestComponentsOfOneName checks that components that are called the same in two
// groups are told apart in menus and lists.
func TestComponentsOfOneName(t *testing.T) {
	a := New(Config{Bot: new(ranks), Texts: mustTexts(t), Language: "en", Languages: []string{"en"},
		Components: []Component{{"api", "API", ""}, {"spot-api", "API", "Spot"}, {"futures-api", "API", "Futures"}, {"login", "Login", "Spot"}}})
	_, w := a.hears(t, Subscriber{Chat: 7}, typing("/start"), pressing("off:login"))
	var labels []string
	for _, b := range slices.Concat(w.buttons...) {
		labels = append(labels, b.Text)
	}
	if got := strings.Join(labels, ", "); got != "✓ API, ✓ API (Spot), ✓ API (Futures), Login, All services, Back" {
		t.Errorf("the buttons are %s", got)
	}
	if _, w = a.hears(t, Subscriber{Chat: 7}, typing("/start"), pressing("off:login"), typing("/settings")); !strings.Contains(w.text, "Services: API, API (Spot), API (Futures)\n") {
		t.Errorf("it says %s", w.text)
	}
}
