package people

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
)

// counted counts who asks for a turn, and has an account that nobody claimed.
type counted struct {
	Road
	engine *broadcast.Engine
	turns  atomic.Int64
}

func (c *counted) Turn(ctx context.Context, wish broadcast.Wish) (broadcast.Place, error) {
	c.turns.Add(1)
	return c.Road.Turn(ctx, wish)
}

func (c *counted) Rightful(time.Time) error { return nil }

// A post takes what it is given, after a while.
type post struct {
	bots.Bot
	takes   time.Duration
	limits  bots.Limits
	mu      sync.Mutex
	refuses map[int64]error // by chat: what comes of the first request
	order   []int64
	most    int // in flight at the same time
	now     int
	last    time.Time // when somebody was written to
	alike   int       // how many at that moment
	others  int       // people who were written to before the newest message to anybody else
}

func (p *post) Limits() bots.Limits                   { return p.limits }
func (p *post) Pack(text string) (bots.Parcel, error) { return bots.Parcel(text), nil }
func (p *post) Deliver(_ context.Context, _ bots.Parcel, to bots.Address) (int64, error) {
	if err := to.Leaves(); err != nil {
		return 0, err
	}
	if err := p.refused(to.Chat); err != nil {
		return 0, err
	}
	p.mu.Lock()
	p.order = append(p.order, to.Chat)
	if now := time.Now(); !p.last.Equal(now) {
		p.last, p.alike = now, 0
	}
	p.alike++
	p.now++
	p.most = max(p.most, p.now)
	p.mu.Unlock()
	if p.takes > 0 {
		time.Sleep(p.takes)
	}
	p.mu.Lock()
	p.now--
	p.mu.Unlock()
	return 1000 + to.Chat, nil
}

func (p *post) refused(chat int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.refuses[chat]
	delete(p.refuses, chat)
	return err
}

func (p *post) Do(_ context.Context, op bots.Operation) (bots.Receipt, error) {
	chat, _ := strconv.ParseInt(op.Target, 10, 64)
	if err := p.refused(chat); err != nil {
		return bots.Receipt{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.others = len(p.order)
	if p.last.Equal(time.Now()) { // at the same moment is not before
		p.others -= p.alike
	}
	return bots.Receipt{}, nil
}

func (p *post) taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.order)
}

// follows is a store that knows at once who moved.
type follows struct{ WalkStore }

func (follows) Follow(context.Context, broadcast.Lease, int64, Move) (bool, error) { return true, nil }

// senderTo starts a sender whose messages go to a post.
func senderTo(t testing.TB, p *post, inFlight int) (*sender, *counted) {
	log := slog.New(slog.DiscardHandler)
	engine, err := broadcast.New(broadcast.Config{Accounts: []broadcast.Account{{Name: "tg", Platform: "telegram", Bot: p}}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	journal, err := OpenJournal("")
	if err != nil {
		t.Fatal(err)
	}
	road := &counted{Road: engine.Road("tg"), engine: engine}
	w, _ := NewWalker(WalkerConfig{Channel: broadcast.Channel{Account: "tg"}, Bot: p, Store: follows{}, Road: road, Journal: journal, InFlight: inFlight, Log: log})
	return newSender(t.Context(), w, broadcast.Lease{Account: "tg"}, make(chan struct{}, 1)), road
}

// batchOf is a batch of people whose chats are numbers from first on.
func batchOf(first int64, people int) *Batch {
	b, words := &Batch{ID: first, Kind: broadcast.Say, Update: 1, At: time.Now()}, bots.Parcel("words")
	for k := range int64(people) {
		b.People = append(b.People, Person{Subscriber: first + k, Chat: first + k, Wording: &Wording{words, words}})
	}
	return b
}

func (s *sender) await(t testing.TB, j *job) {
	t.Helper()
	for end := time.After(time.Minute); !j.ended(); {
		select {
		case <-s.news:
		case <-end:
			t.Fatalf("a job does not end: %d are left", j.left.Load())
		}
	}
}

// A job is sent with as many requests in flight as it takes and no more, one
// job after the other, and each person is told once.
func TestSenderKeepsAsManyInFlightAsItTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{takes: 100 * time.Millisecond}
		s, _ := senderTo(t, p, 7)
		first, second := newJob(t.Context(), batchOf(1, 70), 1), newJob(t.Context(), batchOf(1001, 70), 1)
		began := time.Now()
		s.send(first)
		s.send(second)
		s.await(t, first)
		s.await(t, second)
		if took := time.Since(began); took != 2*time.Second || p.most != 7 {
			t.Errorf("140 people took %v with %d in flight, want 2s with 7", took, p.most)
		}
		s.stop()
		if n := p.taken(); n != 140 {
			t.Errorf("%d messages, want 140", n)
		}
		for k, chat := range p.order[:70] {
			if chat > 70 {
				t.Errorf("message %d goes to %d of the second job", k, chat)
			}
		}
		for k := range first.batch.People {
			if p := first.batch.People[k]; p.Result != Told || p.Message != 1000+p.Chat {
				t.Errorf("%+v, want told", p)
			}
		}
	})
}

// Who was written to a moment ago waits by himself; those after him go on.
func TestSenderPassesThoseWhoRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{limits: bots.Limits{Person: bots.PaceOf(1)}}
		s, _ := senderTo(t, p, 4)
		b := batchOf(1, 100)
		b.People[1].Chat = 1 // the first one's
		j := newJob(t.Context(), b, 1)
		s.send(j)
		synctest.Wait()
		if n := p.taken(); n != 99 {
			t.Errorf("%d messages went while one person rests, want 99", n)
		}
		s.await(t, j)
		s.stop()
		if n := p.taken(); n != 100 || p.order[99] != 1 {
			t.Errorf("%d messages, the last to %d", n, p.order[n-1])
		}
	})
}

// Who has to wait for longer is left to another batch: a group that says so at once,
// and whoever waited for that already.
func TestSenderLeavesWhoHasToWait(t *testing.T) {
	limited := func(rest time.Duration) error {
		return &bots.Fault{Kind: bots.RateLimited, Subject: bots.Target, Until: time.Now().Add(rest)}
	}
	for name, c := range map[string]struct {
		chat        int64
		again, edit bool
		rest        time.Duration // that the platform asks for
		after       time.Duration // until the batch ends
		result      Result
	}{
		"a group that is asked to wait for long":         {chat: -1, rest: time.Hour, result: Late},
		"a group that is asked to wait for a moment":     {chat: -1, rest: time.Second, after: time.Second, result: Told},
		"a group that waited":                            {chat: -1, again: true, rest: time.Second, result: Late},
		"an edit that is asked to wait for long":         {chat: -1, edit: true, rest: time.Hour, result: Late},
		"an edit that is asked to wait for a moment":     {chat: -1, edit: true, rest: time.Second, after: time.Second, result: Told},
		"a person's edit that is asked to wait for long": {chat: 1, edit: true, rest: time.Hour, after: patience, result: Late},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &post{limits: bots.Limits{Target: bots.Pace{N: 20, Per: time.Minute}}, refuses: map[int64]error{c.chat: limited(c.rest)}}
				s, _ := senderTo(t, p, 4)
				b := batchOf(c.chat, 1)
				if b.Again = c.again; c.edit {
					b.Row, b.People[0].Edit = 1, &Edit{Message: 7}
				}
				j := newJob(t.Context(), b, 1)
				began := time.Now()
				s.send(j)
				s.await(t, j)
				if took := time.Since(began).Truncate(time.Second); b.People[0].Result != c.result || took != c.after {
					t.Errorf("result %d after %v, want %d after %v", b.People[0].Result, took, c.result, c.after)
				}
				s.stop()
			})
		})
	}
}

// When a job is given up nobody else of it is told, and what was begun gets its
// answer. The next job is sent.
func TestSenderGivesUpAJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{takes: time.Second}
		s, road := senderTo(t, p, 5)
		j, next := newJob(t.Context(), batchOf(1, 1000), 1), newJob(t.Context(), batchOf(5001, 3), 1)
		s.send(j)
		s.send(next)
		synctest.Wait()
		j.cancel()
		s.await(t, j)
		s.await(t, next)
		s.stop()
		told := 0
		for k := range j.batch.People {
			if j.batch.People[k].Result == Told {
				told++
			}
		}
		if told != 5 || p.taken() != 8 {
			t.Errorf("%d of the job that was given up were told, %d messages in all; want 5 and 8", told, p.taken())
		}
		if asked := road.turns.Load(); asked != 8 {
			t.Errorf("%d turns were asked for, want one for each of 8 messages", asked)
		}
	})
}

// A message costs few allocations besides its request: a million of them are
// sent. It is how the journal hears that a request leaves.
func TestSenderAllocatesLittle(t *testing.T) {
	const people = 1000
	p := &post{order: make([]int64, 0, 20*people)}
	s, _ := senderTo(t, p, 4)
	defer s.stop()
	b := batchOf(1_000_000, people)
	sheet, err := s.Journal.begin()
	if err != nil {
		t.Fatal(err)
	}
	each := testing.AllocsPerRun(10, func() {
		for k := range b.People {
			b.People[k].Chat += people // whom nobody has written to yet
		}
		j := newJob(t.Context(), b, 1)
		j.sheet = sheet
		s.send(j)
		s.await(t, j)
	}) / people
	if each > 1.5 {
		t.Errorf("%.2f allocations for each message, want 1", each)
	}
	if m, message := sheet.read(people - 1); m != answered || message != 1000+b.People[people-1].Chat {
		t.Errorf("the journal says %d %s of the last", m, strconv.FormatInt(message, 10))
	}
}

// Whatever is public, and what operators are told, goes before an audience: at
// most one more person is written to first.
func TestOthersGoBeforeAnAudience(t *testing.T) {
	for name, class := range map[string]broadcast.Class{"a public post": broadcast.Public, "an edit of wrong words": broadcast.Amend, "an answer to an operator": broadcast.Room} {
		for _, rate := range []float64{30, 1000} {
			synctest.Test(t, func(t *testing.T) {
				p := &post{takes: 100 * time.Millisecond, limits: bots.Limits{Account: bots.PaceOf(rate), Person: bots.PaceOf(1)}}
				s, road := senderTo(t, p, int(rate))
				j := newJob(t.Context(), batchOf(1, 5000), 1)
				s.send(j)
				for range 20 {
					time.Sleep(77 * time.Millisecond)
					synctest.Wait() // for those who go at this moment
					before := p.taken()
					_, err := road.engine.Say(t.Context(), "tg", class, bots.Operation{Action: bots.Post, Target: "channel", Text: "words"})
					if err != nil {
						t.Fatal(err)
					}
					if n := p.others - before; n > 1 {
						t.Errorf("%s at %v a second: %d people were written to first", name, rate, n)
					}
				}
				j.cancel()
				s.stop()
			})
		}
	}
}

// Who moved meanwhile waits for his turn where he is now: there he may just have
// been told something else.
func TestWhoMovedWaitsWhereHeIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{limits: bots.Limits{Person: bots.Pace{N: 1, Per: time.Second}}}
		s, _ := senderTo(t, p, 1)
		first, second := newJob(t.Context(), batchOf(-1004, 1), 1), newJob(t.Context(), batchOf(-4, 1), 1)
		s.left.gather()
		s.left.left(-4, -1004, time.Time{})
		s.send(first)
		s.await(t, first)
		told := p.last
		s.send(second)
		s.await(t, second)
		if apart := p.last.Sub(told); p.taken() != 2 || p.order[1] != -1004 || apart < time.Second {
			t.Errorf("written to %v, %v apart", p.order, apart)
		}
		s.stop()
	})
}
