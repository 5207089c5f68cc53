package telegram_test

import (
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
)

// A channel in which the bot may not edit what others post.
const modest = "-1001000000003"

func (s simulated) addModest(t *testing.T) {
	t.Helper()
	if err := s.AddPerson(sim.TelegramPerson{ID: "1002", Name: "Bo"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddChat(sim.TelegramChat{ID: modest, Username: "@modest", Admins: []string{"1002"}, Bot: sim.Membership{Denied: []string{"can_edit_messages"}}}); err != nil {
		t.Fatal(err)
	}
}

func TestProbeFindsThePost(t *testing.T) {
	s := simulate(t)
	s.addModest(t)
	first := s.must(t, bots.Operation{Action: bots.Post, Target: modest, Text: "first"})
	if _, err := s.Say(modest, "1002", "Buy stickers.", sim.Saying{}); err != nil { // takes the next id
		t.Fatal(err)
	}
	s.Faults.Add(sim.Fault{Match: "sendMessage", Kind: "cut-after"})
	op := bots.Operation{Action: bots.Post, Target: modest, Text: "It works again.\nINC-12/3 · 12:18 UTC", ReplyTo: first.ID}
	s.wantFault(t, op, bots.Unsure, "")
	r, found, err := s.bot.Probe(t.Context(), op, []string{"2", "3", "4"})
	if err != nil || !found || r.ID != "3" || r.URL == "" {
		t.Errorf("found %+v, %t, %v, want message 3", r, found, err)
	}
	for _, m := range s.Seen(modest) {
		if m.Edits > 0 {
			t.Errorf("the probe changed %+v", m)
		}
	}
	op.Text = "It was never posted."
	if r, found, err := s.bot.Probe(t.Context(), op, []string{"2", "4", "5"}); found || err != nil {
		t.Errorf("found %+v, %t, %v, want nothing", r, found, err)
	}
}

// Where an edit could change what somebody else posted, or what we said beside
// the posts, none is tried.
func TestProbeDoesNoHarm(t *testing.T) {
	s := simulate(t)
	for _, chat := range []string{channel, room, forum} {
		s.must(t, bots.Operation{Action: bots.Post, Target: chat, Text: "A card."})
		op := bots.Operation{Action: bots.Post, Target: chat, Text: "It works again."}
		_, found, err := s.bot.Probe(t.Context(), op, []string{"1", "2"})
		if f := bots.AsFault(err); found || err == nil || f.Kind != bots.Rejected {
			t.Errorf("%s: found %t, %v, want a refusal", chat, found, err)
		}
		if m := s.visible(t, chat, "1"); m.Text != "A card." {
			t.Errorf("%s: the probe changed %+v", chat, m)
		}
	}
}

func TestProbeThatHitsSomethingSaysSo(t *testing.T) {
	s := simulate(t)
	s.addModest(t)
	s.must(t, bots.Operation{Action: bots.Post, Target: modest, Text: "Another post of ours, against the rules."})
	_, found, err := s.bot.Probe(t.Context(), bots.Operation{Action: bots.Post, Target: modest, Text: "It works again."}, []string{"1"})
	if found || err == nil || !strings.Contains(err.Error(), "message 1 was another one") {
		t.Errorf("found %t, %v", found, err)
	}
}

func TestProbeFaults(t *testing.T) {
	s := simulate(t)
	s.addModest(t)
	op := bots.Operation{Action: bots.Post, Target: modest, Text: "It works again."}
	for _, match := range []string{"getChat", "getChatMember", "editMessageText"} {
		s.Faults.Add(sim.Fault{Match: match, Kind: "status", Status: 429, RetryAfter: sim.Duration(2e9)})
		if _, found, err := s.bot.Probe(t.Context(), op, []string{"1"}); found || err == nil || bots.AsFault(err).Kind != bots.RateLimited {
			t.Errorf("%s: found %t, %v, want a limit", match, found, err)
		}
		s.Faults.Clear()
	}
}
