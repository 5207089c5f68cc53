package model

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// checkEnd: when all has settled nobody is forgotten. With last, nothing was
// wrong any more when the newest words were said.
func (c *crowd) checkEnd(last bool) {
	for _, said := range c.w.said.incidents {
		ref, err := incident.ParseRef(said.ref)
		if err != nil {
			c.w.wrong("%v", err)
			return
		}
		i, err := c.w.life.store.Incident(context.Background(), ref)
		walk, err2 := c.walkOf(said.ref)
		if err != nil || err2 != nil || walk == nil {
			c.w.wrong("the walk of %s cannot be read: %v %v", said.ref, err, err2)
			return
		}
		if walk.Dropped > 0 && walk.DroppedAt.After(c.dropped) {
			c.w.wrong("%s/%d was dropped, and nobody had it so", said.ref, walk.Dropped)
		}
		c.checkRounds(walk)
		for _, r := range c.readers {
			c.checkNewest(r, i, walk, last && said == c.w.said.incidents[len(c.w.said.incidents)-1])
			c.checkWords(r, i, walk)
		}
	}
}

// checkRounds: every round has ended, and counts those who were told.
func (c *crowd) checkRounds(walk *people.Walk) {
	counted := map[topic]int{}
	for _, r := range walk.Rounds {
		if r.State == people.RoundOpen {
			c.w.wrong("round %d of %s stays open", r.ID, walk.Incident.Ref)
		}
		about := topic{kind: r.Kind, ref: walk.Incident.Ref.String(), update: r.Update}
		if r.Kind == broadcast.Correct {
			about.revision = r.Revision
		}
		counted[about] += r.Told
	}
	for about, n := range counted {
		for _, r := range c.readers {
			for _, x := range r.results {
				if x.topic == about && !x.unsure {
					n--
				}
			}
		}
		if n != 0 {
			c.w.wrong("of %s it is counted that %d more were told than were", about, n)
		}
	}
}

// has reports whether somebody has something, or it is on record that nobody
// knows.
func (r *reader) has(about topic, surely bool) bool {
	return slices.ContainsFunc(r.letters, func(l *letter) bool { return l.topic == about && !l.at.Before(r.born) }) ||
		!surely && slices.ContainsFunc(r.results, func(x result) bool { return x.topic == about && !x.waits && !x.at.Before(r.born) })
}

// begun reports whether somebody was, or may have been, told of an incident.
func (r *reader) begun(ref string) bool {
	return slices.ContainsFunc(r.letters, func(l *letter) bool { return l.ref == ref && !l.at.Before(r.born) }) ||
		slices.ContainsFunc(r.results, func(x result) bool { return x.ref == ref && !x.at.Before(r.born) })
}

// steady reports whether somebody has been written to since a time, as far as
// he and the platform were concerned.
func (r *reader) steady(since time.Time) bool {
	return r.stored && r.sub.State == people.Active && !r.since.After(since)
}

// kept reports whether what somebody has since a time could be changed all along.
func (r *reader) kept(since time.Time) bool {
	edited := r.sub.State == people.Active || r.sub.State == people.Stopped
	return r.stored && edited && !r.born.After(since) && !r.lost.After(since)
}

// checkNewest: whoever is concerned has the newest words, and whoever was told
// that it began is told that it ended.
func (c *crowd) checkNewest(r *reader, i *incident.Incident, walk *people.Walk, last bool) {
	u := newestOf(i, walk.Dropped)
	if u == nil || !r.steady(u.PublishedAt) || r.excused && !last {
		return
	}
	must := r.sub.Concerned(i) // also if he was told later words, which were withdrawn
	if u.Status.Ended() {
		must = r.begun(i.Ref.String())
	}
	about := topic{kind: broadcast.Say, ref: i.Ref.String(), update: u.N}
	mended := c.aloud(topic{kind: broadcast.Correct, ref: about.ref, update: u.N, revision: len(u.Revisions)}) // to who may have had it
	if must && !r.has(about, last) && !r.has(mended, last) {
		c.w.wrong("%s is not told %s", r.chat, about)
	}
}

// checkWords: what somebody has says what holds, or he was told what does. Who
// stopped is told nothing.
func (c *crowd) checkWords(r *reader, i *incident.Incident, walk *people.Walk) {
	for _, l := range r.letters {
		u := i.Update(l.update)
		if l.ref != i.Ref.String() || l.kind != broadcast.Say || !r.kept(l.at) || r.excused || r.moved {
			continue
		}
		known := slices.ContainsFunc(r.results, func(x result) bool {
			return x.topic == l.topic && strconv.FormatInt(x.message, 10) == l.seen.ID
		})
		if u.Retraction != nil {
			c.checkGone(r, l, i, walk, known)
			continue
		}
		c.checkCorrected(r, l, i, walk, known)
	}
}

// checkGone: withdrawn words are gone, or their reader knows.
func (c *crowd) checkGone(r *reader, l *letter, i *incident.Incident, walk *people.Walk, known bool) {
	u := i.Update(l.update)
	gone := l.seen.Deleted || withdrawn(l.seen.Text)
	if known && !gone {
		c.w.wrong("%s was withdrawn, and %s reads %q", l.topic, r.chat, firstLine(l.seen.Text))
	}
	about := topic{kind: broadcast.Retract, ref: l.ref, update: l.update}
	if !gone && r.steady(l.at) && !r.has(about, false) && !overtaken(i, walk, u.N, u.Retraction.At) {
		c.w.wrong("%s was withdrawn, and %s is not told", l.topic, r.chat)
	}
}

// checkCorrected: wrong words are changed and, if they were there for long, their
// reader was told; where they cannot be changed he was told in any case.
func (c *crowd) checkCorrected(r *reader, l *letter, i *incident.Incident, walk *people.Walk, known bool) {
	u := i.Update(l.update)
	newest := len(u.Revisions)
	if known && l.revision != newest {
		c.w.wrong("%s has words %d of %s, of which there are %d", r.chat, l.revision, l.topic, newest)
	}
	first, loud := l.first, newest
	for ; loud > 1 && u.Revision(loud).Typo; loud-- {
	}
	if loud <= first || !r.steady(l.at) || overtaken(i, walk, u.N, u.Revision(loud).At) || c.w.script.EditOnly {
		return
	}
	if known && u.Revision(loud).At.Sub(r.told(l)) < aloud+15*time.Second { // the time of the first of his stretch counts
		return
	}
	about := topic{kind: broadcast.Correct, ref: l.ref, update: l.update, revision: loud}
	if !r.has(about, false) {
		c.w.wrong("%s had words %d of %s, and is not told of %d", r.chat, first, l.topic, loud)
	}
}

// told is when somebody was last told what a letter is about, or a correction of it, or
// may have been.
func (r *reader) told(l *letter) time.Time {
	at := l.at
	for _, o := range r.letters {
		if o.kind == broadcast.Correct && o.ref == l.ref && o.update == l.update && o.at.After(at) {
			at = o.at
		}
	}
	for _, x := range r.results {
		if x.kind == broadcast.Correct && x.ref == l.ref && x.update == l.update && x.at.After(at) {
			at = x.at
		}
	}
	return at
}

// newestOf is the newest update of an incident that stands and was not dropped.
func newestOf(i *incident.Incident, dropped int) *incident.Update {
	for n := len(i.Updates); n > dropped; n-- {
		if u := i.Update(n); u.Retraction == nil {
			return u
		}
	}
	return nil
}

// overtaken reports whether what was found wrong in an update at a time is not told
// any more: something was said since that everybody is told, or it was dropped.
func overtaken(i *incident.Incident, walk *people.Walk, update int, at time.Time) bool {
	u := newestOf(i, walk.Dropped)
	return u != nil && u.PublishedAt.After(at) || update <= walk.Dropped && !at.After(walk.DroppedAt)
}
