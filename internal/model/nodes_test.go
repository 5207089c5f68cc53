package model

import "slices"

// most is how many nodes are there at once, those that are halted or dead aside.
const most = 3

// join has another node begin beside those that there are.
func (w *world) join() error {
	if len(w.living()) >= most {
		return nil
	}
	return w.another()
}

// succeed has another node take over from a halted one, which may wake up late.
func (w *world) succeed() error {
	if !w.life.gate.overtaken() {
		return nil
	}
	return w.another()
}

func (w *world) another() error {
	w.tell("another node begins")
	w.others = append(w.others, w.life)
	return w.start()
}

// living are the nodes that take commands.
func (w *world) living() []*life {
	return slices.DeleteFunc(append(slices.Clone(w.others), w.life), func(l *life) bool { return l.gone() || l.gate.held() != nil })
}

// taker is one of the nodes that take commands; the dead one if none does.
func (w *world) taker(n int) *life {
	living := w.living()
	if len(living) == 0 {
		return w.life
	}
	return living[n%len(living)]
}

// bequeath has a living node be the one that the story goes on with, when that
// died which it went on with before. It reports whether there is any.
func (w *world) bequeath() bool {
	living := w.living()
	if len(living) == 0 {
		return false
	}
	heir := living[len(living)-1]
	w.others = append(slices.DeleteFunc(w.others, func(l *life) bool { return l == heir }), w.life)
	w.mu.Lock()
	w.life = heir
	w.mu.Unlock()
	w.tell("the other nodes go on")
	return true
}

// dismiss ends all nodes but the last. Those that are halted end as if they were
// killed.
func (w *world) dismiss() {
	for _, l := range w.others {
		if l.gate.held() != nil {
			l.die()
		}
		l.end()
	}
	w.others = nil
}
