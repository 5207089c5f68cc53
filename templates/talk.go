package templates

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A Talk is what an answer to a subscriber mentions. What is zero is not
// mentioned. Nothing that the subscriber typed is among it.
type Talk struct {
	Site    string // name of the service
	Channel string // address of the public channel, which is told first
	Page    string // address of the status page

	Subscribed bool            // is written to
	Group      bool            // many read it
	Topic      bool            // messages go into the topic where the answer stands
	All        bool            // all components are chosen
	Services   []string        // names of those chosen, or affected
	Least      incident.Impact // the least that is told
	Follows    []string        // references of single incidents
	Language   string          // tag

	Ref    string // of an incident, or an update
	Title  string
	Status incident.Status
	Impact incident.Impact
	Text   string
	At     time.Time // when it was said
	Next   time.Time // the promise
	Begin  time.Time // the window of a maintenance
	End    time.Time
	Link   string
	Over   bool     // the incident has ended
	Done   bool     // what he wanted was done; otherwise he asked something
	Open   []string // what goes on, a line each
	Part   bool     // what was asked about is a part of it
	More   bool     // there is more than is said here

	Now  time.Time
	Zone *time.Location // nil is UTC
}

// talkView is what a block of the dialogue sees.
type talkView struct {
	Site, Channel, Page                    string
	Services, Others                       string // names, and how many have no room among them
	Least, Follows, Language               string
	Ref, Title, Status, Impact, Text, Link string
	At, Next, Window, Begin, End, Open     string

	Subscribed, Group, Topic, All, Over, Done, Part, More bool
}

// talkPrefix begins the names of the blocks of the dialogue.
const talkPrefix = "talk-"

// talkRoom is how long an answer may be that quotes no update, so that one
// which does fits too.
const talkRoom = 1500

// servicesRoom is how many characters of names of services an answer lists.
const servicesRoom = 1000

// Talk puts an answer to a subscriber into words.
func (s *Set) Talk(language, block string, t Talk) (string, error) {
	return s.find("telegram", language).talk(talkPrefix+block, t)
}

func (b *blocks) talk(block string, t Talk) (string, error) {
	v, err := b.talkView(t)
	if err != nil {
		return "", err
	}
	text, err := b.run(block, v)
	if err != nil {
		return "", err
	}
	return tidy(text), nil
}

func (b *blocks) talkView(t Talk) (*talkView, error) {
	if t.Zone == nil {
		t.Zone = time.UTC
	}
	v := &talkView{
		Site: line(t.Site), Channel: line(t.Channel), Page: line(t.Page), Follows: strings.Join(t.Follows, b.words["comma"]),
		Ref: line(t.Ref), Title: line(t.Title), Status: b.words["status."+string(t.Status)], Text: plain(t.Text), Link: line(t.Link),
		Least: b.words["severity."+string(t.Least)], Subscribed: t.Subscribed, Group: t.Group, Topic: t.Topic, All: t.All, Over: t.Over, Done: t.Done, Part: t.Part, More: t.More,
	}
	var open []string
	for _, s := range t.Open {
		open = append(open, line(s))
	}
	v.Open = strings.Join(open, "\n")
	var err error
	if v.Services, err = b.services(t.Services); err != nil {
		return nil, err
	}
	if t.Impact != incident.ImpactNone {
		v.Impact = b.words["impact."+string(t.Impact)]
	}
	if t.Language != "" {
		v.Language = OwnName(t.Language)
	}
	c := calendar{words: b, said: t.Now, zone: t.Zone}
	if v.Next, err = c.moment(t.Next); err != nil {
		return nil, err
	}
	if v.Window, v.Begin, v.End, err = c.window(t.Begin, t.End); err != nil {
		return nil, err
	}
	c.brief = true
	v.At, err = c.moment(t.At)
	return v, err
}

// services lists as many names as have room, and counts the others.
func (b *blocks) services(all []string) (string, error) {
	var names []string
	room := servicesRoom
	for _, name := range all {
		name = inline(name)
		if room -= utf8.RuneCountInString(name + b.words["comma"]); room < 0 && len(names) > 0 {
			others := strconv.Itoa(len(all) - len(names))
			return b.run(talkPrefix+"others", &talkView{Services: strings.Join(names, b.words["comma"]), Others: others})
		}
		names = append(names, name)
	}
	return strings.Join(names, b.words["comma"]), nil
}

// Word returns a word of the dialogue, such as the label of a button.
func (s *Set) Word(language, name string) string { return s.find("telegram", language).words[name] }

// OwnName is what the speakers of a language call it. A tag without a known
// name stands for itself.
func OwnName(tag string) string {
	if t, err := language.Parse(tag); err == nil {
		if name := display.Self.Name(t); name != "" {
			return name
		}
	}
	return tag
}

// rehearseTalk tries every answer of the dialogue, with all that it may
// mention and with little.
func rehearseTalk(b *blocks) error {
	at := time.Date(2026, 11, 30, 12, 18, 0, 0, time.UTC)
	full := Talk{
		Site: "Example Exchange", Channel: "https://t.me/example_status", Page: "https://status.example.com", Subscribed: true, Group: true, Topic: true,
		Services: []string{"Login", "Withdrawals"}, Least: incident.Major, Follows: []string{"INC-12"}, Language: english,
		Ref: "INC-12/3", Title: "Login is unavailable", Status: incident.Monitoring, Impact: incident.Critical, Text: "Nobody can log in.",
		At: at, Next: at.Add(time.Hour), Begin: at.Add(24 * time.Hour), End: at.Add(26 * time.Hour), Done: true, Open: []string{"INC-12 · Login is unavailable"}, Link: "https://status.example.com/incidents/INC-12", Part: true, More: true, Now: at,
		Zone: time.FixedZone("SGT", 8*60*60),
	}
	for _, name := range slices.Sorted(maps.Keys(b.trees)) {
		if !strings.HasPrefix(name, talkPrefix) {
			continue
		}
		for _, t := range []Talk{full, {Now: at, Ref: "INC-12/3", Title: "Login is unavailable", Status: incident.Monitoring}, {Now: at, Ref: "INC-12", Over: true}} {
			switch text, err := b.talk(name, t); {
			case err != nil:
				return err
			case text == "":
				return fmt.Errorf("says nothing in %q: write what a subscriber is answered", name)
			case utf8.RuneCountInString(text) > talkRoom:
				return fmt.Errorf("is %d characters long in %q: shorten it to %d", utf8.RuneCountInString(text), name, talkRoom)
			}
		}
	}
	return nil
}
