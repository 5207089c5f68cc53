// Package sim simulates the four platforms on loopback, strictly: a request
// that the real platform would refuse is refused here, in that platform's own
// shape. Faults can be scripted, and people can type, press buttons and join.
//
// It imports nothing of allclear, so that an adapter's misreading of a
// protocol is not shared by its simulator.
package sim

import (
	"net/http"
	"sync"
	"time"
)

// World is all four platforms. It serves them, the page that shows them side
// by side, and the controls, under one address:
//
//	/telegram/bot<token>/<method>   api_url ends in /telegram
//	/discord/api/v9/…               api_url ends in /discord/api/v9
//	/x/2/… and /x/1.1/…             api_url ends in /x
//	/wechat/cgi-bin/webhook/send    api_url ends in /wechat
//	/control/…                      faults, people, and what followers see (control.go)
//	/                               the page
type World struct {
	Telegram *Telegram
	Discord  *Discord
	X        *X
	WeChat   *WeChat
	Stage    Stage // what the page shows; set before serving

	noteMu  sync.Mutex
	note    string
	changes changes
	handler http.Handler
}

// changes lets watchers (the page, tests) wait for something new.
type changes struct {
	mu   sync.Mutex
	n    int
	wake chan struct{}
}

// bump tells all watchers that something changed.
func (c *changes) bump() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	if c.wake != nil {
		close(c.wake)
		c.wake = nil
	}
}

// next returns the number of changes so far and a channel that is closed at
// the next one.
func (c *changes) next() (int, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wake == nil {
		c.wake = make(chan struct{})
	}
	return c.n, c.wake
}

// A Seen is one message as a follower of a platform sees it now.
type Seen struct {
	ID        string     `json:"id"`
	Place     string     `json:"place"`            // chat or channel; the user's name on X; the robot's key on WeChat
	Thread    string     `json:"thread,omitempty"` // thread or topic it is in
	ReplyTo   string     `json:"reply_to,omitempty"`
	Author    string     `json:"author"`
	Text      string     `json:"text"` // as displayed: markup resolved, escapes gone
	Raw       string     `json:"raw"`  // as it was sent
	At        time.Time  `json:"at"`
	EditedAt  time.Time  `json:"edited_at,omitzero"`
	Edits     int        `json:"edits,omitempty"`
	Deleted   bool       `json:"deleted,omitempty"` // kept for the record; no follower sees it
	Pinned    bool       `json:"pinned,omitempty"`
	Published bool       `json:"published,omitempty"` // crossposted
	Ours      bool       `json:"ours"`                // written through the API, not typed by a person
	Buttons   [][]Button `json:"buttons,omitempty"`
}

// A Button is an inline button under a message.
type Button struct {
	Text string `json:"text"`
	Data string `json:"data"`
	URL  string `json:"url,omitempty"` // set instead of Data on a button that opens a page
}

// ServeHTTP serves the whole world.
func (w *World) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.handler.ServeHTTP(rw, r) }
