package people

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
)

// A text is what many read alike.
type text struct {
	walk, version int64
	language      string
	letter        broadcast.Letter
}

// reach is how many subscribers a step looks at, so that a round that concerns
// few does not keep others waiting.
const (
	reach   = 20_000
	looksAt = 1000       // at the same time
	near    = 64         // the same, where few are expected
	far     = 10_000     // ids in which they are looked for: those of another bot may lie between
	widest  = int64(1e5) // ids that a batch goes on over: its row is looked up by how wide rows are
)

// gather finds the next people of a round.
func (r *run) gather(ctx context.Context, w *Walk, round *Round) (*Batch, error) {
	b := &Batch{Walk: w.ID, Round: round.ID, Kind: round.Kind, Update: round.Update, Revision: r.revision(w, round),
		Lo: round.Place, Hi: round.Place, Wrapped: round.Wrapped, Again: round.Again, At: time.Now()}
	size := min(r.size(), max(r.room(), smallest))
	if r.paying {
		size = min(size, r.unspent(w))
	}
	if r.refuses(round) {
		size = 1
	}
	b.People = make([]Person, 0, size)
	some := round.Again || w.onlyTold(round)
	for seen := 0; seen < reach && len(b.People) < size && !over(b, round); {
		var among []int64
		limit := min(looksAt, max(2*size, near))
		if some || r.stride.begin(round.ID) {
			next, listed, ok, err := r.ahead(ctx, w, round, b.Hi)
			if err != nil {
				return nil, err
			}
			if !ok || b.Wrapped && next >= round.Start {
				if r.turn(b, round) {
					return b, nil
				}
				continue
			}
			if len(b.People) > 0 && next-b.Lo > widest {
				return b, nil
			}
			if among = listed; !some {
				limit = near
				b.Passed += r.census.Load().between(b.Hi, next)
				r.stride.jumps(next - b.Hi)
			}
			if b.Hi = next; len(b.People) == 0 {
				b.Lo = next
			}
		}
		n, found, err := r.look(ctx, w, round, b, among, limit, size)
		if err != nil {
			return nil, err
		}
		if seen += max(n, 1); !some {
			r.stride.looked(n, found, n < limit)
		}
		if time.Now().Before(r.late[round.ID]) { // what the next is told is not known yet
			return b, nil
		}
	}
	return b, nil
}

// look looks at the next subscribers, some of those of so many ids. It says how
// many there were, and how many of them are to be told.
func (r *run) look(ctx context.Context, w *Walk, round *Round, b *Batch, among []int64, limit, size int) (n, found int, err error) {
	hi := b.Hi + far
	if b.Wrapped {
		hi = min(hi, round.Start)
	}
	all, err := r.Store.SubscribersIn(ctx, r.Channel.Account, b.Hi, hi, limit)
	if err != nil {
		return 0, 0, err
	}
	if len(all) == 0 {
		if round.Again || w.onlyTold(round) { // who was told here is gone
			b.Hi = hi
		}
		return 0, 0, nil
	}
	had := len(b.People)
	err = r.pick(ctx, w, round, b, all, among, size)
	return len(all), len(b.People) - had, err
}

// over reports whether a batch ends its round.
func over(b *Batch, round *Round) bool { return b.Wrapped && b.Hi >= round.Start }

// turn begins the second part of the ring. It returns true when the batch ends
// here: it never has people of both parts, and those of a round of their own are
// left alone for a while first.
func (r *run) turn(b *Batch, round *Round) bool {
	if len(b.People) > 0 {
		return true
	}
	if b.Wrapped {
		b.Hi = max(b.Hi, round.Start)
		return true
	}
	b.Wrapped, b.Lo, b.Hi = true, 0, 0
	return round.Again || over(b, round)
}

// ahead is after whom the next people begin whom a round may concern, and, where
// they are listed, who they are.
func (r *run) ahead(ctx context.Context, w *Walk, round *Round, place int64) (next int64, among []int64, ok bool, err error) {
	switch {
	case round.Again:
		if among, err = r.Store.Again(ctx, round.ID, place, looksAt); len(among) > 0 {
			next, ok = among[0]-1, true
		}
	case w.onlyTold(round):
		next, ok, err = r.Store.NextTold(ctx, w, place)
	default:
		next, ok, err = r.Store.NextConcerned(ctx, r.Channel.Account, place, func(s *Subscriber) bool {
			return s.Concerned(&w.Incident) && r.speaks(w, round, s.Language)
		})
	}
	return next, among, ok, err
}

// pick adds those of some subscribers who are to be told: with among, of these
// only.
func (r *run) pick(ctx context.Context, w *Walk, round *Round, b *Batch, all []Subscriber, among []int64, size int) error {
	last := all[len(all)-1].ID
	rows, err := r.Store.Rows(ctx, w, b.Hi, last)
	if err != nil {
		return err
	}
	before, err := history(rows, b.Hi, last)
	if err != nil {
		return err
	}
	edits := expectation{b.At, r.editing(w, round.Update)}
	for k := range all {
		s := &all[k]
		if b.Wrapped && s.ID > round.Start {
			b.Hi = round.Start
			return nil
		}
		if round.Again {
			if end := among[len(among)-1]; s.ID > end {
				b.Hi = end
				return nil
			}
			if _, ok := slices.BinarySearch(among, s.ID); !ok {
				b.Hi = s.ID
				continue
			}
			before[s.ID] = surely(round, before[s.ID])
		} else if r.again[Resend{round.ID, s.ID}] > 0 {
			before[s.ID] = surely(round, before[s.ID])
		}
		letter, reply, ok, known := r.letter(w, round, s, before[s.ID], edits)
		if !known {
			r.late[round.ID] = time.Now().Add(lookEvery)
			return nil
		}
		b.Hi = s.ID
		if ok {
			p := Person{Subscriber: s.ID, Chat: s.Chat, Topic: s.Topic, ReplyTo: reply, Passed: b.Passed}
			if p.Wording, err = r.wording(w, s.Language, letter); err != nil {
				return err
			}
			if reply != 0 && r.orphans[s.ID] == reply {
				p.alone()
			}
			b.People = append(b.People, p)
		}
		if s.State == Active {
			b.Passed++
		}
		if len(b.People) == size {
			return nil
		}
	}
	return nil
}

// letter decides what somebody is to be told by a round in his language. It returns ok
// false when there is nothing, and known false while it is open whether his message is
// edited within a minute.
func (r *run) letter(w *Walk, round *Round, s *Subscriber, before []told, edits expectation) (l broadcast.Letter, reply int64, ok, known bool) {
	if !r.speaks(w, round, s.Language) {
		return l, 0, false, true
	}
	var wrong time.Duration
	edited := true
	if round.Kind != broadcast.Say {
		reworded := r.reworded(w, round, s.Language, before)
		if round.Kind == broadcast.Correct && len(reworded) == 0 {
			return l, 0, false, true
		}
		wrong, edited = w.wrongFor(round, before, reworded, edits)
	}
	l, reply, ok = w.letter(round, s, before, wrong)
	return l, reply, ok, ok || edited || round.Again || s.State != Active
}

// editing is about how long it takes to edit what people were told of an update:
// edits are not paid for.
func (r *run) editing(w *Walk, update int) time.Duration {
	if r.pace.N <= 0 {
		return 0
	}
	return time.Duration(w.toldOf(update)) * r.pace.Per / time.Duration(r.pace.N)
}

// surely leaves out what a round told somebody without an answer, since he is
// told it once more.
func surely(round *Round, before []told) []told {
	return slices.DeleteFunc(before, func(t told) bool { return t.Kind == round.Kind && t.Update == round.Update && t.Message == 0 })
}

// speaks reports whether a round tells its news in a language, where people
// wait for that.
func (r *run) speaks(w *Walk, round *Round, language string) bool {
	if !r.Translated || round.Kind != broadcast.Say {
		return true
	}
	u := w.Incident.Update(round.Update)
	body := u.Revision(len(u.Revisions)).Body
	_, ok := body[r.reads(language)]
	return ok || len(body) == 0
}

// reworded lists the revisions up to a round of corrections in which the words of a
// reader of a language were found wrong since he was told, though they may be the same
// again. Slips of the pen are none.
func (r *run) reworded(w *Walk, round *Round, language string, before []told) (revisions []int) {
	told := had(round.Update, before)
	if round.Kind != broadcast.Correct || told == nil {
		return nil
	}
	u := w.Incident.Update(round.Update)
	for n := told.Revision + 1; n <= round.Revision; n++ {
		if !u.Revision(n).Typo && !r.sameWords(w, language, round.Update, n-1, n) {
			revisions = append(revisions, n)
		}
	}
	return revisions
}

// revision is the wording that a round tells.
func (r *run) revision(w *Walk, round *Round) int {
	if round.Kind == broadcast.Retract {
		return 1
	}
	return len(w.Incident.Update(round.Update).Revisions)
}

// text is what a letter is known by.
func (r *run) text(w *Walk, language string, l broadcast.Letter) text {
	return text{w.ID, w.Version, r.reads(language), l}
}

// reads is the language of a subscriber: the channel's where he chose none.
func (r *run) reads(language string) string { return cmp.Or(language, r.Channel.Language) }

// wording is a letter as it is sent, which many get alike.
func (r *run) wording(w *Walk, language string, l broadcast.Letter) (*Wording, error) {
	key := r.text(w, language, l)
	if key == r.latest { // as nearly always
		return r.packed, nil
	}
	packed := r.wordings[key]
	if packed == nil {
		parcel, err := r.pack(w, language, l)
		if err != nil {
			return nil, err
		}
		packed = &Wording{parcel, parcel}
		if !l.First {
			l.First = true
			if packed.Lone, err = r.pack(w, language, l); err != nil {
				return nil, err
			}
		}
		keepSome(r.wordings)
		r.wordings[key] = packed
	}
	r.latest, r.packed = key, packed
	return packed, nil
}

func (r *run) pack(w *Walk, language string, l broadcast.Letter) (bots.Parcel, error) {
	words, err := r.write(w, language, l)
	if err != nil {
		return nil, err
	}
	return r.courier.Pack(words)
}

// rewords is a letter in words that messages of many are edited to.
func (r *run) rewords(w *Walk, language string, l broadcast.Letter) (string, error) {
	key := r.text(w, language, l)
	if words, ok := r.texts[key]; ok {
		return words, nil
	}
	words, err := r.write(w, language, l)
	if err != nil {
		return "", err
	}
	keepSome(r.texts)
	r.texts[key] = words
	return words, nil
}

// write puts a letter into words.
func (r *run) write(w *Walk, language string, l broadcast.Letter) (string, error) {
	words, err := r.Road.Write(r.Channel, &w.Incident, r.reads(language), l)
	if err != nil {
		return "", fmt.Errorf("%s/%d for subscribers: %w", w.Incident.Ref, l.Update, err)
	}
	return words, nil
}

// keepSome forgets what was written where that is much.
func keepSome[V any](written map[text]V) {
	if len(written) > 1000 {
		clear(written)
	}
}
