package people

import (
	"context"
	"slices"
	"time"
)

// busy reports whether enough batches are open: those that only wait for a few
// late answers do not count, nor what is edited beside.
func (r *run) busy() bool {
	n := 0
	for _, j := range r.open {
		if !j.slow() && !r.beside(j.batch) {
			n++
		}
	}
	return n >= maxBatches || len(r.open) >= mostOpen || r.room() < min(r.size(), smallest)
}

// smallest is how many people a batch has at least.
const smallest = 8

// size is how many people a batch has.
func (r *run) size() int {
	if r.out {
		return 1
	}
	pace := r.pace
	if r.paying {
		pace = r.PaidPace
	}
	if pace.N <= 0 {
		return MaxBatch
	}
	long := max(stretch, r.sender.answerTime()+ahead)
	return min(max(int(pace.Rate()*long.Seconds()), smallest), PacedBatch)
}

// openBatch opens the next batch of a round, or ends the round.
func (r *run) openBatch(ctx context.Context, c *upcoming) (bool, error) {
	w, round := c.walk, c.round
	if !r.pay(w) {
		return false, nil
	}
	if round.ID == 0 {
		if err := r.step(ctx, Step{Walk: w, Rounds: w.changes()}); err != nil {
			return false, err
		}
		w.kept()
	}
	r.left.gather()
	b, err := r.gather(ctx, w, round)
	if err == nil {
		err = r.leaveOut(ctx, w, round, b)
	}
	if err != nil {
		return false, err
	}
	r.begun[w.ID] = w.Version // also where nobody was found: others have waited long enough
	if round.Again && b.Wrapped && !round.Wrapped {
		r.late[round.ID] = time.Now().Add(lateEvery)
	}
	round.Place, round.Wrapped = b.Hi, b.Wrapped
	round.Span = max(round.Span, b.Hi-b.Lo)
	round.Audience = max(round.Audience, w.audience(round, r.Numbers().People))
	if r.trouble.Load() == nil {
		round.Speed = r.speed.of(time.Now(), w.ID)
	}
	r.reckon(w, round)
	step := Step{Walk: w}
	var marks *sheet
	if len(b.People) > 0 {
		if marks, err = r.Journal.begin(); err != nil {
			return false, err
		}
		b.Journal, b.Paid, step.Open = marks.name(), r.paying, b
	} else if round.over() && !r.sending(round) { // otherwise somebody may still have to wait for another turn
		round.State = RoundDone
	}
	step.Rounds = w.changes()
	if err := r.step(ctx, step); err != nil {
		if marks != nil && refused(err) { // otherwise the batch may be in the store
			marks.free()
		}
		return false, err
	}
	w.kept()
	if len(b.People) == 0 {
		if b.Passed > 0 {
			round.Passed += b.Passed
			r.closing = append(r.closing, &Closing{Batch: b, Passed: b.Passed})
		}
		return true, nil
	}
	if b.Paid {
		w.Paid += len(b.People)
	}
	r.shares[w.ID] += float64(len(b.People)) / w.weight()
	r.turns[w.ID] -= len(b.People)
	r.launch(ctx, w, b, marks)
	return true, nil
}

// leaveOut leaves out of a batch who is told the same by another round, of some
// people's own: a round that goes back for others comes by them again.
func (r *run) leaveOut(ctx context.Context, w *Walk, round *Round, b *Batch) error {
	if round.Again {
		return nil
	}
	for _, other := range w.open() {
		if !other.Again || !other.alike(round) {
			continue
		}
		for place := b.Lo; len(b.People) > 0 && place < b.Hi; {
			theirs, err := r.Store.Again(ctx, other.ID, place, looksAt)
			if err != nil || len(theirs) == 0 {
				return err
			}
			b.People = slices.DeleteFunc(b.People, func(p Person) bool {
				_, ok := slices.BinarySearch(theirs, p.Subscriber)
				return ok
			})
			place = theirs[len(theirs)-1]
		}
	}
	return nil
}

// beside reports whether edits go beside the messages: where those are paid for
// and these, which cannot be, are slow. Otherwise all go at one pace, and edits
// first.
func (r *run) beside(b *Batch) bool { return b.Row != 0 && r.Paid > 0 }

// launch hands a batch that was opened to the senders.
func (r *run) launch(ctx context.Context, w *Walk, b *Batch, marks *sheet) {
	j := newJob(ctx, b, w.Version)
	j.sheet = marks
	r.spare(b)
	if len(r.open) == 0 {
		r.moved = b.At
	}
	r.open = append(r.open, j)
	if r.beside(b) {
		r.editor.send(j)
	} else {
		r.sender.send(j)
	}
}
