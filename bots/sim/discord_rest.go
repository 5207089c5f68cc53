package sim

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A discordCall is one request, its body already read.
type discordCall struct {
	*http.Request
	me   *discordUser // nil where no token is needed
	body []byte
}

// A discordAnswer is a status and what is sent as JSON; a nil body sends none.
type discordAnswer struct {
	status int
	body   any
}

// A discordError is an error body (Reference, "Error Messages").
type discordError struct {
	Message string         `json:"message"`
	Code    int            `json:"code"`
	Errors  map[string]any `json:"errors,omitempty"`
}

func (d *Discord) routes() *http.ServeMux {
	mux := http.NewServeMux()
	bot := func(pattern string, h func(*discordCall) discordAnswer) {
		mux.HandleFunc(pattern, d.serve(pattern, true, h))
	}
	open := func(pattern string, h func(*discordCall) discordAnswer) {
		mux.HandleFunc(pattern, d.serve(pattern, false, h))
	}
	open("GET /gateway", d.getGateway)
	bot("GET /gateway/bot", d.getGatewayBot)
	bot("GET /users/@me", func(c *discordCall) discordAnswer { return discordOK(c.me) })
	bot("POST /users/@me/channels", d.openDirect)
	bot("GET /oauth2/applications/@me", d.getApplication)
	bot("GET /applications/@me", d.getApplication)
	bot("GET /guilds/{guild}", d.getGuild)
	bot("GET /channels/{channel}", d.getChannel)
	bot("GET /channels/{channel}/messages", d.listMessages)
	bot("POST /channels/{channel}/messages", d.createMessage)
	bot("GET /channels/{channel}/messages/{message}", d.getMessage)
	bot("PATCH /channels/{channel}/messages/{message}", d.editMessage)
	bot("DELETE /channels/{channel}/messages/{message}", d.deleteMessage)
	bot("POST /channels/{channel}/messages/{message}/threads", d.startThread)
	bot("POST /channels/{channel}/messages/{message}/crosspost", d.crosspost)
	bot("PUT /channels/{channel}/pins/{message}", d.pin)
	bot("PUT /channels/{channel}/messages/pins/{message}", d.pin)
	bot("DELETE /channels/{channel}/pins/{message}", d.unpin)
	bot("DELETE /channels/{channel}/messages/pins/{message}", d.unpin)
	bot("PUT /applications/{app}/commands", d.putCommands)
	bot("GET /applications/{app}/commands", d.listCommands)
	bot("PUT /applications/{app}/guilds/{guild}/commands", d.putCommands)
	bot("GET /applications/{app}/guilds/{guild}/commands", d.listCommands)
	open("POST /interactions/{id}/{token}/callback", d.answerInteraction)
	open("POST /webhooks/{app}/{token}", d.followUp)
	open("GET /webhooks/{app}/{token}/messages/{message}", d.getAnswer)
	open("PATCH /webhooks/{app}/{token}/messages/{message}", d.editAnswer)
	open("DELETE /webhooks/{app}/{token}/messages/{message}", d.deleteAnswer)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		discordRefuse(404, 0, "404: Not Found").write(w)
	})
	return mux
}

// ServeHTTP answers as Discord would, at /api/v9/…, /api/v10/… or without a
// version, and serves the gateway at /gateway-ws.
func (d *Discord) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.Faults.play(w, r, d.refuse, d.route)
}

func (d *Discord) route(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(strings.TrimSuffix(r.URL.Path, "/"), "/gateway-ws") {
		d.serveGateway(w, r)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/api")
	if v, rest, ok := strings.Cut(strings.TrimPrefix(path, "/v"), "/"); ok && strings.HasPrefix(path, "/v") {
		if v != "9" && v != "10" {
			discordRefuse(400, 50041, "Invalid API version").write(w)
			return
		}
		path = "/" + rest
	}
	r2 := r.Clone(r.Context())
	r2.URL.Path, r2.URL.RawPath = path, ""
	d.mux.ServeHTTP(w, r2)
}

// serve reads the request and answers it. What a request changes is done
// before its answer leaves.
func (d *Discord) serve(pattern string, needsBot bool, h func(*discordCall) discordAnswer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			discordRefuse(413, 40005, "Request entity too large").write(w)
			return
		}
		answer := d.answer(w, &discordCall{Request: r, body: body}, pattern, needsBot, h)
		if r.Method != http.MethodGet {
			notify(d.changed)
		}
		answer.write(w)
	}
}

// answer checks the token and the limits, and runs h with the world held still.
func (d *Discord) answer(w http.ResponseWriter, c *discordCall, pattern string, needsBot bool, h func(*discordCall) discordAnswer) discordAnswer {
	d.mu.Lock()
	defer d.mu.Unlock()
	c.me = d.botOf(c.Header.Get("Authorization"))
	if !needsBot {
		return h(c)
	}
	if c.me == nil {
		return discordRefuse(401, 0, "401: Unauthorized")
	}
	if refusal, limited := d.limited(w.Header(), c, pattern); limited {
		return refusal
	}
	return h(c)
}

// botOf finds the bot that an Authorization header or IDENTIFY names.
func (d *Discord) botOf(auth string) *discordUser {
	token, ok := strings.CutPrefix(auth, "Bot ")
	if !ok || token == "" {
		return nil
	}
	if len(d.bots) > 0 {
		return d.bots[token]
	}
	const anyone = "700000000000000002"
	if d.users[anyone] == nil {
		d.users[anyone] = &discordUser{ID: anyone, Username: "bot", Discriminator: "0", Bot: true}
	}
	return d.users[anyone]
}

func discordOK(body any) discordAnswer { return discordAnswer{http.StatusOK, body} }

func discordNoContent() discordAnswer { return discordAnswer{http.StatusNoContent, nil} }

func discordRefuse(status, code int, message string) discordAnswer {
	return discordAnswer{status, discordError{Message: message, Code: code}}
}

// discordKnown is a refusal in Discord's own words (Opcodes and Status Codes,
// "JSON Error Codes").
func discordKnown(code int) discordAnswer {
	known := map[int]struct {
		status  int
		message string
	}{
		10003: {404, "Unknown Channel"}, 10004: {404, "Unknown Guild"}, 10008: {404, "Unknown Message"},
		10002: {404, "Unknown Application"}, 10015: {404, "Unknown Webhook"}, 10062: {404, "Unknown interaction"},
		20022: {429, "This message cannot be edited due to announcement rate limits."},
		20028: {429, "The channel you are writing has hit the write rate limit."},
		40033: {400, "This message has already been crossposted."}, 40060: {400, "Interaction has already been acknowledged."},
		50001: {403, "Missing Access"}, 50005: {403, "Cannot edit a message authored by another user"},
		50007: {403, "Cannot send messages to this user"}, 50033: {400, "Invalid Recipient(s)"},
		50006: {400, "Cannot send an empty message"}, 50013: {403, "Missing Permissions"},
		50024: {400, "Cannot execute action on this channel type"}, 50027: {401, "Invalid Webhook Token"},
		50068: {400, "Invalid message type"}, 50083: {400, "Thread is archived"},
		50109: {400, "The request body contains invalid JSON."}, 130000: {503, "API resource is currently overloaded. Try again a little later"},
		160002: {403, "Cannot reply without permission to read message history"},
		160004: {400, "A thread has already been created for this message"}, 160005: {403, "Thread is locked"},
	}[code]
	return discordRefuse(known.status, code, known.message)
}

// discordInvalid is a refusal of one field: path is its place in the body.
func discordInvalid(code, message string, path ...string) discordAnswer {
	inner := map[string]any{"_errors": []map[string]string{{"code": code, "message": message}}}
	for _, name := range slices.Backward(path) {
		inner = map[string]any{name: inner}
	}
	return discordAnswer{400, discordError{Message: "Invalid Form Body", Code: 50035, Errors: inner}}
}

func (a discordAnswer) failed() bool { return a.status >= 300 }

func (a discordAnswer) write(w http.ResponseWriter) {
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	json.NewEncoder(w).Encode(a.body)
}

// decode reads a JSON body into v. Fields that Discord does not know are
// ignored, as there; a field of the wrong type is refused.
func (c *discordCall) decode(v any) (discordAnswer, bool) {
	if ct := c.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
		return discordInvalid("CONTENT_TYPE_INVALID", `Expected "Content-Type" header to be one of {'application/json'}.`), false
	}
	err := json.Unmarshal(c.body, v)
	if te, ok := err.(*json.UnmarshalTypeError); ok {
		return discordInvalid("BASE_TYPE_BAD_TYPE", "Value has the wrong type.", strings.Split(te.Field, ".")...), false
	}
	if err != nil {
		return discordKnown(50109), false
	}
	return discordAnswer{}, true
}

func (d *Discord) getApplication(c *discordCall) discordAnswer {
	return discordOK(map[string]any{"id": c.me.ID, "name": c.me.Username, "description": "", "bot_public": false, "flags": 0})
}

func (d *Discord) getGuild(c *discordCall) discordAnswer {
	if c.PathValue("guild") != d.Guild {
		return discordKnown(10004)
	}
	return discordOK(d.guildJSON())
}

func (d *Discord) guildJSON() map[string]any {
	return map[string]any{"id": d.Guild, "name": "Simulated server", "owner_id": "1", "roles": []any{}, "emojis": []any{}, "features": []string{"NEWS"}}
}

func (d *Discord) getChannel(c *discordCall) discordAnswer {
	ch, refusal := d.channel(c)
	if ch == nil {
		return refusal
	}
	return discordOK(d.channelJSON(ch))
}

// channel finds the channel of a request, if the bot may see it.
func (d *Discord) channel(c *discordCall) (*discordChannel, discordAnswer) {
	ch := d.channels[c.PathValue("channel")]
	if ch == nil {
		return nil, discordKnown(10003)
	}
	if d.denied(ch, "VIEW_CHANNEL") {
		return nil, discordKnown(50001)
	}
	return ch, discordAnswer{}
}

// denied reports whether bots lack a permission; threads inherit from their
// channel.
func (d *Discord) denied(ch *discordChannel, permission string) bool {
	if parent := d.channels[ch.parent]; parent != nil && parent.denied[permission] {
		return true
	}
	return ch.denied[permission]
}

func (d *Discord) channelJSON(ch *discordChannel) map[string]any {
	if ch.recipient != nil {
		return map[string]any{"id": ch.id, "type": ch.kind, "recipients": []any{ch.recipient}, "last_message_id": nil}
	}
	v := map[string]any{"id": ch.id, "type": ch.kind, "name": ch.name, "guild_id": d.Guild}
	if !ch.isThread() {
		v["permission_overwrites"] = []any{}
		return v
	}
	v["parent_id"], v["owner_id"] = ch.parent, ch.owner
	v["thread_metadata"] = map[string]any{
		"archived": false, "locked": ch.locked, "auto_archive_duration": ch.archiveAfter,
		"archive_timestamp": discordTime(time.Now()),
	}
	return v
}

func (d *Discord) channelsJSON(threads bool) []map[string]any {
	list := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(d.channels)) {
		if ch := d.channels[id]; ch.isThread() == threads && ch.recipient == nil {
			list = append(list, d.channelJSON(ch))
		}
	}
	return list
}

func discordTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

// refuse answers a scripted fault as Discord would. For a 429 the code may be
// "global" or "shared" to say whose limit it is.
func (d *Discord) refuse(w http.ResponseWriter, r *http.Request, f Fault) {
	code, _ := strconv.Atoi(f.Code)
	if f.Status == http.StatusTooManyRequests {
		discordTooMany(w.Header(), f.Code, code, time.Duration(f.RetryAfter)).write(w)
		return
	}
	a := discordKnown(code)
	message := f.Message
	if message == "" {
		message = a.body.(discordError).Message
	}
	if message == "" {
		message = strconv.Itoa(f.Status) + ": " + http.StatusText(f.Status)
	}
	status := f.Status
	if status == 0 {
		status = max(a.status, 400)
	}
	discordRefuse(status, code, message).write(w)
}
