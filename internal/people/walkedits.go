package people

import (
	"context"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// openEdits brings the messages of some people to show what they should.
func (r *run) openEdits(ctx context.Context, c *upcoming) (bool, error) {
	w, row := c.walk, c.edits
	shows := r.should(w.Incident.Update(row.Update), row)
	b := &Batch{Walk: w.ID, Kind: row.Kind, Update: row.Update, Revision: row.Revision, Row: row.ID, Shows: shows, Lo: row.Lo, Hi: row.Hi, At: time.Now()}
	if done := r.resumed[row.edits(shows)]; done != nil {
		r.edited[row.ID] = &edited{walk: w.ID, shows: shows, done: done, tries: map[int64]int{}}
		delete(r.resumed, row.edits(shows))
	}
	b.Again = r.of(b).waited()
	r.left.gather()
	if err := r.edits(ctx, w, row, b); err != nil {
		return false, err
	}
	if len(b.People) == 0 { // nobody is there any more, or nobody would see a change
		r.close(b)
		r.fresh = false
		return true, r.step(ctx, Step{Walk: w, Rounds: w.changes()})
	}
	marks, err := r.Journal.take(row.edits(shows))
	if err != nil {
		return false, err
	}
	b.Journal = marks.name()
	if err := r.step(ctx, Step{Walk: w, Rounds: w.changes(), Open: b}); err != nil {
		marks.free()
		return false, err
	}
	w.kept()
	r.launch(ctx, w, b, marks)
	return true, nil
}

// should is what the messages of a row are brought to show: what the platform no
// longer deletes becomes a tombstone.
func (r *run) should(u *incident.Update, row *Row) int {
	shows := should(u)
	if shows == ShowsNothing && !r.Bot.Limits().Removes(row.At, time.Now()) {
		return ShowsTombstone
	}
	return shows
}

// edits lists the messages of a row that are to be changed.
func (r *run) edits(ctx context.Context, w *Walk, row *Row, b *Batch) error {
	receipts, err := readReceipts(row.Receipts)
	if err != nil {
		return err
	}
	rows, err := r.Store.Rows(ctx, w, row.Lo, row.Hi)
	if err != nil {
		return err
	}
	before, err := history(rows, row.Lo, row.Hi)
	if err != nil {
		return err
	}
	var page []Subscriber
	for _, receipt := range receipts {
		for len(page) == 0 || page[len(page)-1].ID < receipt.Subscriber {
			if page, err = r.Store.SubscribersIn(ctx, r.Channel.Account, receipt.Subscriber-1, row.Hi, looksAt); err != nil {
				return err
			}
			if len(page) == 0 {
				return nil
			}
		}
		for len(page) > 0 && page[0].ID < receipt.Subscriber {
			page = page[1:]
		}
		if s := page[0]; s.ID == receipt.Subscriber && s.State.edited() && receipt.Message != 0 && !r.shown(b, s.ID) {
			if err := r.edit(w, row, b, &s, receipt.Message, before[s.ID]); err != nil {
				return err
			}
		}
	}
	return nil
}

// edit adds a person's message, unless it would say the same as before.
func (r *run) edit(w *Walk, row *Row, b *Batch, s *Subscriber, message int64, before []told) error {
	e := &Edit{Message: message, Delete: b.Shows == ShowsNothing}
	if round := w.loud(row.Update, r.Rules); round != nil && s.State == Active {
		_, _, wronged := wrong(round, before)
		e.Aloud = wronged && r.corrects(w, round, s.Language, before)
	}
	letter := broadcast.Letter{Kind: row.Kind, Update: row.Update, Revision: b.Shows, Edited: true, Removed: b.Shows < 0}
	if letter.Removed {
		letter.Revision = row.Revision
	}
	letter = w.after(letter, before)
	var err error
	if e.Text, err = r.rewords(w, s.Language, letter); err != nil {
		return err
	}
	if !letter.Removed && row.Shows > 0 && r.sameWords(w, s.Language, row.Update, row.Shows, letter.Revision) {
		return nil
	}
	b.People = append(b.People, Person{Subscriber: s.ID, Chat: s.Chat, Edit: e})
	return nil
}

// sameWords reports whether readers of a language learn nothing from another
// revision of an update.
func (r *run) sameWords(w *Walk, language string, update, was, is int) bool {
	u := w.Incident.Update(update)
	language = r.reads(language)
	a, in := u.Revision(was).Body.In(language, r.Language)
	b, now := u.Revision(is).Body.In(language, r.Language)
	return a == b && in == now && u.Revision(was).Title == u.Revision(is).Title
}
