package people_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Words that the platform takes for nobody cost few people their message, and keep
// no other incident waiting. All the others are told when it takes them, or when
// they were corrected.
func TestRefusedWordsFailFew(t *testing.T) {
	const n, few = 2000, 150
	for name, c := range map[string]struct {
		mend  func(*world)
		words string // then
		said  int    // in the rooms
	}{
		"until they are taken":  {func(w *world) { w.inboxes.takesNot("") }, "One.", 2},
		"until they are others": {func(w *world) { w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Three."}}) }, "Three.", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 0)
			var mu sync.Mutex
			var said []string
			w.tells = func(_ context.Context, text string) {
				mu.Lock()
				defer mu.Unlock()
				said = append(said, text)
			}
			w.start()
			w.subscribe(nil, numbers(1, n)...)
			w.inboxes.takesNot("One.")
			w.publish("One.", incident.Critical)
			w.until("it is refused", func() bool { return w.progress("INC-1/1").Failed >= 20 })
			w.publish("Two.", incident.Minor)
			w.until("another incident is told", func() bool { return w.inboxes.told("Two.") == n })
			c.mend(w)
			w.idle()
			p, told := w.progress("INC-1/1"), w.inboxes.told(c.words) // behind whom it had not left yet they are asked again
			if p.Failed > few || p.Told != n-p.Failed || told != p.Told {
				t.Errorf("%+v, %d have %q", p, told, c.words)
			}
			if p.Failed > 0 {
				w.do(desk.Retry{Which: about})
			}
			w.idle()
			if told := w.inboxes.told(c.words); told != n {
				t.Errorf("%d have %q at last", told, c.words)
			}
			mu.Lock()
			defer mu.Unlock()
			if !strings.HasPrefix(said[0], "INC-1/1 is refused by the platform (Bad Request: odd), so subscribers wait for it. ") || !strings.HasSuffix(said[0], " /retry INC-1/1 people.") || len(said) != c.said {
				t.Errorf("the rooms are told %q", said)
			}
		})
	}
}

// People who are refused each for himself are asked again all at once, and keep
// nobody waiting.
func TestWhoIsRefusedForHimselfKeepsNobodyWaiting(t *testing.T) {
	const n, odd = 600, 200
	w := newWorld(t, 0)
	w.start()
	w.subscribe(nil, numbers(1, n)...)
	w.inboxes.refusing(func(chat int64) string {
		if chat%3 != 0 {
			return ""
		}
		return refusal
	})
	w.publish("One.", incident.Major)
	w.idle()
	if p := w.progress("INC-1/1"); p.Told != n-odd || p.Failed != odd {
		t.Errorf("%+v", p)
	}
	asked := len(w.inboxes.requests(n))
	w.do(desk.Retry{Which: about})
	w.idle()
	if again := len(w.inboxes.requests(n)) - asked; again != 1 || w.inboxes.told("One.") != n-odd {
		t.Errorf("asked %d times again, %d are told", again, w.inboxes.told("One."))
	}
}
