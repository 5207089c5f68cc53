package desk

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// outage is an incident with two updates, half an hour old.
func outage() *incident.Incident {
	i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: 12}, Kind: incident.Outage, CreatedAt: noon}
	i.Say(incident.Saying{Title: "Login is down", Impact: incident.Critical, Status: incident.Investigating,
		Components: map[string]incident.ComponentState{"login": incident.MajorOutage, "withdrawals": incident.PartialOutage}, Body: incident.Text{"en": "a"}}, "Ana", nil, noon)
	i.Say(incident.Saying{Status: incident.Monitoring, Components: map[string]incident.ComponentState{"login": incident.Operational},
		NextUpdate: noon.Add(time.Hour), Body: incident.Text{"en": "b"}}, "Ana", []string{"Bo"}, noon.Add(31*time.Minute))
	return i
}

func TestCard(t *testing.T) {
	ds := []broadcast.Delivery{
		{ID: "1", Update: "INC-12/1", Channel: "tg", State: broadcast.Sent, Sent: noon},
		{ID: "2", Update: "INC-12/2", Channel: "tg", State: broadcast.Sent, Sent: noon.Add(31 * time.Minute), URL: "https://t.me/x/2"},
		{ID: "3", Update: "INC-12/2", Channel: "x", State: broadcast.UnsureState},
		{ID: "4", Update: "INC-12/2", Channel: "cn", State: broadcast.Failed, Error: "unauthorized 402: no credits"},
		{ID: "5", Update: "INC-12/2", Channel: "dc", State: broadcast.Pending, Error: "temporary: nothing was sent"},
		{ID: "6", Update: "INC-12/2", Channel: "zh", State: broadcast.Pending, Error: "rate limited 429", Until: noon.Add(53 * time.Minute)},
	}
	c := NewCard(outage(), ds, CardSite{Zone: time.UTC, Simulator: true}, noon.Add(48*time.Minute))
	want := strings.Join([]string{
		"INC-12 critical · monitoring · 00:48 open · login ✓ withdrawals ▲",
		"Login is down",
		"Next update promised 13:00 UTC · 12 min left",
		"/2 12:31 Ana, approved Bo",
		"✓ tg 12:31:00 https://t.me/x/2",
		"… dc pending temporary: nothing was sent",
		"… zh waits, as the platform asks, until 12:53 UTC",
		"? /2 x  sent, no answer",
		"✗ /2 cn  unauthorized 402: no credits",
		"SIMULATOR",
	}, "\n")
	if c.Text != want {
		t.Errorf("the card is\n%s\nwant\n%s", c.Text, want)
	}
	if len(c.Buttons) != 2 || c.Buttons[0][0] != (bots.Button{Text: "/2 x: it is there", Data: "there:INC-12:3"}) || len(c.Buttons[1]) != 2 {
		t.Errorf("buttons %+v", c.Buttons)
	}
	for _, b := range c.Buttons {
		for _, one := range b {
			if len(one.Data) > 64 {
				t.Errorf("the data of %q has %d bytes", one.Text, len(one.Data))
			}
		}
	}
	withdrawn := outage()
	withdrawn.Updates[1].Retraction = &incident.Retraction{At: noon.Add(40 * time.Minute)}
	if c := NewCard(withdrawn, nil, CardSite{Zone: time.UTC}, noon.Add(48*time.Minute)); !strings.Contains(c.Text, "\n/2 12:31 Ana, approved Bo, retracted 12:40") {
		t.Errorf("the card of a retracted update is\n%s", c.Text)
	}
	late := NewCard(outage(), nil, CardSite{Zone: time.UTC}, noon.Add(65*time.Minute))
	if !strings.Contains(late.Text, "Next update was promised for 13:00 UTC · 5 min late") {
		t.Errorf("a broken promise reads\n%s", late.Text)
	}
}

// A correction that nobody had to be told of, or that all have who had to, does
// not hide where a channel stands.
func TestCardAfterACorrection(t *testing.T) {
	post := broadcast.Delivery{Update: "INC-12/2", Channel: "tg", Action: "post", State: broadcast.Sent, Sent: noon.Add(31 * time.Minute)}
	edit := broadcast.Delivery{Update: "INC-12/2", Channel: "tg", Action: "edit", State: broadcast.Sent, Sent: noon.Add(32 * time.Minute)}
	aloud := broadcast.Delivery{Update: "INC-12/2", Channel: "tg", Action: "correction"}
	told := broadcast.Delivery{Update: "INC-12/2", Channel: "people", Action: "post", State: broadcast.Sending, Audience: &broadcast.Progress{Told: 18_840}}
	corrected := broadcast.Delivery{Update: "INC-12/2", Channel: "people", Action: "correction", Audience: &broadcast.Progress{Told: 5}}
	for _, tt := range []struct {
		aloud, corrected broadcast.State
		tg, people       string
	}{
		{broadcast.SupersededState, broadcast.Sent, "✓ tg 12:32:00", "→ people 18 840"},
		{broadcast.WithdrawnState, broadcast.SupersededState, "✓ tg 12:32:00", "→ people 18 840"},
		{broadcast.Sending, broadcast.Sending, "… tg sending", "→ people 5"},
		{broadcast.Held, broadcast.Held, "… tg held", "→ people 5 · frozen"},
		{broadcast.SkippedState, broadcast.SkippedState, "… tg skipped", "→ people 5 · skipped"},
	} {
		aloud.State, corrected.State = tt.aloud, tt.corrected
		c := NewCard(outage(), []broadcast.Delivery{post, edit, aloud, told, corrected}, CardSite{Zone: time.UTC}, noon.Add(48*time.Minute))
		if !strings.Contains(c.Text+"\n", tt.tg+"\n"+tt.people+"\n") {
			t.Errorf("with %s and %s the card is\n%s\nwant\n%s\n%s", tt.aloud, tt.corrected, c.Text, tt.tg, tt.people)
		}
	}
}

// How far an audience's messages are edited or deleted has a line of its own, until
// all are.
func TestCardWhileMessagesAreChanged(t *testing.T) {
	told := broadcast.Delivery{Update: "INC-12/2", Channel: "people", Action: "post", State: broadcast.Sent, Audience: &broadcast.Progress{Told: 900}}
	for _, tt := range []struct {
		action string
		state  broadcast.State
		want   string
	}{
		{"edit", broadcast.Sending, "→ people 900\n→ people /1 edited 300 of 900 · 30/s · done in 20 s\n"},
		{"delete", broadcast.Held, "→ people 900\n→ people /1 deleted 300 of 900 · 30/s · done in 20 s · frozen\n"},
		{"edit", broadcast.Sent, "→ people 900\n"},
	} {
		changed := broadcast.Delivery{Update: "INC-12/1", Channel: "people", Action: tt.action, State: tt.state, Audience: &broadcast.Progress{Told: 300, Passed: 300, People: 900, Speed: 30}}
		c := NewCard(outage(), []broadcast.Delivery{told, changed}, CardSite{Zone: time.UTC}, noon.Add(48*time.Minute))
		if text := c.Text + "\n"; !strings.HasSuffix(text, tt.want) {
			t.Errorf("%s, %s: the card is\n%s\nwant\n%s", tt.action, tt.state, c.Text, tt.want)
		}
	}
}

// An audience is one delivery to many: those who need a person have a line and
// buttons of their own.
func TestCardOfUnsurePeople(t *testing.T) {
	ds := []broadcast.Delivery{{ID: "round-7", Update: "INC-12/2", Channel: "people", State: broadcast.Sent,
		Audience: &broadcast.Progress{Told: 36_000, Unsure: 41, Failed: 2, AskUnsure: 41, AskFailed: 2, Passed: 36_120, People: 36_120}}}
	c := NewCard(outage(), ds, CardSite{Zone: time.UTC}, noon.Add(48*time.Minute))
	for _, line := range []string{"→ people 36 000 of 36 043 · 41 unsure · 2 failed", "? /2 people  sent to 41, no answer · refused for 2"} {
		if !strings.Contains(c.Text+"\n", line+"\n") {
			t.Errorf("the card is\n%s\nwithout\n%s", c.Text, line)
		}
	}
	want := []bots.Button{{Text: "/2 people: send again", Data: "retry:INC-12:round-7"}, {Text: "Skip", Data: "skip:INC-12:round-7"}}
	if len(c.Buttons) != 1 || !slices.Equal(c.Buttons[0], want) {
		t.Errorf("buttons %+v, want %+v", c.Buttons, want)
	}
	ds[0].Audience.AskUnsure, ds[0].Audience.AskFailed = 0, 0
	if c := NewCard(outage(), ds, CardSite{Zone: time.UTC}, noon.Add(48*time.Minute)); len(c.Buttons) != 0 {
		t.Errorf("buttons for what nobody has to settle: %+v", c.Buttons)
	}
}

func TestReminder(t *testing.T) {
	i := outage()
	for at, want := range map[time.Duration]string{
		30 * time.Minute: "", 56 * time.Minute: "The next update is promised for 13:00 UTC, in 4 min.",
		61 * time.Minute: "The update promised for 13:00 UTC is due.", 2 * time.Hour: "",
	} {
		text, _ := reminder(i, time.UTC, noon.Add(at))
		if (text == "") != (want == "") || !strings.Contains(text, want) {
			t.Errorf("after %v: %q, want %q", at, text, want)
		}
	}
	i.ResolvedAt = noon
	if text, _ := reminder(i, time.UTC, noon.Add(56*time.Minute)); text != "" {
		t.Errorf("of what is over: %q", text)
	}
}

func TestPreviewFitsAPhone(t *testing.T) {
	i := outage()
	before := *i
	before.Updates = i.Updates[:1]
	p := &Preview{Draft: &Draft{Number: 17, Verb: Update{}.verb(), Author: "Ana", Needs: 1, Digest: strings.Repeat("a", 64), Warnings: []string{"a warning"}},
		Before: &before, Incident: i, Language: "en", Zone: time.UTC, Now: noon, Who: []string{"Bo", "Chen"},
		Saying: incident.Saying{Body: incident.Text{"en": strings.Repeat("A long line of text. ", 40) + strings.Repeat("\nline", 30)}}}
	text := p.Text()
	if lines := strings.Count(text, "\n") + 1; lines > 20 {
		t.Errorf("%d lines:\n%s", lines, text)
	}
	if !strings.HasPrefix(text, "D-17 → INC-12/2 after /1 (12:00) · monitoring · by Ana · needs 1 of Bo, Chen\n") || !strings.HasSuffix(text, "! a warning") {
		t.Errorf("the preview is\n%s", text)
	}
	if err := bots.CheckButtons(p.Buttons()); err != nil {
		t.Error(err)
	}
}

// A room takes few messages: news are shown at once, and how far audiences are
// when their turn comes, one card after the other.
func TestProgressWaitsForItsTurn(t *testing.T) {
	card := func(told, unsure int) Card {
		return NewCard(outage(), []broadcast.Delivery{{Update: "INC-12/2", Channel: "people", Action: "post", State: broadcast.Sending,
			Audience: &broadcast.Progress{Told: told, Unsure: unsure, AskUnsure: unsure, People: 1_000_000, Passed: told, Speed: float64(told % 3000)}}}, CardSite{Zone: time.UTC}, noon.Add(48*time.Minute))
	}
	synctest.Test(t, func(t *testing.T) {
		b := &board{news: map[string]string{}}
		edits := map[string]int{}
		for second := range 60 {
			for _, ref := range []string{"INC-12", "INC-13"} {
				b.changed(ref)
			}
			dirty := b.dirty
			b.dirty = nil
			for _, ref := range dirty {
				if b.due(ref, card(20_000+1000*second, 0)) {
					edits[ref]++
				}
			}
			time.Sleep(time.Second)
		}
		if a, b := edits["INC-12"], edits["INC-13"]; a+b > 12 || a < 5 || b < 5 {
			t.Errorf("within a minute one card was edited %d times and the other %d", a, b)
		}
		if !b.due("INC-12", card(80_000, 3)) {
			t.Error("that somebody has to be settled waits")
		}
		if b.due("INC-12", card(81_000, 4)) || b.idle() != cardPace {
			t.Error("that one more has to be does not, or is not looked at again soon")
		}
	})
}
