package people

import (
	"maps"
	"slices"
	"time"
)

// Edits of a row end though some of its people have to wait for longer, or get no
// answer, so that those of other rows and what is to be told go on. Who is left is
// tried again after a while, when nobody else of the row is edited a second time.

// editTries is how often somebody's message is edited without an answer, though
// others are answered.
const editTries = 5

// edited is how far the edits of a row have come that are under way, or have people
// left.
type edited struct {
	walk  int64
	shows int
	from  int            // what all of its messages showed before, or ShowsEither
	done  map[int64]bool // subscribers: a row would otherwise be edited as a whole for one of them
	tries map[int64]int  // by subscriber: edits that were not answered, while others were
	taken int            // what was taken by then
	until time.Time      // those who are left have to wait, and are not tried before this; zero where they just were not begun
}

// of is how far the edits of a batch's row have come; nil where they are not begun.
func (r *run) of(b *Batch) *edited {
	if e := r.edited[b.Row]; e != nil && e.shows == b.Shows {
		return e
	}
	return nil
}

// begin notes that a row is edited, or goes on with it where it was left.
func (r *run) begin(b *Batch, row *Row) *edited {
	name := row.edits(b.Shows)
	done := r.resumed[name]
	delete(r.resumed, name)
	e := r.of(b)
	if e == nil {
		e = &edited{walk: b.Walk, shows: b.Shows, from: row.Shows, done: map[int64]bool{}, tries: map[int64]int{}}
		r.edited[row.ID] = e
	}
	maps.Copy(e.done, done)
	return e
}

// waited reports whether those who are left had to wait.
func (e *edited) waited() bool { return e != nil && !e.until.IsZero() }

// noteEdits remembers whose messages were changed, as long as others of the row
// are left.
func (r *run) noteEdits(b *Batch) {
	if b.Row == 0 {
		return
	}
	e := r.of(b)
	if e == nil { // they are to show something else since
		return
	}
	r.giveUp(e, b)
	e.until = time.Now().Add(lateEvery)
	for k := range b.People {
		switch p := &b.People[k]; {
		case !p.Waits():
			e.done[p.Subscriber] = true
		case p.Result == Unsent:
			e.until = time.Time{}
		}
	}
	if !b.Left() {
		delete(r.edited, b.Row)
	}
}

// giveUp has messages stay as they are of which several edits were not answered,
// like those that can no longer be changed. Where nothing else was taken since the
// one before, it may be that nothing is answered, and then they wait.
func (r *run) giveUp(e *edited, b *Batch) {
	if e.taken == r.taken {
		return
	}
	e.taken = r.taken
	for k := range b.People {
		p := &b.People[k]
		if p.Result != Late || p.Detail == "" {
			continue
		}
		if e.tries[p.Subscriber]++; e.tries[p.Subscriber] == editTries {
			r.Log.Warn("a message is left as it is, since no edit of it was answered", "channel", r.Channel.Name, "fault", p.Detail)
			p.Result = Told
		}
	}
}

// shown reports whether a row's message of a subscriber shows already what the
// batch is to bring.
func (r *run) shown(b *Batch, subscriber int64) bool {
	e := r.of(b)
	return e != nil && e.done[subscriber]
}

// waiting lists the rows of a walk that are not tried now, of those whose messages
// are to show something, or a tombstone, which stays: they are being edited, or whose
// people are left have to wait.
func (r *run) waiting(w *Walk, shows int, now time.Time) (rows []int64) {
	for row, e := range r.edited {
		if e.walk == w.ID && (e.shows == shows || e.shows == ShowsTombstone) && now.Before(e.until) {
			rows = append(rows, row)
		}
	}
	for _, j := range r.open {
		if j.batch.Walk == w.ID && j.batch.Row != 0 {
			rows = append(rows, j.batch.Row)
		}
	}
	slices.Sort(rows)
	return rows
}
