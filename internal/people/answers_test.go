package people

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

func from(chat int) pending {
	return pending{answer: answer{what: welcome}, event: bots.Event{Chat: strconv.Itoa(chat)}}
}

// TestAnswersAreShed checks that a crowd is answered in full, then shortly,
// then not at all, at half of the account's pace.
func TestAnswersAreShed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type given struct {
			chat  string
			short bool
			at    time.Duration
		}
		began := time.Now()
		got := make(chan given, 100)
		q := newAnswers(bots.Pace{N: 4, Per: time.Second}, func(_ context.Context, p pending) {
			got <- given{p.event.Chat, p.short, time.Since(began)}
		})
		for i := range 200 {
			q.add(from(i))
		}
		if n := q.takeShed(); n != 200-20-80 || q.count() != 100 {
			t.Errorf("%d are shed and %d wait, want 100 of each", n, q.count())
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			q.run(ctx)
			close(done)
		}()
		time.Sleep(100 * time.Second)
		cancel()
		<-done
		for i := range 100 {
			g := <-got
			if g.chat != strconv.Itoa(i) || g.short != (i >= 20) || g.at != time.Duration(i)*time.Second/2 {
				t.Fatalf("answer %d is %+v", i, g)
			}
		}
		if q.add(from(7)); q.count() != 1 {
			t.Error("who is answered may not ask again")
		}
	})
}

// TestOnePersonWaitsFewTimes checks that who presses without end keeps nobody
// else from an answer.
func TestOnePersonWaitsFewTimes(t *testing.T) {
	q := newAnswers(bots.Pace{N: 30, Per: time.Second}, nil)
	for range 100 {
		q.add(from(7))
	}
	q.add(from(8))
	if q.count() != maxPerChat+1 {
		t.Errorf("%d wait", q.count())
	}
}

// TestAGroupThatAsksWithoutEndWaitsAlone checks that nobody else waits for the
// answers to a group that has used up its limit.
func TestAGroupThatAsksWithoutEndWaitsAlone(t *testing.T) {
	texts, err := templates.Load("", []string{"en"})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		answered := make(chan string, 100)
		a := &Audience{Config: Config{Texts: texts, Zone: time.UTC, Log: slog.New(slog.DiscardHandler)}, dialogue: &dialogue{},
			news: &news{list: func(context.Context, int) ([]*incident.Incident, error) { return nil, nil }}}
		a.Say = func(ctx context.Context, op bots.Operation) (bots.Receipt, error) {
			if op.Target == "-5" {
				<-ctx.Done()
				return bots.Receipt{}, ctx.Err()
			}
			answered <- op.Target
			return bots.Receipt{}, nil
		}
		a.answers = newAnswers(bots.Pace{N: 200, Per: time.Second}, a.deliver)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			a.answers.run(ctx)
			close(done)
		}()
		for k := range 60 {
			group, person := from(-5), from(k+1)
			person.event.Private = true
			a.answers.add(group)
			a.answers.add(person)
			time.Sleep(100 * time.Millisecond)
			select {
			case <-answered:
			default:
				t.Fatalf("person %d waits for the group", k+1)
			}
		}
		stop()
		<-done
	})
}

func TestSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seldom{every: time.Minute}
		if s.lately("a") {
			t.Error("a is known from the beginning")
		}
		s.note("a")
		if time.Sleep(59 * time.Second); !s.lately("a") || s.lately("b") {
			t.Error("a is not known, or b is")
		}
		if time.Sleep(time.Second); s.lately("a") {
			t.Error("a is known for too long")
		}
		for i := range 3 * maxSeldom {
			s.note(strconv.Itoa(i))
		}
		if len(s.last) > maxSeldom {
			t.Errorf("%d are remembered", len(s.last))
		}
	})
}
