package people_test

import (
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// What leaked and can no longer be deleted is overwritten. What is known to be too
// old is not tried.
func TestWhatCannotBeDeletedIsOverwritten(t *testing.T) {
	for name, tt := range map[string]struct{ minutes, requests int }{"refused": {0, 4}, "too old": {48*60 + 1, 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.inboxes.keeps = true
			w.start()
			w.subscribe(nil, 1)
			w.subscribe(func(s *people.Subscriber) { s.Language = "zh-Hans" }, 2)
			w.publish("The password is hunter2.", incident.Major)
			w.idle()
			w.longAgo(tt.minutes)
			w.do(desk.Retract{Ref: "INC-1/1", Reason: "It had leaked.", Delete: true})
			w.idle()
			for chat := int64(1); chat <= 2; chat++ {
				all := w.inboxes.of(chat)
				if len(all) != 2 || all[0].edits != 1 || strings.Contains(all[0].text, "hunter2") || !strings.Contains(all[0].text, "It had leaked.") {
					t.Errorf("%d has %+v, want a tombstone and a message that tells of it", chat, all)
				}
				if n := len(w.inboxes.requests(chat)); n != tt.requests {
					t.Errorf("%d requests for %d, want %d", n, chat, tt.requests)
				}
			}
		})
	}
}
