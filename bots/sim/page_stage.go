package sim

import (
	"maps"
	"slices"
	"strconv"
)

// A Stage says what the page shows of a world. It is set before serving.
// Where it names no place, the page shows whatever places there are.
type Stage struct {
	Title      string // head line of the page
	StatusPage string // address of the status page; empty for no link
	Telegram   string // channel: "@name" or id
	Discord    string // channel id
	X          string // account, without "@"
	WeChat     string // key of the robot; the page does not show it
	Room       Room
	Talk       Room // the visitor's own conversation with a bot on Telegram, its Chat "bot/person"; none where that is empty
}

// A Room is the chat where operators work, and in which the visitor of the
// page types for them.
type Room struct {
	Platform string // "telegram" (also when empty) or "discord"
	Chat     string // id
	People   []Person
	Suggest  []string // commands to offer, of one or more lines
}

// A Person is somebody for whom the visitor can type.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role,omitempty"`
}

// Note sets the line below the page's title, for example how far a story has
// been told. It may be called at any time.
func (w *World) Note(text string) {
	w.noteMu.Lock()
	w.note = text
	w.noteMu.Unlock()
	w.changes.bump()
}

func (w *World) currentNote() string {
	w.noteMu.Lock()
	defer w.noteMu.Unlock()
	return w.note
}

// exampleRoom is the group of config.example.toml. A world that makes chats on
// demand offers it, so that one can type before any group exists.
func exampleRoom() Room {
	return Room{
		Platform: "telegram",
		Chat:     "-1001234567890",
		People:   []Person{{ID: "1001", Name: "Ana"}},
		Suggest:  []string{"/help", "/show"},
	}
}

// room is the room that the page shows; its Chat is empty when there is none.
func (w *World) room() Room {
	room := w.Stage.Room
	switch {
	case room.Chat == "":
		var found bool
		if room, found = w.Telegram.talkedIn(); !found && w.Telegram.AutoCreate {
			room = exampleRoom()
		}
	case room.Platform == "":
		room.Platform = "telegram"
	}
	return room
}

// talkedIn is a group in which people have spoken, with those people.
func (t *Telegram) talkedIn() (Room, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.matching("") {
		if c.owner != nil || c.info.Type == "channel" || c.movedTo != 0 || len(c.members) == 0 {
			continue
		}
		room := Room{Platform: "telegram", Chat: c.key(), Suggest: exampleRoom().Suggest}
		for _, id := range slices.Sorted(maps.Keys(c.members)) {
			if p := t.people[id]; p != nil {
				room.People = append(room.People, Person{ID: strconv.FormatInt(id, 10), Name: p.user.FirstName})
			}
		}
		return room, true
	}
	return Room{}, false
}
