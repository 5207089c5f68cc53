package people

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
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
		got := make(chan given, 101)
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
		q.add(from(7))
		time.Sleep(time.Second)
		cancel()
		<-done
		for i := range 100 {
			g := <-got
			if g.chat != strconv.Itoa(i) || g.short != (i >= 20) || g.at != time.Duration(i)*time.Second/2 {
				t.Fatalf("answer %d is %+v", i, g)
			}
		}
		if g := <-got; g.chat != "7" || g.short {
			t.Errorf("who was answered and asks again gets %+v", g)
		}
	})
}

// TestOldAnswersAreNotGiven checks that who waits for an answer when another server
// takes the account gets none when it comes back.
func TestOldAnswersAreNotGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var given []string
		q := newAnswers(bots.Pace{N: 4, Per: time.Second}, func(_ context.Context, p pending) { given = append(given, p.event.Chat) })
		run := func() {
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			defer cancel()
			q.run(ctx)
		}
		for i := range 10 {
			q.add(from(i))
		}
		q.add(pressed("0", incident.Major))
		run()
		q.add(from(20)) // what was heard last is stored only now
		if q.count() != 0 {
			t.Errorf("%d wait", q.count())
		}
		time.Sleep(10 * time.Hour)
		done := make(chan struct{})
		go func() {
			run()
			close(done)
		}()
		synctest.Wait()
		q.add(from(9))
		q.add(pressed("1", incident.Minor))
		<-done
		if got := strings.Join(given, " "); got != "0 1 9 7" {
			t.Errorf("answered: %s", got)
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

// presses is a bot that remembers for which presses the wait has ended.
type presses struct {
	bots.Bot
	ended []string
}

func (b *presses) Respond(_ context.Context, key, _ string) error {
	b.ended = append(b.ended, key)
	return nil
}

// pressed is the answer to the press of that key in one menu: the choice of an impact.
func pressed(key string, least incident.Impact) pending {
	return pending{answer: answer{what: settings, sub: Subscriber{Language: "en", Impact: least}},
		event: bots.Event{Kind: bots.Pressed, Chat: "7", Message: "5", Key: key, Private: true}}
}

// TestAMenuShowsTheNewestChoice checks that of many presses of a menu the last one
// is what it shows, whatever becomes of the answers before, and that no press waits
// for an answer of its own.
func TestAMenuShowsTheNewestChoice(t *testing.T) {
	for name, fault := range map[string]error{"slow": nil, "refused": &bots.Fault{Kind: bots.Temporary, Code: "502"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bot, a := new(presses), speaker(t, aDialogue(3))
				a.Bot, a.Log = bot, slog.New(slog.DiscardHandler)
				var shown []string
				first := true
				a.Say = func(_ context.Context, op bots.Operation) (bots.Receipt, error) {
					time.Sleep(time.Second)
					if fault != nil && first {
						first = false
						return bots.Receipt{}, fault
					}
					_, least, _ := strings.Cut(op.Text, "Severity: ")
					least, _, _ = strings.Cut(least, "\n")
					shown = append(shown, op.Message+" "+least)
					return bots.Receipt{}, nil
				}
				a.answers = newAnswers(bots.Pace{N: 30, Per: time.Second}, a.deliver)
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() {
					a.answers.run(ctx)
					close(done)
				}()
				for k, least := range []incident.Impact{incident.Minor, incident.Major, incident.Minor, incident.Major, incident.Minor, incident.Critical} {
					a.answers.add(pressed(strconv.Itoa(k), least))
					time.Sleep(150 * time.Millisecond)
				}
				time.Sleep(time.Minute)
				a.answers.add(pressed("6", incident.ImpactNone)) // the menu takes answers as before
				time.Sleep(time.Minute)
				stop()
				<-done
				want := "5 minor and worse, 5 only critical, 5 everything"
				if fault != nil {
					want = "5 only critical, 5 everything"
				}
				if got := strings.Join(shown, ", "); got != want {
					t.Errorf("it shows %s", got)
				}
				if got := strings.Join(bot.ended, " "); got != "0 1 2 3 4 5 6" {
					t.Errorf("the wait has ended for %s", got)
				}
			})
		})
	}
}

// TestARefusedPressIsAnsweredByItself checks that who may not press a button of a
// menu neither takes the place of who may, nor loses his own to him.
func TestARefusedPressIsAnsweredByItself(t *testing.T) {
	q := newAnswers(bots.Pace{N: 30, Per: time.Second}, nil)
	kinds := []answerKind{admins, settings, unchecked, settings}
	for k, what := range kinds {
		p := pressed(strconv.Itoa(k), incident.Major)
		p.what = what
		q.add(p)
	}
	var got []string
	for p, ok := q.next(); ok; p, ok = q.next() {
		got = append(got, string(p.what)+strings.Join(append(p.waits, p.event.Key), ""))
	}
	if want := "admins0 settings13 unchecked2"; strings.Join(got, " ") != want {
		t.Errorf("answered: %s", got)
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
