package people

import (
	"math"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// How many people a batch has at most. What a batch costs besides its messages is
// shared by them; and two batches are in doubt where another node has to go on.
const (
	MaxBatch   = 4000 // where nothing limits the pace: a tenth of a second's, and more
	PacedBatch = 1000
)

// A Walk is the news of one incident on its way through an audience. It is no
// queue: it says how far each round has come, and batches say who was told.
type Walk struct {
	ID        int64
	Version   int64 // changes whenever something is said
	Channel   string
	Incident  incident.Incident
	Said      []int     // the updates that are for this audience
	Dropped   int       // updates up to this one are not told any more
	DroppedAt time.Time // what was found wrong in those until then is not told aloud either
	Frozen    bool
	Fence     int64 // the last of its account that was raised by then; 0 is none
	Paid      int   // messages that may have cost money, or are being sent and may
	Before    int64 // where the walk before this one stood
	Rounds    []Round
	Edits     []Editing // for a view; otherwise nil

	saved []Round // as they are in the store
}

// kept remembers that the rounds are in the store as they are here.
func (w *Walk) kept() { w.saved = slices.Clone(w.Rounds) }

// changes lists the rounds that are not in the store as they are here.
func (w *Walk) changes() (out []*Round) {
	for k := range w.Rounds {
		if k >= len(w.saved) || w.Rounds[k] != w.saved[k] {
			out = append(out, &w.Rounds[k])
		}
	}
	return out
}

// A RoundState is where a round stands.
type RoundState string

// The states of rounds.
const (
	RoundOpen       RoundState = "open"
	RoundDone       RoundState = "done"
	RoundSuperseded RoundState = "superseded" // newer words made it pointless
	RoundSkipped    RoundState = "skipped"    // the rest of it was dropped
)

// A Round takes one thing once through the audience. The audience is a ring: a
// round begins where the one before it stood, so that whoever waited longest
// comes first.
type Round struct {
	ID        int64
	Kind      broadcast.EntryKind
	Update    int
	Revision  int // of a correction; of a post, the one that added a language for which people waited, or 0
	State     RoundState
	Start     int64
	Place     int64 // everybody from the start up to here had his turn
	Wrapped   bool  // it has come to the end of the ring and begun with the first
	Span      int64 // the widest of its batches
	Passed    int   // people who had their turn, whether or not it concerned them; who had it twice counts twice
	Told      int
	Unsure    int
	Failed    int
	Again     bool    // it is for those alone whom other rounds of the same did not surely reach
	AskUnsure int     // of Unsure, who waits for a person to settle it
	AskFailed int     // of Failed, the same
	Audience  int     // how many people there are; 0 while nobody has counted
	Speed     float64 // messages a second, lately
	Budget    int     // messages that will still be paid for, with those that are being sent
	Unpaid    float64 // messages a second that are not; 0 where none is paid for
	Began     time.Time
}

// Same reports whether two rounds are about the same thing.
func (r *Round) Same(o *Round) bool {
	return r.Kind == o.Kind && r.Update == o.Update && r.Revision == o.Revision
}

// alike reports whether two rounds tell a person the same. News are that in each of
// their rounds, whichever language it is that people waited for.
func (r *Round) alike(o *Round) bool {
	return r.Kind == o.Kind && r.Update == o.Update && (r.Kind == broadcast.Say || r.Revision == o.Revision)
}

// over reports whether a round has come to its end.
func (r *Round) over() bool { return r.Wrapped && r.Place >= r.Start }

// laps reports whether a round comes by those once more whom it is for.
func (r *Round) laps() bool { return r.Again && r.Wrapped && r.Place == 0 }

// wentBack reports whether the round of a batch has gone back to before the
// batch's end, for somebody who has to be tried again. Whoever the batch tells
// comes up once more then.
func (w *Walk) wentBack(b *Batch) bool {
	r := w.roundOf(b)
	return r != nil && (b.Wrapped && !r.Wrapped || b.Wrapped == r.Wrapped && b.Hi > r.Place)
}

// roundOf is the round of a batch; nil if the walk has no such round.
func (w *Walk) roundOf(b *Batch) *Round {
	for k := range w.Rounds {
		if r := &w.Rounds[k]; r.ID == b.Round {
			return r
		}
	}
	return nil
}

// newest is the newest update that stands, or nil. It may have been dropped.
func (w *Walk) newest() *incident.Update {
	for _, n := range slices.Backward(w.Said) {
		if u := w.Incident.Update(n); u != nil && u.Retraction == nil {
			return u
		}
	}
	return nil
}

// overtaken reports whether something was said after a time, which makes what
// was to be said then old.
func (w *Walk) overtaken(at time.Time) bool {
	u := w.newest()
	return u != nil && u.PublishedAt.After(at)
}

// drops reports whether something was dropped that was to be told of an update since
// a time. Of an update that was said after the drop nothing was.
func (w *Walk) drops(update int, since time.Time) bool {
	return update <= w.Dropped && !since.After(w.DroppedAt)
}

// owed reports whether it is still to be told that an update was found wrong at a
// time.
func (w *Walk) owed(update int, at time.Time) bool {
	return !w.drops(update, at) && !w.overtaken(at)
}

// wants lists the rounds that should be open, in the order in which they
// should come: what was wrong before what is new.
func (w *Walk) wants(rules Rules) (out []Round) {
	for _, n := range w.Said {
		u := w.Incident.Update(n)
		switch r := aloud(u); {
		case !w.told(n):
		case u.Retraction != nil:
			if w.owed(u.N, u.Retraction.At) {
				out = append(out, Round{Kind: broadcast.Retract, Update: n})
			}
		case r > 1 && !rules.EditOnly && w.owed(n, u.Revision(r).At):
			out = append(out, Round{Kind: broadcast.Correct, Update: n, Revision: r})
		}
	}
	if u := w.newest(); u != nil && u.N > w.Dropped {
		r := Round{Kind: broadcast.Say, Update: u.N}
		if rules.Translated {
			r.Revision = translated(u)
		}
		out = append(out, r)
	}
	return out
}

// translated is the newest revision of an update that says it in one more
// language than the one before, or 0.
func translated(u *incident.Update) int {
	for r := len(u.Revisions); r > 1; r-- {
		for language := range u.Revision(r).Body {
			if _, ok := u.Revision(r - 1).Body[language]; !ok {
				return r
			}
		}
	}
	return 0
}

// told reports whether anybody was told of an update.
func (w *Walk) told(n int) bool {
	return slices.ContainsFunc(w.Rounds, func(r Round) bool { return r.Kind == broadcast.Say && r.Update == n })
}

// aloud is the newest wording of an update that is more than a typo.
func aloud(u *incident.Update) int {
	for r := len(u.Revisions); r > 1; r-- {
		if !u.Revision(r).Typo {
			return r
		}
	}
	return 1
}

// Plan brings the rounds in line with what should be told: new ones are added
// without an id, and those that nobody wants any more are superseded or skipped.
func (w *Walk) Plan(rules Rules, now time.Time) {
	wants := w.wants(rules)
	for k := range w.Rounds {
		r := &w.Rounds[k]
		wanted := slices.ContainsFunc(wants, func(x Round) bool { return x.Same(r) })
		if r.Again {
			wanted = w.Stands(r) && !w.dropped(r)
		}
		switch {
		case r.State != RoundOpen || wanted:
		case w.Stands(r) && w.dropped(r):
			r.State = RoundSkipped
		default:
			r.State = RoundSuperseded
		}
	}
	for _, x := range wants {
		if last := w.last(&x); last == nil || last.State == RoundSuperseded {
			x.State, x.Start, x.Began = RoundOpen, w.start(&x), now
			x.Place = x.Start
			w.Rounds = append(w.Rounds, x)
		}
	}
}

// Stands reports whether what a round tells still holds: nothing newer was said, and
// it was not withdrawn. It may have been dropped.
func (w *Walk) Stands(r *Round) bool {
	u := w.Incident.Update(r.Update)
	switch {
	case u == nil:
		return false
	case r.Kind == broadcast.Say:
		newest := w.newest()
		return newest != nil && newest.N == r.Update
	case r.Kind == broadcast.Retract:
		return u.Retraction != nil && !w.overtaken(u.Retraction.At)
	}
	return u.Retraction == nil && r.Revision == aloud(u) && !w.overtaken(u.Revision(r.Revision).At)
}

// dropped reports whether what a round tells, which stands, was dropped. To some
// people it may be told once more since.
func (w *Walk) dropped(r *Round) bool {
	u := w.Incident.Update(r.Update)
	switch {
	case r.Again:
		return w.drops(u.N, r.Began)
	case r.Kind == broadcast.Correct:
		return w.drops(u.N, u.Revision(r.Revision).At)
	case r.Kind == broadcast.Retract:
		return w.drops(u.N, u.Retraction.At)
	}
	return u.N <= w.Dropped
}

// last is the newest round about the same thing that is for everybody, or nil.
func (w *Walk) last(x *Round) *Round {
	for k := range slices.Backward(w.Rounds) {
		if !w.Rounds[k].Again && w.Rounds[k].Same(x) {
			return &w.Rounds[k]
		}
	}
	return nil
}

// start is after whom a new round begins: where the last one stood, or, to
// those who were told something wrong, in the order in which they were.
func (w *Walk) start(x *Round) int64 {
	for _, r := range slices.Backward(w.Rounds) {
		switch {
		case r.Kind != broadcast.Say || r.Again:
		case x.Kind == broadcast.Say:
			return r.Place
		case r.Update == x.Update:
			return r.Start
		}
	}
	return w.Before
}

// open lists the rounds that have not ended, most urgent first: of those that
// are alike the one for people who have waited once already.
func (w *Walk) open() (out []*Round) {
	for k := range w.Rounds {
		if w.Rounds[k].State == RoundOpen {
			out = append(out, &w.Rounds[k])
		}
	}
	slices.SortStableFunc(out, func(a, b *Round) int {
		switch before := w.urgency(a) - w.urgency(b); {
		case before != 0 || a.Again == b.Again:
			return before
		case a.Again:
			return -1
		}
		return 1
	})
	return out
}

// rewording is the urgency of edits, which comes before that of any round.
const rewording = -1

// urgency orders rounds, the most urgent first: those who were told something
// wrong, then those who wait for the all clear.
func (w *Walk) urgency(r *Round) int {
	switch u := w.Incident.Update(r.Update); {
	case r.Kind != broadcast.Say:
		return 0
	case u.Status.Ended():
		return 1
	default:
		return 2
	}
}

// weight is a walk's share of the limit beside others.
func (w *Walk) weight() float64 {
	return []float64{1, 2, 4, 8}[max(0, slices.Index(incident.Impacts, w.Incident.Impact))]
}

// onlyTold reports whether a round is for people who were told before, so that
// stretches where nobody was can be passed over.
func (w *Walk) onlyTold(r *Round) bool { return w.urgency(r) < 2 }

// audience is about how many of all people have a turn in a round: in one for
// those who were told before, as many as had one until then.
func (w *Walk) audience(r *Round, all int) int {
	if !w.onlyTold(r) {
		return all
	}
	had := 0
	for k := range w.Rounds {
		if o := &w.Rounds[k]; !o.Again && !w.onlyTold(o) {
			had += o.Passed
		}
	}
	return min(had, all)
}

// toldOf is about how many people were told of an update.
func (w *Walk) toldOf(update int) (n int) {
	for _, r := range w.Rounds {
		if r.Kind == broadcast.Say && r.Update == update {
			n += r.Told
		}
	}
	return n
}

// shown is for how long words may be wrong before that is said aloud.
const shown = time.Minute

// letter decides what a person is to be told by a round, given what he was
// told before, and for how long that was wrong. It returns false when there is
// nothing.
func (w *Walk) letter(r *Round, s *Subscriber, before []told, long time.Duration) (l broadcast.Letter, replyTo int64, ok bool) {
	if s.State != Active {
		return l, 0, false
	}
	u := w.Incident.Update(r.Update)
	l = w.after(broadcast.Letter{Kind: r.Kind, Update: r.Update, Revision: len(u.Revisions)}, before)
	if r.Kind == broadcast.Say {
		return w.news(l, u, s, before)
	}
	post, whole, ok := wrong(r, before)
	if !ok {
		return l, 0, false
	}
	deleted := u.Retraction != nil && u.Retraction.Delete
	return l, post.link(), deleted || !whole || long > shown
}

// after adds to a letter what its reader was told before.
func (w *Walk) after(l broadcast.Letter, before []told) broadcast.Letter {
	newest, root := since(before, l.Update)
	l.First, l.After, l.Missed = root == 0, newest, w.between(newest, l.Update)
	return l
}

// news decides about an update.
func (w *Walk) news(l broadcast.Letter, u *incident.Update, s *Subscriber, before []told) (broadcast.Letter, int64, bool) {
	newest, root := since(before, math.MaxInt)
	switch ended := u.Status.Ended(); {
	case w.holds(before) >= u.N: // what he has that is newer was not withdrawn
		return l, 0, false
	case ended && newest == 0: // he was never told that it began
		return l, 0, false
	case !ended && !s.Concerned(&w.Incident):
		return l, 0, false
	}
	return l, root, true
}

// holds is the newest update that somebody was told of and that was not withdrawn,
// 0 for none. Who has nothing but withdrawn words is owed those that stand.
func (w *Walk) holds(before []told) (newest int) {
	for _, t := range before {
		if w.Incident.Update(t.Update).Retraction == nil {
			newest = max(newest, t.Update)
		}
	}
	return newest
}

// between counts the updates after one and before another that stand.
func (w *Walk) between(after, before int) (n int) {
	for _, k := range w.Said {
		if k > after && k < before && w.Incident.Update(k).Retraction == nil {
			n++
		}
	}
	return n
}
