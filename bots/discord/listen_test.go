package discord

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/gorilla/websocket"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
)

// soon is the patience of tests.
func soon() patience {
	return patience{
		dial: 5 * time.Second, ready: time.Second, silence: 900 * time.Millisecond, watch: 20 * time.Millisecond,
		pause: 10 * time.Millisecond, longest: 50 * time.Millisecond, again: 50 * time.Millisecond, settled: time.Minute,
	}
}

func quickHeart(d *sim.Discord) { d.Heartbeat = 300 * time.Millisecond }

// hearing is a bot that listens until the test ends.
type hearing struct {
	t      *testing.T
	events chan bots.Event
	ended  chan error
	cancel context.CancelFunc
}

func listen(t *testing.T, b *Bot) *hearing {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h := &hearing{t: t, events: make(chan bots.Event, 100), ended: make(chan error, 1), cancel: cancel}
	go func() {
		h.ended <- b.Listen(ctx, "", func(_ context.Context, e bots.Event) error {
			h.events <- e
			return nil
		})
	}()
	t.Cleanup(cancel)
	return h
}

const patienceOfTests = 20 * time.Second

func (h *hearing) next() bots.Event {
	h.t.Helper()
	select {
	case e := <-h.events:
		return e
	case err := <-h.ended:
		h.t.Fatalf("Listen returned: %v", err)
	case <-time.After(patienceOfTests):
		h.t.Fatal("no event came")
	}
	return bots.Event{}
}

// stop ends Listen, which must not wait for the gateway.
func (h *hearing) stop() {
	h.t.Helper()
	h.cancel()
	select {
	case err := <-h.ended:
		if !errors.Is(err, context.Canceled) {
			h.t.Errorf("Listen returned %v", err)
		}
	case <-time.After(patienceOfTests):
		h.t.Error("Listen does not end with its context")
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patienceOfTests); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func connected(t *testing.T, d *sim.Discord) {
	t.Helper()
	waitFor(t, "the bot is connected", func() bool { return d.Connected() == 1 })
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func checkEvent(t *testing.T, want, got bots.Event) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(bots.Event{}, "At")); d != "" {
		t.Errorf("event (-want +got)\n%s", d)
	}
	if age := time.Since(got.At); age < -time.Minute || age > time.Minute {
		t.Errorf("%s was %v ago", got.Key, age)
	}
}

func TestSaid(t *testing.T) {
	d, b := newWorld(t, quickHeart)
	d.AddPerson("9", "Ana")
	h := listen(t, b)
	connected(t, d)

	id := must[string](t)(d.Say(textChannel, "9", "/update INC-12 *better*"))
	checkEvent(t, bots.Event{Kind: bots.Said, Key: id, Chat: textChannel, Message: id, Person: "9", Name: "Ana", Text: "/update INC-12 *better*"}, h.next())

	if err := d.EditSaid(id, "/update INC-12 worse"); err != nil {
		t.Fatal(err)
	}
	e := h.next()
	if e.Kind != bots.Edited || e.Message != id || e.Key == id || e.Text != "/update INC-12 worse" {
		t.Errorf("edited: %+v", e)
	}

	first := mustDo(t, b, bots.Operation{Action: bots.Post, Target: textChannel, Text: "ours: not an event"})
	mustDo(t, b, bots.Operation{Action: bots.OpenThread, Target: textChannel, Message: first.ID, Title: "INC-12"})
	in := must[string](t)(d.Say(first.ID, "9", "in a thread"))
	checkEvent(t, bots.Event{Kind: bots.Said, Key: in, Chat: textChannel, Thread: first.ID, Message: in, Person: "9", Name: "Ana", Text: "in a thread"}, h.next())
	h.stop()
}

// TestAcknowledgedAtOnce has a handler that never returns before the next
// command is made: both are acknowledged all the same.
func TestAcknowledgedAtOnce(t *testing.T) {
	d, b := newWorld(t, quickHeart)
	setCommands(t, b, bots.Command{Name: "show", Description: "Show"})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- b.Listen(ctx, "", func(ctx context.Context, _ bots.Event) error { <-ctx.Done(); return ctx.Err() })
	}()
	connected(t, d)
	for range 3 {
		id := must[string](t)(d.Slash(textChannel, "9", "show", nil))
		waitFor(t, "the command is acknowledged", func() bool { in, _ := d.Interaction(id); return in.Answered })
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestHandledAgain(t *testing.T) {
	d, b := newWorld(t, quickHeart)
	ctx := t.Context()
	keys := make(chan string, 10)
	var tries atomic.Int32
	go b.Listen(ctx, "", func(_ context.Context, e bots.Event) error {
		keys <- e.Key
		if tries.Add(1) < 3 {
			return errors.New("the store is down")
		}
		return nil
	})
	connected(t, d)
	one := must[string](t)(d.Say(textChannel, "9", "one"))
	two := must[string](t)(d.Say(textChannel, "9", "two"))
	for _, want := range []string{one, one, one, two} {
		if got := <-keys; got != want {
			t.Errorf("handled %s, want %s", got, want)
		}
	}
}

// What waits when listening ends is handed over once more, in order, so that
// whoever waits for an answer can be told.
func TestHandedOverAtTheEnd(t *testing.T) {
	d, b := newWorld(t, quickHeart)
	ctx, cancel := context.WithCancel(context.Background())
	last := make(chan string, 10)
	ended := make(chan error, 1)
	go func() {
		ended <- b.Listen(ctx, "", func(ctx context.Context, e bots.Event) error {
			<-ctx.Done()
			last <- e.Key
			return ctx.Err()
		})
	}()
	connected(t, d)
	setCommands(t, b, bots.Command{Name: "show", Description: "Show"})
	var ids []string
	for range 3 {
		id := must[string](t)(d.Slash(textChannel, "9", "show", nil))
		waitFor(t, "the command is acknowledged", func() bool { in, _ := d.Interaction(id); return in.Answered })
		ids = append(ids, id)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(last)
	var got []string
	for key := range last {
		got = append(got, key)
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("handed over at the end (-want +got)\n%s", diff)
	}
}

// TestReconnects lets a connection fail in each way that is known, more than
// once in a row, and posts meanwhile.
func TestReconnects(t *testing.T) {
	for name, fail := range map[string]func(d *sim.Discord){
		"dropped":           func(d *sim.Discord) { d.Drop() },
		"never HELLO":       func(d *sim.Discord) { d.Misbehave(sim.NoHello, sim.NoHello); d.Drop() },
		"never READY":       func(d *sim.Discord) { d.Misbehave(sim.NoReady, sim.NoReady); d.Drop() },
		"no acks":           func(d *sim.Discord) { d.Misbehave(sim.NoAcks); d.Drop() },
		"session forgotten": func(d *sim.Discord) { d.ForgetSessions(); d.Drop() },
		"asked to":          func(d *sim.Discord) { d.AskToReconnect() },
		"upgrade refused": func(d *sim.Discord) {
			d.Faults.Add(sim.Fault{Match: "/gateway-ws", Kind: "html", Times: 3})
			d.Drop()
		},
		"no address": func(d *sim.Discord) {
			d.Faults.Add(sim.Fault{Match: "GET /api/v9/gateway", Kind: "html", Times: 3})
			d.Drop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, b := newWorld(t, quickHeart)
			h := listen(t, b)
			connected(t, d)
			must[string](t)(d.Say(textChannel, "9", "before"))
			h.next()
			fail(d)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if _, err := b.Do(ctx, bots.Operation{Action: bots.Post, Target: newsChannel, Text: "meanwhile"}); err != nil {
				t.Errorf("post while the gateway is away: %v", err)
			}
			heardAgain(t, d, h)
			h.stop()
		})
	}
}

// heardAgain says things until one is heard: what is said while the gateway
// is away is lost.
func heardAgain(t *testing.T, d *sim.Discord, h *hearing) {
	t.Helper()
	for deadline := time.Now().Add(patienceOfTests); ; {
		must[string](t)(d.Say(textChannel, "9", "after"))
		select {
		case <-h.events:
			return
		case err := <-h.ended:
			t.Fatalf("Listen returned: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is heard any more")
		}
	}
}

// gatewayAt serves an API whose gateway is elsewhere.
func gatewayAt(t *testing.T, address string) *Bot {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"url": %q}`, address)
	}))
	t.Cleanup(srv.Close)
	b := newBot(t, srv.URL)
	b.patience = soon()
	b.patience.ready = 100 * time.Millisecond
	return b
}

// TestMuteGateway connects to a peer that accepts and never says a byte.
func TestMuteGateway(t *testing.T) {
	l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	var accepted atomic.Int32
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			go io.Copy(io.Discard, conn)
		}
	}()
	defer l.Close()
	h := listen(t, gatewayAt(t, "ws://"+l.Addr().String()))
	waitFor(t, "it is tried again", func() bool { return accepted.Load() >= 3 })
	h.stop()
	waitFor(t, "the library's goroutines end", func() bool { return !strings.Contains(stacks(), "discordgo.(*Session).Open") })
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// TestClosedFor checks what each close code of the gateway leads to.
func TestClosedFor(t *testing.T) {
	for code, want := range map[int]string{4004: "4004", 4011: "4011", 4013: "4013", 4014: "4014"} {
		t.Run(want, func(t *testing.T) {
			var asked []int
			b := gatewayAt(t, closingGateway(t, code, &asked))
			err := b.Listen(context.Background(), "", func(context.Context, bots.Event) error { return nil })
			f := bots.AsFault(err)
			if f.Kind != bots.Unauthorized || f.Subject != bots.Account || f.Code != want {
				t.Errorf("%v, want unauthorized %s", err, want)
			}
			const content = 1 << 15
			tries := 1
			if code == 4014 {
				tries = 2 // again without the text of messages
			}
			if len(asked) != tries || asked[0]&content == 0 || code == 4014 && asked[1]&content != 0 {
				t.Errorf("asked for the intents %b", asked)
			}
		})
	}
}

// closingGateway says HELLO, and closes with code when it is told who comes.
func closingGateway(t *testing.T, code int, asked *[]int) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		up := websocket.Upgrader{}
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		var identify struct {
			D struct{ Intents int }
		}
		if ws.WriteJSON(map[string]any{"op": 10, "d": map[string]int{"heartbeat_interval": 41250}}) != nil || ws.ReadJSON(&identify) != nil {
			return
		}
		*asked = append(*asked, identify.D.Intents)
		ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
	}))
	t.Cleanup(srv.Close)
	return "ws" + strings.TrimPrefix(srv.URL, "http")
}

// TestGatewayAddress checks that the token is not sent where anybody reads it.
func TestGatewayAddress(t *testing.T) {
	for address, ok := range map[string]bool{
		"ws://127.0.0.1:1/": true, "wss://gateway.discord.gg": true, "http://127.0.0.1:1": false, "": false, "ws://": false,
	} {
		if _, f := gatewayAt(t, address).gateway(context.Background()); (f == nil) != ok {
			t.Errorf("%q: %v", address, f)
		}
	}
}
