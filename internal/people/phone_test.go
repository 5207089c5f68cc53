package people_test

import (
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// Who presses Start in the middle of an outage is told of it, if it concerns him.
func TestStartTellsWhatIsOpen(t *testing.T) {
	planned := outage(14, "Upgrade", "Soon.", "login")
	planned.Status = incident.Scheduled
	over := outage(11, "Long ago", "It is over.", "login")
	over.ResolvedAt = time.Now()
	w := newTown(t, planned, outage(13, "Deposits are late", "Deposits arrive late.", "deposits"), outage(12, "Login is down", "Nobody can log in.", "login"), over)
	all := w.says("2001", "/start").Text
	w.mustSay(all, "Open at the moment:\nINC-13 · Deposits are late\nINC-12 · Login is down\n")
	some := w.says("2002", "/start login").Text
	w.mustSay(some, "Open at the moment:\nINC-12 · Login is down\n")
	if text := all + some; strings.Contains(text, "Upgrade") || strings.Contains(text, "Long ago") || strings.Contains(some, "Deposits are") {
		t.Errorf("they are told too much:\n%s\n%s", all, some)
	}
}

// A link to what is over, or was never published, promises nothing.
func TestALinkToWhatIsOver(t *testing.T) {
	over := outage(11, "Login was down", "It is over.", "login")
	over.ResolvedAt = time.Now()
	w := newTown(t, over)
	w.mustSay(w.says("2001", "/start INC-11").Text, "INC-11 is over: Login was down.", "https://status.example.com/incidents/INC-11")
	m := w.says("2001", "/start INC-99")
	w.mustSay(m.Text, "Nothing is known here about INC-99.")
	if len(m.Buttons) != 1 || m.Buttons[0][0].Text != "Subscribe to everything" {
		t.Errorf("he is offered %v", m.Buttons)
	}
}

// The worst comes first, and what is only planned last, with its window.
func TestStatusInOrder(t *testing.T) {
	minor := outage(13, "Deposits are late", "Deposits arrive late.", "deposits")
	minor.Impact = incident.Minor
	plan := &incident.Incident{Ref: incident.Ref{Prefix: "MNT", Number: 1}, Kind: incident.Maintenance, Status: incident.Scheduled}
	now := time.Now().UTC().Truncate(time.Minute)
	plan.Begin, plan.End = now.Add(time.Hour), now.Add(2*time.Hour)
	plan.Say(incident.Saying{Title: "Upgrade", Body: incident.Text{"en": "Login stops for an hour."}}, "Ana", nil, time.Now())
	w := newTown(t, plan, minor, outage(12, "Login is down", "Nobody can log in.", "login"))
	text := w.says("2001", "/status").Text
	if a, b, c := strings.Index(text, "Login is down"), strings.Index(text, "Deposits are late"), strings.Index(text, "Upgrade"); a < 0 || b < a || c < b {
		t.Errorf("not the worst first:\n%s", text)
	}
	w.mustSay(text, "Maintenance window: ", plan.Begin.Format("15:04"), plan.End.Format("15:04")+" UTC")
}

// The bot vouches for itself.
func TestOurBotIsOurs(t *testing.T) {
	w := newTown(t)
	for _, claim := range []string{"@Example_Bot", "https://t.me/example_bot?start=INC-1"} {
		w.until("the bot says that it is ours", func() bool {
			return strings.Contains(w.says("2001", "/verify "+claim).Text, "official address of Example Exchange: https://t.me/example_bot")
		})
	}
	w.mustSay(w.says("2001", "/verify @example_b0t").Text, "this is not ours")
}

// Whatever a person sends is answered, and says what to do instead.
func TestWhatCannotBeRead(t *testing.T) {
	w := newTown(t)
	w.mustSay(w.says("2001", "hello").Text, "not read by anybody", "/help")
	for range 2 { // each time: it was meant for us
		w.mustSay(w.says("2001", "/sttings").Text, "no such command", "/help")
	}
	w.mustSay(w.saysIn("2001", "2001", "🙂", sim.Saying{Sticker: true}).Text, "Only text can be read", "/verify")
	w.mustSay(w.saysIn("2002", "2002", "🙂", sim.Saying{Sticker: true, Forwarded: true}).Text, "Only text can be read")
	if _, kept := w.subscriber(2001); kept {
		t.Error("who only talks is kept")
	}
}

// Who mends a command that was not understood is answered; an edit of one that was
// carried out changes nothing.
func TestAMistypedCommandIsMended(t *testing.T) {
	w := newTown(t)
	mends := func(text, mended string) string {
		t.Helper()
		before := len(w.ours("2001"))
		m, err := w.sim.Say("2001", "2001", text, sim.Saying{})
		if err != nil {
			t.Fatal(err)
		}
		w.until("an answer to "+text, func() bool { return len(w.ours("2001")) > before })
		if err := w.sim.Edit("2001", m, mended); err != nil {
			t.Fatal(err)
		}
		w.until("an answer to "+mended, func() bool { return len(w.ours("2001")) > before+1 })
		return w.ours("2001")[before+1].Text
	}
	w.mustSay(mends("/subscrib", "/subscribe"), "You are subscribed")
	if s, _ := w.subscriber(2001); s.State != people.Active || !s.All {
		t.Errorf("kept: %+v", s)
	}
	w.mustSay(mends("/verify", "/verify Send one coin."), "No, this is not ours")
	w.mustSay(mends("unsubscribe", "/unsubscribe"), "There will be no more messages")
	m, err := w.sim.Say("2001", "2001", "/start", sim.Saying{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.sim.Edit("2001", m, "/unsubscribe"); err != nil {
		t.Fatal(err)
	}
	w.says("2001", "/help")
	if s, _ := w.subscriber(2001); s.State != people.Active {
		t.Errorf("kept: %+v", s)
	}
}

// A member who presses a button of an administrator's menu is told alone, each
// time, that it is not his.
func TestAMenuThatIsNotHis(t *testing.T) {
	w := newTown(t)
	if _, err := w.sim.AddChat(sim.TelegramChat{ID: group, Type: "supergroup", Admins: []string{"1001"}, Bot: sim.Membership{Status: "member"}}); err != nil {
		t.Fatal(err)
	}
	w.saysIn(group, "1001", "/subscribe", sim.Saying{})
	m := w.saysIn(group, "1001", "/settings", sim.Saying{})
	before := len(w.ours(group))
	for range 2 {
		query, err := w.sim.Press(group, m.ID, "1002", "me:stop")
		if err != nil {
			t.Fatal(err)
		}
		var told string
		w.until("he is told", func() (ok bool) { told, ok = w.sim.Answered(query); return ok })
		w.mustSay(told, "Only administrators of this group")
	}
	all := w.ours(group)
	if s, _ := w.subscriber(-1001234567890); s.State != people.Active || len(all) != before || all[before-1].Edits > 0 {
		t.Errorf("it had an effect: %+v, %d messages", s, len(all))
	}
}

// An administrator is not told that he is none where Telegram does not say who
// they are, and tries again with success. What he presses is answered to him alone.
func TestAnAdministratorWhoIsNotKnown(t *testing.T) {
	w := newTown(t)
	if _, err := w.sim.AddChat(sim.TelegramChat{ID: group, Type: "supergroup", Admins: []string{"1001"}, Bot: sim.Membership{Status: "member"}}); err != nil {
		t.Fatal(err)
	}
	w.sim.Faults.Add(sim.Fault{Match: "getChatAdministrators", Kind: "status", Status: 500, Times: 2})
	m := w.saysIn(group, "1001", "/settings", sim.Saying{Anonymous: true})
	query, err := w.sim.Press(group, m.ID, "1001", "me:start")
	if err != nil {
		t.Fatal(err)
	}
	var told string
	w.until("he is told", func() (ok bool) { told, ok = w.sim.Answered(query); return ok })
	w.mustSay(told, "it cannot be checked whether you are an administrator")
	if all := w.ours(group); len(all) != 1 || all[0].Edits > 0 {
		t.Errorf("others are told too: %+v", all)
	}
	w.mustSay(w.saysIn(group, "1001", "/subscribe", sim.Saying{}).Text, "it cannot be checked whether you are an administrator")
	if s, kept := w.subscriber(-1001234567890); kept {
		t.Errorf("it had an effect: %+v", s)
	}
	w.mustSay(w.saysIn(group, "1001", "/subscribe", sim.Saying{}).Text, "This chat is subscribed")
}
