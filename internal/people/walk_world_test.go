package people_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/telegram"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store"
	"github.com/allclear-hq/allclear/templates"
)

// letter is a message that a person has.
type letter struct {
	id      int64
	text    string
	topic   int64
	reply   int64
	edits   int
	deleted bool
	paid    bool
	at      time.Time
}

// inboxes is a Telegram full of people, over HTTP on loopback.
type inboxes struct {
	*httptest.Server
	mu      sync.Mutex
	last    int64
	chats   map[int64][]*letter
	order   []int64               // chats, as messages came
	asked   map[int64][]time.Time // requests for a chat, refused ones too
	paid    int
	refuse  func(chat int64) string // an answer instead, "cut", or ""; may be nil
	broke   func() string           // an answer instead to what is to be paid, or ""; may be nil
	closed  int64                   // a topic that takes nothing
	odd     string                  // words that are taken for nobody; "" are none
	keeps   bool                    // nothing is deleted
	arrived chan int64
}

func newInboxes(t testing.TB) *inboxes {
	c := &inboxes{chats: map[int64][]*letter{}, asked: map[int64][]time.Time{}, last: 1000, arrived: make(chan int64, 100_000)}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

type asked struct {
	Chat    int64  `json:"chat_id"`
	Text    string `json:"text"`
	Topic   int64  `json:"message_thread_id"`
	Message int64  `json:"message_id"`
	Paid    bool   `json:"allow_paid_broadcast"`
	Reply   struct {
		Message int64 `json:"message_id"`
	} `json:"reply_parameters"`
}

func (c *inboxes) serve(w http.ResponseWriter, r *http.Request) {
	var a asked
	if r.Header.Get("Content-Type") == "application/json" {
		json.NewDecoder(r.Body).Decode(&a)
	} else {
		a.Chat, _ = strconv.ParseInt(r.FormValue("chat_id"), 10, 64)
		a.Message, _ = strconv.ParseInt(r.FormValue("message_id"), 10, 64)
		a.Text = r.FormValue("text")
		a.Paid = r.FormValue("allow_paid_broadcast") != ""
		json.Unmarshal([]byte(r.FormValue("reply_parameters")), &a.Reply)
	}
	method := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	c.mu.Lock()
	refuse := c.refuse
	if a.Topic != 0 && a.Topic == c.closed {
		refuse = func(int64) string {
			return `{"ok":false,"error_code":400,"description":"Bad Request: TOPIC_CLOSED"}`
		}
	}
	if c.odd != "" && strings.Contains(a.Text, c.odd) {
		refuse = func(int64) string { return `{"ok":false,"error_code":400,"description":"Bad Request: odd"}` }
	}
	if c.keeps && method == "deleteMessage" {
		refuse = func(int64) string {
			return `{"ok":false,"error_code":400,"description":"Bad Request: message can't be deleted for everyone"}`
		}
	}
	c.asked[a.Chat] = append(c.asked[a.Chat], time.Now())
	if a.Paid && c.broke != nil {
		broke, then := c.broke, refuse
		refuse = func(chat int64) string {
			if answer := broke(); answer != "" || then == nil {
				return answer
			}
			return then(chat)
		}
	}
	c.mu.Unlock()
	if refuse != nil {
		if answer := refuse(a.Chat); answer != "" {
			answerWith(w, answer)
			return
		}
	}
	fmt.Fprint(w, c.carry(method, a))
}

// answerWith gives an answer of Telegram with the status that it tells of.
func answerWith(w http.ResponseWriter, answer string) {
	var code struct {
		Code int `json:"error_code"`
	}
	json.Unmarshal([]byte(answer), &code)
	w.WriteHeader(code.Code)
	fmt.Fprint(w, answer)
}

func (c *inboxes) carry(method string, a asked) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch method {
	case "getMe":
		return `{"ok":true,"result":{"id":42,"is_bot":true,"first_name":"Status","username":"example_bot"}}`
	case "sendMessage":
		c.last++
		c.chats[a.Chat] = append(c.chats[a.Chat], &letter{id: c.last, text: a.Text, topic: a.Topic, reply: a.Reply.Message, paid: a.Paid, at: time.Now()})
		c.order = append(c.order, a.Chat)
		if a.Paid {
			c.paid++
		}
		c.arrived <- a.Chat
		return fmt.Sprintf(`{"ok":true,"result":{"message_id":%d,"chat":{"id":%d,"type":"private"},"text":%q}}`, c.last, a.Chat, "x")
	case "editMessageText", "deleteMessage":
		for _, l := range c.chats[a.Chat] {
			if l.id == a.Message {
				l.edits++
				l.text, l.deleted = a.Text, method == "deleteMessage"
			}
		}
		if method == "deleteMessage" {
			return `{"ok":true,"result":true}`
		}
		return fmt.Sprintf(`{"ok":true,"result":{"message_id":%d,"chat":{"id":%d}}}`, a.Message, a.Chat)
	}
	return `{"ok":true,"result":true}`
}

func (c *inboxes) of(chat int64) (out []letter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.chats[chat] {
		out = append(out, *l)
	}
	return out
}

// requests are when somebody was written to, or tried to be.
func (c *inboxes) requests(chat int64) []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.asked[chat])
}

// told counts the people who have a message with words.
func (c *inboxes) told(words string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, all := range c.chats {
		for _, l := range all {
			if strings.Contains(l.text, words) {
				n++
				break
			}
		}
	}
	return n
}

// edited is how many messages were changed.
func (c *inboxes) edited() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, all := range c.chats {
		for _, l := range all {
			n += min(l.edits, 1)
		}
	}
	return n
}

// takesNot has some words be taken for nobody.
func (c *inboxes) takesNot(words string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.odd = words
}

func (c *inboxes) refusing(f func(chat int64) string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = f
}

// world is a desk, a store, an engine and an audience that is walked to.
type world struct {
	t        testing.TB
	inboxes  *inboxes
	file     string
	url      string // of a store elsewhere
	api      string // of another Telegram than inboxes
	store    *store.Store
	desk     *desk.Desk
	engine   *broadcast.Engine
	walker   *people.Walker
	rate     float64 // 0 is without a limit
	paid     int
	paidRate float64                       // 0 is 1000
	tells    func(context.Context, string) // says something in the rooms; may be nil
	inFlight int
	courier  bots.Courier // in place of the bot's own; may be nil
	resend   bool
	ask      bool
	drill    bool // the audience is for drills
	rules    people.Rules
	public   func(context.Context, incident.Ref, int) (bool, error)
	log      io.Writer                               // in place of the test's; may be nil
	hearing  people.Store                            // in place of store, for what people say; may be nil
	misheard error                                   // how hearing them ends
	counts   *counts                                 // of what the walk asks of the store; may be nil
	between  func(people.WalkStore) people.WalkStore // the walk and the store; may be nil
	stop     context.CancelFunc
	done     chan struct{}
	keys     int
}

// unlimited is a bot at a Telegram that takes whatever comes.
type unlimited struct {
	*telegram.Bot
	bots.Courier
}

// Pack and Deliver are the courier's.
func (u unlimited) Pack(text string) (bots.Parcel, error) { return u.Courier.Pack(text) }

func (u unlimited) Deliver(ctx context.Context, p bots.Parcel, to bots.Address) (int64, error) {
	return u.Courier.Deliver(ctx, p, to)
}

func (u unlimited) Limits() bots.Limits {
	l := u.Bot.Limits()
	l.Account = bots.Pace{}
	return l
}

const bot = "tg"

func newWorld(t testing.TB, rate float64) *world {
	return &world{t: t, inboxes: newInboxes(t), file: filepath.Join(t.TempDir(), "test.db"), rate: rate}
}

// start opens the store and walks, as a process does that starts.
func (w *world) start() {
	w.t.Helper()
	db, err := store.Open(w.t.Context(), cmp.Or(w.url, "sqlite:"+w.file))
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = db
	texts, err := templates.Load("", []string{"en", "zh-Hans"})
	if err != nil {
		w.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(cmp.Or(w.log, w.t.Output()), nil))
	tg, err := telegram.New(telegram.Config{Name: bot, Token: "42:secret", APIURL: cmp.Or(w.api, w.inboxes.URL), Rate: w.rate})
	if err != nil {
		w.t.Fatal(err)
	}
	var account bots.Bot = tg
	if w.rate == 0 {
		account = unlimited{tg, cmp.Or[bots.Courier](w.courier, tg)}
	}
	w.engine, err = broadcast.New(broadcast.Config{Store: db, Texts: texts, Log: log, Lease: 10 * time.Second,
		Accounts: []broadcast.Account{{Name: bot, Platform: "telegram", Bot: account}},
		Policy: broadcast.Policy{Unsure: "ask", Language: "en", Zone: time.UTC,
			Link: func(incident.Ref) string { return "" }, Component: func(id string) string { return id }},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	audience := broadcast.Channel{Name: "people", Account: bot, Platform: "telegram", Language: "en", Audience: true, Drill: w.drill}
	journal, err := people.OpenJournal(w.file + "-walk")
	if err != nil {
		w.t.Fatal(err)
	}
	var kept people.WalkStore = db
	if w.counts != nil {
		w.counts.WalkStore, kept = db, w.counts
	}
	if w.between != nil {
		kept = w.between(kept)
	}
	var ok bool
	w.walker, ok = people.NewWalker(people.WalkerConfig{Channel: audience, Bot: account, Store: kept, Road: w.engine.Road(bot), Journal: journal, Language: "en",
		Rules: w.rules, Resend: w.resend, Ask: w.ask, Paid: w.paid, PaidPace: bots.PaceOf(cmp.Or(w.paidRate, 1000)), InFlight: w.inFlight, Public: w.public, Tell: w.tells, Log: log})
	if !ok {
		w.t.Fatal("Telegram is no courier")
	}
	w.engine.While(bot, w.walker.Run)
	w.engine.While(bot, func(ctx context.Context, _ broadcast.Lease) { w.walker.Count(ctx) })
	w.desk = w.deskOf(audience, w.walker.Look)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	w.stop, w.done = stop, done
	go func() {
		defer close(done)
		w.engine.Run(ctx)
	}()
	w.t.Cleanup(w.halt)
}

// halt stops everything, as a graceful stop does.
func (w *world) halt() {
	if w.stop == nil {
		return
	}
	w.stop()
	<-w.done
	w.stop = nil
	w.store.Close()
}

// subscribe adds people with the ids as chats.
func (w *world) subscribe(change func(*people.Subscriber), chats ...int64) {
	w.t.Helper()
	err := w.store.ChangeSubscribers(w.t.Context(), bot, "", chats, func(was people.Subscriber) *people.Subscriber {
		was.Language, was.All, was.Impact = "en", true, incident.ImpactNone
		if change != nil {
			change(&was)
		}
		return &was
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func numbers(from, to int64) (out []int64) {
	for n := from; n <= to; n++ {
		out = append(out, n)
	}
	return out
}

func (w *world) do(c desk.Command) desk.Answer {
	w.t.Helper()
	w.keys++
	a, err := w.desk.Do(context.WithoutCancel(w.t.Context()), desk.Actor{Name: "Ana", Role: desk.Admin}, fmt.Sprint(time.Now().UnixNano(), w.keys), c)
	if err != nil {
		w.t.Fatalf("%+v: %v", c, err)
	}
	return a
}

func (w *world) publish(words string, impact incident.Impact) {
	w.t.Helper()
	w.do(desk.Open{Kind: incident.Outage, Saying: incident.Saying{Title: "Logins fail", Impact: impact, Body: incident.Text{"en": words},
		Components: map[string]incident.ComponentState{"login": incident.MajorOutage}}})
}

func (w *world) update(ref, words string, status incident.Status) {
	w.t.Helper()
	w.do(desk.Update{Ref: ref, Saying: incident.Saying{Status: status, Body: incident.Text{"en": words}}})
}

// until waits for a condition.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	end := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(end) {
			w.t.Fatalf("after a minute still not: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// idle waits until nothing more is to be told.
func (w *world) idle() {
	w.t.Helper()
	w.until("nothing more to tell", func() bool {
		walks, err := w.store.Walks(context.Background(), "people")
		if err != nil {
			w.t.Fatal(err)
		}
		return len(walks) == 0
	})
}

// want compares what a person has with a line per message: ">" marks a reply
// to his first one, and words must be in that order.
func (w *world) want(chat int64, lines ...string) {
	w.t.Helper()
	all := w.inboxes.of(chat)
	if len(all) != len(lines) {
		w.t.Fatalf("%d has %d messages %+v, want %q", chat, len(all), all, lines)
	}
	for k, line := range lines {
		linked := strings.HasPrefix(line, ">")
		rest := all[k].text
		for part := range strings.SplitSeq(strings.TrimPrefix(line, ">"), " … ") {
			_, after, ok := strings.Cut(rest, part)
			if !ok {
				w.t.Fatalf("message %d of %d is %q, want %q", k+1, chat, all[k].text, line)
			}
			rest = after
		}
		if linked != (all[k].reply == all[0].id) {
			w.t.Fatalf("message %d of %d replies to %d; his first is %d, want a reply: %t", k+1, chat, all[k].reply, all[0].id, linked)
		}
	}
}

// deskOf takes commands, and wakes who tells the audience.
func (w *world) deskOf(audience broadcast.Channel, wake func()) *desk.Desk {
	return desk.New(desk.Config{Store: w.store, Channels: []broadcast.Channel{audience}, Languages: []string{"en", "zh-Hans"}, Language: "en", Zone: time.UTC,
		Components: map[string]string{"login": "Login", "deposits": "Deposits"},
		Wake:       func(map[string][]int64) { wake() }})
}
