package people

import (
	"cmp"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
)

// A Batch is one stretch of a round: a quarter of a second of sending. It is
// opened in the transaction that closes those before it.
type Batch struct {
	ID       int64
	Walk     int64
	Round    int64 // 0 for edits
	Kind     broadcast.EntryKind
	Update   int
	Revision int
	Lo, Hi   int64     // everybody after Lo, up to Hi
	Wrapped  bool      // it is in the second part of the ring
	Again    bool      // it is of a round for those whom others did not reach; of edits, for those of its row who had to wait
	Paid     bool      // its messages are paid for
	Journal  string    // the name of its sheet, which no other batch ever has
	At       time.Time // when it was opened
	People   []Person  // who is written to, in the order of ids
	Passed   int       // people who had their turn
	kept     int       // people who are Kept

	// Edits of messages that are there are not kept one by one: they may be
	// repeated. Row is the batch whose messages are brought to show Shows.
	Row   int64
	Shows int
}

// What a message shows instead of a wording. A row whose messages are being edited
// shows either what it did or what it should.
const (
	ShowsEither    = 0
	ShowsTombstone = -1
	ShowsNothing   = -2
)

// A Person is somebody in a batch, and what became of what he was to be told.
type Person struct {
	Subscriber int64
	Chat       int64
	To         int64 // where the platform moved the chat; 0 is nowhere
	Topic      int64
	ReplyTo    int64
	Edit       *Edit    // how a message of his is changed, or nil
	Wording    *Wording // what he is told otherwise
	Message    int64    // of Told
	Passed     int      // people before him in this batch who had their turn
	Result     Result
	Lone       bool   // he is told it as what answers nothing
	Free       bool   // and at no cost, for it was refused where it was to be paid for
	Kept       bool   // what became of him is in the store, though the batch is open
	Orphan     int64  // what it was to answer, and is gone; 0 is nothing
	Detail     string // of Failed and Unsure, and of Late where an edit was not answered
}

// A Wording is what many are told alike. Where it answers nothing it also says what
// it is about.
type Wording struct{ Parcel, Lone bots.Parcel }

// leaves reports whether it came out that the person cannot be written to where
// he was.
func (p *Person) leaves() bool { return p.Result == Barred || p.Result == Vanished || p.To != 0 }

// move follows a person to another chat. What he was told before is not there,
// and no topic.
func (p *Person) move(to int64) {
	p.To, p.Topic = to, 0
	p.alone()
}

// alone has a person told in a message that answers nothing.
func (p *Person) alone() { p.ReplyTo, p.Lone = 0, true }

// costs reports whether what a person was told may have cost money, where messages
// are paid for: those that are refused cost nothing
// (core.telegram.org/bots/api#paid-broadcasts).
func (p *Person) costs() bool { return !p.Free && (p.Result == Told || p.Result == Unsure) }

// parcel is what a person is told.
func (p *Person) parcel() bots.Parcel {
	if p.Lone {
		return p.Wording.Lone
	}
	return p.Wording.Parcel
}

// An Edit changes a message that somebody has.
type Edit struct {
	Message int64
	Text    string
	Delete  bool // instead; Text is put there where that is refused
	Aloud   bool // he is to be told aloud where it turns out that he cannot see the change
}

// A Result is what became of one person's message.
type Result uint8

// The results.
const (
	Unsent   Result = iota // he waits: his turn comes again
	Told                   // the message is there
	Unsure                 // it left, and nobody knows whether it is there
	Barred                 // he blocked the bot, or threw it out
	Vanished               // the account or chat is no more
	Failed                 // refused for good
	Away                   // he cannot be written to: it came out meanwhile that he left, or a group lets only some write, or nobody
	Late                   // a group that has to wait longer than others can: it is told in a round of its own; who has to or got no answer, where a message is edited
)

// Waits reports whether a person's turn is to come again.
func (p *Person) Waits() bool { return p.Result == Unsent || p.Result == Late }

// Left reports whether the turn of somebody in a batch is to come again.
func (b *Batch) Left() bool {
	return slices.ContainsFunc(b.People, func(p Person) bool { return p.Waits() })
}

// done counts the people in a batch whose turn is over.
func (b *Batch) done() (n int) {
	for k := range b.People {
		if !b.People[k].Waits() {
			n++
		}
	}
	return n
}

// has reports whether a subscriber is in a batch, others of which may just be
// written to.
func (b *Batch) has(subscriber int64) bool {
	for k := range b.People {
		if b.People[k].Subscriber == subscriber {
			return true
		}
	}
	return false
}

// Planned names the people of a batch that is open: with a message those who are
// kept.
func (b *Batch) Planned() []byte {
	all := make([]Receipt, len(b.People))
	for k := range b.People {
		all[k].Subscriber = b.People[k].Subscriber
		if b.People[k].Kept {
			all[k].Message = 1
		}
	}
	return packReceipts(all)
}

// Plan reads back what Planned wrote.
func (b *Batch) Plan(planned []byte) error {
	all, err := readReceipts(planned)
	for _, r := range all {
		p := Person{Subscriber: r.Subscriber, Kept: r.Message != 0}
		b.People = append(b.People, p)
		if p.Kept {
			b.kept++
		}
	}
	return err
}

// JoinReceipts puts together what two neighbouring stretches keep.
func JoinReceipts(a, b []byte) ([]byte, error) {
	first, err := readReceipts(a)
	if err != nil {
		return nil, err
	}
	second, err := readReceipts(b)
	if err != nil {
		return nil, err
	}
	return packReceipts(append(first, second...)), nil
}

// A Closing is what the store is to keep of a batch that has ended, or of a part
// of one that goes on.
type Closing struct {
	Batch    *Batch
	Receipts []byte // to be kept with the batch; empty where nobody was told
	People   int    // in Receipts
	Told     int
	Passed   int
	Back     bool  // the round goes back to Place, because people after it wait
	Place    int64 // of Back
	Unsure   int
	Failed   int
	Unspent  int     // messages that were to be paid for, and surely cost nothing
	Refused  bool    // its round failed some, who may be asked again where it went back
	Ask      bool    // who is unsure waits for a person to settle it
	Resent   []int64 // subscribers who wait once more because no answer came
	Settled  []int64 // who waited so and does not any more
	Late     []int64 // whom a round of their own tells
	Lap      bool    // it is of such a round, which comes by once more for those who still have to wait
	Barred   []int64
	Vanished []int64
	Moved    []Move
	Troubles []Trouble

	// Of a part: how the batch was planned, and how it goes on.
	Was, Goes []byte
}

// Part reports whether the batch goes on.
func (c *Closing) Part() bool { return c.Goes != nil }

// moves reports whether a closing changes where a round goes on, or begins one.
func (c *Closing) moves() bool { return c.Back || c.Lap || len(c.Late) > 0 }

// A Move is a chat that the platform gave another id.
type Move struct{ From, To int64 }

// A Trouble is what did not simply succeed.
type Trouble struct {
	Subscriber int64
	Unsure     bool // otherwise refused for good
	Detail     string
}

// close says what is to be kept of a batch. again says of whom whose message
// left without an answer that he waits once more; otherwise that is the end of it.
// In either case he may have been told.
func (b *Batch) close(again func(subscriber int64) bool) *Closing {
	c := &Closing{Batch: b, Passed: b.Passed}
	kept := make([]Receipt, 0, len(b.People))
	for k := range b.People {
		p := &b.People[k]
		if p.Kept {
			continue
		}
		if p.To != 0 {
			c.Moved = append(c.Moved, Move{p.Chat, p.To})
		}
		if b.Paid && !p.costs() {
			c.Unspent++
		}
		waits := p.Result == Unsent
		switch p.Result {
		case Told:
			c.Told++
			kept = append(kept, Receipt{p.Subscriber, p.Message})
		case Unsure:
			kept = append(kept, Receipt{Subscriber: p.Subscriber}) // also of who waits: it may be withdrawn before his turn comes
			if waits = again(p.Subscriber); !waits {
				c.Unsure++
				c.Troubles = append(c.Troubles, Trouble{p.Subscriber, true, p.Detail})
			} else {
				c.Resent = append(c.Resent, p.Subscriber)
			}
		case Failed:
			c.Failed++
			c.Troubles = append(c.Troubles, Trouble{p.Subscriber, false, p.Detail})
		case Late:
			switch {
			case b.Row != 0: // who is left of edits is remembered elsewhere
			case b.Again:
				c.Lap = true
			default:
				c.Late = append(c.Late, p.Subscriber)
			}
		case Barred:
			c.Barred = append(c.Barred, p.Subscriber)
		case Vanished:
			c.Vanished = append(c.Vanished, p.Subscriber)
		}
		if waits && !c.Back && b.Row == 0 {
			c.Back, c.Place, c.Passed = true, p.Subscriber-1, p.Passed
		}
	}
	if b.Row == 0 {
		c.Receipts, c.People = packReceipts(kept), len(kept)
	}
	return c
}

// recover makes of a batch that a killed process left open what is known of
// it: exactly where the journal has its sheet, and otherwise that anybody in it
// may have been told. It reports which.
func (b *Batch) recover(j *Journal) (exact bool) {
	p := j.find(b.Journal)
	for k := range b.People {
		person := &b.People[k]
		person.Passed = k
		if p == nil {
			person.Result, person.Detail = Unsure, "the machine or another node ended before it was known who was told"
			continue
		}
		switch m, message := p.read(k); m {
		case left:
			person.Result, person.Detail = Unsure, "the process ended before an answer came"
		case answered:
			person.Result, person.Message = Told, message
		}
	}
	b.Passed = len(b.People)
	return p != nil
}

// A Row is a stretch of people who were told, as it is kept.
type Row struct {
	ID       int64
	Kind     broadcast.EntryKind
	Update   int
	Revision int
	Shows    int
	Showed   int       // before the edits that are under way, where it shows ShowsEither
	Changed  time.Time // when edits ended last; zero where there were none
	Lo, Hi   int64
	At       time.Time // when the first of them were; the others within seconds
	Receipts []byte
}

// history is what the people between lo and hi were told, by subscriber, in
// the order in which they were.
func history(rows []Row, lo, hi int64) (map[int64][]told, error) {
	out := map[int64][]told{}
	for _, row := range rows {
		all, err := readReceipts(row.Receipts)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			if r.Subscriber > lo && r.Subscriber <= hi {
				out[r.Subscriber] = append(out[r.Subscriber], told{row.Kind, row.Update, row.Revision, r.Message, cmp.Or(row.Shows, row.Showed), row.Changed, row.At})
			}
		}
	}
	return out, nil
}

// A Step is one transaction of a walk: what ended is closed, and what comes
// next is opened.
type Step struct {
	Close  []*Closing
	Walk   *Walk    // as it was loaded; nil where nothing is opened
	Rounds []*Round // of Walk, changed or new; new ones get their ids
	Open   *Batch   // gets its id; nil for none
	Idle   bool     // the walk has nothing more to do
	Still  int64    // a walk whose open rounds have no speed now, which is kept like what ended; 0 is none
}
