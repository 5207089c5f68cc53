package model

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/broadcast"
)

// Times of the promises to subscribers.
const (
	ownChange = 2 * time.Second // after which what a person changed counts, at the latest: for who heard it, at once
	stale     = 2 * time.Second // after newer words, in which older ones may still leave
	slack     = 300 * time.Millisecond
	aloud     = time.Minute // after which a correction is told, and not only edited in
)

// A request is one to write to a reader, as the network sees it.
type request struct {
	life   *life
	reader *reader
	topic  topic
	words  int
	left   time.Time
	heard  time.Time // when its answer came, if it says that the message is there
	before []result  // what was stored of the reader when it left
	late   bool      // its life had been halted: another may have taken over
}

// writes reads a request to write to a reader; nil if it is none.
func (c *crowd) writes(from *life, r *http.Request, body []byte) *request {
	if c == nil || !strings.HasSuffix(r.URL.Path, "/sendMessage") || r.Header.Get("Content-Type") != "application/json" {
		return nil
	}
	var letter struct {
		Chat int64  `json:"chat_id"`
		Text string `json:"text"`
	}
	if json.Unmarshal(body, &letter) != nil {
		return nil
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	reader := c.chats[letter.Chat]
	about, words, ok := c.read(letter.Text)
	if reader == nil || !ok {
		c.w.wrong("a subscriber %d who is none is written to: %q", letter.Chat, letter.Text)
		return nil
	}
	c.look(reader, strconv.FormatInt(letter.Chat, 10))
	q := &request{life: from, reader: reader, topic: about, words: words, left: time.Now(), before: slices.Clone(reader.results), late: from.gate.overtaken()}
	c.requests = append(c.requests, q)
	c.checkLeaves(q)
	return q
}

// chatOf is the chat that a request is about; 0 for none.
func chatOf(body []byte) int64 {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return 0
	}
	chat, err := strconv.ParseInt(form.Get("chat_id"), 10, 64)
	if err != nil {
		var letter struct {
			Chat int64 `json:"chat_id"`
		}
		_ = json.Unmarshal(body, &letter) // what is none has no chat
		chat = letter.Chat
	}
	return chat
}

// answered sees what was answered to a request about a chat.
func (c *crowd) answered(chat int64, rec *recorder) {
	if c == nil {
		return
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	r := c.chats[chat]
	if r == nil {
		return
	}
	if rec.status >= 400 && rec.status < 500 && rec.status != http.StatusTooManyRequests && !bytes.Contains(rec.body.Bytes(), []byte("migrate_to_chat_id")) {
		r.excused = true
	}
	c.look(r, strconv.FormatInt(chat, 10))
}

// look notes what a reader has in a chat.
func (c *crowd) look(r *reader, chat string) {
	for _, m := range c.w.sims.Telegram.Seen(chat) {
		c.see(r, m)
	}
}

// hears notes that an answer arrived which says that the message is there.
func (c *crowd) hears(q *request, rec *recorder) {
	if q != nil && rec.status == http.StatusOK && bytes.Contains(rec.body.Bytes(), []byte(`"ok":true,"result":{"message_id":`)) && time.Since(q.left) < 10*time.Second {
		q.heard = time.Now()
	}
}

// see looks at a message in a reader's chat.
func (c *crowd) see(r *reader, m sim.Seen) {
	if !m.Ours || m.Text == "" {
		return
	}
	for _, l := range r.letters {
		if l.place == m.Place && l.seen.ID == m.ID {
			c.reworded(l, m)
			return
		}
	}
	about, words, ok := c.read(m.Text)
	if !ok { // an answer to what he said
		return
	}
	l := &letter{topic: about, revision: words, first: words, place: m.Place, seen: m, at: time.Now()}
	c.w.tell("%s gets %s.%d as %s in answer to %q", r.chat, about, words, m.ID, m.ReplyTo)
	q := c.requestOf(r, l)
	if q == nil {
		c.w.wrong("%s gets %s, for which there was no request", r.chat, about)
		return
	}
	c.checkTwice(r, l, q)
	c.checkLink(r, l, q)
	c.checkBegun(r, l, q)
	c.checkMissed(r, l, q)
	r.letters = append(r.letters, l)
}

// requestOf is the newest request for a letter.
func (c *crowd) requestOf(r *reader, l *letter) *request {
	for _, q := range slices.Backward(c.requests) {
		if q.reader == r && q.topic == l.topic {
			return q
		}
	}
	return nil
}

// reworded: what somebody has changes to other words of the same update, or to
// say that they are withdrawn.
func (c *crowd) reworded(l *letter, m sim.Seen) {
	if m.Deleted != l.seen.Deleted || m.Text != l.seen.Text {
		c.w.tell("message %s in %s is now %q, deleted %v", m.ID, l.place, firstLine(m.Text), m.Deleted)
	}
	if m.Text != l.seen.Text && !withdrawn(m.Text) {
		about, words, ok := readLetter(m.Text)
		if !ok || about.ref != l.ref || about.update != l.update || words < l.revision {
			c.w.wrong("message %s in %s, which was %s, now says %q", m.ID, l.place, l.topic, m.Text)
		}
		l.revision = words
	}
	l.seen = m
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func withdrawn(text string) bool { return strings.Contains(text, "This message has been withdrawn") }

var (
	markForm   = regexp.MustCompile(`inc(\d+)\.(\d+)\.(\d+)\.`)
	reasonForm = regexp.MustCompile(`Not true at all INC-(\d+)\.(\d+)\.`)
	missedForm = regexp.MustCompile(`\((\d+) earlier updates? (?:is|are) not shown here`)
)

// read reads a letter. A correction may have the words of a typo that was mended
// since.
func (c *crowd) read(text string) (about topic, words int, ok bool) {
	about, words, ok = readLetter(text)
	return c.aloud(about), words, ok
}

// aloud is a topic with, of a correction, the revision that was said aloud.
func (c *crowd) aloud(about topic) topic {
	for _, i := range c.w.said.incidents {
		for about.kind == broadcast.Correct && i.ref == about.ref && i.typos[[2]int{about.update, about.revision}] {
			about.revision--
		}
	}
	return about
}

// readLetter finds out what a letter is about, and which revision's words it has.
func readLetter(text string) (about topic, words int, ok bool) {
	if m := reasonForm.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[2])
		return topic{kind: broadcast.Retract, ref: "INC-" + m[1], update: n}, 0, strings.Contains(text, "We withdraw ")
	}
	m := markForm.FindStringSubmatch(text)
	if m == nil {
		return topic{}, 0, false
	}
	n, _ := strconv.Atoi(m[2])
	words, _ = strconv.Atoi(m[3])
	about = topic{kind: broadcast.Say, ref: "INC-" + m[1], update: n}
	if strings.Contains(text, "Correction: ") {
		about.kind, about.revision = broadcast.Correct, words
	}
	return about, words, true
}

// checkLeaves: nothing leaves that is frozen, old or withdrawn, and nothing to
// somebody who has left.
func (c *crowd) checkLeaves(q *request) {
	if q.late { // its right to send is what counts
		return
	}
	r, about, now := q.reader, q.topic, q.left
	c.w.tell("leaves for %s: %s.%d", r.chat, about, q.words)
	for _, scope := range []string{"", audience, about.ref} {
		if at, ok := c.w.frozenAt[scope]; c.w.frozen[scope] && ok && now.After(at) {
			c.w.wrong("%s leaves for %s, and is frozen since %v", about, r.chat, now.Sub(at))
		}
	}
	grace := ownChange + slack
	if q.life == r.heard {
		grace = 0
	}
	if !r.left.IsZero() && now.After(r.left.Add(grace)) {
		c.w.wrong("%s leaves for %s, who has left %v ago", about, r.chat, now.Sub(r.left))
	}
	for _, i := range c.w.said.incidents {
		if i.ref != about.ref {
			continue
		}
		if i.retracted[about.update] && about.kind != broadcast.Retract && now.After(i.at[about.update].Add(stale+slack)) {
			c.w.wrong("%s leaves for %s, and was withdrawn %v ago", about, r.chat, now.Sub(i.at[about.update]))
		}
		if about.update <= len(i.updates) && about.kind != broadcast.Retract && q.words < i.updates[about.update-1] && now.After(i.at[about.update].Add(stale+slack)) {
			c.w.wrong("%s.%d leaves for %s, and was corrected %v ago", about, q.words, r.chat, now.Sub(i.at[about.update]))
		}
		for n := about.update + 1; n <= len(i.updates); n++ {
			if about.kind == broadcast.Say && !i.retracted[n] && now.After(i.at[n].Add(stale+slack)) {
				c.w.wrong("%s leaves for %s %v after %s/%d", about, r.chat, now.Sub(i.at[n]), i.ref, n)
			}
		}
	}
}

// checkTwice: nobody is told twice, unless it was not known whether he was told,
// and policy or a person has it sent again.
func (c *crowd) checkTwice(r *reader, l *letter, q *request) {
	copies := 0
	for _, o := range r.letters {
		if o.topic == l.topic && o.place == l.place && !o.at.Before(r.born) {
			copies++
		}
	}
	if copies == 0 {
		return
	}
	if c.w.script.People != "resend" && r.again[l.topic] == 0 {
		c.w.wrong("%s is told %s twice", r.chat, l.topic)
	}
	for _, x := range q.before {
		if x.topic == l.topic && !x.unsure && !x.at.Before(r.born) {
			c.w.wrong("%s is told %s once more, though it was known to be there", r.chat, l.topic)
		}
	}
	if copies > 2+r.again[l.topic]*3 {
		c.w.wrong("%s is told %s %d times", r.chat, l.topic, copies+1)
	}
}

// checkLink: a letter answers the first that its reader has about the incident,
// or the one that it is about.
func (c *crowd) checkLink(r *reader, l *letter, q *request) {
	root := c.root(r, l, q)
	if l.seen.ReplyTo != "" {
		own := slices.ContainsFunc(r.letters, func(o *letter) bool {
			return o.place == l.place && o.ref == l.ref && o.seen.ID == l.seen.ReplyTo
		})
		if !own {
			c.w.wrong("%s gets %s in answer to %s, which is no message of its incident", r.chat, l.topic, l.seen.ReplyTo)
		} else if l.kind == broadcast.Say && root != "" && root != l.seen.ReplyTo {
			c.w.wrong("%s gets %s in answer to %s, and it began with %s", r.chat, l.topic, l.seen.ReplyTo, root)
		}
		return
	}
	if l.kind == broadcast.Say && root != "" && !r.moved {
		c.w.wrong("%s gets %s, which is not linked to %s", r.chat, l.topic, root)
	}
}

// root is the message with which an incident began for a reader, as far as it is
// known that it is there. One that was to be deleted is not answered, also where
// that was refused.
func (c *crowd) root(r *reader, l *letter, q *request) string {
	first, root := 0, ""
	for _, x := range q.before {
		if x.ref == l.ref && x.kind == broadcast.Say && x.message != 0 && !x.at.Before(r.born) && (first == 0 || x.update < first) {
			first, root = x.update, strconv.FormatInt(x.message, 10)
		}
	}
	for _, o := range r.letters {
		if o.seen.ID == root && (o.seen.Deleted || o.place != l.place) {
			return ""
		}
	}
	for _, i := range c.w.said.incidents {
		if i.ref == l.ref && i.removed[first] {
			return ""
		}
	}
	return root
}

// checkBegun: nobody is told of an end whose beginning he was not told.
func (c *crowd) checkBegun(r *reader, l *letter, q *request) {
	for _, i := range c.w.said.incidents {
		if i.ref != l.ref || !i.ended[l.update] || l.kind != broadcast.Say {
			continue
		}
		told := slices.ContainsFunc(q.before, func(x result) bool { return x.ref == l.ref && !x.at.Before(r.born) }) ||
			slices.ContainsFunc(r.letters, func(o *letter) bool { return o.ref == l.ref })
		if !told {
			c.w.wrong("%s is told of the end of %s, and not of its beginning", r.chat, l.ref)
		}
	}
}

// checkMissed: who missed some is told how many.
func (c *crowd) checkMissed(r *reader, l *letter, q *request) {
	if l.kind != broadcast.Say || r.again[l.topic] > 0 {
		return
	}
	newest := 0
	for _, x := range q.before {
		if x.ref == l.ref && x.update < l.update && !x.at.Before(r.born) {
			newest = max(newest, x.update)
		}
	}
	missed := 0
	for _, i := range c.w.said.incidents {
		if i.ref != l.ref {
			continue
		}
		for n := newest + 1; n < l.update && n <= len(i.updates); n++ {
			if !i.retracted[n] {
				missed++
			}
			if i.retracted[n] && time.Since(i.at[n]) < 5*time.Second {
				return // it may have been withdrawn since
			}
		}
	}
	said := 0
	if m := missedForm.FindStringSubmatch(l.seen.Text); m != nil {
		said, _ = strconv.Atoi(m[1])
	}
	if said != missed {
		c.w.wrong("%s is told %s and that %d updates are not shown; since %d there are %d", r.chat, l.topic, said, newest, missed)
	}
}
