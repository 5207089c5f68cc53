package desk

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A platform that is away for six minutes holds up neither the others nor
// itself: what waited too long, or is too much, is left out.
func TestOutboxLeavesOutWhatIsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		o := newOutbox(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
		var mu sync.Mutex // both accounts are written to at the same time
		var sent []string
		after := 0
		back := time.Now().Add(6 * time.Minute)
		letterTo := func(account, name string) {
			o.add(account, errand{
				send: func(context.Context) {
					if account == "tg" {
						time.Sleep(min(30*time.Second, time.Until(back)))
						if time.Now().Before(back) {
							return // tried in vain
						}
					}
					mu.Lock()
					defer mu.Unlock()
					sent = append(sent, account+" "+name)
				},
				after: func(context.Context) {
					mu.Lock()
					defer mu.Unlock()
					after++
				},
			})
		}
		const n = 300
		for k := range n {
			letterTo("tg", fmt.Sprint(k))
		}
		letterTo("dc", "at once")
		synctest.Wait()
		if !slices.Equal(sent, []string{"dc at once"}) {
			t.Fatalf("sent %q while Telegram is away", sent)
		}
		time.Sleep(time.Until(back) - 10*time.Second)
		letterTo("tg", "fresh")
		o.wait()
		if !slices.Equal(sent, []string{"dc at once", "tg fresh"}) {
			t.Errorf("sent %q when it was back", sent)
		}
		if most := outboxLimit + 3; after > most {
			t.Errorf("%d letters were kept, want at most %d", after, most)
		}
		for _, why := range []string{"too many wait", "it waited too long"} {
			if !strings.Contains(log.String(), why) {
				t.Errorf("the log does not say %q", why)
			}
		}
	})
}

func TestOutboxKeepsTheOrderOfAnAccount(t *testing.T) {
	o := newOutbox(t.Context(), slog.New(slog.DiscardHandler))
	var sent []int
	for k := range outboxLimit / 2 {
		o.add("tg", errand{send: func(context.Context) { sent = append(sent, k) }})
	}
	o.wait()
	if !slices.IsSorted(sent) || len(sent) != outboxLimit/2 {
		t.Errorf("sent %v", sent)
	}
}
