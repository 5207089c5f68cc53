package sim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Gateway opcodes (Topics, Opcodes and Status Codes).
const (
	opDispatch       = 0
	opHeartbeat      = 1
	opIdentify       = 2
	opPresence       = 3
	opVoiceState     = 4
	opResume         = 6
	opReconnect      = 7
	opRequestMembers = 8
	opInvalidSession = 9
	opHello          = 10
	opHeartbeatAck   = 11
)

// Gateway intents (Events, Gateway).
const (
	intentGuilds         = 1 << 0
	intentGuildMessages  = 1 << 9
	intentDirectMessages = 1 << 12
	intentMessageContent = 1 << 15
)

// A Mischief is what one connection to the gateway does wrong. A refused
// upgrade is a [Fault] that matches "/gateway-ws".
type Mischief string

// The mischiefs.
const (
	NoHello   Mischief = "no-hello"   // the socket opens and nothing ever comes
	NoReady   Mischief = "no-ready"   // IDENTIFY and RESUME are never answered
	NoAcks    Mischief = "no-acks"    // heartbeats are never acknowledged
	NoSession Mischief = "no-session" // RESUME is answered with INVALID_SESSION
)

type discordGateway struct {
	sessions map[string]*discordSession
	conns    []*discordConn
	script   []Mischief
}

// A discordSession outlives its connections, so that it can be resumed.
type discordSession struct {
	id      string
	bot     *discordUser
	intents int
	sent    []discordFrame // every dispatch; the sequence number is the index + 1
	conn    *discordConn   // nil while not connected
}

// A discordFrame is a message of the gateway.
type discordFrame struct {
	Op   int     `json:"op"`
	Data any     `json:"d"`
	Seq  *int    `json:"s"`
	Type *string `json:"t"`
}

// A discordConn is one socket. Its queue is guarded by Discord.mu and emptied
// by its own writer, so that a slow reader holds up nobody.
type discordConn struct {
	ws        *websocket.Conn
	resumeURL string
	mischief  Mischief
	session   *discordSession
	queue     []discordFrame
	wake      chan struct{}
}

// Misbehave scripts what the next connections do wrong, one each; "" is
// nothing.
func (d *Discord) Misbehave(script ...Mischief) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gateway.script = append(d.gateway.script, script...)
}

// Connected reports how many bots have a working session on the gateway.
func (d *Discord) Connected() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, s := range d.gateway.sessions {
		if s.conn != nil {
			n++
		}
	}
	return n
}

// Drop cuts all sockets without a word. The sessions can be resumed.
func (d *Discord) Drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.gateway.conns {
		c.ws.UnderlyingConn().Close()
	}
}

// AskToReconnect tells all connected bots to connect again and resume.
func (d *Discord) AskToReconnect() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.gateway.conns {
		c.push(discordFrame{Op: opReconnect})
	}
}

// ForgetSessions makes it impossible to resume.
func (d *Discord) ForgetSessions() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.gateway.sessions)
}

// defaultGatewayURL is the gateway under the prefix that the request came by.
func defaultGatewayURL(r *http.Request) string {
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	prefix, _, found := strings.Cut(asked, "/api/")
	if !found {
		prefix = strings.TrimSuffix(strings.TrimSuffix(asked, "/bot"), "/gateway")
	}
	return gatewayScheme(r) + "://" + r.Host + prefix + "/gateway-ws"
}

func gatewayScheme(r *http.Request) string {
	if r.TLS != nil {
		return "wss"
	}
	return "ws"
}

func (d *Discord) getGateway(c *discordCall) discordAnswer {
	return discordOK(map[string]string{"url": d.GatewayURL(c.Request)})
}

func (d *Discord) getGatewayBot(c *discordCall) discordAnswer {
	return discordOK(map[string]any{"url": d.GatewayURL(c.Request), "shards": 1, "session_start_limit": map[string]int{
		"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1,
	}})
}

// serveGateway is one connection from upgrade to end.
func (d *Discord) serveGateway(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	defer ws.Close()
	q := r.URL.Query()
	if v := q.Get("v"); v != "" && v != "9" && v != "10" {
		closeWith(ws, 4012, "Invalid API version.")
		return
	}
	if e := q.Get("encoding"); e != "" && e != "json" {
		closeWith(ws, 4002, "Error while decoding payload.")
		return
	}
	resumeURL := *r.URL
	resumeURL.Scheme, resumeURL.Host, resumeURL.RawQuery = gatewayScheme(r), r.Host, ""
	resumeURL.Path, _, _ = strings.Cut(r.RequestURI, "?")
	d.attend(&discordConn{ws: ws, resumeURL: resumeURL.String(), wake: make(chan struct{}, 1)})
}

// attend keeps a connection from its HELLO until it ends.
func (d *Discord) attend(c *discordConn) {
	d.mu.Lock()
	d.gateway.conns = append(d.gateway.conns, c)
	if script := d.gateway.script; len(script) > 0 {
		c.mischief, d.gateway.script = script[0], script[1:]
	}
	if c.mischief != NoHello {
		c.push(discordFrame{Op: opHello, Data: map[string]any{"heartbeat_interval": d.Heartbeat.Milliseconds()}})
	}
	d.mu.Unlock()

	done, written := make(chan struct{}), make(chan struct{})
	go func() { defer close(written); d.write(c, done) }()
	d.listen(c)
	d.leave(c)
	notify(d.changed)
	close(done)
	<-written
}

func (d *Discord) leave(c *discordConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gateway.conns = slices.DeleteFunc(d.gateway.conns, func(x *discordConn) bool { return x == c })
	if c.session != nil && c.session.conn == c {
		c.session.conn = nil
	}
}

// push queues a frame; d.mu is held.
func (c *discordConn) push(f discordFrame) {
	c.queue = append(c.queue, f)
	select {
	case c.wake <- struct{}{}:
	default: // the writer will see this frame with the one before
	}
}

// write sends what is queued until done. A write that fails cuts the socket,
// which ends the listening too.
func (d *Discord) write(c *discordConn, done <-chan struct{}) {
	for {
		select {
		case <-c.wake:
		case <-done:
			return
		}
		d.mu.Lock()
		queue := c.queue
		c.queue = nil
		d.mu.Unlock()
		for _, f := range queue {
			c.ws.SetWriteDeadline(time.Now().Add(10 * time.Second))
			if c.ws.WriteJSON(f) != nil {
				c.ws.Close()
				return
			}
		}
	}
}

// listen reads what the client sends until the socket ends. A client that
// sends no heartbeats is cut off.
func (d *Discord) listen(c *discordConn) {
	for {
		c.ws.SetReadDeadline(time.Now().Add(2 * d.Heartbeat))
		_, message, err := c.ws.ReadMessage()
		if websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway) {
			d.forget(c) // Events, Gateway: these two codes end the session
		}
		if err != nil {
			return
		}
		var in struct {
			Op   int             `json:"op"`
			Data json.RawMessage `json:"d"`
		}
		if len(message) > 4096 || json.Unmarshal(message, &in) != nil {
			closeWith(c.ws, 4002, "Error while decoding payload.")
			return
		}
		d.mu.Lock()
		code, reason := d.hear(c, in.Op, in.Data)
		d.mu.Unlock()
		notify(d.changed)
		if code != 0 {
			closeWith(c.ws, code, reason)
			return
		}
	}
}

func (d *Discord) forget(c *discordConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.session != nil {
		delete(d.gateway.sessions, c.session.id)
	}
}

// hear answers one payload, or says with which code to close.
func (d *Discord) hear(c *discordConn, op int, data json.RawMessage) (int, string) {
	switch op {
	case opHeartbeat:
		if c.mischief != NoAcks && c.mischief != NoHello {
			c.push(discordFrame{Op: opHeartbeatAck})
		}
	case opIdentify:
		return d.identify(c, data)
	case opResume:
		return d.resume(c, data)
	case opPresence, opVoiceState, opRequestMembers:
		if c.session == nil {
			return 4003, "Not authenticated."
		}
	default:
		return 4001, "Unknown opcode."
	}
	return 0, ""
}

func (d *Discord) identify(c *discordConn, data json.RawMessage) (int, string) {
	var in struct {
		Token      string            `json:"token"`
		Intents    *int              `json:"intents"`
		Properties map[string]string `json:"properties"`
	}
	switch err := json.Unmarshal(data, &in); {
	case err != nil || in.Intents == nil || in.Properties == nil:
		return 4002, "Error while decoding payload."
	case c.session != nil:
		return 4005, "Already authenticated."
	}
	bot := d.botOf("Bot " + strings.TrimPrefix(in.Token, "Bot "))
	if bot == nil {
		return 4004, "Authentication failed."
	}
	if c.mischief == NoReady || c.mischief == NoHello {
		return 0, ""
	}
	s := &discordSession{id: "session-" + d.ids.next(), bot: bot, intents: *in.Intents, conn: c}
	c.session, d.gateway.sessions[s.id] = s, s
	guild := map[string]any{"id": d.Guild, "unavailable": true}
	s.dispatch("READY", map[string]any{
		"v": 9, "user": bot, "guilds": []any{guild}, "session_id": s.id, "resume_gateway_url": c.resumeURL,
		"application": map[string]any{"id": bot.ID, "flags": 0}, "private_channels": []any{}, "session_type": "normal",
	})
	if s.intents&intentGuilds != 0 {
		full := d.guildJSON()
		full["channels"], full["threads"] = d.channelsJSON(false), d.channelsJSON(true)
		full["members"], full["member_count"], full["unavailable"] = []any{}, len(d.users), false
		s.dispatch("GUILD_CREATE", full)
	}
	return 0, ""
}

func (d *Discord) resume(c *discordConn, data json.RawMessage) (int, string) {
	var in struct {
		Token   string `json:"token"`
		Session string `json:"session_id"`
		Seq     int    `json:"seq"`
	}
	if json.Unmarshal(data, &in) != nil {
		return 4002, "Error while decoding payload."
	}
	bot := d.botOf("Bot " + strings.TrimPrefix(in.Token, "Bot "))
	s := d.gateway.sessions[in.Session]
	switch {
	case bot == nil:
		return 4004, "Authentication failed."
	case c.mischief == NoReady || c.mischief == NoHello:
		return 0, ""
	case s == nil || s.bot != bot || c.mischief == NoSession:
		delete(d.gateway.sessions, in.Session)
		c.push(discordFrame{Op: opInvalidSession, Data: false})
		return 0, ""
	case in.Seq < 0 || in.Seq > len(s.sent):
		return 4007, "Invalid seq."
	}
	c.session, s.conn = s, c
	for _, f := range s.sent[in.Seq:] {
		c.push(f)
	}
	s.dispatch("RESUMED", map[string]any{})
	return 0, ""
}

// dispatch records an event of the session and sends it if anyone listens.
func (s *discordSession) dispatch(kind string, data any) {
	seq := len(s.sent) + 1
	f := discordFrame{Op: opDispatch, Data: data, Seq: &seq, Type: &kind}
	s.sent = append(s.sent, f)
	if s.conn != nil {
		s.conn.push(f)
	}
}

// dispatch sends an event to every session whose intents cover it.
func (d *Discord) dispatch(kind string, data map[string]any) {
	channel, _ := data["channel_id"].(string)
	need, guild := intentGuilds, d.Guild
	switch {
	case d.isDirect(channel):
		need, guild = intentDirectMessages, ""
	case strings.HasPrefix(kind, "MESSAGE_"):
		need = intentGuildMessages
	}
	for _, s := range d.gateway.sessions {
		if s.intents&need != 0 && s.sees(d.channels[channel]) {
			s.dispatch(kind, s.visible(data, guild))
		}
	}
}

// visible is a message as the session may see it: without the privileged
// intent, only its own messages, those that mention it and those in
// conversations, which are in no guild, have content.
func (s *discordSession) visible(data map[string]any, guild string) map[string]any {
	data = maps.Clone(data)
	if guild == "" {
		delete(data, "guild_id")
		return data
	}
	data["guild_id"] = guild
	content, ok := data["content"].(string)
	own := data["author"] == s.bot
	if ok && !own && s.intents&intentMessageContent == 0 && !strings.Contains(content, "<@"+s.bot.ID+">") {
		data["content"], data["components"] = "", []any{}
	}
	return data
}

func closeWith(ws *websocket.Conn, code int, text string) {
	ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(time.Second))
}
