package people

import (
	"sync"
	"sync/atomic"
	"time"
)

// leavers remembers which chats refused to be written to, or moved. Of several
// incidents that are told at the same time each may have gathered somebody who
// then leaves; he gets no other request. While nobody is gathered there is nothing
// to remember: the store knows.
type leavers struct {
	some     atomic.Bool // somebody is remembered; otherwise nobody is looked up
	mu       sync.Mutex
	gathered bool // somebody is, who is not told yet
	chats    map[int64]leaver
	ends     map[int64]time.Time // since when the store knows of chats that they had their data deleted
	leaving  map[int64]State     // chats of which it was heard that they leave, while that is not stored yet
}

// A leaver is a chat that cannot be written to where it was.
type leaver struct {
	to      int64     // where it moved; 0 is nowhere
	known   time.Time // since when the store knows; zero before
	stopped bool      // what it has is still changed
}

// gather notes that people are gathered from now on.
func (l *leavers) gather() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gathered = true
}

// begin forgets who left while this node had the account before: since then they may
// have come back on another.
func (l *leavers) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gathered, l.chats, l.ends = false, nil, nil
	l.some.Store(len(l.leaving) > 0)
}

// note remembers what came out about a person whom a walk wrote to.
func (l *leavers) note(p *Person) {
	to := p.To
	if p.Result == Barred || p.Result == Vanished {
		to = 0
	}
	l.left(p.Chat, to, time.Time{})
}

// hear notes of chats whether they leave, as far as is heard: they do unless they
// are Active. That counts until it is stored, or is to be heard anew.
func (l *leavers) hear(leaving map[int64]State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for chat, state := range leaving {
		if state == Active {
			delete(l.leaving, chat)
			continue
		}
		if l.leaving == nil {
			l.leaving = map[int64]State{}
		}
		l.leaving[chat] = state
		l.some.Store(true)
	}
}

// unhear forgets what was heard and is not stored.
func (l *leavers) unhear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaving = nil
}

// left remembers that a chat left, for another or for nowhere. The store knows
// since a time, if that is not zero.
func (l *leavers) left(chat, to int64, known time.Time) {
	l.remember(chat, leaver{to: to, known: known})
}

// stopped remembers that a chat wants to be written to no more.
func (l *leavers) stopped(chat int64, known time.Time) {
	l.remember(chat, leaver{known: known, stopped: true})
}

// erased remembers that a chat had its data deleted. Whoever comes back there is
// somebody new, who is gathered in his turn: whatever he does, he is told nothing
// more as who he was.
func (l *leavers) erased(chat int64, known time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.gathered {
		return
	}
	if l.ends == nil {
		l.ends = map[int64]time.Time{}
	}
	l.ends[chat] = known
	l.some.Store(true)
}

func (l *leavers) remember(chat int64, c leaver) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.gathered {
		return
	}
	if l.chats == nil {
		l.chats = map[int64]leaver{}
	}
	l.chats[chat] = c
	l.some.Store(true)
}

// back forgets that a chat left: somebody there has said that he wants to be
// written to.
func (l *leavers) back(chat int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.chats, chat)
}

// of looks a person up who was gathered at some time: whether he left, and where
// he is otherwise. Who only stopped is there for edits. Whoever was gathered when the
// store knew is as the store says: he may have come back. Who was erased since is
// nowhere.
func (l *leavers) of(p *Person, gathered time.Time) (to int64, gone bool) {
	if !l.some.Load() {
		return 0, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if state := l.leaving[p.Chat]; state != Active {
		return 0, p.Edit == nil || state != Stopped
	}
	if gathered.Before(l.ends[p.Chat]) {
		return 0, true
	}
	c, ok := l.chats[p.Chat]
	if !ok || !c.known.IsZero() && !gathered.Before(c.known) {
		return 0, false
	}
	return c.to, c.to == 0 && (p.Edit == nil || !c.stopped)
}

// kept notes that the store knows what became of a batch.
func (l *leavers) kept(b *Batch, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range b.People {
		if c, ok := l.chats[b.People[k].Chat]; ok && c.known.IsZero() && b.People[k].leaves() {
			l.chats[b.People[k].Chat] = leaver{to: c.to, known: now}
		}
	}
}

// forget forgets what the store knew when the oldest batch that is still sent was
// gathered; zero is that none is.
func (l *leavers) forget(oldest time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gathered = !oldest.IsZero()
	for chat, c := range l.chats {
		if !c.known.IsZero() && (oldest.IsZero() || !oldest.Before(c.known)) {
			delete(l.chats, chat)
		}
	}
	for chat, known := range l.ends {
		if oldest.IsZero() || !oldest.Before(known) {
			delete(l.ends, chat)
		}
	}
	l.some.Store(len(l.chats)+len(l.ends)+len(l.leaving) > 0)
}
