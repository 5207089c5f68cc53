package people_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/telegram"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/templates"
)

// saying is a platform on which people say what a test has them say.
type saying struct {
	bots.Batcher
	events []bots.Event
}

func (s saying) ListenBatches(ctx context.Context, _ string, handle func(context.Context, []bots.Event) (int, error)) error {
	_, err := handle(ctx, s.events)
	return err
}

// says has somebody say something to the audience of a world, and has the answer
// to him end so.
func (w *world) says(chat int64, text string, end error) {
	w.t.Helper()
	w.does(bots.Event{Kind: bots.Said, Chat: strconv.FormatInt(chat, 10), Private: true, Text: text, At: time.Now()}, end)
}

// deletes has somebody press that all is deleted that is kept of him.
func (w *world) deletes(chat int64) {
	w.t.Helper()
	w.does(bots.Event{Kind: bots.Pressed, Key: "press/1", Chat: strconv.FormatInt(chat, 10), Message: "1", Private: true, Button: "me:erase!", At: time.Now()}, nil)
}

// does has an audience hear what somebody did, and has the answer to him end so.
func (w *world) does(e bots.Event, end error) {
	w.t.Helper()
	texts, err := templates.Load("", []string{"en"})
	if err != nil {
		w.t.Fatal(err)
	}
	tg, err := telegram.New(telegram.Config{Name: bot, Token: "42:secret", APIURL: w.inboxes.URL})
	if err != nil {
		w.t.Fatal(err)
	}
	answered := make(chan struct{}, 1)
	a := people.New(people.Config{Account: bot, Bot: tg, Store: cmp.Or[people.Store](w.hearing, w.store), Texts: texts, Language: "en", Languages: []string{"en"}, Walker: w.walker, Log: slog.New(slog.DiscardHandler),
		Published: func(context.Context, int) ([]*incident.Incident, error) { return nil, nil },
		Say: func(context.Context, bots.Operation) (bots.Receipt, error) {
			answered <- struct{}{}
			return bots.Receipt{}, end
		}})
	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Run(ctx)
	}()
	w.t.Cleanup(func() {
		stop()
		<-done
	})
	l := people.Listener{Audience: a, Rooms: func(bots.Event) bool { return false },
		Bot: saying{events: []bots.Event{e}}}
	if err := l.Listen(ctx, "", nil); !errors.Is(err, w.misheard) {
		w.t.Error(err)
	} else if err == nil && e.Kind != bots.Migrated {
		<-answered
	}
}

// Who cannot be answered, and who stops, is not written to by a walk that has
// gathered him already.
func TestAWalkHearsWhoLeaves(t *testing.T) {
	w := newWorld(t, quick)
	w.inFlight = 1
	w.start()
	w.subscribe(nil, 1, 2, 3, 4)
	asked, goOn := make(chan struct{}), make(chan struct{})
	w.inboxes.refusing(func(chat int64) string {
		if chat == 1 {
			close(asked)
			<-goOn
		}
		return ""
	})
	w.publish("One.", incident.Major)
	<-asked
	w.says(2, "/status", &bots.Fault{Kind: bots.Gone, Subject: bots.Target, Code: "403", Detail: "bot was blocked by the user"})
	w.says(3, "/unsubscribe", nil)
	w.until("the store knows who left", func() bool { return w.states() == "1 active, 2 blocked, 3 stopped, 4 active" })
	close(goOn)
	w.idle()
	for chat, want := range map[int64]int{1: 1, 2: 0, 3: 0, 4: 1} {
		if n := len(w.inboxes.requests(chat)); n != want {
			t.Errorf("%d requests for %d, want %d", n, chat, want)
		}
	}
}

// deafStore takes what people say when a test lets it.
type deafStore struct {
	people.Store
	asked chan<- struct{}
	ends  <-chan error // nil has it stored
}

func (s deafStore) ChangeSubscribers(ctx context.Context, bot, cursor string, chats []int64, change func(people.Subscriber) *people.Subscriber) error {
	s.asked <- struct{}{}
	if err := <-s.ends; err != nil {
		return err
	}
	return s.Store.ChangeSubscribers(ctx, bot, cursor, chats, change)
}

// Who leaves is told nothing more from when that is heard, however long the store
// takes to keep it. What it does not keep is heard anew, and counts no longer.
func TestAWalkHearsWhoLeavesBeforeTheStore(t *testing.T) {
	for name, fails := range map[string]error{"kept late": nil, "not kept": errors.New("no store")} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, quick)
			w.inFlight = 1
			w.start()
			w.subscribe(nil, 1, 2, 3, 4)
			asked, goOn := w.hold(1, "")
			w.publish("One.", incident.Major)
			<-asked
			heard, ends := make(chan struct{}), make(chan error)
			w.hearing, w.misheard = deafStore{w.store, heard, ends}, fails
			var talks sync.WaitGroup
			talks.Go(func() { w.says(2, "/unsubscribe", nil) })
			<-heard
			talks.Go(func() { w.deletes(3) })
			<-heard
			goOn()
			w.idle()
			w.update("INC-1", "Two.", "")
			w.idle()
			w.want(1, "One.", ">Two.")
			w.want(2)
			w.want(3)
			w.want(4, "One.", ">Two.")
			ends <- fails
			ends <- fails
			talks.Wait()
			w.update("INC-1", "Three.", "")
			w.idle()
			if fails == nil {
				w.want(2)
				w.want(3)
			} else {
				w.want(2, "Three.")
				w.want(3, "Three.")
			}
		})
	}
}

// doorway is a courier that says who is about to be written to.
type doorway struct {
	bots.Courier
	leaves func(chat int64)
}

func (d doorway) Deliver(ctx context.Context, p bots.Parcel, to bots.Address) (int64, error) {
	leaves := to.Leaves
	to.Leaves = func() error {
		d.leaves(to.Chat)
		return leaves()
	}
	return d.Courier.Deliver(ctx, p, to)
}

// Who has been told that he gets nothing more gets nothing more, also if his next
// message was about to leave.
func TestNothingLeavesAfterAGoodbye(t *testing.T) {
	w := newWorld(t, 0)
	tg, err := telegram.New(telegram.Config{Name: bot, Token: "42:secret", APIURL: w.inboxes.URL})
	if err != nil {
		t.Fatal(err)
	}
	w.courier = doorway{tg, func(chat int64) {
		if chat == 2 {
			w.says(2, "/unsubscribe", nil)
		}
	}}
	w.start()
	w.subscribe(nil, 1, 2, 3)
	w.publish("One.", incident.Major)
	w.idle()
	w.want(1, "One.")
	w.want(2)
	w.want(3, "One.")
}

// Who has his data deleted gets nothing more of a walk that has gathered him, however
// often he presses. Who then comes back is somebody new, whom the walk has not gathered,
// however often he goes and comes.
func TestAWalkHearsWhoIsErased(t *testing.T) {
	w := newWorld(t, quick)
	w.inFlight = 1
	w.start()
	w.subscribe(nil, 1, 2, 3, 4, 5)
	asked, goOn := w.hold(1, "")
	w.publish("One.", incident.Major)
	<-asked
	w.until("everybody is gathered", func() bool {
		walks, err := w.store.WalksOf(t.Context(), incident.Ref{Prefix: "INC", Number: 1})
		return err == nil && walks["people"].Rounds[0].Wrapped
	})
	w.deletes(2)
	w.deletes(2)
	for _, chat := range []int64{3, 5} {
		w.deletes(chat)
		w.says(chat, "/start", nil)
	}
	w.says(5, "/unsubscribe", nil)
	w.says(5, "/start", nil)
	goOn()
	w.idle()
	for chat, want := range map[int64]int{1: 1, 2: 0, 3: 0, 4: 1, 5: 0} {
		if n := len(w.inboxes.requests(chat)); n != want {
			t.Errorf("%d requests for %d, want %d", n, chat, want)
		}
	}
	if got := w.states(); got != "1 active, 4 active, 3 active, 5 active" {
		t.Errorf("subscribers: %s", got)
	}
	w.update("INC-1", "Two.", "")
	w.idle()
	w.want(2)
	w.want(3, "Two.")
	w.want(5, "Two.")
}

// Who presses Start after the message left that he refuses stays a subscriber.
func TestAStartCountsMoreThanAnOlderRefusal(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, 2)
	w.inboxes.refusing(func(chat int64) string {
		if chat != 2 {
			return ""
		}
		w.inboxes.refusing(nil)
		w.says(2, "/start", nil)
		return blocked
	})
	w.publish("One.", incident.Major)
	w.idle()
	if got := w.states(); got != "1 active, 2 active" {
		t.Errorf("subscribers: %s", got)
	}
	w.update("INC-1", "Two.", "")
	w.idle()
	w.want(2, "Two.")
}
