package people

import (
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// A Component is a part of the service that can be chosen. Its group is empty where
// it stands alone.
type Component struct{ ID, Name, Group string }

// toldApart names the group of each component whose name another one has too.
func toldApart(components []Component) []Component {
	named := map[string]int{}
	for _, c := range components {
		named[c.Name]++
	}
	out := slices.Clone(components)
	for k, c := range out {
		if named[c.Name] > 1 && c.Group != "" {
			out[k].Name = c.Name + " (" + c.Group + ")"
		}
	}
	return out
}

// A dialogue is what is known to everybody who speaks with a subscriber. Its
// decisions are pure: what a person did and what is kept of him, to what is to
// be kept of him and which answer he gets.
type dialogue struct {
	username   string
	language   string // of the site
	languages  []string
	components []Component
	matcher    language.Matcher
	councils   map[string]*council // of the groups that are heard now
}

// An answer is what a person is to be told, before it is put into words.
type answer struct {
	what answerKind
	sub  Subscriber // as it is now
	arg  string     // what was asked about
	page int        // of a menu
	done bool       // what was wanted is done, once it is stored
}

// answerKind names an answer. Most are blocks of the templates.
type answerKind string

// The answers that are more than one block.
const (
	silence    answerKind = ""
	statusNow  answerKind = "status"
	verdict    answerKind = "verdict"
	welcome    answerKind = "welcome"
	followed   answerKind = "followed"
	settings   answerKind = "settings"
	services   answerKind = "services"
	oneService answerKind = "one-service"
	severity   answerKind = "severity"
	tongues    answerKind = "language"
	stopped    answerKind = "stopped"
	eraseAsk   answerKind = "erase"
	erased     answerKind = "erased"
	helpText   answerKind = "help"
	hint       answerKind = "hint"
	verifyHow  answerKind = "verify"
	joined     answerKind = "joined"
	admins     answerKind = "admins"
	unchecked  answerKind = "unchecked" // whether he is an administrator
	wordless   answerKind = "wordless"  // only text can be read
	noCommand  answerKind = "command"   // there is no such command
)

// maxFollowed is how many single incidents a subscriber follows at most; the
// oldest make room.
const maxFollowed = 20

// hear decides what comes of an event: what to keep, and the answer. Nil has all
// erased that names the chat; somebody of whom nothing is to be kept stays as he
// was, unknown.
func (d *dialogue) hear(was Subscriber, e bots.Event) (*Subscriber, answer) {
	now := was
	switch e.Kind {
	case bots.Said:
		return d.said(now, e)
	case bots.Pressed:
		return d.pressed(now, e)
	case bots.Left:
		if now.State == Active {
			now.State = Blocked
		}
		return kept(was, now), answer{}
	case bots.Joined:
		if now.State == Blocked { // was active before, and has thought better of it
			now.State, now.Came = Active, true
		}
		if !e.Private && !was.known() {
			now.Language = d.spoken(now, e)
			return &was, answer{what: joined, sub: now}
		}
		return kept(was, now), answer{}
	}
	return kept(was, now), answer{}
}

// kept is what to keep of a subscriber: nothing more where there was nothing and
// nothing was asked for.
func kept(was, now Subscriber) *Subscriber {
	if !was.known() {
		return &was
	}
	return &now
}

// said answers what was typed.
func (d *dialogue) said(s Subscriber, e bots.Event) (*Subscriber, answer) {
	was := s
	s.Language = d.spoken(s, e)
	t, ok := parseTyped(e.Text, d.username)
	switch {
	case e.Text == "" && e.Private:
		return kept(was, was), answer{what: wordless, sub: s}
	case ok && e.Forwarded, !ok && e.Forwarded && e.Private: // somebody wants to know what it is
		return kept(was, was), answer{what: verdict, sub: s, arg: e.Text}
	case !ok && e.Private:
		return kept(was, was), answer{what: hint, sub: s}
	case !ok:
		return kept(was, was), answer{}
	}
	switch t.verb {
	case "start", "subscribe":
		what := d.subscribe(&s, readWish(t.arg, d.components), t.verb == "start")
		s.Topic = topicOf(e)
		return &s, answer{what: what, sub: s, arg: t.arg, done: true}
	case "unsubscribe", "stop":
		s.State, s.Incidents = Stopped, nil
		d.complete(&s)
		return &s, answer{what: stopped, sub: s, done: true}
	case "settings":
		return kept(was, was), answer{what: settings, sub: s}
	case "status":
		return kept(was, was), answer{what: statusNow, sub: s}
	case "verify":
		if t.arg == "" {
			return kept(was, was), answer{what: verifyHow, sub: s}
		}
		return kept(was, was), answer{what: verdict, sub: s, arg: t.arg}
	case "help":
		return kept(was, was), answer{what: helpText, sub: s}
	}
	if e.Private {
		return kept(was, was), answer{what: noCommand, sub: s}
	}
	return kept(was, was), answer{}
}

// subscribe makes s active and adds what is wished for. Who comes for one thing
// gets that, and nothing that he had stopped; who just begins gets everything, or
// what was chosen before.
func (d *dialogue) subscribe(s *Subscriber, w wish, start bool) answerKind {
	active := s.known() && s.State == Active
	d.complete(s)
	s.State, s.Came, s.Components = Active, true, d.offered(s.Components)
	if !active && w != (wish{}) {
		s.All, s.Components, s.Incidents = false, nil, nil
	}
	switch {
	case w.ref != "":
		others := slices.DeleteFunc(slices.Clone(s.Incidents), func(ref string) bool { return ref == w.ref })
		s.Incidents = append(others, w.ref) // the newest is the one that is spoken of
		s.Incidents = s.Incidents[max(0, len(s.Incidents)-maxFollowed):]
		return followed
	case w.component != "":
		d.choose(s, w.component, true)
	case len(s.Components) == 0 && !(start && active && len(s.Incidents) > 0):
		s.All = true
	}
	return welcome
}

// offered are those of some components that can be chosen, and are not gone from the
// configuration.
func (d *dialogue) offered(ids []string) (out []string) {
	for _, id := range ids {
		if slices.ContainsFunc(d.components, func(c Component) bool { return c.ID == id }) {
			out = append(out, id)
		}
	}
	return out
}

// topicOf is the topic of a group in which something was said or pressed; 0 for
// none, or the general one.
func topicOf(e bots.Event) int64 { return chatID(e.Thread) }

// settle has who subscribes by a button told where the button stands. Who is
// subscribed already is told where he was: his menu may be anywhere.
func (d *dialogue) settle(s *Subscriber, was Subscriber, e bots.Event) {
	if !was.known() || was.State != Active {
		s.Topic = topicOf(e)
	}
}

// complete fills in what a new subscriber has not chosen.
func (d *dialogue) complete(s *Subscriber) {
	if !s.known() {
		s.Impact, s.All = incident.ImpactNone, true
	}
	if s.Language == "" {
		s.Language = d.language
	}
}

// choose adds a component, or takes it out. It is false where that would
// leave nothing.
func (d *dialogue) choose(s *Subscriber, id string, wanted bool) bool {
	if s.All && wanted {
		return true
	}
	var chosen []string
	for _, c := range d.components { // in their order, without those that are no more
		has := s.All || slices.Contains(s.Components, c.ID)
		if c.ID == id {
			has = wanted
		}
		if has {
			chosen = append(chosen, c.ID)
		}
	}
	if len(chosen) == 0 {
		return false
	}
	s.All, s.Components = false, chosen
	return true
}

// spoken is the language to answer in: the one chosen, otherwise the site's
// nearest to that of the person's app.
func (d *dialogue) spoken(s Subscriber, e bots.Event) string {
	if slices.Contains(d.languages, s.Language) {
		return s.Language
	}
	tag, err := language.Parse(e.Language)
	if err != nil || d.matcher == nil {
		return d.language
	}
	if _, i, confidence := d.matcher.Match(tag); confidence != language.No {
		return d.languages[i]
	}
	return d.language
}

// buttonPrefix begins the data of our buttons, which tells them from those of
// the rooms.
const buttonPrefix = "me:"

// pressed answers a button of the settings. A button says what is to be, not
// what is to change, so that one that is pressed twice does nothing twice.
func (d *dialogue) pressed(s Subscriber, e bots.Event) (*Subscriber, answer) {
	was := s
	s.Language = d.spoken(s, e)
	what, arg, _ := strings.Cut(strings.TrimPrefix(e.Button, buttonPrefix), ":")
	if !was.known() && slices.Contains([]string{"stop", "on", "off", "least", "speak"}, what) {
		what = "menu" // a choice without a subscription is not kept
	}
	show := answer{what: settings}
	switch what {
	case "services":
		show.what, show.page = services, pageOf(arg)
	case "impact":
		show.what = severity
	case "tongue":
		show.what = tongues
	case "erase":
		show.what = eraseAsk
	case "erase!":
		return nil, answer{what: erased, sub: Subscriber{Chat: s.Chat, Language: s.Language}, done: true}
	case "on", "off":
		show.what, show.page = services, d.pageWith(arg)
		if show.done = d.choose(&s, arg, what == "on"); !show.done {
			show.what = oneService
		}
	default:
		show.done = d.decided(&s, e, what, arg)
	}
	show.sub = s
	if !show.done {
		return &was, show
	}
	return &s, show
}

// decided does what a button says that belongs to no list of services. It is
// false for one of another version.
func (d *dialogue) decided(s *Subscriber, e bots.Event, what, arg string) bool {
	was := *s
	switch what {
	case "start", "all":
		d.complete(s)
		d.settle(s, was, e)
		s.State, s.All, s.Components, s.Came = Active, true, nil, true
	case "again":
		d.settle(s, was, e)
		d.subscribe(s, wish{}, false)
	case "stop":
		s.State, s.Incidents = Stopped, nil
	case "least":
		i := incident.Impact(arg)
		if !slices.Contains(incident.Impacts, i) {
			return false
		}
		s.Impact = i
	case "speak":
		if !slices.Contains(d.languages, arg) {
			return false
		}
		s.Language = arg
	default: // "menu", or of another version
		return false
	}
	return true
}
