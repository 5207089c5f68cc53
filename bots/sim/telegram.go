package sim

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Telegram simulates the Bot API, with the answers of Telegram's own server
// (tdlib/telegram-bot-api): "/bot<token>/<method>".
//
// Chats, bots and people are set up with AddBot, AddChat and AddPerson, or come
// into being when they are first mentioned if AutoCreate is set. A chat is named
// by its id, its @username or, for a conversation with a bot, by the person's
// id. With several bots "<bot id>/<person id>" names the conversation with
// one that is not the first.
type Telegram struct {
	Faults     Faults
	AutoCreate bool             // unknown chats and people are made on demand
	Limits     TelegramLimits   // the zero value is no limits; see Strict
	Clock      func() time.Time // time.Now unless a test sets it

	changed func()
	methods map[string]tgMethod

	mu         sync.Mutex
	registered bool // only tokens given to AddBot are known
	bots       []*tgBot
	chats      map[int64]*tgChat // without the conversations, which belong to bots
	names      map[string]int64  // lower-case username → chat
	people     map[int64]*tgPerson
	lastChat   int64 // for chats made on demand
	callbacks  map[string]*tgPress
	presses    int
}

// TelegramLimits are the limits of core.telegram.org/bots/faq, "My bot is
// hitting limits"; a call beyond them is refused with 429. 0 is no limit.
type TelegramLimits struct {
	Account int // messages and edits of one bot in any second; 30 there
	Paid    int // the same for those with allow_paid_broadcast; 1000 there
	Group   int // messages into one group or channel in any minute; 20 there

	// Broke bots have no Stars. What is to be paid then counts as what is not: how
	// Telegram refuses it is documented nowhere.
	Broke bool
}

// Strict switches the real limits on or off.
func (t *Telegram) Strict(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Limits = TelegramLimits{}
	if on {
		t.Limits = TelegramLimits{Account: 30, Paid: 1000, Group: 20}
	}
}

// tgMethod carries out a call. The simulator is locked meanwhile.
type tgMethod func(*tgCall) (any, error)

// A tgCall is one call of a method by one bot.
type tgCall struct {
	*Telegram
	bot *tgBot
	p   tgParams
	r   *http.Request
}

// NewTelegram returns a Telegram without chats. Until a bot is added it takes
// every token that has the right shape.
func NewTelegram() *Telegram {
	t := &Telegram{
		Clock:     time.Now,
		chats:     make(map[int64]*tgChat),
		names:     make(map[string]int64),
		people:    make(map[int64]*tgPerson),
		callbacks: make(map[string]*tgPress),
		lastChat:  -1001000000000,
	}
	t.methods = tgMethods()
	return t
}

// tgMethods is every simulated method. The real server ignores the case of names.
func tgMethods() map[string]tgMethod {
	return map[string]tgMethod{
		"getme":                  (*tgCall).getMe,
		"getmystarbalance":       (*tgCall).getMyStarBalance,
		"getupdates":             (*tgCall).getUpdates,
		"setwebhook":             (*tgCall).setWebhook,
		"deletewebhook":          (*tgCall).deleteWebhook,
		"getwebhookinfo":         (*tgCall).getWebhookInfo,
		"sendmessage":            (*tgCall).sendMessage,
		"forwardmessage":         (*tgCall).forwardMessage,
		"copymessage":            (*tgCall).copyMessage,
		"editmessagetext":        (*tgCall).editMessageText,
		"editmessagereplymarkup": (*tgCall).editMessageReplyMarkup,
		"deletemessage":          (*tgCall).deleteMessage,
		"deletemessages":         (*tgCall).deleteMessages,
		"pinchatmessage":         (*tgCall).pinChatMessage,
		"unpinchatmessage":       (*tgCall).unpinChatMessage,
		"createforumtopic":       (*tgCall).createForumTopic,
		"editforumtopic":         (*tgCall).editForumTopic,
		"closeforumtopic":        (*tgCall).closeForumTopic,
		"reopenforumtopic":       (*tgCall).reopenForumTopic,
		"answercallbackquery":    (*tgCall).answerCallbackQuery,
		"setmycommands":          (*tgCall).setMyCommands,
		"getmycommands":          (*tgCall).getMyCommands,
		"deletemycommands":       (*tgCall).deleteMyCommands,
		"getchat":                (*tgCall).getChat,
		"getchatmember":          (*tgCall).getChatMember,
		"getchatadministrators":  (*tgCall).getChatAdministrators,
		"leavechat":              (*tgCall).leaveChat,
	}
}

// ServeHTTP answers as api.telegram.org would.
func (t *Telegram) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.Faults.play(w, r, t.refuse, func(w http.ResponseWriter, r *http.Request) {
		result, err := t.call(r)
		writeTelegram(w, result, err)
	})
}

func (t *Telegram) call(r *http.Request) (any, error) {
	token, name, ok := tgPath(r.URL.Path)
	if !ok {
		return nil, &tgError{code: http.StatusNotFound, text: "Not Found"}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return nil, &tgError{code: http.StatusMethodNotAllowed, text: "Method Not Allowed: closing"}
	}
	p, err := readTgParams(r)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	bot := t.authorize(token)
	if bot == nil {
		return nil, &tgError{code: http.StatusUnauthorized, text: "Unauthorized"}
	}
	method, ok := t.methods[strings.ToLower(name)]
	if !ok {
		return nil, &tgError{code: http.StatusNotFound, text: "Not Found: method not found"}
	}
	return method(&tgCall{Telegram: t, bot: bot, p: p, r: r})
}

// tgPath splits "/bot<token>/<method>"; a token is a bot's id, a colon and a secret.
func tgPath(path string) (token, method string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/bot")
	token, method, found := strings.Cut(rest, "/")
	id, secret, colon := strings.Cut(token, ":")
	n, err := strconv.ParseInt(id, 10, 64)
	ok = ok && found && colon && err == nil && n > 0 && secret != ""
	return token, method, ok
}

// A tgError is a refusal in Telegram's words.
type tgError struct {
	code       int
	text       string
	retryAfter int   // seconds, for 429
	migrateTo  int64 // for 400 about a group that is a supergroup now
}

func (e *tgError) Error() string { return e.text }

func tgBad(format string, args ...any) error {
	return &tgError{code: http.StatusBadRequest, text: "Bad Request: " + fmt.Sprintf(format, args...)}
}

func tgForbidden(format string, args ...any) error {
	return &tgError{code: http.StatusForbidden, text: "Forbidden: " + fmt.Sprintf(format, args...)}
}

func tgTooMany(wait time.Duration) *tgError {
	s := max(1, int(math.Ceil(wait.Seconds())))
	return &tgError{code: http.StatusTooManyRequests, text: fmt.Sprintf("Too Many Requests: retry after %d", s), retryAfter: s}
}

// refuse answers a scripted fault.
func (t *Telegram) refuse(w http.ResponseWriter, _ *http.Request, f Fault) {
	e := &tgError{code: f.Status}
	switch f.Status {
	case http.StatusTooManyRequests:
		e = tgTooMany(time.Duration(f.RetryAfter))
	case http.StatusBadRequest:
		e.text = "Bad Request: chat not found"
	case http.StatusForbidden:
		e.text = "Forbidden: bot was kicked from the channel chat"
	case http.StatusConflict:
		e.text = tgConflict
	case 0:
		e.code = http.StatusInternalServerError
		fallthrough
	default:
		e.text = http.StatusText(e.code)
	}
	if f.Message != "" {
		e.text = f.Message
	}
	if to, err := strconv.ParseInt(f.Code, 10, 64); err == nil && to < 0 {
		e.migrateTo = to // the one error that carries more than words
	}
	writeTelegram(w, nil, e)
}

// writeTelegram writes the answer to a call; err is nil or a *tgError.
func writeTelegram(w http.ResponseWriter, result any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err == nil {
		writeJSON(w, map[string]any{"ok": true, "result": result})
		return
	}
	e := err.(*tgError)
	body := struct {
		OK          bool             `json:"ok"`
		Code        int              `json:"error_code"`
		Description string           `json:"description"`
		Parameters  map[string]int64 `json:"parameters,omitempty"`
	}{Code: e.code, Description: e.text}
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.retryAfter))
		body.Parameters = map[string]int64{"retry_after": int64(e.retryAfter)}
	}
	if e.migrateTo != 0 {
		body.Parameters = map[string]int64{"migrate_to_chat_id": e.migrateTo}
	}
	w.WriteHeader(e.code)
	writeJSON(w, body)
}

// writeJSON writes v without turning <, > and & into escapes.
func writeJSON(w http.ResponseWriter, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(v) // an error means that the client is gone
}

// Seen is what the followers of a chat see, oldest first, deleted messages
// included and flagged. An empty chat means all chats.
func (t *Telegram) Seen(chat string) []Seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	var seen []Seen
	for _, c := range t.matching(chat) {
		seen = append(seen, c.seen()...)
	}
	slices.SortStableFunc(seen, func(a, b Seen) int { return a.At.Compare(b.At) })
	return seen
}
