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
	maxPresses = 8    // of one menu, besides the last, whose wait its answer ends
	answering  = 16   // requests at a time
)

// A pending answer waits for its turn.
type pending struct {
	answer
	event bots.Event
	short bool // there are too many: one line and a link
	tries int
	waits []string // keys of the presses before, of the same menu, which it answers too
}

// alone reports whether only who pressed a button is told: the menu is not his, as
// far as is known.
func (p *pending) alone() bool {
	return p.event.Kind == bots.Pressed && (p.what == admins || p.what == unchecked)
}

// menu names the message that becomes the answer; it is empty where a new one does.
func (p *pending) menu() string {
	if p.event.Kind != bots.Pressed || p.alone() || p.event.Message == "" {
		return ""
	}
	return p.event.Chat + "/" + p.event.Message
}

// A turn is that of a menu which was pressed. Only the newest answer shows what is:
// it takes the place of one that waits, and is given after one under way, which
// might arrive later otherwise.
type turn struct{ waiting *pending }

// take has an answer wait in place of the one before.
func (t *turn) take(p pending) {
	switch before := t.waiting; {
	case before == nil:
		t.waiting = &p
	case p.tries > 0: // it was under way, and is older
	default:
		p.short, p.waits = before.short, append(before.waits, before.event.Key)
		p.waits = p.waits[max(0, len(p.waits)-maxPresses):]
		*before = p
	}
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
	waiting []*pending // in full
	later   []*pending // short
	chats   map[string]int
	menus   map[string]*turn
	closed  bool // nobody answers any more
	shed    int64
	arrived chan struct{}
}

func newAnswers(pace bots.Pace, deliver func(context.Context, pending)) *answers {
	q := &answers{deliver: deliver, chats: map[string]int{}, menus: map[string]*turn{}, arrived: make(chan struct{}, 1), full: maxWaiting, shorts: maxWaiting}
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
	menu := p.menu()
	if t := q.menus[menu]; t != nil {
		t.take(p)
		return
	}
	switch {
	case q.closed:
		return
	case q.chats[p.event.Chat] >= maxPerChat:
		q.shed++
		return
	case len(q.waiting) < q.full:
		q.wait(&q.waiting, &p)
	case len(q.later) < q.shorts:
		p.short = true
		q.wait(&q.later, &p)
	default:
		q.shed++
		return
	}
	if menu != "" {
		q.menus[menu] = &turn{&p}
	}
}

// wait puts an answer at the end of a line.
func (q *answers) wait(line *[]*pending, p *pending) {
	*line = append(*line, p)
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
	p, *from = *(*from)[0], (*from)[1:]
	if t := q.menus[p.menu()]; t != nil {
		t.waiting = nil
	}
	return p, true
}

// done makes room for another answer to a chat, and gives the menu its next one.
func (q *answers) done(p pending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.chats[p.event.Chat]--; q.chats[p.event.Chat] == 0 {
		delete(q.chats, p.event.Chat)
	}
	t := q.menus[p.menu()]
	switch {
	case t == nil:
	case t.waiting == nil:
		delete(q.menus, p.menu())
	default:
		q.wait(&q.waiting, t.waiting)
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

// open lets answers wait.
func (q *answers) open() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = false
}

// close drops the answers that wait, and those that come until q is opened again:
// they would be given whenever that is.
func (q *answers) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.waiting, q.later = true, nil, nil
	clear(q.chats)
	clear(q.menus)
}

// run answers until ctx ends, and waits for the answers under way.
func (q *answers) run(ctx context.Context) {
	q.open()
	defer q.close()
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
			defer q.done(p)
			q.deliver(ctx, p)
		})
		bots.Sleep(ctx, q.gap)
	}
}
