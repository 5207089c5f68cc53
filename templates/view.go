package templates

import (
	"strconv"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A view is what a block sees of a message. Words are in the block's language
// and times are written out, so that a template only has to place them.
// All fields are strings, empty where there is nothing to say, or conditions.
type view struct {
	Form, Kind         string // as in Form and incident.Kind: for comparisons
	Ref                string
	Title              string
	Body               string
	Original           string // name of the language of Body, where it was not translated
	Status, WasStatus  string
	Impact, WasImpact  string // Impact is empty for "none" unless it changed
	Components         string // one or more names
	Next, WasNext      string // promise; WasNext is in UTC only
	Begin, End, Window string // Window is both; Begin or End is set where there is only one
	Missed             string // number
	Corrects           string // reference of what is corrected or retracted
	CorrectsLink       string
	HeadStatus, HeadAt string // set once the incident has moved on from what this message says
	HeadUpdates        string // number
	Link               string // where the rest is, on a cut message

	Changed  bool // status differs from WasStatus
	Reopened bool // it had ended and goes on
	Ended    bool // the status is an all clear
	Edited   bool // another revision was shown before
	Zoned    bool // Next names two zones
	Cut      bool // Body is not the whole text
}

// A level says how much is left out beside the body so that the message fits.
type level int

// Each level leaves out what is named here and all that those before do.
const (
	full  level = iota
	lean        // local times, components, what a promise or impact was, the mark of an edit
	short       // the title after titleRoom characters, head line, links, count of missed updates
	bare        // the note where the rest is
	poor        // promise, window, impact, note on the language
)

// titleRoom is how much of a title is kept when the body needs the room: the
// length over which the preview warns its author.
const titleRoom = 80

// newView puts a cleaned message into words.
func newView(b *blocks, m *Message, lv level, cut bool) (*view, error) {
	v := &view{
		Form: string(m.Form), Kind: string(m.Kind), Ref: m.Ref, Title: m.Title, Body: bodyMark,
		Status:   b.words["status."+string(m.Status)],
		Changed:  m.Status != m.WasStatus,
		Reopened: m.WasStatus.Ended() && !m.Status.Ended(),
		Ended:    m.Status.Ended(),
		Cut:      cut && lv < bare,
	}
	if m.Body == "" {
		v.Body = ""
	}
	if v.Cut {
		v.Link = m.Link
	}
	v.Corrects, v.CorrectsLink, _ = strings.Cut(m.Corrects, " ")
	if lv < lean {
		v.Components = strings.Join(m.Components, b.words["comma"])
		v.WasStatus = b.words["status."+string(m.WasStatus)]
		v.WasImpact = b.words["impact."+string(m.WasImpact)]
		v.Edited = m.Revision > 1
	}
	if lv < short {
		v.Missed = count(m.Missed)
		v.head(b, m)
	} else {
		v.Title, v.CorrectsLink = clip(m.Title, titleRoom), ""
	}
	if lv == poor {
		return v, nil
	}
	if m.Impact != incident.ImpactNone || m.WasImpact != "" {
		v.Impact = b.words["impact."+string(m.Impact)]
	}
	v.Original = languageName(m.Original, b.language)
	return v, v.times(b, m, lv)
}

// head sets the head line's fields where the incident has moved on.
func (v *view) head(b *blocks, m *Message) {
	if m.Head.Status == "" || m.Head.Status == m.Status && m.Head.Updates <= 1 {
		return
	}
	v.HeadStatus = b.words["status."+string(m.Head.Status)]
	v.HeadUpdates = count(m.Head.Updates)
}

func (v *view) times(b *blocks, m *Message, lv level) (err error) {
	c := calendar{words: b, said: m.At, zone: m.Zone, brief: lv >= lean}
	if v.Next, err = c.moment(m.NextUpdate); err != nil {
		return err
	}
	if _, offset := m.NextUpdate.In(m.Zone).Zone(); v.Next != "" {
		v.Zoned = offset != 0 && !c.brief
	}
	if v.HeadStatus != "" {
		if v.HeadAt, err = c.moment(m.Head.At); err != nil {
			return err
		}
	}
	if v.Window, v.Begin, v.End, err = c.window(m.Begin, m.End); err != nil || m.NextUpdate.IsZero() || lv >= lean {
		return err
	}
	c.brief = true
	v.WasNext, err = c.moment(m.WasNext)
	return err
}

func count(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// languageName returns the name of the language with the given tag, in the
// language in. A tag without a known name stands for itself.
func languageName(tag, in string) string {
	named, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	namer := display.Languages(language.Make(in))
	if namer == nil {
		namer = display.Languages(language.English)
	}
	if name := namer.Name(named); name != "" {
		return name
	}
	return tag
}
