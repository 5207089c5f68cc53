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
	Talk       *pageRoom  `json:"talk,omitempty"`
	Feeds      []pageFeed `json:"feeds"` // X, Telegram, Discord, WeChat
}

// A pageFeed is what can be seen in one place, or in all places of a platform.
type pageFeed struct {
	Platform string            `json:"platform"`
	Detail   string            `json:"detail"`            // name of the place, or how many there are
	Handles  map[string]string `json:"handles,omitempty"` // Telegram chat as in links → what precedes the ids of its messages here
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

// view is the page as it is now.
func (w *World) view() pageView {
	room := w.room()
	return pageView{
		Title:      cmp.Or(w.Stage.Title, "Simulated world"),
		StatusPage: w.Stage.StatusPage,
		Note:       w.currentNote(),
		Room:       w.roomView(room),
		Talk:       w.talkView(w.Stage.Talk),
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
		pageFeed: pageFeed{Platform: room.Platform, Detail: "no group yet", Messages: []pageMessage{}},
		Chat:     room.Chat,
		People:   slices.Clone(room.People),
		Suggest:  append([]string{}, room.Suggest...),
	}
	switch room.Platform {
	case "telegram":
		v.pageFeed = w.telegramFeed(w.Telegram.places(room.Chat, Room{}))
		v.Detail += " · Telegram"
		v.Answers = w.Telegram.pressAnswers()
	case "discord":
		v.pageFeed = w.discordFeed(w.Discord.places(room.Chat, Room{}))
		v.Detail += " · Discord"
		v.Answers = w.Discord.pressAnswers()
	}
	if room.Chat != "" && len(v.People) == 0 {
		v.People = []Person{{ID: "1001", Name: "Visitor"}}
	}
	return v
}

// talkView is the visitor's own conversation; nil where there is none.
func (w *World) talkView(talk Room) *pageRoom {
	if talk.Chat == "" {
		return nil
	}
	bot, person, _ := strings.Cut(talk.Chat, "/")
	v := pageRoom{Chat: talk.Chat, People: slices.Clone(talk.People), Suggest: append([]string{}, talk.Suggest...), Answers: w.Telegram.pressAnswers()}
	v.pageFeed = newPageFeed("telegram", []pagePlace{{person, w.Telegram.botName(bot)}}, w.Telegram.Seen(talk.Chat))
	return &v
}

// telegramFeed asks for one chat after the other, since a bot may have very
// many conversations. Ids are those of a chat: where there are several, the
// number of the chat makes them unique.
func (w *World) telegramFeed(places []pagePlace) pageFeed {
	var all []Seen
	handles, topics := make(map[string]string), make(map[string]string)
	for i, p := range places {
		prefix := ""
		if len(places) > 1 {
			prefix = strconv.Itoa(i+1) + "."
		}
		names, chatTopics := w.Telegram.chatNames(p.key)
		for _, name := range names {
			handles[name] = prefix
		}
		for id, name := range chatTopics {
			topics[prefix+id] = name
		}
		for _, m := range w.Telegram.Seen(p.key) {
			for _, id := range []*string{&m.ID, &m.ReplyTo, &m.Thread} {
				if *id != "" {
					*id = prefix + *id
				}
			}
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b Seen) int { return a.At.Compare(b.At) })
	f := newPageFeed("telegram", places, all)
	f.Handles, f.Threads = handles, topics
	return f
}

func (w *World) discordFeed(places []pagePlace) pageFeed {
	f := newPageFeed("discord", places, w.Discord.Seen())
	f.Threads = w.Discord.threadNames(places)
	return f
}

// xFeed shows the conversations that an account takes part in, so that
// impostors among its replies are seen too, or everything.
func (w *World) xFeed() pageFeed {
	posts := w.X.Seen()
	name := strings.TrimPrefix(w.Stage.X, "@")
	if name == "" {
		f := pageFeed{Platform: "x", Detail: "all accounts"}
		f.add(posts, nil)
		return f
	}
	part := make(map[string]bool)
	for _, p := range posts {
		if strings.EqualFold(p.Place, name) {
			part[p.Thread] = true
		}
	}
	f := pageFeed{Platform: "x", Detail: "@" + name}
	f.add(slices.DeleteFunc(posts, func(p Seen) bool { return !part[p.Thread] }), nil)
	return f
}

// wechatFeed numbers robots in the order in which they first spoke, since
// their keys are secrets.
func (w *World) wechatFeed() pageFeed {
	all := w.WeChat.Seen()
	if key := w.Stage.WeChat; key != "" {
		return newPageFeed("wechat", []pagePlace{{key, "Group robot"}}, all)
	}
	var places []pagePlace
	for _, m := range all {
		if !slices.ContainsFunc(places, func(p pagePlace) bool { return p.key == m.Place }) {
			places = append(places, pagePlace{m.Place, fmt.Sprintf("Robot %d", len(places)+1)})
		}
	}
	return newPageFeed("wechat", places, all)
}

// newPageFeed keeps what was said in the places.
func newPageFeed(platform string, places []pagePlace, all []Seen) pageFeed {
	f := pageFeed{Platform: platform}
	names := make(map[string]string)
	for _, p := range places {
		names[p.key] = p.name
	}
	all = slices.DeleteFunc(all, func(m Seen) bool { return names[m.Place] == "" })
	switch len(places) {
	case 0:
		f.Detail = "no place yet"
	case 1:
		f.Detail, names = places[0].name, nil
	default:
		f.Detail = fmt.Sprintf("%d places", len(places))
	}
	f.add(all, names)
	return f
}

// add appends messages, oldest first, and leaves old ones out.
func (f *pageFeed) add(all []Seen, places map[string]string) {
	f.Messages = []pageMessage{} // never null in JSON
	for i, m := range all {
		if i < len(all)-pageKept && !m.Pinned {
			f.Earlier++
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
