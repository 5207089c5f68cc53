package people

import (
	"context"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// rewrites is what messages of a walk are to be edited next; nil where none are.
// Words that are withdrawn go before all that the walk tells, row by row: otherwise
// they would be read for as long as that takes. What is only reworded takes turns with
// it, so that many messages with a slip of the pen do not keep an all clear waiting.
func (r *run) rewrites(ctx context.Context, w *Walk, now time.Time) (*upcoming, error) {
	row, err := r.outdated(ctx, w, now)
	if row == nil || err != nil {
		return nil, err
	}
	withdrawn := should(w.Incident.Update(row.Update)) < 0
	if under := r.rewriting(w); under != nil { // one row after the other
		if withdrawn && !under.batch.Again && !r.beside(under.batch) {
			return &upcoming{walk: w, first: true}, nil
		}
		return nil, nil
	}
	first := withdrawn || r.Paid > 0 || r.turns[w.ID] <= 0
	return &upcoming{walk: w, edits: row, urgency: rewording, first: first}, nil
}

// rewriting is the batch of edits of a walk that is being sent; nil where there is
// none, or only late answers are missing.
func (r *run) rewriting(w *Walk) *job {
	for _, j := range r.open {
		if j.batch.Walk == w.ID && j.batch.Row != 0 && !j.slow() {
			return j
		}
	}
	return nil
}

// openEdits brings the messages of some people to show what they should.
func (r *run) openEdits(ctx context.Context, c *upcoming) (bool, error) {
	w, row := c.walk, c.edits
	shows := r.should(w.Incident.Update(row.Update), row)
	b := &Batch{Walk: w.ID, Kind: row.Kind, Update: row.Update, Revision: row.Revision, Row: row.ID, Shows: shows, Lo: row.Lo, Hi: row.Hi, At: time.Now()}
	e := r.begin(b, row)
	b.Again = e.waited()
	r.left.gather()
	if err := r.edits(ctx, w, row, b); err != nil {
		return false, err
	}
	if len(b.People) == 0 { // nobody is there any more, or nobody would see a change
		r.close(b)
		err := r.step(ctx, Step{})
		r.fresh = false
		return true, err
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
	r.turns[w.ID] = len(b.People)
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
		e.Aloud = wronged && (round.Kind == broadcast.Retract || len(r.reworded(w, round, s.Language, before)) > 0)
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
	if was := r.of(b).from; !letter.Removed && was > 0 && r.sameWords(w, s.Language, row.Update, was, letter.Revision) {
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
