package telegram_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/bots/telegram"
)

// simulated is a Telegram with a channel, a forum and a room, and the bot.
type simulated struct {
	*sim.Telegram
	server *sim.Server
	bot    *telegram.Bot
}

const (
	room  = "-1001000000001"
	forum = "-1001000000002"
)

func simulate(t *testing.T) simulated {
	t.Helper()
	s := simulated{Telegram: sim.NewTelegram()}
	s.AddBot(token, "example_bot")
	for _, c := range []sim.TelegramChat{
		{ID: channel, Username: "@example_status"},
		{ID: room, Type: "supergroup", Title: "Room", Admins: []string{"1002"}},
		{ID: forum, Type: "supergroup", Forum: true},
	} {
		if _, err := s.AddChat(c); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if s.server, err = sim.Serve(s.Telegram); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.server.Close)
	if s.bot, err = telegram.New(telegram.Config{Name: "tg", Token: token, APIURL: s.server.URL}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s simulated) must(t *testing.T, op bots.Operation) bots.Receipt {
	t.Helper()
	r, err := s.bot.Do(t.Context(), op)
	if err != nil {
		t.Fatalf("%s: %v", op.Action, err)
	}
	return r
}

func (s simulated) wantFault(t *testing.T, op bots.Operation, kind bots.FaultKind, about bots.Subject) *bots.Fault {
	t.Helper()
	_, err := s.bot.Do(t.Context(), op)
	if err == nil || bots.AsFault(err).Kind != kind || bots.AsFault(err).Subject != about {
		t.Fatalf("%s: %v, want %s (%s)", op.Action, err, kind, about)
	}
	return bots.AsFault(err)
}

// visible returns the message with this id, as followers see it.
func (s simulated) visible(t *testing.T, chat, id string) sim.Seen {
	t.Helper()
	for _, m := range s.Seen(chat) {
		if m.ID == id {
			return m
		}
	}
	t.Fatalf("no message %s in %s", id, chat)
	return sim.Seen{}
}

func TestChannelOnTheSimulator(t *testing.T) {
	s := simulate(t)
	const text = "Back <b>now</b> *for* most_of you.\n登录 👩‍👩‍👧‍👦\nINC-12/3 · 12:18 UTC"
	first := s.must(t, bots.Operation{Action: bots.Post, Target: "@example_status", Text: text})
	if first.URL != "https://t.me/example_status/"+first.ID {
		t.Errorf("link %q", first.URL)
	}
	if got := s.visible(t, channel, first.ID); got.Text != text {
		t.Errorf("shown: %q", got.Text)
	}
	second := s.must(t, bots.Operation{Action: bots.Post, Target: channel, ReplyTo: first.ID, Text: "All clear."})
	if got := s.visible(t, channel, second.ID); got.ReplyTo != first.ID {
		t.Errorf("answers %q, want %q", got.ReplyTo, first.ID)
	}
	edit := bots.Operation{Action: bots.Edit, Target: channel, Message: first.ID, Text: "Resolved."}
	s.must(t, edit)
	s.must(t, edit) // changes nothing
	s.must(t, bots.Operation{Action: bots.Pin, Target: channel, Message: first.ID})
	if got := s.visible(t, channel, first.ID); got.Text != "Resolved." || !got.Pinned {
		t.Errorf("edited and pinned: %+v", got)
	}
	remove := bots.Operation{Action: bots.Delete, Target: channel, Message: first.ID}
	s.must(t, remove)
	s.must(t, remove) // is gone already
	if got := s.visible(t, channel, first.ID); !got.Deleted {
		t.Errorf("deleted: %+v", got)
	}
	s.wantFault(t, bots.Operation{Action: bots.Post, Target: channel, ReplyTo: first.ID, Text: "x"}, bots.Gone, bots.Parent)
	s.wantFault(t, edit, bots.Gone, bots.Message)
	s.wantFault(t, bots.Operation{Action: bots.OpenThread, Target: channel, Title: "x"}, bots.Rejected, bots.Target)
}

func TestTopicOnTheSimulator(t *testing.T) {
	s := simulate(t)
	topic := s.must(t, bots.Operation{Action: bots.OpenThread, Target: forum, Title: strings.Repeat("long ", 50)})
	post := s.must(t, bots.Operation{Action: bots.Post, Target: forum, Thread: topic.ID, Text: "In the topic."})
	reply := s.must(t, bots.Operation{Action: bots.Post, Target: forum, Thread: topic.ID, ReplyTo: post.ID, Text: "And again."})
	if got := s.visible(t, forum, reply.ID); got.Thread != topic.ID || got.ReplyTo != post.ID {
		t.Errorf("in topic %q, answers %q; want %q, %q", got.Thread, got.ReplyTo, topic.ID, post.ID)
	}
	s.wantFault(t, bots.Operation{Action: bots.Post, Target: forum, Thread: "99999", Text: "x"}, bots.Gone, bots.Parent)
}

func TestClosedDoorsOnTheSimulator(t *testing.T) {
	s := simulate(t)
	if _, err := s.Start("42", ""); err != nil {
		t.Fatal(err)
	}
	post := bots.Operation{Action: bots.Post, Target: "42", Text: "x"}
	s.must(t, post)
	if err := s.Block("42"); err != nil {
		t.Fatal(err)
	}
	s.wantFault(t, post, bots.Gone, bots.Target)
	post.Target = "43"
	s.wantFault(t, post, bots.Gone, bots.Target)
	post.Target = "@nobody"
	s.wantFault(t, post, bots.Gone, bots.Target)
	group, err := s.AddChat(sim.TelegramChat{Type: "group"})
	if err != nil {
		t.Fatal(err)
	}
	moved, err := s.Migrate(group)
	if err != nil {
		t.Fatal(err)
	}
	post.Target = group
	if f := s.wantFault(t, post, bots.Moved, bots.Target); f.To != moved {
		t.Errorf("moved to %q, want %q", f.To, moved)
	}
	if err := s.Kick(channel); err != nil {
		t.Fatal(err)
	}
	post.Target = channel
	s.wantFault(t, post, bots.Gone, bots.Target)
}

func TestLostAnswersOnTheSimulator(t *testing.T) {
	for kind, landed := range map[string]int{"cut": 0, "cut-after": 1, "accept": 1, "truncate": 1, "html": 0} {
		s := simulate(t)
		s.Faults.Add(sim.Fault{Match: "sendMessage", Kind: kind})
		s.wantFault(t, bots.Operation{Action: bots.Post, Target: channel, Text: "x"}, bots.Unsure, "")
		if n := len(s.Seen(channel)); n != landed {
			t.Errorf("%s: %d messages, want %d", kind, n, landed)
		}
	}
}

func TestCheckOnTheSimulator(t *testing.T) {
	s := simulate(t)
	if err := s.SetBot(channel, sim.Membership{Denied: []string{"can_post_messages"}}); err != nil {
		t.Fatal(err)
	}
	account, problems, err := s.bot.Check(t.Context(), []string{channel, room, forum, "@nobody"})
	want := map[string]string{channel: "cannot post: can_post_messages is off", room: "", forum: "", "@nobody": "Bad Request: chat not found"}
	if d := cmp.Diff(want, problems); err != nil || d != "" || !strings.Contains(account, "@example_bot") {
		t.Errorf("%q, %v (-want +got)\n%s", account, err, d)
	}
}

// ear listens in the background and passes on what it hears.
func (s simulated) ear(t *testing.T) <-chan bots.Event {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	heard, done := make(chan bots.Event), make(chan error)
	go func() {
		done <- s.bot.Listen(ctx, "", func(ctx context.Context, e bots.Event) error {
			select {
			case heard <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Listen: %v", err)
		}
	})
	return heard
}

func hear(t *testing.T, heard <-chan bots.Event) bots.Event {
	t.Helper()
	select {
	case e := <-heard:
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was heard")
		return bots.Event{}
	}
}

func TestListenOnTheSimulator(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	heard := s.ear(t)
	say := func(person, text string, how sim.Saying) string {
		t.Helper()
		id, err := s.Say(room, person, text, how)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	id := say("1001", "/show INC-12", sim.Saying{Name: "Ana"})
	if e := hear(t, heard); e.Kind != bots.Said || e.Text != "/show INC-12" || e.Person != "1001" || e.Name != "Ana" || e.Message != id || e.Chat != room {
		t.Errorf("said: %+v", e)
	}
	say("1001", "/publish D-17", sim.Saying{Forwarded: true, ReplyTo: id})
	if e := hear(t, heard); !e.Forwarded || e.ReplyTo != id {
		t.Errorf("forwarded: %+v", e)
	}
	say("1002", "/freeze", sim.Saying{Anonymous: true})
	if e := hear(t, heard); e.Person != "" {
		t.Errorf("anonymous: %+v", e)
	}
	if err := s.Edit(room, id, "/show INC-13"); err != nil {
		t.Fatal(err)
	}
	if e := hear(t, heard); e.Kind != bots.Edited || e.Message != id || e.Text != "/show INC-13" {
		t.Errorf("edited: %+v", e)
	}
	s.server.Down() // while a poll waits
	if err := s.server.Up(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Start("42", "inc12"); err != nil {
		t.Fatal(err)
	}
	if e := hear(t, heard); e.Text != "/start inc12" || !e.Private || e.Chat != "42" {
		t.Errorf("started: %+v", e)
	}
	if err := s.Kick(room); err != nil {
		t.Fatal(err)
	}
	if e := hear(t, heard); e.Kind != bots.Left || e.Chat != room {
		t.Errorf("kicked: %+v", e)
	}
}

func TestButtonsOnTheSimulator(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	heard := s.ear(t)
	op := bots.Operation{Action: bots.Post, Target: room, Text: "D-17", Buttons: [][]bots.Button{
		{{Text: "Publish", Data: "publish D-17"}, {Text: "Edit", Data: strings.Repeat("é", 32)}}, {{Text: "Discard", Data: "discard"}},
	}}
	card := s.must(t, op).ID
	want := [][]sim.Button{{{Text: "Publish", Data: "publish D-17"}, {Text: "Edit", Data: strings.Repeat("é", 32)}}, {{Text: "Discard", Data: "discard"}}}
	if d := cmp.Diff(want, s.visible(t, room, card).Buttons); d != "" {
		t.Errorf("buttons (-want +got)\n%s", d)
	}
	query, err := s.Press(room, card, "1001", "publish D-17")
	if err != nil {
		t.Fatal(err)
	}
	e := hear(t, heard)
	if e.Kind != bots.Pressed || e.Button != "publish D-17" || e.Message != card || e.Person != "1001" || e.Chat != room {
		t.Errorf("pressed: %+v", e)
	}
	if err := s.bot.Respond(t.Context(), e.Key, "Published"); err != nil {
		t.Error(err)
	}
	if text, ok := s.Answered(query); !ok || text != "Published" {
		t.Errorf("answered %t with %q", ok, text)
	}
	if err := s.bot.Respond(t.Context(), e.Key, ""); bots.AsFault(err).Kind != bots.Gone {
		t.Errorf("answered twice: %v", err)
	}
	op.Action, op.Message = bots.Edit, card
	s.must(t, op) // changes nothing
	op.Text, op.Buttons = "D-17 is published", nil
	s.must(t, op)
	s.must(t, op)
	if got := s.visible(t, room, card); got.Text != "D-17 is published" || got.Buttons != nil {
		t.Errorf("without buttons: %+v", got)
	}
	if _, err := s.Press(room, card, "1001", "publish D-17"); err == nil {
		t.Error("a button is left")
	}
	if _, err := s.Say(room, "1001", "/show", sim.Saying{}); err != nil {
		t.Fatal(err)
	}
	if e := hear(t, heard); e.Text != "/show" { // and not the press again
		t.Errorf("heard %+v", e)
	}
}

func TestDirectChatOnTheSimulator(t *testing.T) {
	s := simulate(t)
	if _, err := s.Start("42", ""); err != nil {
		t.Fatal(err)
	}
	chat, err := s.bot.DirectChat(t.Context(), "42")
	if err != nil {
		t.Fatal(err)
	}
	r := s.must(t, bots.Operation{Action: bots.Post, Target: chat, Text: "D-17 waits for you."})
	if got := s.visible(t, chat, r.ID); got.Text != "D-17 waits for you." {
		t.Errorf("the person sees %+v", got)
	}
	for _, person := range []string{"", "ana", "-1001", "@ana"} {
		if _, err := s.bot.DirectChat(t.Context(), person); bots.AsFault(err).Kind != bots.Rejected {
			t.Errorf("%q: %v, want it rejected", person, err)
		}
	}
}

func TestTwoListenersOnTheSimulator(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ends := make(chan error, 2)
	for range 2 {
		go func() {
			ends <- s.bot.Listen(ctx, "", func(context.Context, bots.Event) error { return nil })
		}()
	}
	if err := <-ends; bots.AsFault(err).Code != "409" {
		t.Errorf("%v, want a conflict", err)
	}
	cancel()
	<-ends
}

// What was pressed while nobody polled is marked: before the start, and during
// an outage.
func TestStalePressesOnTheSimulator(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	receipt, err := s.bot.Do(t.Context(), bots.Operation{Action: bots.Post, Target: room, Text: "D-1", Buttons: [][]bots.Button{{{Text: "Publish", Data: "pub"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Say(room, "1001", "hello", sim.Saying{}); err != nil { // from when on it hears
		t.Fatal(err)
	}
	press := func() {
		t.Helper()
		if _, err := s.Press(room, receipt.ID, "1001", "pub"); err != nil {
			t.Fatal(err)
		}
	}
	press()
	press()
	heard := s.ear(t)
	for range 2 {
		if e := hear(t, heard); e.Kind == bots.Said && e.Stale {
			t.Errorf("words are stale: %+v", e)
		} else if e.Kind == bots.Pressed && !e.Stale {
			t.Errorf("pressed before the start: %+v", e)
		}
	}
	if e := hear(t, heard); !e.Stale {
		t.Errorf("pressed before the start: %+v", e)
	}
	if _, err := s.Say(room, "1001", "here we are", sim.Saying{}); err != nil {
		t.Fatal(err)
	}
	hear(t, heard)
	press()
	if e := hear(t, heard); e.Kind != bots.Pressed || e.Stale {
		t.Errorf("pressed while it listens: %+v", e)
	}
	s.server.Down()
	press()
	s.untilTried(t)
	if err := s.server.Up(); err != nil {
		t.Fatal(err)
	}
	if e := hear(t, heard); e.Kind != bots.Pressed || !e.Stale {
		t.Errorf("pressed during an outage: %+v", e)
	}
}

// untilTried waits until the bot has noticed that the platform is down: one that
// is down for less than the time between two polls is not.
func (s simulated) untilTried(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", strings.TrimPrefix(s.server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tried, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	tried.Close()
}
