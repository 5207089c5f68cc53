package people

import (
	"context"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// What waits to be answered, in seconds of answering.
const (
	fullSeconds  = 10 // so long in full
	shortSeconds = 40 // so long, afterwards, in one short line; who comes later still gets no answer at all

	maxWaiting = 2000 // of each
	maxPerChat = 4    // that wait or are being given
	answering  = 16   // requests at a time
)

// A pending answer waits for its turn.
type pending struct {
	answer
	event bots.Event
	short bool // there are too many: one line and a link
	tries int
}

// answers is a queue of bounded length in front of the platform. What people
// asked for is in the store before it gets here, so that an answer may be shed:
// first it becomes short, then it is left out. Half of the account's pace is
// left for those who are told something that they did not ask for.
type answers struct {
	gap     time.Duration // between two answers
	full    int           // how many wait for a full answer
	shorts  int           // how many wait for a short one
	deliver func(context.Context, pending)

	mu      sync.Mutex
	waiting []pending // in full
	later   []pending // short
	chats   map[string]int
	shed    int64
	arrived chan struct{}
}

func newAnswers(pace bots.Pace, deliver func(context.Context, pending)) *answers {
	q := &answers{deliver: deliver, chats: map[string]int{}, arrived: make(chan struct{}, 1), full: maxWaiting, shorts: maxWaiting}
	if pace.N > 0 && pace.Per > 0 {
		q.gap = 2 * pace.Per / time.Duration(pace.N)
		perSecond := float64(time.Second) / float64(q.gap)
		q.full = min(max(int(fullSeconds*perSecond), 10), maxWaiting)
		q.shorts = min(max(int(shortSeconds*perSecond), 10), maxWaiting)
	}
	return q
}

// add queues an answer, or sheds it.
func (q *answers) add(p pending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.chats[p.event.Chat] >= maxPerChat:
		q.shed++
		return
	case len(q.waiting) < q.full:
		q.waiting = append(q.waiting, p)
	case len(q.later) < q.shorts:
		p.short = true
		q.later = append(q.later, p)
	default:
		q.shed++
		return
	}
	q.chats[p.event.Chat]++
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}

// next takes the answer whose turn it is.
func (q *answers) next() (p pending, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	from := &q.waiting
	if len(q.waiting) == 0 {
		from = &q.later
	}
	if len(*from) == 0 {
		return p, false
	}
	p, *from = (*from)[0], (*from)[1:]
	return p, true
}

// done makes room for another answer to a chat.
func (q *answers) done(chat string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.chats[chat]--; q.chats[chat] == 0 {
		delete(q.chats, chat)
	}
}

// count is how many wait.
func (q *answers) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) + len(q.later)
}

// takeShed returns how many answers were left out since it was last asked.
func (q *answers) takeShed() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.shed
	q.shed = 0
	return n
}

// run answers until ctx ends, and waits for the answers under way.
func (q *answers) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, answering)
	for ctx.Err() == nil {
		p, ok := q.next()
		if !ok {
			select {
			case <-q.arrived:
			case <-ctx.Done():
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		wg.Go(func() {
			defer func() { <-slots }()
			defer q.done(p.event.Chat)
			q.deliver(ctx, p)
		})
		pause(ctx, q.gap)
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
