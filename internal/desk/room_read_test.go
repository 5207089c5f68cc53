package desk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

func TestRoomOvertakenByManyIsShortOnAPhone(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.ask(c.event("/update Still down."))
	for n := range 7 {
		c.do(ana, desk.Update{Ref: "INC-1", Saying: incident.Saying{Body: incident.Text{"en": fmt.Sprintf("News %d.\n%s", n, strings.Repeat("line\n", 50))}}})
	}
	c.press("1001", "Publish")
	last := c.said[len(c.said)-1].Text
	if n := strings.Count(last, "\n") + 1; n > 20 {
		t.Errorf("%d lines: %q", n, last)
	}
	for _, want := range []string{"(4 before these: /show INC-1)", "News 4.", "News 6."} {
		if !strings.Contains(last, want) {
			t.Errorf("the room is told %q, want %q in it", last, want)
		}
	}
}

func TestRoomHelpSaysWhatAPersonMayDo(t *testing.T) {
	c := newChat(t)
	if got := c.ask(c.event("/help")); !strings.HasPrefix(got, "Ana, publisher: you write, agree and publish; an admin lifts a freeze.") || !strings.Contains(got, "/ack") {
		t.Errorf("a publisher is answered %q", got)
	}
	if got := c.ask(c.event("/help", func(ev *bots.Event) { ev.Person = "1002" })); !strings.HasPrefix(got, "Ari, author: you write drafts; a publisher publishes them.") {
		t.Errorf("an author is answered %q", got)
	}
}

func TestRoomLeavesWhatIsForAnotherBot(t *testing.T) {
	c := newChat(t)
	var unknown error
	c.rooms.Username = func(context.Context, string) (string, error) { return "our_bot", unknown }
	for _, text := range []string{"/freeze@another_bot all wrong", "/freeze@another_bot", "/freeze@another_bot。all"} {
		if got := c.ask(c.event(text)); got != "" {
			t.Errorf("%q is answered %q", text, got)
		}
	}
	if got := c.ask(c.event("/freeze@Our_Bot all wrong")); !strings.HasPrefix(got, "Frozen") {
		t.Errorf("a command to us is answered %q", got)
	}
	unknown = errors.New("down")
	if got := c.ask(c.event("/help")); got == "" {
		t.Error("a command that names nobody is not answered")
	}
}

// A command that names a bot is not given up while we do not know our own name, and
// nothing is said of it: it may be another's.
func TestRoomWaitsForOurName(t *testing.T) {
	for name, end := range map[string]string{"ours": "Frozen", "another's": ""} {
		t.Run(name, func(t *testing.T) {
			c := newChat(t)
			unknown := errors.New("down")
			c.rooms.Username = func(context.Context, string) (string, error) {
				if name == "ours" {
					return "our_bot", unknown
				}
				return "another_bot", unknown
			}
			before, ev := c.cursor(), c.event("/freeze@our_bot all wrong")
			storetest.Bubble(t)
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c.rooms.Listen(ctx, "tg", listener(func(ctx context.Context, _ string, handle func(context.Context, bots.Event) error) error {
					for range 5 {
						if handle(ctx, ev) == nil {
							t.Error("it is done with, whosever it is")
						}
						time.Sleep(time.Second)
					}
					cancel()
					return nil
				}))
			})
			if said := c.texts(); len(said) > 0 || c.cursor() != before {
				t.Errorf("the room is told %q, and read up to %s", said, c.cursor())
			}
			unknown = nil
			if got := c.ask(ev); !strings.HasPrefix(got, end) || end == "" && got != "" {
				t.Errorf("it is answered %q", got)
			}
		})
	}
}

// Who agrees to a correction reads which update becomes what, whatever was said
// after it.
func TestRoomShowsWhatACorrectionReplaces(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.do(ana, saying("It takes an hour."))
	c.do(ana, saying("It is back."))
	preview := c.ask(c.event("/correct INC-1/2 It takes two hours.\nzh:\n需要两小时。"))
	if want := "D-1 → INC-1/2 · correction, said aloud · becomes revision 2 · by Ana\nIt takes two hours.\nwas: It takes an hour."; preview != want {
		t.Errorf("the preview is %q, want %q", preview, want)
	}
	c.press("1001", "Each text")
	if got, want := c.said[len(c.said)-1].Text, "▸ en\nIt takes two hours.\n\n▸ zh-Hans\n需要两小时。"; got != want {
		t.Errorf("the texts are %q, want %q", got, want)
	}

	// Another corrects the same words before: who presses has not read that.
	c.do(ana, desk.Correct{Ref: "INC-1/2", Body: text("It takes three hours.")})
	if got := c.press("1001", "Publish"); !strings.Contains(got, "read it again") {
		t.Errorf("answered %q", got)
	}
	if u := c.incident("INC-1").Update(2); len(u.Revisions) != 2 {
		t.Errorf("it has %d revisions, want 2", len(u.Revisions))
	}
	if last := c.said[len(c.said)-1].Text; !strings.Contains(last, "becomes revision 3") || !strings.Contains(last, "was: It takes three hours.") {
		t.Errorf("the preview became %q", last)
	}
	if got := c.press("1001", "Publish"); got != "INC-1/2 now has revision 3." {
		t.Errorf("answered %q", got)
	}
}

func TestRoomShowsWhenAndWhat(t *testing.T) {
	c := newChat(t, func(c *desk.Config) { c.Zone = time.FixedZone("+08", 8*60*60) })
	preview := c.ask(c.event("/maintenance 2126-12-01 02:00 04:00 login\nNew database\nLogins wait."))
	for _, want := range []string{"\nFrom Sun 1 Dec 02:00 +08 (30 Nov 18:00 UTC) until Sun 1 Dec 04:00 +08 (30 Nov 20:00 UTC)\n", "\nAffected: login under maintenance\n"} {
		if !strings.Contains(preview, want) {
			t.Errorf("the preview is %q, want %q in it", preview, want)
		}
	}
	c.press("1001", "Discard")
	if got := c.said[len(c.said)-1].Text; got != "D-1 is rejected." {
		t.Errorf("the preview became %q", got)
	}
}

// A year that was mistyped is seen before anything is published.
func TestRoomWarnsOfAWindowInAnotherYear(t *testing.T) {
	c := newChat(t)
	for window, want := range map[string]string{
		"2020-12-01 02:00 04:00": "\n! the maintenance would be over already: it ends 1 Dec 2020 04:00 UTC",
		"2126-12-01 02:00 04:00": "\n! the maintenance is far away: it begins 1 Dec 2126 02:00 UTC",
	} {
		if got := c.ask(c.event("/maintenance " + window + " login\nNew database\nLogins wait.")); !strings.Contains(got, want) {
			t.Errorf("the preview is %q, want %q in it", got, want)
		}
	}
	soon := time.Now().UTC().AddDate(0, 0, 7).Format("2006-01-02")
	if got := c.ask(c.event("/maintenance " + soon + " 02:00 04:00 login\nNew database\nLogins wait.")); strings.Contains(got, "!") {
		t.Errorf("the preview is %q", got)
	}
}

// Whoever comes late finds the drafts that wait, and can read and decide on one
// whose preview has scrolled away.
func TestRoomShowsDraftsThatWait(t *testing.T) {
	c := newChat(t)
	if got := c.ask(c.event("/show")); got != "shown: " {
		t.Errorf("answered %q", got)
	}
	c.do(ana, opening())
	first := c.ask(c.event("/update INC-1 It takes an hour.\n\nOr two."))
	c.ask(c.event("/notice\nWe were not hacked"))
	want := "shown: \n\nDrafts that wait; /show D-17 shows one:\nD-1 INC-1 by Ana: It takes an hour.\nD-2 new by Ana: We were not hacked"
	if got := c.ask(c.event("/show")); got != want {
		t.Errorf("answered %q, want %q", got, want)
	}
	for _, typed := range []string{"/show D-1", "/show d1"} {
		if got := c.ask(c.event(typed)); got != first {
			t.Errorf("%s is answered %q, want %q", typed, got, first)
		}
	}
	if got := c.press("1001", "Publish"); !strings.Contains(got, "is published") {
		t.Errorf("the button under it answers %q", got)
	}
	if got := c.ask(c.event("/show D-1")); got != "D-1 does not wait here: it was decided on, or there is none." {
		t.Errorf("answered %q", got)
	}
	if got := c.ask(c.event("/show D-2", func(e *bots.Event) { e.Chat = "-200" })); !strings.Contains(got, "does not wait here") {
		t.Errorf("a room for drills is answered %q", got)
	}
}

func TestRoomShowsWhatTextACorrectionLeavesOut(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.do(ana, desk.Update{Ref: "INC-1", Saying: incident.Saying{Body: incident.Text{"en": "It takes an hour.", "zh-Hans": "需要一小时。"}}})
	const warning = "! leaves out the text in zh-Hans, which may be wrong too"
	if got := c.ask(c.event("/correct INC-1/2 It takes two hours.")); !strings.Contains(got, warning) {
		t.Errorf("the preview of a correction is %q", got)
	}
	if got := c.ask(c.event("/typo INC-1/2 It takes an hour or so.")); strings.Contains(got, "leaves out") {
		t.Errorf("the preview of a typo is %q", got)
	}
}
