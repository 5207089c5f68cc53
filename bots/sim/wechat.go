package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// WeChat simulates the group robots of WeCom (企业微信): "POST
// /cgi-bin/webhook/send?key=…", as described on developer.work.weixin.qq.com,
// document 91770. Every answer is HTTP 200 with errcode and errmsg; nothing is
// returned about the message, and nothing can be taken back.
type WeChat struct {
	Faults Faults
	Clock  func() time.Time // time.Now unless a test sets it

	// PerMinute is how many messages a robot may send in any minute before
	// it is refused with errcode 45009; 0 is no limit. WeCom allows 20.
	PerMinute int

	changed func()

	mu     sync.Mutex
	robots map[string]bool // key → still in its group; nil accepts every key
	seen   []Seen
	recent map[string]*window
	hints  int
}

// Limits of document 91770, in bytes of UTF-8.
const (
	wechatText     = 2048
	wechatMarkdown = 4096
)

// NewWeChat returns a WeCom that knows no robot yet, and until one is added
// takes every key.
func NewWeChat() *WeChat {
	return &WeChat{Clock: time.Now, recent: make(map[string]*window)}
}

// Strict switches the real limit on or off.
func (c *WeChat) Strict(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.PerMinute = 0
	if on {
		c.PerMinute = 20
	}
}

// AddRobot adds a robot. From now on unknown keys are refused with 93000.
func (c *WeChat) AddRobot(key string) { c.setRobot(key, true) }

// RemoveRobot removes a robot from its group; its key becomes invalid.
func (c *WeChat) RemoveRobot(key string) { c.setRobot(key, false) }

func (c *WeChat) setRobot(key string, present bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.robots == nil {
		c.robots = make(map[string]bool)
	}
	c.robots[key] = present
}

// Seen is what the groups' members see, oldest first. The place is the key of
// the robot.
func (c *WeChat) Seen() []Seen {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.seen)
}

// ServeHTTP answers as qyapi.weixin.qq.com would.
func (c *WeChat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.Faults.play(w, r, c.refuse, c.serve)
}

// A wechatError is an errcode with its errmsg, before the hint is added.
type wechatError struct {
	code int
	msg  string
}

// refuse answers a scripted fault. WeCom's refusals are HTTP 200: the errcode
// is Code, or the one that goes with Status.
func (c *WeChat) refuse(w http.ResponseWriter, r *http.Request, f Fault) {
	e := wechatError{code: -1, msg: "system busy"}
	switch f.Status {
	case http.StatusTooManyRequests:
		e = wechatError{45009, "api freq out of limit"}
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		e = wechatError{93000, "invalid webhook url"}
	}
	if n, err := strconv.Atoi(f.Code); err == nil {
		e.code = n
	}
	if f.Message != "" {
		e.msg = f.Message
	}
	c.answer(w, r, &e)
}

func (c *WeChat) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/cgi-bin/webhook/send" {
		http.NotFound(w, r)
		return
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		w.WriteHeader(http.StatusUnsupportedMediaType) // reported in jxxghp/MoviePilot-Plugins#806
		return
	}
	if r.Method != http.MethodPost {
		c.answer(w, r, &wechatError{43002, "require POST method"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	c.answer(w, r, c.send(r.URL.Query().Get("key"), body))
}

// send is what happens to one message. The returned error is nil when the
// group has it.
func (c *WeChat) send(key string, body []byte) *wechatError {
	c.mu.Lock()
	defer c.mu.Unlock()
	if key == "" || c.robots != nil && !c.robots[key] {
		return &wechatError{93000, "invalid webhook url"}
	}
	if c.PerMinute > 0 && c.window(key).wait(c.Clock(), c.PerMinute, time.Minute) > 0 {
		return &wechatError{45009, "api freq out of limit"}
	}
	content, shown, refusal := readWeChat(body)
	if refusal != nil {
		return refusal
	}
	now := c.Clock()
	if c.PerMinute > 0 {
		c.window(key).add(now)
	}
	c.seen = append(c.seen, Seen{
		ID: strconv.Itoa(len(c.seen) + 1), Place: key, Author: "robot",
		Text: shown, Raw: content, At: now, Ours: true,
	})
	notify(c.changed)
	return nil
}

func (c *WeChat) window(key string) *window {
	if c.recent[key] == nil {
		c.recent[key] = new(window)
	}
	return c.recent[key]
}

// readWeChat returns a message's content as sent and as shown.
func readWeChat(body []byte) (content, shown string, refusal *wechatError) {
	var m struct {
		MsgType string `json:"msgtype"`
		Text    struct {
			Content       string   `json:"content"`
			Mentioned     []string `json:"mentioned_list"`
			MentionedTels []string `json:"mentioned_mobile_list"`
		} `json:"text"`
		Markdown   struct{ Content string } `json:"markdown"`
		MarkdownV2 struct{ Content string } `json:"markdown_v2"`
	}
	if !utf8.Valid(body) || json.Unmarshal(body, &m) != nil {
		return "", "", &wechatError{47001, "data format error"}
	}
	limit := wechatMarkdown
	switch m.MsgType {
	case "text":
		limit, content = wechatText, m.Text.Content
		shown = mentionAll(content, append(m.Text.Mentioned, m.Text.MentionedTels...))
	case "markdown":
		content = m.Markdown.Content
		shown = showWeChat(content)
	case "markdown_v2":
		content = m.MarkdownV2.Content
		shown = showWeChat(content)
	default: // also the kinds with pictures, files and cards, which are not simulated
		return "", "", &wechatError{40008, "invalid message type"}
	}
	if content == "" {
		return "", "", &wechatError{44004, "empty content"}
	}
	if len(content) > limit {
		// Logs of 2021 to 2024 (dromara/domain-admin#82, RayWangQvQ/BiliBiliToolPro#702)
		// show this answer; the older 45002 is in Apache dolphinscheduler#621 of 2019.
		return "", "", &wechatError{40058, fmt.Sprintf("%s.content exceed max length %d. invalid Request Parameter", m.MsgType, limit)}
	}
	return content, shown, nil
}

// mentionAll appends the people that a text mentions, as the client shows them.
func mentionAll(content string, who []string) string {
	for _, id := range who {
		content += " @" + strings.TrimPrefix(id, "@")
	}
	return content
}

// answer writes the platform's words, with the hint that it adds to errors.
func (c *WeChat) answer(w http.ResponseWriter, r *http.Request, e *wechatError) {
	answer := struct {
		Code int    `json:"errcode"`
		Msg  string `json:"errmsg"`
	}{Msg: "ok"}
	if e != nil {
		ip, _, _ := net.SplitHostPort(r.RemoteAddr)
		c.mu.Lock()
		c.hints++
		hint := fmt.Sprintf("%d%015d", c.Clock().Unix(), c.hints)
		c.mu.Unlock()
		answer.Code = e.code
		answer.Msg = fmt.Sprintf("%s, hint: [%s], from ip: %s, more info at https://open.work.weixin.qq.com/devtool/query?e=%d", e.msg, hint, ip, e.code)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Error-Code", strconv.Itoa(answer.Code))
	w.Header().Set("Error-Msg", answer.Msg)
	json.NewEncoder(w).Encode(answer)
}
