package people

import (
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// What is heard of people beside a walk counts in it at once, on the node that
// listens and writes: whoever is gathered already was read before it.

// hears notes what people do, by chat, before it is stored: somebody who leaves is
// told nothing more from now on, however long that takes.
func (w *Walker) hears(d *dialogue, byChat map[int64][]bots.Event) {
	if w == nil {
		return
	}
	leaving := map[int64]State{}
	for chat, events := range byChat {
		now, _ := d.fold(Subscriber{Chat: chat, Language: d.language, Impact: incident.ImpactNone, All: true}, events, nil)
		if leaving[chat] = Gone; now != nil {
			leaving[chat] = now.State
		}
	}
	w.left.hear(leaving)
}

// unheard notes that nobody hears people any more. What is not stored is told
// anew to whoever hears them next.
func (w *Walker) unheard() {
	if w != nil {
		w.left.unhear()
	}
}

// heard notes what came of what people did, by chat, which is stored; nil is
// somebody who was erased.
func (w *Walker) heard(now map[int64]*Subscriber) {
	if w == nil {
		return
	}
	stored := map[int64]State{}
	for chat, s := range now {
		stored[chat] = Active // there is nothing more to hear of him
		switch {
		case s == nil:
			w.left.erased(chat, time.Now())
		case s.State == Stopped:
			w.left.stopped(chat, time.Now())
		case s.State != Active:
			w.left.left(chat, 0, time.Now())
		case s.Came:
			w.left.back(chat)
		}
	}
	w.left.hear(stored)
}

// refused notes that a chat refused an answer.
func (w *Walker) refused(chat int64) {
	if w != nil {
		w.left.left(chat, 0, time.Now())
	}
}

// moves has the store follow a chat to where it was moved. No message is there of
// which its subscriber was told before, also after a crash: what is being kept does
// not know of it.
func (w *Walker) moves(subscriber, chat, to int64, move func() error) error {
	w.keeping.Lock()
	defer w.keeping.Unlock()
	w.Journal.unlink(subscriber)
	err := move()
	if err == nil {
		w.left.left(chat, to, time.Now())
	}
	return err
}
