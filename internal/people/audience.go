package people

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"golang.org/x/text/language"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// Store keeps subscribers. It is implemented by [*store.Store].
type Store interface {
	// ChangeSubscribers lets change look at the subscribers of some chats, and
	// stores what it makes of them together with the cursor up to which was
	// listened, all in one transaction. What change returns takes the place of
	// what was there. Nil erases the chat with all that names it, also where
	// nobody has subscribed; who was unknown and is returned so stays unknown.
	ChangeSubscribers(ctx context.Context, bot, cursor string, chats []int64, change func(was Subscriber) *Subscriber) error
	MoveSubscriber(ctx context.Context, bot string, from, to int64) error

	// Subscriber is who subscribed in a chat. His ID is 0 where nobody has.
	Subscriber(ctx context.Context, bot string, chat int64) (Subscriber, error)

	// MarkSubscriber records that a chat refused what was sent to it at a time,
	// unless it asked later to be written to.
	MarkSubscriber(ctx context.Context, bot string, chat int64, state State, sent time.Time) error

	// ForgetSubscribers erases who blocked the bot, or is gone, since before
	// that time.
	ForgetSubscribers(ctx context.Context, bot string, before time.Time) (int, error)
}

// Config is the audience of one bot.
type Config struct {
	Account    string
	Bot        bots.Bot
	Store      Store
	Texts      *templates.Set
	Book       BookConfig
	Site       string // name of the service
	Page       string // address of the status page
	Channel    string // address of the public Telegram channel; empty for none
	Language   string // of the site
	Languages  []string
	Zone       *time.Location
	Components []Component

	// Published lists what is open and the newest others, newest first. Drills do
	// not count.
	Published func(ctx context.Context, limit int) ([]*incident.Incident, error)

	// Others are the other bots that speak for us where the audience's does.
	Others []bots.Named

	// Find looks an incident up; nil where there is none.
	Find func(ctx context.Context, ref incident.Ref) (*incident.Incident, error)

	// Walker writes to the audience, and hears at once who left; may be nil.
	Walker *Walker

	// Say sends an answer when it is its turn.
	Say func(ctx context.Context, op bots.Operation) (bots.Receipt, error)

	Log *slog.Logger
}

// An Audience speaks with the subscribers of one bot.
type Audience struct {
	Config
	dialogue *dialogue
	news     *news
	answers  *answers
	hints    seldom
	unclear  seldom // messages that were not understood
	refused  seldom // in which group who is no administrator
	met      seldom // groups that know us
	councils councils

	mu       sync.Mutex
	username string
}

// New returns an audience that does not listen yet.
func New(c Config) *Audience {
	tags := make([]language.Tag, len(c.Languages))
	for i, l := range c.Languages {
		tags[i] = language.Make(l)
	}
	c.Components = toldApart(c.Components)
	a := &Audience{
		Config:   c,
		dialogue: &dialogue{language: c.Language, languages: c.Languages, components: c.Components, matcher: language.NewMatcher(tags)},
		news:     &news{list: c.Published, older: older{find: c.Find}, config: c.Book, names: make([]string, len(c.Others))},
		hints:    seldom{every: hintEvery},
		unclear:  seldom{every: mendFor},
		refused:  seldom{every: refuseEvery},
		met:      seldom{every: metFor},
	}
	if _, ok := c.Bot.(bots.Named); ok {
		a.news.names = append(a.news.names, "")
	}
	a.answers = newAnswers(c.Bot.Limits().Account, a.deliver)
	return a
}

// Username is the name of the bot; empty while it is not known.
func (a *Audience) Username() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.username
}

// Waiting is how many answers wait for their turn.
func (a *Audience) Waiting() int { return a.answers.count() }

// chatID reads a chat's id, which is a number on every platform that has
// audiences.
func chatID(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Left is the state of a chat that refuses to be written to.
func Left(f *bots.Fault) (State, bool) {
	switch {
	case f == nil || f.Kind != bots.Gone || f.Subject != bots.Target:
		return Active, false
	case f.Code == "403" && !deleted(f.Detail):
		return Blocked, true
	}
	return Gone, true
}
