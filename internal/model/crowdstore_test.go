package model

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/people"
)

// What a witness beside the store is told.

// changed is told what a process stored about people.
func (c *crowd) changed(by *life, now map[int64]*people.Subscriber) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	for chat, is := range now {
		r := c.chats[chat]
		if r == nil || r.moved && strconv.FormatInt(chat, 10) != r.chat { // what is said in the old chat
			continue
		}
		if is == nil {
			if r.stored {
				c.w.tell("%s is erased", r.chat)
			}
			r.stored, r.sub, r.since, r.left, r.heard = false, people.Subscriber{}, time.Now(), time.Now(), by
			continue
		}
		if !r.stored && is.Impact == "" { // who only asks
			continue
		}
		if r.stored && fmt.Sprint(r.sub.State, r.sub.Impact, r.sub.All, r.sub.Components, r.sub.Incidents) == fmt.Sprint(is.State, is.Impact, is.All, is.Components, is.Incidents) {
			continue
		}
		if !r.stored {
			r.born = time.Now()
		}
		c.w.tell("%s is %s: %s %v %v %v", r.chat, is.State, is.Impact, is.All, is.Components, is.Incidents)
		r.sub, r.stored, r.since, r.heard = *is, true, time.Now(), by
		c.leaves(r)
	}
}

// leaves notes since when somebody is not written to. What he has is changed as
// long as he only stopped.
func (c *crowd) leaves(r *reader) {
	if r.sub.State == people.Blocked || r.sub.State == people.Gone {
		r.lost = time.Now()
	}
	switch {
	case r.sub.State == people.Active:
		r.left = time.Time{}
	case r.left.IsZero():
		r.left = time.Now()
	}
}

// marked is told that somebody may have been put down as gone: not who has asked
// to be written to since.
func (c *crowd) marked(by *life, chat int64) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.mark(by, c.chats[chat])
}

func (c *crowd) mark(by *life, r *reader) {
	if r == nil || !r.stored {
		return
	}
	all, err := by.store.Subscribers(context.Background(), channels[audience].Account, 0, 1000)
	if err != nil {
		c.w.wrong("%v", err)
	}
	for _, s := range all {
		if c.chats[s.Chat] == r && s.State != r.sub.State {
			c.w.tell("%s turns out to be %s", r.chat, s.State)
			r.sub.State, r.since, r.heard = s.State, time.Now(), nil
			c.leaves(r)
		}
	}
}

func (c *crowd) moved(from, to int64) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if r := c.chats[to]; r != nil {
		c.w.tell("%d is stored as %d", from, to)
		r.since = time.Now()
	}
}

// opened is told of each step that was taken.
func (c *crowd) opened(by *life, step people.Step) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if step.Walk != nil {
		c.walks[step.Walk.ID] = step.Walk.Incident.Ref.String()
	}
	b := step.Open
	if b == nil {
		return
	}
	c.w.tell("opens batch %d of round %d: %s/%d.%d, %d people after %d to %d", b.ID, b.Round, c.walks[b.Walk], b.Update, b.Revision, len(b.People), b.Lo, b.Hi)
	c.openers[b.Journal] = by
	c.largest = max(c.largest, len(b.People))
	for k := range b.People {
		c.ids[b.People[k].Subscriber] = c.chats[b.People[k].Chat]
	}
}

// found is told what an earlier life or another node left open.
func (c *crowd) found(by *life, left []*people.Batch) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	doubtful := 0
	for _, b := range left {
		if c.openers[b.Journal] == by {
			continue
		}
		for k := range b.People {
			if !b.People[k].Kept {
				doubtful++
			}
		}
	}
	if doubtful > 2*max(8, c.largest) {
		c.w.wrong("%d people are in doubt, and a batch has %d", doubtful, max(8, c.largest))
	}
}

// closed is told what was kept of batches.
func (c *crowd) closed(by *life, all []*people.Closing) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	for _, x := range all {
		for _, m := range x.Moved {
			if r := c.chats[m.To]; r != nil {
				r.since = time.Now()
			}
		}
		b := x.Batch
		if b.Row != 0 { // edits: all that is kept of them is who has left
			for _, id := range slices.Concat(x.Barred, x.Vanished) {
				c.mark(by, c.ids[id])
			}
			continue
		}
		for k := range b.People {
			p := &b.People[k]
			who := person{b.Journal, p.Subscriber}
			if p.Kept || c.seen[who] {
				continue
			}
			if p.Result != people.Unsent {
				c.seen[who] = true
				c.kept(by, b, p, slices.Contains(x.Resent, p.Subscriber))
			}
		}
	}
}

// kept is told what was kept of a person.
func (c *crowd) kept(by *life, b *people.Batch, p *people.Person, waits bool) {
	r := c.ids[p.Subscriber]
	if r == nil {
		return
	}
	about := topic{kind: b.Kind, ref: c.walks[b.Walk], update: b.Update}
	if b.Kind == broadcast.Correct {
		about.revision = b.Revision
		about = c.aloud(about)
	}
	switch p.Result {
	case people.Told:
		c.w.tell("kept: %s has %s as %d", r.chat, about, p.Message)
		r.results = append(r.results, result{topic: about, at: time.Now(), message: p.Message})
		c.look(r, r.chat) // the answer may be slow
		there := slices.ContainsFunc(r.letters, func(l *letter) bool { return l.topic == about && l.seen.ID == strconv.FormatInt(p.Message, 10) })
		if !there {
			c.w.wrong("%s is said to have %s as %d, which is not there", r.chat, about, p.Message)
		}
	case people.Unsure:
		c.w.tell("kept: whether %s has %s is unsure (%s), waits %v", r.chat, about, p.Detail, waits)
		c.checkDoubt(by, b, r, about)
		who := people.Resend{Round: b.Round, Subscriber: p.Subscriber}
		if waits {
			c.waited[who]++
		} else {
			if n := c.waited[who]; c.w.script.People == "resend" && n < 2 {
				c.w.wrong("%s is not told %s once more after %d times without an answer", r.chat, about, n+1)
			}
		}
		r.results = append(r.results, result{topic: about, at: time.Now(), unsure: true, waits: waits})
	case people.Barred, people.Vanished:
		c.mark(by, r)
	case people.Failed:
		r.excused = true
		c.w.tell("kept: %s was not told %s: %s", r.chat, about, p.Detail)
	}
}

// checkDoubt: it is unsure whether somebody was told only where that could not be
// known.
func (c *crowd) checkDoubt(by *life, b *people.Batch, r *reader, about topic) {
	opener := c.openers[b.Journal]
	if opener == nil || opener.gate.overtaken() {
		return
	}
	asked := false
	for _, q := range c.requests {
		if q.reader != r || q.topic != about || q.left.Before(b.At) || q.life != opener {
			continue
		}
		if asked = q.heard.IsZero(); asked {
			break
		}
		exact := opener == by || opener.seat == by.seat && opener.stores == by.stores && opener.gone()
		if exact && (opener == by || q.heard.Before(opener.died)) {
			c.w.wrong("it is unsure whether %s has %s, and the answer came", r.chat, about)
		}
	}
	if !asked && opener == by {
		c.w.wrong("it is unsure whether %s has %s, and nothing left", r.chat, about)
	}
}
