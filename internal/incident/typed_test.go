package incident_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/allclear-hq/allclear/internal/incident"
)

// languages are those of the site in the examples.
var languages = []string{"en", "zh-Hans", "pt-BR"}

// typed is the grammar by example: what an operator types, and how it is read.
var typed = []struct {
	name string
	text string
	want incident.Typed
}{
	{"an update of the only open incident", "/update Withdrawals are back for most.",
		incident.Typed{Verb: "update", Body: english("Withdrawals are back for most.")}},
	{"an update of a named incident", "/update INC-12 Withdrawals are back.",
		incident.Typed{Verb: "update", Ref: "INC-12", Body: english("Withdrawals are back.")}},
	{"a reference in its short form", "/update inc12 Back.",
		incident.Typed{Verb: "update", Ref: "INC12", Body: english("Back.")}},
	{"a reference glued with a comma", "/update INC-12,Back.",
		incident.Typed{Verb: "update", Ref: "INC-12", Body: english("Back.")}},
	{"a reference glued with a full-width comma", "/update INC-12，恢复了",
		incident.Typed{Verb: "update", Ref: "INC-12", Body: english("恢复了")}},
	{"a reference with a colon", "/update INC-12: Back.",
		incident.Typed{Verb: "update", Ref: "INC-12", Body: english("Back.")}},
	{"a reference with a line break", "/update INC-12\nBack.",
		incident.Typed{Verb: "update", Ref: "INC-12", Body: english("Back.")}},
	{"a full-width slash in a reference", "/correct INC-12／3 Back.",
		incident.Typed{Verb: "correct", Ref: "INC-12/3", Body: english("Back.")}},
	{"a reference later in the text is text", "/update Same cause as INC-12",
		incident.Typed{Verb: "update", Body: english("Same cause as INC-12")}},
	{"a verb in capitals", "/UPDATE Back.",
		incident.Typed{Verb: "update", Body: english("Back.")}},
	{"a full-width slash", "／update Back.",
		incident.Typed{Verb: "update", Body: english("Back.")}},
	{"a full-width colon", "/update：恢复了",
		incident.Typed{Verb: "update", Body: english("恢复了")}},
	{"a full-width comma", "/update，公告",
		incident.Typed{Verb: "update", Body: english("公告")}},
	{"an ideographic space", "/update　公告",
		incident.Typed{Verb: "update", Body: english("公告")}},
	{"a no-break space", "/update\u00a0INC-12\u00a0Back.",
		incident.Typed{Verb: "update", Ref: "INC-12", Body: english("Back.")}},
	{"a command for a bot by name", "/update@allclear_bot Back.",
		incident.Typed{Verb: "update", Body: english("Back.")}},
	{"space before the command", " \n /update Back.",
		incident.Typed{Verb: "update", Body: english("Back.")}},
	{"line ends of Windows", "/update Back.\r\n\r\nSorry.\r\n",
		incident.Typed{Verb: "update", Body: english("Back.\n\nSorry.")}},
	{"line ends of old Macs", "/update Back.\rSorry.",
		incident.Typed{Verb: "update", Body: english("Back.\nSorry.")}},
	{"no text at all", "/update",
		incident.Typed{Verb: "update"}},

	{"a status by its verb", "/monitoring A fix is in place.",
		incident.Typed{Verb: "monitoring", Status: incident.Monitoring, Body: english("A fix is in place.")}},
	{"a status by its verb, for a named incident", "/identified INC-3 Found it.",
		incident.Typed{Verb: "identified", Ref: "INC-3", Status: incident.Identified, Body: english("Found it.")}},
	{"an all clear", "/resolve All works.",
		incident.Typed{Verb: "resolve", Status: incident.Resolved, Body: english("All works.")}},
	{"an all clear without words", "/resolve",
		incident.Typed{Verb: "resolve", Status: incident.Resolved}},
	{"the other form of resolve", "/resolved All works.",
		incident.Typed{Verb: "resolved", Status: incident.Resolved, Body: english("All works.")}},
	{"back to the beginning", "/investigating It is back.",
		incident.Typed{Verb: "investigating", Status: incident.Investigating, Body: english("It is back.")}},
	{"a postmortem", "/postmortem INC-1 What happened.",
		incident.Typed{Verb: "postmortem", Ref: "INC-1", Status: incident.Postmortem, Body: english("What happened.")}},
	{"a maintenance begins", "/begin MNT-3 We begin.",
		incident.Typed{Verb: "begin", Ref: "MNT-3", Status: incident.InProgress, Body: english("We begin.")}},
	{"a maintenance is verified", "/verifying mnt3 Checking.",
		incident.Typed{Verb: "verifying", Ref: "MNT3", Status: incident.Verifying, Body: english("Checking.")}},
	{"a maintenance is done", "/complete MNT-3 Done.",
		incident.Typed{Verb: "complete", Ref: "MNT-3", Status: incident.Completed, Body: english("Done.")}},
	{"a notice is closed", "/close NTC-5 No longer true.",
		incident.Typed{Verb: "close", Ref: "NTC-5", Status: incident.Closed, Body: english("No longer true.")}},
	{"a status as first word with a colon", "/update monitoring: A fix is in place.",
		incident.Typed{Verb: "update", Status: incident.Monitoring, Body: english("A fix is in place.")}},
	{"a status after the reference", "/update INC-12 Resolved： 已恢复",
		incident.Typed{Verb: "update", Ref: "INC-12", Status: incident.Resolved, Body: english("已恢复")}},
	{"a status on a line of its own", "/update identified:\nThe cause is known.",
		incident.Typed{Verb: "update", Status: incident.Identified, Body: english("The cause is known.")}},
	{"a status of two words", "/update in progress: We have begun.",
		incident.Typed{Verb: "update", Status: incident.InProgress, Body: english("We have begun.")}},
	{"a word that could be a status publishes no all clear", "/update resolved the queue problem",
		incident.Typed{Verb: "update", Body: english("resolved the queue problem")}},
	{"a status later in the text is text", "/update Status is monitoring: see below",
		incident.Typed{Verb: "update", Body: english("Status is monitoring: see below")}},
	{"a correction changes no status", "/correct INC-12/3 resolved: no, it was not",
		incident.Typed{Verb: "correct", Ref: "INC-12/3", Body: english("resolved: no, it was not")}},

	{"an incident", "/incident critical login withdrawals\nLogin is down\nSince 12:01 UTC nobody can log in.\n\nSorry.\nnext 20m",
		incident.Typed{Verb: "incident", Words: []string{"critical", "login", "withdrawals"}, Title: "Login is down",
			Body: english("Since 12:01 UTC nobody can log in.\n\nSorry."), Next: incident.Promise{In: 20 * time.Minute}}},
	{"an incident whose title is its text", "/incident minor login\nLogin is slow",
		incident.Typed{Verb: "incident", Words: []string{"minor", "login"}, Title: "Login is slow", Body: english("Login is slow")}},
	{"a title and a promise", "/incident minor login\nLogin is slow\nnext 20m",
		incident.Typed{Verb: "incident", Words: []string{"minor", "login"}, Title: "Login is slow", Body: english("Login is slow"),
			Next: incident.Promise{In: 20 * time.Minute}}},
	{"a promise is no title", "/incident minor login\nnext 20m",
		incident.Typed{Verb: "incident", Words: []string{"minor", "login"}, Next: incident.Promise{In: 20 * time.Minute}}},
	{"words with commas of both widths", "/incident critical，login、withdrawals, deposits\nDown",
		incident.Typed{Verb: "incident", Words: []string{"critical", "login", "withdrawals", "deposits"}, Title: "Down", Body: english("Down")}},
	{"words with an ideographic space", "/incident critical　login\nDown",
		incident.Typed{Verb: "incident", Words: []string{"critical", "login"}, Title: "Down", Body: english("Down")}},
	{"nothing on the command line", "/incident\nDown",
		incident.Typed{Verb: "incident", Title: "Down", Body: english("Down")}},
	{"an empty line before the title", "/incident minor\n\nDown\n\nSince noon.",
		incident.Typed{Verb: "incident", Words: []string{"minor"}, Title: "Down", Body: english("Since noon.")}},
	{"an incident alone", "/incident", incident.Typed{Verb: "incident"}},
	{"a notice", "/notice\nWe were not hacked\nA database is slow, that is all.",
		incident.Typed{Verb: "notice", Title: "We were not hacked", Body: english("A database is slow, that is all.")}},
	{"a maintenance", "/maintenance 2026-12-01 02:00 04:00 deposits\nNew database\nDeposits wait.",
		incident.Typed{Verb: "maintenance", Words: []string{"2026-12-01", "02:00", "04:00", "deposits"}, Title: "New database", Body: english("Deposits wait.")}},

	{"approved first words", "/ack", incident.Typed{Verb: "ack"}},
	{"approved first words for components", "/ack login withdrawals",
		incident.Typed{Verb: "ack", Words: []string{"login", "withdrawals"}}},
	{"approved first words with an impact and a promise", "/ack critical，login\nnext 10m",
		incident.Typed{Verb: "ack", Words: []string{"critical", "login"}, Next: incident.Promise{In: 10 * time.Minute}}},
	{"a holding statement", "/hold", incident.Typed{Verb: "hold"}},
	{"a holding statement for a named incident", "/hold inc12", incident.Typed{Verb: "hold", Ref: "INC12"}},
	{"a holding statement with its own promise", "/hold INC-12 next 30m",
		incident.Typed{Verb: "hold", Ref: "INC-12", Next: incident.Promise{In: 30 * time.Minute}}},
	{"a false alarm", "/false_alarm INC-12", incident.Typed{Verb: "false_alarm", Ref: "INC-12"}},

	{"what is affected has changed", "/scope critical +deposits login=partial -card",
		incident.Typed{Verb: "scope", Words: []string{"critical", "+deposits", "login=partial", "-card"}}},
	{"a scope of a named incident", "/scope INC-12, +deposits",
		incident.Typed{Verb: "scope", Ref: "INC-12", Words: []string{"+deposits"}}},
	{"a scope with full-width signs", "/scope INC-12：＋deposits，login＝partial",
		incident.Typed{Verb: "scope", Ref: "INC-12", Words: []string{"＋deposits", "login＝partial"}}},
	{"a scope with text below is an update", "/scope inc12 critical\nIt is worse than we thought.\n\nSorry.\nnext 20m\nzh:\n情况更严重",
		incident.Typed{Verb: "scope", Ref: "INC12", Words: []string{"critical"}, Next: incident.Promise{In: 20 * time.Minute},
			Body: incident.Text{"": "It is worse than we thought.\n\nSorry.", "zh-Hans": "情况更严重"}}},
	{"a scope without anything", "/scope", incident.Typed{Verb: "scope"}},

	{"a changed promise", "/update next 14:30", incident.Typed{Verb: "update", Next: incident.Promise{At: "14:30"}}},
	{"a changed promise of a named incident", "/update INC-12 next 20m",
		incident.Typed{Verb: "update", Ref: "INC-12", Next: incident.Promise{In: 20 * time.Minute}}},
	{"a promise is taken back", "/update INC-12 next none",
		incident.Typed{Verb: "update", Ref: "INC-12", Next: incident.Promise{None: true}}},

	{"several languages", "/update INC-12\nen:\nBack.\nzh:\n恢复了\n\n抱歉",
		incident.Typed{Verb: "update", Ref: "INC-12", Body: incident.Text{"en": "Back.", "zh-Hans": "恢复了\n\n抱歉"}}},
	{"the first language needs no name", "/update Back.\nZH：\n恢复了",
		incident.Typed{Verb: "update", Body: incident.Text{"": "Back.", "zh-Hans": "恢复了"}}},
	{"a language by its whole tag", "/update pt-br:\nVoltou.",
		incident.Typed{Verb: "update", Body: incident.Text{"pt-BR": "Voltou."}}},
	{"an incident in two languages", "/incident major login\nLogin is down\nSince noon.\nzh:\n登录中断\nnext none",
		incident.Typed{Verb: "incident", Words: []string{"major", "login"}, Title: "Login is down",
			Body: incident.Text{"": "Since noon.", "zh-Hans": "登录中断"}, Next: incident.Promise{None: true}}},
	{"a text that begins with the name of a language", "/update en: this is no line of its own",
		incident.Typed{Verb: "update", Body: english("en: this is no line of its own")}},
	{"a heading is no language", "/update Now affected:\nlogin\nETA:\n14:30",
		incident.Typed{Verb: "update", Body: english("Now affected:\nlogin\nETA:\n14:30")}},
	{"a language without text", "/update Back.\nzh:\n",
		incident.Typed{Verb: "update", Body: english("Back.")}},

	{"a promise in minutes", "/update Back.\nnext 20m", promised(incident.Promise{In: 20 * time.Minute})},
	{"a promise with a space", "/update Back.\nNext 20 min", promised(incident.Promise{In: 20 * time.Minute})},
	{"a promise as people write it", "/update Back.\nnext 20 mins", promised(incident.Promise{In: 20 * time.Minute})},
	{"a promise in hours", "/update Back.\nnext 2 hours.", promised(incident.Promise{In: 2 * time.Hour})},
	{"a promise in short hours", "/update Back.\nnext 2hrs", promised(incident.Promise{In: 2 * time.Hour})},
	{"a promise said in full", "/update Back.\nnext update in 1 hour", promised(incident.Promise{In: time.Hour})},
	{"a promise by the clock", "/update Back.\nnext 14:30", promised(incident.Promise{At: "14:30"})},
	{"a promise by the clock, full-width", "/update Back.\nnext 14：30", promised(incident.Promise{At: "14:30"})},
	{"a promise in UTC", "/update Back.\nnext 14:30 utc", promised(incident.Promise{At: "14:30 utc"})},
	{"a promise in UTC with a full stop", "/update Back.\nnext 14:30 UTC.", promised(incident.Promise{At: "14:30 UTC"})},
	{"a promise in a zone", "/update Back.\nnext 14:30 Asia/Singapore", promised(incident.Promise{At: "14:30 Asia/Singapore"})},
	{"a promise of nothing", "/update Back.\nnext none", promised(incident.Promise{None: true})},
	{"a promise before a language", "/update Back.\nnext 20m\nzh:\n恢复了",
		incident.Typed{Verb: "update", Body: incident.Text{"": "Back.", "zh-Hans": "恢复了"}, Next: incident.Promise{In: 20 * time.Minute}}},
	{"the same promise in two languages", "/update Back.\nnext 20m\nzh:\n恢复了\nnext 20 min",
		incident.Typed{Verb: "update", Body: incident.Text{"": "Back.", "zh-Hans": "恢复了"}, Next: incident.Promise{In: 20 * time.Minute}}},
	{"next in a sentence is text", "/update Next we restart the queue.\nnext 24 hours will be slow",
		incident.Typed{Verb: "update", Body: english("Next we restart the queue.\nnext 24 hours will be slow")}},

	{"a typo", "/typo INC-12/3 Withdrawals.",
		incident.Typed{Verb: "typo", Ref: "INC-12/3", Body: english("Withdrawals.")}},
	{"a correction without reference", "/correct Withdrawals.",
		incident.Typed{Verb: "correct", Body: english("Withdrawals.")}},
	{"a retraction", "/retract INC-12/3 It was another system.",
		incident.Typed{Verb: "retract", Ref: "INC-12/3", Text: "It was another system."}},
	{"a retraction without reference", "/retract It was wrong.",
		incident.Typed{Verb: "retract", Text: "It was wrong."}},
	{"a draft is published", "/publish D-17", incident.Typed{Verb: "publish", Ref: "D-17"}},
	{"a draft in its short form", "/publish d17", incident.Typed{Verb: "publish", Ref: "D17"}},
	{"a draft is rejected", "/reject D-17, not true",
		incident.Typed{Verb: "reject", Ref: "D-17", Text: "not true"}},
	{"a delivery is tried again", "/retry INC-12/3 x", incident.Typed{Verb: "retry", Ref: "INC-12/3", Text: "x"}},
	{"a delivery is given up", "/skip INC-12/3 x nobody reads it",
		incident.Typed{Verb: "skip", Ref: "INC-12/3", Text: "x nobody reads it"}},
	{"a delivery was made by hand", "/posted INC-12/3 x https://x.com/a/status/1",
		incident.Typed{Verb: "posted", Ref: "INC-12/3", Text: "x https://x.com/a/status/1"}},
	{"everything stops", "/freeze wrong numbers", incident.Typed{Verb: "freeze", Text: "wrong numbers"}},
	{"one incident stops", "/freeze INC-12 wrong numbers", incident.Typed{Verb: "freeze", Ref: "INC-12", Text: "wrong numbers"}},
	{"a fence is lifted", "/unfreeze x newest", incident.Typed{Verb: "unfreeze", Text: "x newest"}},
	{"a reason is no promise", "/freeze now\nnext 20m", incident.Typed{Verb: "freeze", Text: "now\nnext 20m"}},
	{"what is open", "/show", incident.Typed{Verb: "show"}},
	{"one incident", "/show inc12", incident.Typed{Verb: "show", Ref: "INC12"}},
	{"help", "/help@allclear_bot", incident.Typed{Verb: "help"}},
}

func english(s string) incident.Text { return incident.Text{"": s} }

func promised(p incident.Promise) incident.Typed {
	return incident.Typed{Verb: "update", Body: english("Back."), Next: p}
}

func TestParseTyped(t *testing.T) {
	for _, test := range typed {
		t.Run(test.name, func(t *testing.T) {
			got, err := incident.ParseTyped(test.text, languages)
			if err != nil {
				t.Fatalf("ParseTyped(%q): %v", test.text, err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("ParseTyped(%q) (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

// What is talk between people is left alone.
func TestParseTypedNoCommand(t *testing.T) {
	for _, text := range []string{
		"", "   ", "hello", "please /update", "/", "//", "/ update", "/24 is our subnet", "/var/log/allclear is full", "/usr",
		"https://example.com/update", "-update", "\\update", "／", "/@bot", "/update/INC-3", "/nothingINC-3 x", "update INC-12 foo",
	} {
		got, err := incident.ParseTyped(text, languages)
		if text == "/usr" { // a word after a slash may be a mistyped verb
			if err == nil || errors.Is(err, incident.ErrNoCommand) {
				t.Errorf("ParseTyped(%q) = %+v, %v; want an error to answer", text, got, err)
			}
			continue
		}
		if !errors.Is(err, incident.ErrNoCommand) {
			t.Errorf("ParseTyped(%q) = %+v, %v; want ErrNoCommand", text, got, err)
		}
	}
}

// What is unclear is asked about instead of guessed.
func TestParseTypedAsks(t *testing.T) {
	tests := []struct{ text, want string }{
		{"/updates INC-12 Back.", "/updates is no command"},
		{"/frozen why", "/frozen is no command"},
		{"/update2 Back.", "/update2 is no command"},
		{"/updateBack", "/updateback is no command"},
		{"/updateINC-3 Back.", "leave a space after /update"},
		{"／UpdateINC3，修复", "leave a space after /update"},
		{"/resolvedINC-3", "leave a space after /resolved"},
		{"/retractINC-3/2 wrong", "leave a space after /retract"},
		{"/editD-17 Back.", "leave a space after /edit"},
		{"/closed17", "/closed17 is no command: see /help"},
		{"/updateINC–3 Back.", "leave a space after /update"},
		{"/update修复", "leave a space after /update"},
		{"/update’s text is wrong", "leave a space after /update"},
		{"/resolve!", "leave a space after /resolve"},
		{"/update INC–12 Back.", "write it like INC-12"},
		{"/update INC 12 Back.", "write it like INC-12"},
		{"/update INC-012 Back.", "write it like INC-12"},
		{"/update INC-12. Back.", "write it like INC-12"},
		{"/update INC-12's cause is known", "write it like INC-12"},
		{"/update ＩＮＣ－１２ 恢复", "write it like INC-12"},
		{"/retract INC-12/x wrong", "write it like INC-12"},
		{"/publish D-0", "write it like"},
		{"/scope INC 12 critical", "write it like INC-12"},
		{"/hold INC-12/x", "write it like INC-12"},
		{"/update fr:\nRevenu.", `"fr" is not a language of this site: use one of en, zh-Hans, pt-BR`},
		{"/update Back.\nzh-TW:\n恢復了", `"zh-TW" is not a language of this site`},
		{"/incident minor login\nzh:\n登录中断", "the title comes before the languages"},
		{"/update Back.\nnext 20", `"next 20" is not understood`},
		{"/update Back.\nnext in half an hour", `"next in half an hour" is not understood: write next 20m`},
		{"/update INC-1 next never", `"next never" is not understood`},
		{"/update Back.\nNext update tomorrow.", `"Next update tomorrow." is not understood`},
		{"/update Back.\nnext 90s", `"next 90s" is not understood`},
		{"/update Back.\nnext 1h30m", `"next 1h30m" is not understood`},
		{"/update Back.\nnext 1.5 h", `"next 1.5 h" is not understood`},
		{"/update Back.\nnext 0m", "say how long"},
		{"/update Back.\nnext 31 days", `"next 31 days" is not understood`},
		{"/update Back.\nnext 1000h", "at most 30 days"},
		{"/update Back.\nnext 99999999999999999999h", "at most 30 days"},
		{"/update Back.\nnext 20m\nnext 30m", "two times"},
		{"/incident minor login\nDown\nnext soon o'clock\nnext 14.30", `"next 14.30" is not understood`},
	}
	for _, test := range tests {
		got, err := incident.ParseTyped(test.text, languages)
		switch {
		case err == nil || errors.Is(err, incident.ErrNoCommand):
			t.Errorf("ParseTyped(%q) = %+v, %v; want the question %q", test.text, got, err, test.want)
		case !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n"):
			t.Errorf("ParseTyped(%q): %v; want one line with %q", test.text, err, test.want)
		}
	}
}

func TestParseTypedLanguageOfSeveral(t *testing.T) {
	tests := []struct {
		languages []string
		line      string
		want      string // language, or "?" for a question
	}{
		{[]string{"en-GB", "en"}, "en", "en"},
		{[]string{"zh-Hans", "zh-Hant"}, "zh-hant", "zh-Hant"},
		{[]string{"zh-Hans", "zh-Hant"}, "zh", "?"},
		{[]string{"zh-Hans", "en"}, "zh", "zh-Hans"},
	}
	for _, test := range tests {
		got, err := incident.ParseTyped("/update "+test.line+":\ntext", test.languages)
		if test.want == "?" {
			if err == nil {
				t.Errorf("%q of %v was taken for %v; want a question", test.line, test.languages, got.Body)
			}
			continue
		}
		if diff := cmp.Diff(incident.Text{test.want: "text"}, got.Body); diff != "" || err != nil {
			t.Errorf("%q of %v: %v (-want +got):\n%s", test.line, test.languages, err, diff)
		}
	}
}

// FuzzParseTyped checks that whatever is typed says nothing that was not
// typed, and that a command written out again is read as the same command.
func FuzzParseTyped(f *testing.F) {
	for _, test := range typed {
		f.Add(test.text)
	}
	for _, s := range []string{"/update next 20m\nINC-2 foo", "/incident a\nnext 14:30 x\nzh:\n\xff", "/retract D-1 x\r/", "/update INC-1 INC-2 x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := incident.ParseTyped(text, languages)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 400 {
				t.Fatalf("ParseTyped(%q): %v; want one short line", text, err)
			}
			return
		}
		said := strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
		for _, part := range slices.Concat(got.Words, []string{got.Title, got.Text}, slices.Collect(maps.Values(got.Body))) {
			for line := range strings.SplitSeq(part, "\n") {
				if !strings.Contains(said, line) {
					t.Fatalf("ParseTyped(%q) says %q, which was not typed", text, line)
				}
			}
		}
		again, err := incident.ParseTyped(retype(got), languages)
		if diff := cmp.Diff(got, again, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Fatalf("ParseTyped(%q), written out as %q: %v (-first +again):\n%s", text, retype(got), err, diff)
		}
	})
}

// retype writes a command as an operator would type it.
func retype(c incident.Typed) string {
	var b strings.Builder
	b.WriteString("/" + c.Verb)
	for _, s := range append([]string{c.Ref, c.Text}, c.Words...) {
		if s != "" {
			b.WriteString(" " + s)
		}
	}
	if c.Verb == "update" && c.Status != "" {
		b.WriteString(" " + string(c.Status) + ":")
	}
	if c.Title != "" {
		b.WriteString("\n" + c.Title)
	}
	switch {
	case c.Next.None:
		b.WriteString("\nnext none")
	case c.Next.In > 0:
		fmt.Fprintf(&b, "\nnext %dm", c.Next.In/time.Minute)
	case c.Next.At != "":
		b.WriteString("\nnext " + c.Next.At)
	}
	for _, l := range append([]string{""}, languages...) {
		s, said := c.Body[l]
		if !said || l == "" && s == c.Title && len(c.Body) == 1 {
			continue
		}
		if l != "" {
			b.WriteString("\n" + l + ":")
		}
		b.WriteString("\n" + s)
	}
	return b.String()
}
