package people_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// Where the Stars are not taken, an audience is told at no cost, instead of being
// refused, or of the account being kept waiting again and again: whether the
// platform says why, or lets no more through than it would have at no cost.
func TestStarsThatAreNotTaken(t *testing.T) {
	const many, rate = 200, 30
	for name, broke := range map[string]func() func() string{
		"refused": func() func() string {
			return func() string { return `{"ok":false,"error_code":400,"description":"Bad Request: BALANCE_TOO_LOW"}` }
		},
		"limited": func() func() string {
			var mu sync.Mutex
			var came []time.Time
			return func() string {
				mu.Lock()
				defer mu.Unlock()
				now := time.Now()
				for len(came) > 0 && now.Sub(came[0]) > time.Second {
					came = came[1:]
				}
				if came = append(came, now); len(came) > rate {
					return `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}`
				}
				return ""
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rate)
			w.paid = 1000
			w.inboxes.broke = broke()
			said := make(chan string, 10)
			w.tells = func(_ context.Context, text string) { said <- text }
			w.start()
			w.subscribe(nil, numbers(1, many)...)
			w.publish("One.", incident.Major)
			why := <-said
			if !strings.HasPrefix(why, "Telegram does not take the Stars ("+map[string]string{"refused": "Bad Request: BALANCE_TOO_LOW", "limited": "Too Many Requests: retry after 1"}[name]+"). Everybody is told") {
				t.Errorf("the rooms are told %q", why)
			}
			w.inboxes.mu.Lock()
			before := w.inboxes.paid
			w.inboxes.mu.Unlock()
			if n := w.walker.Budget(nil); n != 0 {
				t.Errorf("%d messages will be paid for, it is said", n)
			}
			w.idle()
			if n := w.inboxes.told("One."); n != many {
				t.Errorf("%d of %d were told", n, many)
			}
			w.inboxes.mu.Lock()
			defer w.inboxes.mu.Unlock()
			if after := w.inboxes.paid - before; after > rate {
				t.Errorf("%d messages were paid for after %q", after, why)
			}
			if len(said) > 0 {
				t.Errorf("it is said again: %q", <-said)
			}
		})
	}
}

// Who is refused for another reason than money is refused at no cost too, or for
// the first time only, and all others are paid for as before.
func TestARefusalIsNotAlwaysForMoney(t *testing.T) {
	w := newWorld(t, 100)
	w.paid = 1000
	var said strings.Builder
	w.tells = func(_ context.Context, text string) { said.WriteString(text) }
	var odd atomic.Int64
	w.inboxes.refusing(func(chat int64) string {
		if chat == 7 || chat == 9 && odd.Add(1) == 1 {
			return `{"ok":false,"error_code":400,"description":"Bad Request: something that nobody knows"}`
		}
		return ""
	})
	w.start()
	w.subscribe(nil, numbers(1, 300)...)
	w.publish("One.", incident.Major)
	w.idle()
	if p := w.progress("INC-1/1"); p.Told != 299 || p.Failed != 1 {
		t.Errorf("%+v", p)
	}
	w.inboxes.mu.Lock()
	defer w.inboxes.mu.Unlock()
	if w.inboxes.paid != 298 || said.Len() > 0 {
		t.Errorf("%d messages were paid for, and it was said %q", w.inboxes.paid, said.String())
	}
}

// What is left of a budget is kept with a round, so that whoever watches is told when
// all will have it.
func TestTheBudgetIsKeptWithARound(t *testing.T) {
	for name, tt := range map[string]struct {
		stars, budget int
		unpaid        float64
	}{"enough": {20, 80, 30}, "too little": {11, 0, 30}, "nothing is paid for": {0, 0, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 30)
			w.paid = tt.stars
			w.start()
			w.subscribe(nil, numbers(1, 120)...)
			w.publish("One.", incident.Major)
			w.idle()
			walks, err := w.store.WalksOf(t.Context(), incident.Ref{Prefix: "INC", Number: 1})
			if err != nil {
				t.Fatal(err)
			}
			if r := walks["people"].Rounds[0]; r.Told != 120 || r.Budget != tt.budget || r.Unpaid != tt.unpaid {
				t.Errorf("%d are told, %d messages are still paid for, and others go at %g a second; want 120, %d, %g", r.Told, r.Budget, r.Unpaid, tt.budget, tt.unpaid)
			}
		})
	}
}

// opens is a store that knows when batches were opened.
type opens struct {
	people.WalkStore
	mu sync.Mutex
	at []time.Time
}

func (s *opens) Walk(ctx context.Context, lease broadcast.Lease, step people.Step) error {
	if step.Open != nil {
		s.mu.Lock()
		s.at = append(s.at, time.Now())
		s.mu.Unlock()
	}
	return s.WalkStore.Walk(ctx, lease, step)
}

// between counts the batches that were opened between two times.
func (s *opens) between(from, to time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.at {
		if at.After(from) && at.Before(to) {
			n++
		}
	}
	return n
}

// A budget is spent on messages that left, and on nobody who waits while the account
// is told to, who has left, or whose message was refused.
func TestABudgetIsSpentOnWhatIsSent(t *testing.T) {
	t.Parallel()
	const budget, wait = 400, 5 * time.Second
	w := newWorld(t, 30)
	w.paid, w.paidRate = budget/people.PerStar, 400
	opened := &opens{}
	w.between = func(s people.WalkStore) people.WalkStore { opened.WalkStore = s; return opened }
	var n, waits atomic.Int64
	w.inboxes.refusing(func(chat int64) string {
		switch {
		case chat%10 == 0:
			return `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`
		case n.Add(1) == 250:
			waits.Store(time.Now().UnixNano())
			return `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 5","parameters":{"retry_after":5}}`
		}
		return ""
	})
	w.start()
	w.subscribe(nil, numbers(1, 500)...)
	w.publish("One.", incident.Major)
	w.idle()
	if told := w.inboxes.told("One."); told != 450 {
		t.Errorf("%d were told, want 450", told)
	}
	since := time.Unix(0, waits.Load())
	if n := opened.between(since.Add(time.Second), since.Add(wait-time.Second)); n > 0 {
		t.Errorf("%d batches were opened while the account had to wait", n)
	}
	walks, err := w.store.WalksOf(t.Context(), incident.Ref{Prefix: "INC", Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.inboxes.mu.Lock()
	defer w.inboxes.mu.Unlock()
	if kept := walks["people"].Paid; w.inboxes.paid != budget || kept != budget {
		t.Errorf("%d messages were paid for, and %d are said to be, want %d", w.inboxes.paid, kept, budget)
	}
}
