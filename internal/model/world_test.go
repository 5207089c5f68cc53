package model

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/discord"
	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/bots/telegram"
	"github.com/allclear-hq/allclear/bots/twitter"
	"github.com/allclear-hq/allclear/bots/wechat"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store"
	"github.com/allclear-hq/allclear/templates"
)

// The accounts and places of the simulated platforms.
const (
	botToken   = "1000001:telegram-secret"
	dcToken    = "discord-secret"
	robotKey   = "robot-secret"
	tgChannel  = "-1008000000001"
	tgForum    = "-1008000000002"
	dcServer   = "700000000000000001"
	dcChannel  = "700000000000000101"
	dcFlat     = "700000000000000102"
	statusSite = "https://status.example.com/incidents/"
)

var xKeys = sim.XCredentials{ConsumerKey: "consumer", ConsumerSecret: "consumer-secret", AccessToken: "1-access", AccessSecret: "access-secret"}

// channels are all that a script may use.
var channels = map[string]broadcast.Channel{
	"tg":       {Account: "telegram", Platform: "telegram", Target: tgChannel, Pin: true},
	"tg-topic": {Account: "telegram", Platform: "telegram", Target: tgForum, Thread: true},
	"dc":       {Account: "discord", Platform: "discord", Target: dcChannel, Thread: true, Crosspost: true},
	"dc-flat":  {Account: "discord", Platform: "discord", Target: dcFlat, Pin: true},
	"x":        {Account: "x", Platform: "twitter", MentionedOnly: true},
	audience:   {Account: "telegram", Platform: "telegram", Audience: true},
	"wx":       {Account: "wechat", Platform: "wechat"},
}

// world is a site, its platforms and its witness.
type world struct {
	script   script
	url      string // of the database
	texts    *templates.Set
	channels []broadcast.Channel
	sims     *sim.World
	wire     *wire
	db       *store.Store // while there is a life, and on PostgreSQL after a death
	nodes    int          // that began beside others, or after their death
	life     *life        // which began last
	others   []*life      // which began before it
	dir      string       // of the files of its lives
	crowd    *crowd       // nil without subscribers
	stores   int          // to which it was carried
	said     said
	story    []string // what happened, for who looks into a failure
	storyMu  sync.Mutex
	began    time.Time

	mu      sync.Mutex
	armed   *armed
	down    time.Duration        // of who died last
	unreach map[string]time.Time // platforms that refuse connections, until when
	stolen  map[string]time.Time // accounts that another node holds, until when
	lags    map[string]lag       // by account
	forgets int                  // outcomes that are still to fail to be recorded
	missing time.Time            // until when who writes to subscribers cannot reach the database
	witness
}

// life is one life of the process, from its start to its death or stop.
type life struct {
	*world
	store  *store.Store
	engine *broadcast.Engine
	desk   *desk.Desk
	cable  *cable
	walker *people.Walker  // nil without subscribers
	marks  *people.Journal // of walker
	seat   int
	stores int // as of the world when it began
	died   time.Time
	gate   *gate
	stop   context.CancelFunc
	done   chan struct{}
	dead   chan struct{}
	once   sync.Once
}

var errDead = errors.New("the process is dead")

// armed is a death that waits for its boundary.
type armed struct {
	point, place string // place is an account
	left         int    // passes before
	down         time.Duration
	halt         bool // it is only halted, for that long
}

// lag is how long each attempt waits until it can be journalled, and until when:
// much can happen between a decision and its journalling.
type lag struct {
	each  time.Duration
	until time.Time
}

func newWorld(s script, texts *templates.Set, url, dir string) (*world, error) {
	w := &world{script: s, url: url, dir: dir, texts: texts, sims: sim.New(), began: time.Now(),
		unreach: map[string]time.Time{}, stolen: map[string]time.Time{}, lags: map[string]lag{}}
	w.witness = newWitness(w)
	for _, name := range s.Channels {
		ch := channels[name]
		ch.Name, ch.Language = name, "en"
		w.channels = append(w.channels, ch)
	}
	w.sims.Telegram.AddBot(botToken, "example_status_bot")
	var rights sim.Membership
	if s.Modest {
		rights.Denied = []string{"can_edit_messages"}
	}
	if err := w.sims.Telegram.AddPerson(sim.TelegramPerson{ID: "9", Name: "Colleague"}); err != nil {
		return nil, err
	}
	for _, c := range []sim.TelegramChat{{ID: tgChannel, Type: "channel", Title: "Status", Bot: rights, Admins: []string{"9"}}, {ID: tgForum, Type: "supergroup", Forum: true}} {
		if _, err := w.sims.Telegram.AddChat(c); err != nil {
			return nil, err
		}
	}
	w.sims.Discord.Guild = dcServer
	w.sims.Discord.AddBot(dcToken, "example-status")
	w.sims.Discord.AddChannel(dcChannel, "status", sim.DiscordAnnouncement)
	w.sims.Discord.AddChannel(dcFlat, "flat", sim.DiscordText)
	for _, ch := range []string{dcChannel, dcFlat} { // a channel without any message would look as if it could not be read
		if _, err := w.sims.Discord.Say(ch, "9", "Welcome."); err != nil {
			return nil, err
		}
	}
	w.sims.X.AddAccount("ExampleStatus", xKeys)
	w.sims.X.TimelineDelay = time.Duration(s.Hidden)
	w.sims.WeChat.AddRobot(robotKey)
	w.sims.Strict(true)
	if s.Crowd > 0 && slices.Contains(s.Channels, audience) {
		var err error
		if w.crowd, err = newCrowd(w, s.Crowd); err != nil {
			return nil, err
		}
	}
	w.wire = newWire(w)
	return w, nil
}

// accounts makes the real adapters, each reaching its simulator.
func accounts(used []broadcast.Channel) ([]broadcast.Account, error) {
	makers := map[string]func() (bots.Bot, error){
		"telegram": func() (bots.Bot, error) {
			return telegram.New(telegram.Config{Name: "telegram", Token: botToken, APIURL: "http://127.0.0.1:1/telegram"})
		},
		"discord": func() (bots.Bot, error) {
			return discord.New(discord.Config{Name: "discord", Token: dcToken, Guild: dcServer, APIURL: "http://127.0.0.1:2/discord/api/v9"})
		},
		"x": func() (bots.Bot, error) {
			return twitter.New(twitter.Config{Name: "x", ConsumerKey: xKeys.ConsumerKey, ConsumerSecret: xKeys.ConsumerSecret, AccessToken: xKeys.AccessToken, AccessSecret: xKeys.AccessSecret, APIURL: "http://127.0.0.1:3/x"})
		},
		"wechat": func() (bots.Bot, error) {
			return wechat.New(wechat.Config{Name: "wechat", Key: robotKey, APIURL: "http://127.0.0.1:4/wechat"})
		},
	}
	var out []broadcast.Account
	done := map[string]bool{}
	for _, ch := range used {
		if done[ch.Account] {
			continue
		}
		done[ch.Account] = true
		bot, err := makers[ch.Account]()
		if err != nil {
			return nil, err
		}
		out = append(out, broadcast.Account{Name: ch.Account, Platform: ch.Platform, Bot: bot})
	}
	return out, nil
}

// start begins a life of the process on the database as it is, beside those
// that are halted.
func (w *world) start() error {
	db, err := w.database()
	if err != nil {
		return err
	}
	l := &life{world: w, store: db, seat: w.freeSeat(), stores: w.stores, gate: newGate(), dead: make(chan struct{}), done: make(chan struct{})}
	l.cable = newCable(l)
	ours, err := accounts(w.channels)
	if err != nil {
		return err
	}
	l.engine, err = broadcast.New(broadcast.Config{
		Store: &journal{Store: db, life: l}, Accounts: ours, Channels: public(w.channels), Texts: w.texts, Log: slog.New(slog.DiscardHandler),
		Lease: w.script.lease(),
		Policy: broadcast.Policy{
			Unsure: w.script.Unsure, EditOnly: w.script.EditOnly, Language: "en", Zone: time.UTC, NoStaleNews: 10 * time.Minute,
			Link:      func(r incident.Ref) string { return statusSite + r.String() },
			Component: func(id string) string { return id },
		},
	})
	if err != nil {
		return err
	}
	l.desk = desk.New(desk.Config{Store: &deskStore{Store: db, life: l}, Reader: db, Channels: w.channels, Languages: []string{"en"}, Language: "en",
		Zone: time.UTC, Wake: l.wake, Obeyed: l.obeyed})
	if w.crowd != nil {
		k := slices.IndexFunc(ours, func(a broadcast.Account) bool { return a.Name == "telegram" })
		if err := w.crowd.join(l, ours[k]); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancel(bots.DialWith(context.Background(), l.cable.dial))
	l.stop = stop
	go func() {
		defer close(l.done)
		l.engine.Run(ctx)
	}()
	w.mu.Lock()
	w.life = l
	w.mu.Unlock()
	return nil
}

// public leaves out the audience.
func public(all []broadcast.Channel) []broadcast.Channel {
	return slices.DeleteFunc(slices.Clone(all), func(ch broadcast.Channel) bool { return ch.Audience })
}

// wake has everything looked at that a command may have changed.
func (l *life) wake(lanes map[string][]int64) {
	if l.walker != nil {
		l.walker.Look()
	}
	l.engine.Wake(lanes)
}

// database is the database as a node sees it that begins.
func (w *world) database() (db *store.Store, err error) {
	if w.db != nil {
		w.nodes++
		return w.db.AsNode(fmt.Sprintf("another %d", w.nodes)), nil
	}
	w.db, err = store.Open(context.Background(), w.url, store.ByOwnClock)
	return w.db, err
}

// die ends the process where it stands: nothing is written any more, neither
// to the database nor to a socket.
func (l *life) die() {
	l.once.Do(func() {
		l.died = time.Now()
		close(l.dead)
		l.cable.tear()
		l.gate.end()
		l.stop()
	})
}

// end waits until nothing of the life is left.
func (l *life) end() {
	l.stop()
	<-l.done
	l.cable.tear()
	if l.marks != nil {
		l.marks.Close()
		l.marks = nil
	}
}

// endAll waits until no life is left.
func (w *world) endAll() error {
	w.dismiss()
	w.life.gate.open()
	w.life.end()
	if w.life.gone() && w.db.Shared() {
		return nil // who is killed does not take leave
	}
	return w.closeDatabase()
}

func (w *world) closeDatabase() error {
	db := w.db
	w.db = nil
	return db.Close()
}

// restart has the next life begin, after a while.
func (w *world) restart(down time.Duration) error {
	if err := w.endAll(); err != nil {
		return err
	}
	w.tell("down for %v", down)
	time.Sleep(down)
	w.tell("up again")
	return w.start()
}

// boundary is passed by whoever crosses one. It reports whether the process
// died there.
func (l *life) boundary(point, account string) bool {
	l.mu.Lock()
	a := l.armed
	hit := a != nil && a.point == point && (a.place == account || account == "")
	if hit && a.left > 0 {
		a.left--
		hit = false
	}
	if hit {
		l.armed, l.down = nil, a.down
	}
	if hit && a.halt {
		hit = false
		l.tell("halts: %s", point)
		l.gate.halt(a.down)
	}
	l.mu.Unlock()
	if hit {
		l.tell("dies: %s", point)
		l.die()
	}
	return hit
}

// pass lets time go by, starts the process again when it died, and another when
// it is halted.
func (w *world) pass(d time.Duration) error {
	until := time.Now().Add(d)
	for {
		timer := time.NewTimer(time.Until(until))
		select {
		case <-timer.C:
			return nil
		case <-w.life.dead:
			timer.Stop()
			if err := w.revive(); err != nil {
				return err
			}
		case <-w.life.gate.halted:
			timer.Stop()
			if err := w.succeed(); err != nil {
				return err
			}
		}
	}
}

// revive starts the process again after its death, unless others live.
func (w *world) revive() error {
	w.mu.Lock()
	down := w.down
	w.mu.Unlock()
	if w.bequeath() {
		return nil
	}
	return w.restart(down)
}

func (w *world) away(platform string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Before(w.unreach[platform])
}

// tell notes what happens.
func (w *world) tell(format string, args ...any) {
	w.storyMu.Lock()
	defer w.storyMu.Unlock()
	w.story = append(w.story, fmt.Sprintf("%10v ", time.Since(w.began).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}
