package discord

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"github.com/allclear-hq/allclear/bots"
)

// Operations of the gateway (Topics, "Gateway Opcodes").
const (
	opDispatch = 0
	opHello    = 10
)

// maxFrame is the largest message that is taken from the gateway, in bytes.
const maxFrame = 16 << 20

// frame is a message of the gateway.
type frame struct {
	Op   int             `json:"op"`
	Data json.RawMessage `json:"d"`
	Seq  int64           `json:"s"`
	Type string          `json:"t"`
}

// A relay stands between the library and the gateway. The library reads in
// goroutines of its own, where one message that it does not expect ("null", a
// list with null in it) ends the whole process. So it keeps the connection
// alive, and what happened is taken out on the way: the library is only told
// that there was something, and its number.
type relay struct {
	gateway *websocket.Conn
	library net.Conn // our end
	hear    func(kind string, data json.RawMessage)
}

// relayed connects to the gateway, and returns the library's end of a relay.
func relayed(ctx context.Context, dialer *websocket.Dialer, address string, hear func(string, json.RawMessage)) (net.Conn, error) {
	gateway, resp, err := dialer.DialContext(ctx, address+"?v="+discordgo.APIVersion+"&encoding=json", nil)
	if resp != nil {
		resp.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	gateway.SetReadLimit(maxFrame)
	gateway.SetCloseHandler(func(int, string) error { return nil })
	ours, theirs := net.Pipe()
	r := &relay{gateway: gateway, library: ours, hear: hear}
	go r.run()
	return theirs, nil
}

// run relays until one of the two sides ends.
func (r *relay) run() {
	defer r.gateway.Close()
	defer r.library.Close()
	library, err := accept(r.library)
	if err != nil {
		return
	}
	go func() {
		defer r.gateway.Close()
		for {
			kind, message, err := library.ReadMessage()
			if err != nil {
				passClose(r.gateway, err)
				return
			}
			if r.gateway.WriteMessage(kind, message) != nil {
				return
			}
		}
	}()
	for {
		kind, message, err := r.gateway.ReadMessage()
		if err == nil {
			message, err = r.pass(kind, message)
		}
		if err != nil {
			passClose(library, err)
			return
		}
		if library.WriteMessage(websocket.TextMessage, message) != nil {
			return
		}
	}
}

// pass takes out of a message what happened, and returns what is left for the
// library.
func (r *relay) pass(kind int, message []byte) ([]byte, error) {
	f, err := readFrame(kind, message)
	if err != nil {
		return nil, err
	}
	if f.Op == opDispatch {
		r.hear(f.Type, f.Data)
		f = frame{Op: opDispatch, Data: json.RawMessage("{}"), Seq: f.Seq}
	}
	return json.Marshal(f)
}

// readFrame reads a message, and refuses what the library cannot take.
func readFrame(kind int, message []byte) (f frame, err error) {
	if kind != websocket.TextMessage || !bytes.HasPrefix(bytes.TrimSpace(message), []byte("{")) {
		return f, errors.New("the gateway sends what is no object of JSON")
	}
	if err := json.Unmarshal(message, &f); err != nil {
		return f, fmt.Errorf("the gateway sends what cannot be read: %s", bots.OneLine(err.Error()))
	}
	if f.Op == opHello {
		var hello struct {
			Interval int64 `json:"heartbeat_interval"` // milliseconds
		}
		if json.Unmarshal(f.Data, &hello) != nil || hello.Interval <= 0 || hello.Interval > time.Hour.Milliseconds() {
			return f, errors.New("the gateway asks for no heartbeat that we could give")
		}
	}
	return f, nil
}

// passClose ends a connection with the code with which the other one ended.
func passClose(to *websocket.Conn, err error) {
	code := websocket.CloseInternalServerErr
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok && closed.Code != websocket.CloseAbnormalClosure {
		code = closed.Code
	}
	_ = to.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second)) // it may be gone
}

// accept takes the library's handshake.
func accept(conn net.Conn) (*websocket.Conn, error) {
	in := bufio.NewReader(conn)
	req, err := http.ReadRequest(in)
	if err != nil {
		return nil, err
	}
	up := websocket.Upgrader{}
	return up.Upgrade(&hijacked{conn: conn, in: in, header: http.Header{}}, req, nil)
}

// hijacked is a connection in the form in which an upgrade asks for it.
type hijacked struct {
	conn   net.Conn
	in     *bufio.Reader
	header http.Header
}

func (h *hijacked) Header() http.Header         { return h.header }
func (h *hijacked) Write(b []byte) (int, error) { return h.conn.Write(b) }
func (h *hijacked) WriteHeader(int)             {}
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(h.in, bufio.NewWriter(h.conn)), nil
}
