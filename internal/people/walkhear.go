package people

import "time"

// What is heard of people beside a walk counts in it at once, on the node that
// listens and writes: whoever is gathered already was read before it.

// heard notes what came of what people did, by chat; nil is somebody who was
// erased.
func (w *Walker) heard(now map[int64]*Subscriber) {
	if w == nil {
		return
	}
	for chat, s := range now {
		switch {
		case s == nil:
			w.left.erased(chat, time.Now())
		case s.State != Active:
			w.left.left(chat, 0, time.Now())
		case s.Came:
			w.left.back(chat)
		}
	}
}

// refused notes that a chat refused an answer.
func (w *Walker) refused(chat int64) {
	if w != nil {
		w.left.left(chat, 0, time.Now())
	}
}

// moved notes that a chat was moved.
func (w *Walker) moved(chat, to int64) {
	if w != nil {
		w.left.left(chat, to, time.Now())
	}
}
