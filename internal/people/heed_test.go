package people

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// ranks is a bot that knows who is an administrator of a group, and says so after
// a while.
type ranks struct {
	bots.Bot
	admins []string
	asked  atomic.Int32
	after  time.Duration
	err    error
}

func (r *ranks) Limits() bots.Limits { return bots.Limits{Account: bots.Pace{N: 30, Per: time.Second}} }

func (r *ranks) Admins(ctx context.Context, _ string) ([]string, error) {
	r.asked.Add(1)
	bots.Sleep(ctx, r.after)
	if r.err != nil || ctx.Err() != nil {
		return nil, cmp.Or(r.err, ctx.Err())
	}
	return r.admins, nil
}

// listens is an audience of a bot that listens.
func listens(bot *ranks) *Listener {
	a := New(Config{Account: "tg", Bot: bot, Language: "en", Languages: []string{"en"}, Log: slog.New(slog.DiscardHandler)})
	return &Listener{Audience: a, Rooms: func(bots.Event) bool { return false }}
}

// A message that was not understood can be mended for a few minutes, also if both
// are heard at once, and as long as it still is not understood.
func TestForHowLongACommandIsMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := listens(new(ranks))
		hear := func(kind bots.EventKind, message, text string, want bool) {
			t.Helper()
			e := a.mended(a.dialogue, bots.Event{Kind: kind, Chat: "1", Message: message, Text: text, Private: true})
			if got := a.dialogue.heeded(e); got != want {
				t.Errorf("%s %q is heeded: %t", kind, text, got)
			}
		}
		hear(bots.Said, "1", "/subscrib", true)
		hear(bots.Edited, "1", "/subscrbe", true)
		hear(bots.Edited, "2", "/subscribe", false) // which is not known
		time.Sleep(4 * time.Minute)
		hear(bots.Edited, "1", "/subscrib", true)
		time.Sleep(4 * time.Minute)
		hear(bots.Edited, "1", "/subscribe", true)
		time.Sleep(2 * time.Minute)
		hear(bots.Edited, "1", "/unsubscribe", false)
		hear(bots.Said, "3", "/unsubscribe", true)
		hear(bots.Edited, "3", "/unsubscribe", false)
	})
}

// What is answered as a command is not taken for one that was mistyped.
func TestCommandsAreComplete(t *testing.T) {
	d := &dialogue{language: "en", languages: []string{"en"}}
	for _, text := range []string{"/start", "/start INC-12", "/subscribe", "/unsubscribe", "/stop", "/settings", "/status", "/verify", "/verify x", "/help", "/helpp", "help", ""} {
		_, answer := d.said(Subscriber{Chat: 1}, bots.Event{Text: text, Private: true})
		mistyped := answer.what == noCommand || answer.what == hint || answer.what == wordless || answer.what == verifyHow
		if complete(text, "") == mistyped {
			t.Errorf("%q is answered with %s and complete: %t", text, answer.what, complete(text, ""))
		}
	}
}

// commands has somebody give a command in a group, and reports whether he is
// heeded, and else what he is told.
func (l *Listener) commands(t *testing.T, e bots.Event) (heeded bool, told answerKind) {
	t.Helper()
	e.Kind, e.Chat, e.Text = bots.Said, "-1", "/subscribe"
	d := l.prepared(t.Context(), []bots.Event{e})
	if d.heeded(e) {
		return true, silence
	}
	l.answers = newAnswers(bots.Pace{}, nil)
	l.refuse(d, e)
	p, _ := l.answers.next()
	return false, p.what
}

// Whoever is an administrator now may change what a group is told. Who has become
// one, and who is none any more, counts as such after ten seconds at most, since
// Telegram does not say so by itself where the bot is none. Who is none is told so
// once a minute, however often he tries.
func TestWhoIsAnAdministratorNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot := &ranks{admins: []string{"1001"}}
		l := listens(bot)
		try := func(person string, want bool, wantTold answerKind, asked int32) {
			t.Helper()
			got, told := l.commands(t, bots.Event{Person: person})
			if got != want || told != wantTold || bot.asked.Load() != asked {
				t.Errorf("%s is heeded: %t, told %q, after %d questions; want %t, %q, %d", person, got, told, bot.asked.Load(), want, wantTold, asked)
			}
		}
		try("1001", true, silence, 1)
		try("1002", false, admins, 1)
		bot.admins = []string{"1002"}
		time.Sleep(9 * time.Second)
		try("1001", true, silence, 1)
		try("1002", false, silence, 1)
		time.Sleep(time.Second)
		try("1001", false, admins, 2)
		try("1002", true, silence, 2)
		bot.admins = nil
		time.Sleep(49 * time.Second)
		try("1002", false, silence, 3)
		time.Sleep(time.Second)
		try("1002", false, admins, 3)
	})
}

// Somebody is an administrator only where it is known, and is none only then, who
// is told so and not again. What cannot be asked is asked again as soon as that is
// permitted, and once at a time.
func TestWhoMayBeAnAdministrator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot := &ranks{admins: []string{"1001"}, err: errors.New("no answer")}
		l := listens(bot)
		try := func(want bool, asked int32) {
			t.Helper()
			got, told := l.commands(t, bots.Event{Person: "1001"})
			if got != want || !got && told != unchecked || bot.asked.Load() != asked {
				t.Errorf("the administrator is heeded: %t, told %q, after %d questions; want %t, %d", got, told, bot.asked.Load(), want, asked)
			}
		}
		try(false, 1)
		bot.err = &bots.Fault{Kind: bots.RateLimited, Until: time.Now().Add(3 * time.Second)}
		try(false, 2)
		bot.err = nil
		time.Sleep(2 * time.Second)
		try(false, 2)
		time.Sleep(time.Second)
		bot.after = 2 * time.Second
		try(false, 3)
		try(false, 3)
		time.Sleep(time.Second)
		synctest.Wait()
		try(true, 3)
		time.Sleep(8 * time.Second)
		bot.after = time.Hour
		try(false, 4)
		time.Sleep(9 * time.Second)
		try(false, 5)
	})
}

// atOnce is a platform that tells of some events, all at once.
type atOnce struct {
	bots.Batcher
	events []bots.Event
}

func (h atOnce) ListenBatches(ctx context.Context, _ string, handle func(context.Context, []bots.Event) (int, error)) error {
	_, err := handle(ctx, h.events)
	return err
}

// keeper notes when something is to be kept.
type keeper struct {
	Store
	at time.Time
}

func (k *keeper) ChangeSubscribers(context.Context, string, string, []int64, func(Subscriber) *Subscriber) error {
	k.at = time.Now()
	return nil
}

// However many members of however many groups give commands, and however late it
// is known who they are, it takes a second at most to hear others.
func TestGroupsKeepNobodyWaiting(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{200 * time.Millisecond: 200 * time.Millisecond, time.Minute: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			bot, kept := &ranks{after: after}, new(keeper)
			l := listens(bot)
			l.Store = kept
			var events []bots.Event
			for i := range 90 {
				events = append(events, bots.Event{Kind: bots.Said, Chat: strconv.Itoa(i%3 - 3), Person: strconv.Itoa(100 + i), Text: "/subscribe"})
			}
			events = append(events, bots.Event{Kind: bots.Pressed, Chat: "6", Person: "6", Private: true, Button: "me:erase!"}, bots.Event{Kind: bots.Said, Chat: "-4", Person: "7", Text: "/subscribe"},
				bots.Event{Kind: bots.Said, Chat: "7", Person: "7", Private: true, Text: "/unsubscribe"})
			l.Bot = atOnce{events: events}
			began := time.Now()
			if err := l.Listen(t.Context(), "", nil); err != nil {
				t.Fatal(err)
			}
			if d := kept.at.Sub(began); d != want || bot.asked.Load() != 4 {
				t.Errorf("with answers after %v who stops all messages is heard after %v and %d questions", after, d, bot.asked.Load())
			}
		})
	}
}

// Who speaks as a channel is not the group, and silences nobody who speaks as it.
func TestWhoSpeaksAsTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot := new(ranks)
		l := listens(bot)
		for _, wantTold := range []answerKind{admins, silence} { // each channel once
			for as, want := range map[string]bool{"-1": true, "-77": false, "-78": false} {
				got, told := l.commands(t, bots.Event{As: as})
				if got != want || !got && told != wantTold {
					t.Errorf("who speaks as %s is heeded: %t, told %q", as, got, told)
				}
			}
		}
		if n := bot.asked.Load(); n != 0 {
			t.Errorf("%d questions, want none", n)
		}
	})
}
