package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pageKept is how many messages of a place the page shows, the newest; pinned
// ones come in addition.
const pageKept = 200

// A pageView is everything that the page shows, as GET /control/stage answers it.
type pageView struct {
	Title      string     `json:"title"`
	StatusPage string     `json:"status_page,omitempty"`
	Note       string     `json:"note,omitempty"`
	Room       pageRoom   `json:"room"`
	Feeds      []pageFeed `json:"feeds"` // X, Telegram, Discord, WeChat
}

// A pageFeed is what can be seen in one place, or in all places of a platform.
type pageFeed struct {
	Platform string            `json:"platform"`
	Name     string            `json:"name"`
	Detail   string            `json:"detail,omitempty"`
	Threads  map[string]string `json:"threads,omitempty"` // id → name of a thread or topic
	Earlier  int               `json:"earlier,omitempty"` // how many messages were left out
	Messages []pageMessage     `json:"messages"`
}

// A pageRoom is the operators' room. Its Chat is empty where there is none.
type pageRoom struct {
	pageFeed
	Chat    string            `json:"chat"`
	People  []Person          `json:"people"`
	Suggest []string          `json:"suggest"`
	Answers map[string]string `json:"answers"` // what the presser of a button was shown, by the id that the press returned
}

// A pageMessage is a Seen without what the page does not need, the robots'
// keys in particular.
type pageMessage struct {
	ID        string     `json:"id"`
	Place     string     `json:"place,omitempty"` // its name, where a feed shows several
	Thread    string     `json:"thread,omitempty"`
	ReplyTo   string     `json:"reply_to,omitempty"`
	Author    string     `json:"author"`
	Text      string     `json:"text"`
	At        time.Time  `json:"at"`
	EditedAt  time.Time  `json:"edited_at,omitzero"`
	Deleted   bool       `json:"deleted,omitempty"`
	Pinned    bool       `json:"pinned,omitempty"`
	Published bool       `json:"published,omitempty"`
	Ours      bool       `json:"ours,omitempty"`
	Buttons   [][]Button `json:"buttons,omitempty"`
}

// A pagePlace is a place that a feed shows.
type pagePlace struct{ key, name, detail string }

// view is the page as it is now.
func (w *World) view() pageView {
	room := w.room()
	return pageView{
		Title:      cmp.Or(w.Stage.Title, "Simulated world"),
		StatusPage: w.Stage.StatusPage,
		Note:       w.currentNote(),
		Room:       w.roomView(room),
		Feeds: []pageFeed{
			w.xFeed(),
			w.telegramFeed(w.Telegram.places(w.Stage.Telegram, room)),
			w.discordFeed(w.Discord.places(w.Stage.Discord, room)),
			w.wechatFeed(),
		},
	}
}

func (w *World) roomView(room Room) pageRoom {
	v := pageRoom{
		pageFeed: pageFeed{Platform: room.Platform, Name: "No room yet", Messages: []pageMessage{}},
		Chat:     room.Chat,
		People:   slices.Clone(room.People),
		Suggest:  append([]string{}, room.Suggest...),
	}
	switch room.Platform {
	case "telegram":
		v.pageFeed = w.telegramFeed(w.Telegram.places(room.Chat, Room{}))
		v.Answers = w.Telegram.pressAnswers()
	case "discord":
		v.pageFeed = w.discordFeed(w.Discord.places(room.Chat, Room{}))
		v.Answers = w.Discord.pressAnswers()
	}
	if room.Chat != "" && len(v.People) == 0 {
		v.People = []Person{{ID: "1001", Name: "Visitor"}}
	}
	return v
}

func (w *World) telegramFeed(places []pagePlace) pageFeed {
	var all []Seen
	for _, p := range places { // not everything: a bot may have many conversations
		all = append(all, w.Telegram.Seen(p.key)...)
	}
	slices.SortStableFunc(all, func(a, b Seen) int { return a.At.Compare(b.At) })
	f := newPageFeed("telegram", "Telegram", places, all)
	f.Threads = w.Telegram.topicNames(places)
	return f
}

func (w *World) discordFeed(places []pagePlace) pageFeed {
	f := newPageFeed("discord", "Discord", places, w.Discord.Seen())
	f.Threads = w.Discord.threadNames(places)
	return f
}

// xFeed shows the conversations that an account takes part in, so that
// impostors among its replies are seen too, or everything.
func (w *World) xFeed() pageFeed {
	posts := w.X.Seen()
	name := strings.TrimPrefix(w.Stage.X, "@")
	if name == "" {
		f := pageFeed{Platform: "x", Name: "X", Detail: "every account"}
		f.add(posts, nil)
		return f
	}
	part := make(map[string]bool)
	for _, p := range posts {
		if strings.EqualFold(p.Place, name) {
			part[p.Thread] = true
		}
	}
	f := pageFeed{Platform: "x", Name: "@" + name, Detail: "timeline and replies"}
	f.add(slices.DeleteFunc(posts, func(p Seen) bool { return !part[p.Thread] }), nil)
	return f
}

// wechatFeed numbers robots in the order in which they first spoke, since
// their keys are secrets.
func (w *World) wechatFeed() pageFeed {
	all := w.WeChat.Seen()
	if key := w.Stage.WeChat; key != "" {
		return newPageFeed("wechat", "WeChat", []pagePlace{{key, "Status group", "group robot"}}, all)
	}
	var places []pagePlace
	for _, m := range all {
		if !slices.ContainsFunc(places, func(p pagePlace) bool { return p.key == m.Place }) {
			places = append(places, pagePlace{m.Place, fmt.Sprintf("Group %d", len(places)+1), "group robot"})
		}
	}
	return newPageFeed("wechat", "WeChat", places, all)
}

// newPageFeed keeps what was said in the places.
func newPageFeed(platform, title string, places []pagePlace, all []Seen) pageFeed {
	f := pageFeed{Platform: platform, Name: title}
	names := make(map[string]string)
	for _, p := range places {
		names[p.key] = p.name
	}
	all = slices.DeleteFunc(all, func(m Seen) bool { return names[m.Place] == "" })
	switch len(places) {
	case 0:
		f.Detail = "no place yet"
	case 1:
		f.Name, f.Detail, names = places[0].name, places[0].detail, nil
	default:
		f.Detail = fmt.Sprintf("%d places", len(places))
	}
	f.add(all, names)
	return f
}

// add appends messages, oldest first, and leaves old ones out.
func (f *pageFeed) add(all []Seen, places map[string]string) {
	f.Earlier = max(0, len(all)-pageKept)
	f.Messages = make([]pageMessage, 0, min(len(all), pageKept))
	for i, m := range all {
		if i < f.Earlier && !m.Pinned {
			continue
		}
		f.Messages = append(f.Messages, pageMessage{
			ID: m.ID, Place: places[m.Place], Thread: m.Thread, ReplyTo: m.ReplyTo, Author: m.Author, Text: m.Text,
			At: m.At.UTC(), EditedAt: m.EditedAt.UTC(), Deleted: m.Deleted, Pinned: m.Pinned, Published: m.Published,
			Ours: m.Ours, Buttons: pageButtons(m.Buttons),
		})
	}
}

// pageButtons is a copy in which every button that opens a page has URL set;
// Discord's have the address for data.
func pageButtons(rows [][]Button) [][]Button {
	var all [][]Button
	for _, row := range rows {
		row = slices.Clone(row)
		for i, b := range row {
			if strings.HasPrefix(b.Data, "https://") || strings.HasPrefix(b.Data, "http://") {
				row[i] = Button{Text: b.Text, URL: b.Data}
			}
		}
		all = append(all, row)
	}
	return all
}

// places are the channels and groups of this name, or all but the room.
// Conversations with a bot are private.
func (t *Telegram) places(name string, room Room) []pagePlace {
	t.mu.Lock()
	defer t.mu.Unlock()
	var places []pagePlace
	for _, c := range t.matching(name) {
		isRoom := room.Platform == "telegram" && t.isNamed(c, room.Chat)
		if c.owner != nil || name == "" && isRoom {
			continue
		}
		detail := c.info.Type
		if c.info.Username != "" {
			detail = "@" + c.info.Username + " · " + detail
		}
		places = append(places, pagePlace{c.key(), c.info.Title, detail})
	}
	return places
}

func (t *Telegram) topicNames(places []pagePlace) map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := make(map[string]string)
	for _, p := range places {
		for _, c := range t.matching(p.key) {
			for id, topic := range c.topics {
				names[strconv.FormatInt(id, 10)] = topic.name
			}
		}
	}
	return names
}

// pressAnswers is what people were shown after the latest presses of buttons.
func (t *Telegram) pressAnswers() map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	answers := make(map[string]string)
	for id, press := range t.callbacks {
		if press.answered && press.text != "" && t.Clock().Sub(press.at) < tgAnswerTime {
			answers[id] = press.text
		}
	}
	return answers
}

// places are the channel with this id, or all but the room.
func (d *Discord) places(id string, room Room) []pagePlace {
	d.mu.Lock()
	defer d.mu.Unlock()
	var places []pagePlace
	for _, c := range d.channels {
		isRoom := room.Platform == "discord" && c.id == room.Chat
		if c.isThread() || id != "" && c.id != id || id == "" && isRoom {
			continue
		}
		detail := "text channel"
		if c.kind == DiscordAnnouncement {
			detail = "announcement channel"
		}
		places = append(places, pagePlace{c.id, "#" + c.name, detail})
	}
	slices.SortFunc(places, func(a, b pagePlace) int { return cmp.Compare(a.key, b.key) })
	return places
}

func (d *Discord) threadNames(places []pagePlace) map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := make(map[string]string)
	for _, c := range d.channels {
		if slices.ContainsFunc(places, func(p pagePlace) bool { return p.key == c.parent }) {
			names[c.id] = c.name
		}
	}
	return names
}

// pressAnswers is what only the presser of a button saw, for the latest presses.
func (d *Discord) pressAnswers() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	answers := make(map[string]string)
	for _, in := range d.interactions {
		if in.kind != interactionComponent || time.Since(in.at) > tgAnswerTime {
			continue
		}
		for _, m := range in.messages {
			if m.ephemeral != "" && !m.deleted {
				answers[in.id] = discordPlain(m.content, d.nameOf)
			}
		}
	}
	return answers
}
