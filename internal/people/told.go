package people

import (
	"time"

	"github.com/allclear-hq/allclear/broadcast"
)

// A told is one message that somebody got about an incident.
type told struct {
	Kind     broadcast.EntryKind
	Update   int
	Revision int
	Message  int64     // 0 where it is unknown
	Shows    int       // what it shows, or showed before edits that are under way
	Changed  time.Time // since when; zero where it was never edited
	At       time.Time
}

// wrong is the post of an update that somebody got and that a round corrects
// or retracts, unless he was told that already. Who was told it twice may have one
// that nobody knows, which stays as it is: then the rest is not the whole.
func wrong(r *Round, before []told) (post told, whole, ok bool) {
	whole = true
	for _, t := range before {
		switch {
		case t.Update != r.Update:
			continue
		case t.Kind == broadcast.Retract, r.Kind == broadcast.Correct && t.Revision >= r.Revision:
			return told{}, false, false
		case !ok, post.Message == 0 && t.Kind == broadcast.Say: // he was told once more
			post, ok = t, true
		}
		whole = whole && t.Message != 0
	}
	return post, whole, ok
}

// had is what somebody was told of an update, or the last correction of it; nil where
// he was told nothing.
func had(update int, before []told) (last *told) {
	for k := range before {
		if t := &before[k]; t.Update == update && (last == nil || t.Kind == broadcast.Correct) {
			last = t
		}
	}
	return last
}

// An expectation is what is known at some time of edits that are still to come.
type expectation struct {
	now     time.Time
	editing time.Duration // how long all of them take about
}

// wrongFor is for how long somebody could read, at the longest, words that a round
// corrects or retracts, and whether his message is edited since: otherwise it may
// become longer. reworded lists the revisions that corrected his.
func (w *Walk) wrongFor(r *Round, before []told, reworded []int, edits expectation) (long time.Duration, edited bool) {
	u := w.Incident.Update(r.Update)
	post, _, ok := wrong(r, before)
	if !ok {
		return 0, true
	}
	from, found, known := post.At, time.Time{}, true
	if r.Kind == broadcast.Retract {
		found, edited = u.Retraction.At, post.Shows < 0
	} else {
		last := reworded[len(reworded)-1]
		from, found, edited = had(r.Update, before).At, u.Revision(last).At, post.Shows >= last
		known = post.Shows == last // later edits have been since
	}
	switch {
	case !edited:
		found = later(edits.now, found.Add(edits.editing))
	case known:
		found = later(found, post.Changed)
	}
	return found.Sub(from), edited
}

// link is the message that what is said about it answers, or 0 where it is unknown or
// deleted.
func (t *told) link() int64 {
	if t.Shows == ShowsNothing {
		return 0
	}
	return t.Message
}

// since is the newest update before another that somebody was told of, 0 for
// none, and the message with which it began, 0 where it is unknown.
func since(before []told, update int) (newest int, root int64) {
	first := 0
	for _, t := range before {
		if t.Update >= update {
			continue
		}
		newest = max(newest, t.Update)
		if link := t.link(); t.Kind == broadcast.Say && link != 0 && (first == 0 || t.Update < first) {
			first, root = t.Update, link
		}
	}
	return newest, root
}
