package desk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

// labels are what the buttons under the newest message say.
func (c *chat) labels() (out []string) {
	c.t.Helper()
	op := c.said[len(c.said)-1]
	for _, v := range slices.Backward(c.said) {
		if op = v; v.Action != bots.Edit || len(v.Buttons) > 0 { // not what is left of the question before
			break
		}
	}
	if f := bots.CheckButtons(op.Buttons); f != nil {
		c.t.Errorf("buttons that a platform refuses: %v", f)
	}
	for _, b := range slices.Concat(op.Buttons...) {
		out = append(out, b.Text)
	}
	return out
}

// asked types something unclear and checks what can be chosen.
func (c *chat) asked(text, question string, choices ...string) {
	c.t.Helper()
	if got := c.ask(c.event(text)); !strings.Contains(got, question) {
		c.t.Errorf("%q is answered %q, want %q", text, got, question)
	}
	if got := c.labels(); !slices.Equal(got, choices) {
		c.t.Errorf("%q offers %q, want %q", text, got, choices)
	}
}

// choose presses a button of the newest question and returns what the room saw
// then.
func (c *chat) choose(label string) string {
	c.t.Helper()
	before := len(c.said)
	alone := c.press("1001", label)
	return alone + strings.Join(c.texts()[before:], "\n")
}

func (c *chat) wantDrafts(n int) {
	c.t.Helper()
	if open, err := c.store.Drafts(c.t.Context()); len(open) != n || err != nil {
		c.t.Errorf("%d drafts, %v, want %d", len(open), err, n)
	}
}

// second opens another incident beside the first.
func (c *chat) second() {
	open := opening()
	open.Saying.Components, open.Saying.Title = nil, "Deposits are late"
	c.do(ana, open)
}

func TestRoomAsksWhichIncident(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.second()
	c.asked("/update Better.", "Which one?", "INC-2 Deposits are late", "INC-1 Login is down")
	c.wantDrafts(0)
	got := c.choose("INC-1 Login is down")
	if !strings.Contains(got, "→ INC-1/2 after /1") || !strings.Contains(got, "Better.") {
		t.Errorf("the choice gives %q", got)
	}
	if !strings.Contains(got, "→ INC-1 Login is down") {
		t.Errorf("the question does not say what was chosen: %q", got)
	}
}

func TestRoomAsksAboutUnknownWords(t *testing.T) {
	c := newChat(t)
	c.asked("/incident critical logn withdrawls\nIt is down", `"logn" is neither an impact nor a component`, "login", "Leave it out")
	c.choose("login")
	if got := c.labels(); !slices.Contains(got, "withdrawals") {
		t.Fatalf("the second word offers %q", got)
	}
	if got := c.choose("Leave it out"); !strings.Contains(got, "D-1 → new incident · critical") {
		t.Errorf("the choice gives %q", got)
	}
	c.refusedIncidents(0)
	if got := c.press("1001", "Publish"); got != "INC-1/1 is published on 3 channels." {
		t.Errorf("Publish gives %q", got)
	}
	if i := c.incident("INC-1"); len(i.Components) != 1 || i.Components["login"] == "" {
		t.Errorf("components %v", i.Components)
	}
}

func TestRoomAsksHowBadItIs(t *testing.T) {
	c := newChat(t)
	c.asked("/incident login\nIt is down", "Say how bad it is", "critical", "major", "minor", "none")
	if got := c.choose("major"); !strings.Contains(got, "D-1 → new incident · major") {
		t.Errorf("the choice gives %q", got)
	}
	c.asked("/incident minor login critical\nIt is down", "There are two impacts", "critical", "major", "minor", "none")
	if got := c.choose("minor"); !strings.Contains(got, "D-2 → new incident · minor") {
		t.Errorf("the choice gives %q", got)
	}
}

func TestRoomAsksWhichUpdate(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.do(ana, saying("A disk has failed."))
	c.do(ana, saying("It works again."))
	c.do(ana, desk.Retract{Ref: "INC-1/3", Reason: "it does not"})
	c.asked("/typo A disk has failled.", "There is no reference", "INC-1/2 A disk has failed.", "INC-1/1 Nobody can log in.")
	if got := c.choose("INC-1/2 A disk has failed."); !strings.Contains(got, "→ INC-1/2 · typo, edited silently · becomes revision 2 · by Ana") {
		t.Errorf("the choice gives %q", got)
	}
	c.asked("/retract INC-1 it was wrong", "INC-1 names no update", "INC-1/2 A disk has failed.", "INC-1/1 Nobody can log in.")
	if got := c.choose("INC-1/2 A disk has failed."); !strings.Contains(got, "This withdraws INC-1/2 on all channels:\nA disk has failed.\nThe public will read: it was wrong.") {
		t.Errorf("the choice gives %q", got)
	}
	if got := c.choose("Withdraw INC-1/2"); !strings.Contains(got, "INC-1/2 is retracted.") {
		t.Errorf("the second look gives %q", got)
	}
}

// A retraction is carried out when the person has seen what it withdraws.
func TestRoomAsksBeforeItRetracts(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.asked("/retract INC-1/1 It was wrong.", "This withdraws INC-1/1 on all channels:\nNobody can log in.\nThe public will read: It was wrong.", "Withdraw INC-1/1")
	if c.incident("INC-1").Update(1).Retraction != nil {
		t.Fatal("it is retracted before anybody pressed the button")
	}
	if got := c.press("1002", "Withdraw INC-1/1"); !strings.Contains(got, "This question is for Ana") {
		t.Errorf("somebody else is told %q", got)
	}
	if got := c.choose("Withdraw INC-1/1"); !strings.Contains(got, "INC-1/1 is retracted.") {
		t.Errorf("the button gives %q", got)
	}
	if r := c.incident("INC-1").Update(1).Retraction; r == nil || r.Delete || r.Reason != "It was wrong." {
		t.Errorf("the retraction is %+v", r)
	}
}

func TestRoomAsksWhichDelivery(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.attempt("INC-1", "x", 1, bots.Post, unsure)
	c.attempt("INC-1", "tg-en", 1, bots.Post, rejected)
	c.asked("/skip said by phone", "Say which", "INC-1/1 tg-en failed", "INC-1/1 x unsure")
	if got := c.choose("INC-1/1 x unsure"); !strings.Contains(got, "INC-1/1 on x is skipped.") {
		t.Errorf("the choice gives %q", got)
	}
	if got := c.state("INC-1", "x", 1); got != broadcast.SkippedState {
		t.Errorf("x is %s", got)
	}
	c.asked("/retry", "Say which", "INC-1/1 tg-en failed")
	c.choose("INC-1/1 tg-en failed")
	if got := c.state("INC-1", "tg-en", 1); got != broadcast.Pending {
		t.Errorf("tg-en is %s", got)
	}
	if got := c.ask(c.event("/retry")); !strings.Contains(got, "Say which") || len(c.labels()) != 0 {
		t.Errorf("with nothing open: %q, %q", got, c.labels())
	}
}

func TestRoomAsksWhichVerb(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.asked("/resolv It works.", "/resolv is no command", "/resolve", "/resolved")
	if got := c.choose("/resolve"); !strings.Contains(got, "! changes status investigating → resolved") {
		t.Errorf("the choice gives %q", got)
	}
	if got := c.ask(c.event("/weather tomorrow")); !strings.Contains(got, "/weather is no command: see /help.") || len(c.labels()) != 0 {
		t.Errorf("%q offers %q", got, c.labels())
	}
}

// A verb that lacks the space before its reference is not carried out, and does
// not become the text of a draft whose preview it answers.
func TestRoomAsksWhereASpaceIsMissing(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.second()
	c.asked("/updateINC-1 Better.", "This was not carried out: leave a space after /update.", "/update INC-1 Better.")
	c.wantDrafts(0)
	if got := c.choose("/update INC-1 Better."); !strings.Contains(got, "D-1 → INC-1/2 ") || !strings.Contains(got, "Better.") {
		t.Errorf("the choice gives %q", got)
	}
	c.ask(c.event("/notice\nWe were not hacked"))
	preview := fmt.Sprint("r", len(c.said))
	c.ask(c.event("/editD-2 Worse.", func(ev *bots.Event) { ev.ReplyTo = preview }))
	if got := c.labels(); !slices.Equal(got, []string{"/edit D-2 Worse."}) {
		t.Errorf("in reply to a preview it offers %q", got)
	}
	c.asked("/freezeINC1 wrong numbers", "leave a space after /freeze.", "/freeze INC1 wrong numbers")
	c.asked("/updateINC-1 Better.\nnext 20", "leave a space after /update.")
}

func TestRoomAsksWhichDraft(t *testing.T) {
	c := newChat(t)
	c.ask(c.event("/notice\nNo funds are lost\nWhat is told elsewhere is not true."))
	c.asked("/publish", "Say which draft", "D-1 new by Ana")
	if got := c.choose("D-1 new by Ana"); !strings.Contains(got, "NTC-1/1 is published") {
		t.Errorf("the choice gives %q", got)
	}
}

// A question is for the person who typed, is answered once, and keeps the age
// of what was typed.
func TestQuestionsCannotDoHarm(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.second()
	c.asked("/update Better.", "Which one?", "INC-2 Deposits are late", "INC-1 Login is down")
	if got := c.press("1002", "INC-1 Login is down"); got != "This question is for Ana. Type the command yourself if you mean it." {
		t.Errorf("a colleague is told %q", got)
	}
	if got := c.press("9", "INC-1 Login is down"); got != "You are not an operator here." {
		t.Errorf("a stranger is told %q", got)
	}
	c.wantDrafts(0)
	question := c.said[len(c.said)-1]
	c.choose("INC-1 Login is down")
	c.said = []bots.Operation{question}
	if got := c.press("1001", "INC-2 Deposits are late"); got != "This question was answered already." {
		t.Errorf("the second press is told %q", got)
	}
	c.wantDrafts(1)
	c.said = nil
	old := c.event("/retract it was wrong", func(ev *bots.Event) { ev.At = time.Now().Add(-5 * time.Minute) })
	if got := c.ask(old); !strings.Contains(got, "5 min late") {
		t.Errorf("old words are answered %q", got)
	}
	recent := c.event("/update Old words.", func(ev *bots.Event) { ev.At = time.Now().Add(-5 * time.Minute) })
	c.ask(recent)
	if got := c.choose("INC-2 Deposits are late"); !strings.Contains(got, "typed 5 min ago") {
		t.Errorf("the choice gives %q", got)
	}
}

// Roles hold for what was chosen as for what was typed.
func TestQuestionsKeepRoles(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.ask(c.event("/retract it was wrong", func(ev *bots.Event) { ev.Person = "1002" }))
	if got := c.press("1002", "INC-1/1 Nobody can log in."); got != "Ari may not retract: ask a publisher." {
		t.Errorf("an author is told %q", got)
	}
	if u := c.incident("INC-1").Update(1); u.Retraction != nil {
		t.Error("it is retracted")
	}
}

// The same command heard again asks the same question, and the same press gives
// the same answer.
func TestQuestionsHeardAgain(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.second()
	ev := c.event("/update Better.")
	c.ask(ev)
	first := c.said[len(c.said)-1].Buttons[0][0].Data
	c.ask(ev)
	if again := c.said[len(c.said)-1].Buttons[0][0].Data; again != first {
		t.Errorf("the buttons are %q and %q", first, again)
	}
	press := c.event("", func(ev *bots.Event) { ev.Kind, ev.Button, ev.Message = bots.Pressed, first, "r1" })
	for range 2 {
		c.said = nil
		if err := c.deliver(press); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(c.texts(), "\n"); !strings.Contains(got, "D-1 → INC-2/2 after /1") {
			t.Errorf("the press gives %q", got)
		}
	}
	c.wantDrafts(1)
}

// admin makes Ana an admin.
func admin(c *desk.Config) { c.Operators[0].Role = desk.Admin }

func TestUnfreezeAsksWhatToSend(t *testing.T) {
	for choice, want := range map[string]struct{ x, tg []string }{
		"Only the newest":  {[]string{"1 post superseded", "2 post words 1"}, []string{"1 post superseded", "2 post words 1"}},
		"All of it":        {[]string{"1 post words 1", "2 post words 1"}, []string{"1 post words 1", "2 post words 1"}},
		"Nothing: drop it": {[]string{"1 post skipped", "2 post skipped"}, []string{"1 post skipped", "2 post skipped"}},
		chosen:             {[]string{"1 post words 1", "2 post skipped"}, []string{"1 post skipped", "2 post words 1"}},
	} {
		t.Run(choice, func(t *testing.T) {
			c := newChat(t, admin)
			c.do(ada, desk.Stop{Reason: "stop"})
			c.do(ana, opening())
			c.do(ana, saying("A disk has failed."))
			c.asked("/unfreeze", "It is still frozen, and holds tg-en 2, tg-zh 2, x 2: what shall be sent", "Only the newest", "All of it", "Nothing: drop it", "Choose…")
			if f, err := c.store.Freezes(t.Context()); len(f) != 1 || err != nil {
				t.Fatalf("the question lifted the freeze: %v, %v", f, err)
			}
			got := ""
			if choice == chosen {
				c.choose("Choose…")
				c.choose("– INC-1/1 x")
				c.choose("– INC-1/1 tg-zh")
				c.choose("– INC-1/2 tg-en")
				c.choose("✓ INC-1/1 tg-zh")
				c.labels()
				got = c.choose("Send 2, drop the rest")
			} else {
				got = c.choose(choice)
			}
			if !strings.Contains(got, "Released: all") {
				t.Errorf("the choice gives %q", got)
			}
			c.wantShould("INC-1", "x", want.x...)
			c.wantShould("INC-1", "tg-en", want.tg...)
			if f, err := c.store.Freezes(t.Context()); len(f) != 0 || err != nil {
				t.Errorf("still frozen: %v, %v", f, err)
			}
		})
	}
}

const chosen = "some of it"

func TestUnfreezeAsksNothingWhereNothingIsHeld(t *testing.T) {
	c := newChat(t, admin)
	c.do(ana, opening())
	c.do(ada, desk.Stop{Scope: "incident:INC-1", Reason: "stop"})
	for _, channel := range []string{"tg-en", "tg-zh", "x"} {
		c.do(ada, desk.Skip{Which: desk.Which{Update: "INC-1/1", Channel: channel}, Reason: "no"})
	}
	if got := c.ask(c.event("/unfreeze INC-1")); got != "Released: incident:INC-1 (newest)." {
		t.Errorf("answered %q", got)
	}
}

// What an audience is to be told is asked about and chosen like what is on channels.
func TestUnfreezeAsksWhatToTellAnAudience(t *testing.T) {
	c := newChat(t, admin, withAudience)
	c.do(ada, desk.Stop{Scope: "people", Reason: "stop"})
	c.do(ana, opening())
	c.do(ana, opening())
	c.asked("/unfreeze people", "It is still frozen, and holds people 2: what shall be sent", "Only the newest", "All of it", "Nothing: drop it", "Choose…")
	c.choose("Choose…")
	c.choose("– INC-2/1 people")
	if got := c.choose("Send 1, drop the rest"); !strings.HasPrefix(got, "Released: channel:people (1 chosen).") {
		t.Errorf("the choice gives %q", got)
	}
	c.wantDropped(1, 0)
}

// The Channels button takes channels out of a draft and puts them back, under
// the preview itself.
func TestRoomChoosesChannels(t *testing.T) {
	c := newChat(t, needs("critical", 1), func(c *desk.Config) {
		c.Operators = append(c.Operators, desk.Operator{Name: "Bo", Role: desk.Publisher, Users: map[string]string{"telegram": "1003"}},
			desk.Operator{Name: "Cy", Role: desk.Reviewer, Users: map[string]string{"telegram": "1004"}})
		c.Approvals["critical"] = 2
	})
	c.ask(c.event("/incident critical login\nLogin is down"))
	if got := c.press("1003", "Agree"); !strings.Contains(got, "1 more to agree") {
		t.Fatalf("Bo agrees: %q", got)
	}
	preview := c.said[0]
	shown := func() bots.Operation { // what the preview has become
		t.Helper()
		for _, op := range slices.Backward(c.said) {
			if op.Action == bots.Edit && op.Message == "r1" {
				return op
			}
		}
		t.Fatal("the preview was not edited")
		return bots.Operation{}
	}
	c.choose("Channels")
	if got := c.labels(); !slices.Equal(got, []string{"✓ tg-en", "✓ tg-zh", "✓ x", "Done"}) {
		t.Fatalf("the channels are %q", got)
	}
	first := shown()
	if got := c.choose("✓ x"); !strings.Contains(got, "D-1 goes to other channels; earlier approvals are void.") {
		t.Errorf("leaving out x: %q", got)
	}
	if got := c.labels(); !slices.Equal(got, []string{"✓ tg-en", "✓ tg-zh", "– x", "Done"}) {
		t.Errorf("then the channels are %q", got)
	}
	if op := shown(); !strings.Contains(op.Text, "needs 2 of") || strings.Contains(op.Text, "x  ") {
		t.Errorf("the preview is\n%s", op.Text)
	}
	c.choose("✓ tg-zh")
	c.choose("– x")
	if got := c.choose("✓ tg-en"); strings.Contains(got, "must go to some channel") {
		t.Errorf("leaving out tg-en: %q", got)
	}
	if got := c.press("1001", "✓ x"); !strings.Contains(got, "It must go to some channel") {
		t.Errorf("leaving out the last one: %q", got)
	}
	c.choose("Done")
	if got := c.labels(); !slices.Equal(got, []string{"Agree", "Edit", "Channels", "Each text", "Discard"}) {
		t.Errorf("done: %q", got)
	}
	now := c.said
	for _, old := range []bots.Operation{preview, first} {
		c.said = []bots.Operation{old}
		if got := c.press("1001", old.Buttons[0][0].Text); !strings.Contains(got+strings.Join(c.texts(), ""), "has changed since you read it") {
			t.Errorf("an old button is answered %q", got)
		}
	}
	c.said = now
	c.press("1003", "Agree")
	if got := c.press("1004", "Agree"); got != "INC-1/1 is published on 1 channel." {
		t.Errorf("published: %q", got)
	}
	if c.lane("INC-1", "x") == nil || c.lane("INC-1", "tg-en") != nil {
		t.Error("it went to the wrong channels")
	}
}
