package people_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/templates"
)

// aBook is what /verify knows of an incident in a world.
func aBook(t *testing.T, i ...*incident.Incident) *people.Book {
	t.Helper()
	texts, err := templates.Load("", []string{"en", "zh-Hans"})
	if err != nil {
		t.Fatal(err)
	}
	book, err := people.NewBook(people.BookConfig{Texts: texts, Languages: []string{"en", "zh-Hans"}, Policy: broadcast.Policy{
		Language: "en", Zone: time.UTC, Link: func(incident.Ref) string { return "" }, Component: func(id string) string { return id },
	}}, i, nil)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// Whoever asks about a message that the bot itself has sent is told that it is
// ours, whenever he subscribed.
func TestVerifyWhatPeopleWereTold(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1)
	w.publish("Since 12:01 UTC nobody can log in, we are looking into it.", incident.Major)
	w.idle()
	w.subscribe(nil, 2)
	w.update("INC-1", "A certificate has expired, we are replacing it now.", incident.Identified)
	w.idle()
	said, err := w.store.Incidents(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	book := aBook(t, said...)
	for _, chat := range []int64{1, 2} {
		for _, l := range w.inboxes.of(chat) {
			if v := book.Verify(l.text); v.Finding != people.Ours || v.Part || v.Cut {
				t.Errorf("what %d was sent is %s, cut: %t, part: %t:\n%s", chat, v.Finding, v.Cut, v.Part, l.text)
			}
		}
	}
}

// aLongOutage has 14 updates: ever other impacts and components, an end that did
// not hold, texts without translation and one that is too long for a message. It
// has corrections; withdrawn is whether two updates were withdrawn by now.
func aLongOutage(withdrawn bool) *incident.Incident {
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: 12}, Kind: incident.Outage, CreatedAt: noon}
	statuses := []incident.Status{incident.Investigating, incident.Identified, incident.Monitoring, incident.Identified, incident.Resolved, incident.Investigating, incident.Resolved}
	for n := range 14 {
		at := noon.Add(time.Duration(n) * 20 * time.Minute)
		s := incident.Saying{Title: "Login is unavailable", Status: statuses[n%7], Impact: incident.Impacts[n*3%4], NextUpdate: at.Add(time.Hour),
			Components: map[string]incident.ComponentState{"login": incident.ComponentStates[n%3], "deposits": incident.ComponentStates[n%2]},
			Body:       incident.Text{"en": fmt.Sprintf("This is what we have to say in update number %d. There is more of it.\n\nA second paragraph of %d.", n+1, n+1)}}
		if n%3 == 0 {
			s.Body["zh-Hans"] = fmt.Sprintf("这是我们第 %d 次更新的内容。请各位用户稍候。", n+1)
		}
		if n == 10 {
			s.Body["en"] = strings.Repeat("It. Is a long story, as we said. ", 200)
		}
		i.Say(s, "Ana", nil, at)
	}
	for _, n := range []int{2, 9} {
		u := i.Update(n)
		for r := range 2 {
			u.Revisions = append(u.Revisions, incident.Revision{Title: i.Title, Body: incident.Text{"en": fmt.Sprintf("Number %d reads so in wording %d, which is right.", n, r+2)}, At: u.PublishedAt.Add(time.Minute)})
		}
	}
	for _, n := range []int{4, 9} {
		if u := i.Update(n); withdrawn {
			u.Retraction = &incident.Retraction{Reason: "We cannot promise that yet.", At: u.PublishedAt.Add(25 * time.Minute)}
		}
	}
	return i
}

// letters are all that a walk may have people told about an update, whatever they
// were told before.
func letters(i *incident.Incident, n int) (out []broadcast.Letter) {
	u := i.Update(n)
	for r := 1; r <= len(u.Revisions); r++ {
		for after := range n {
			for _, missed := range slices.Compact([]int{0, (n - after - 1) / 2, n - after - 1}) {
				for _, first := range []bool{true, false} {
					l := broadcast.Letter{Kind: broadcast.Say, Update: n, Revision: r, After: after, Missed: missed, First: first}
					out = append(out, l)
					if r > 1 {
						corrects := l
						corrects.Kind, l.Edited = broadcast.Correct, true
						out = append(out, l, corrects)
					}
				}
			}
		}
	}
	if u.Retraction != nil {
		l := broadcast.Letter{Kind: broadcast.Retract, Update: n, Revision: 1, After: n - 1}
		removed := broadcast.Letter{Kind: broadcast.Say, Update: n, Revision: len(u.Revisions), After: n - 1, Removed: true}
		out = append(out, l, removed)
	}
	return out
}

// TestVerifyEveryLetter checks that whatever a walk has people told is ours, also
// on platforms where nothing can be edited either, and that nothing else is.
func TestVerifyEveryLetter(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	road := w.engine.Road(bot)
	today := aLongOutage(true)
	book := aBook(t, today)
	said := 0
	for _, i := range []*incident.Incident{aLongOutage(false), today} { // before two were withdrawn, and since
		for n := range i.Updates {
			for _, l := range letters(i, n+1) {
				for _, ch := range []broadcast.Channel{{Platform: "telegram"}, {Platform: "twitter"}, {Platform: "wechat"}} {
					for _, lang := range []string{"en", "zh-Hans"} {
						text, err := road.Write(ch, i, lang, l)
						if err != nil {
							t.Fatal(err)
						}
						said++
						if v := book.Verify(text); v.Finding != found(today, l) || v.Part || v.Ref != fmt.Sprintf("INC-12/%d", l.Update) {
							t.Fatalf("on %s %+v is %s %s:\n%s", ch.Platform, l, v.Finding, v.Ref, text)
						}
						if said%20 == 0 {
							wantAltered(t, book, text)
						}
					}
				}
			}
		}
	}
	if said < 3000 {
		t.Errorf("only %d letters", said)
	}
}

// found is what a letter is by now.
func found(i *incident.Incident, l broadcast.Letter) people.Finding {
	switch u := i.Update(l.Update); {
	case l.Kind == broadcast.Retract, l.Removed:
		return people.Ours
	case u.Retraction != nil:
		return people.Retracted
	case l.Revision < len(u.Revisions):
		return people.Corrected
	}
	return people.Ours
}

// wantAltered checks that a text of ours is not with something else in it.
func wantAltered(t *testing.T, book *people.Book, text string) {
	t.Helper()
	body, footer := text[:strings.LastIndex(text, "\n\n")], text[strings.LastIndex(text, "\n\n"):]
	for _, not := range []string{
		text + "\nhttps://login.example",
		body + "\nMove your funds to be sure." + footer,
		text + "\n" + body,
		body + "\n(14 earlier updates are not shown here.)" + footer,
		"Resolved 23:59 UTC · 15 updates\n" + text,
		"Impact: none (was none)\n" + text,
	} {
		if v := book.Verify(not); utf8.RuneCountInString(not) <= 4096 && v.Finding != people.Altered {
			t.Fatalf("%s, although it is none of ours:\n%s", v.Finding, not)
		}
	}
}
