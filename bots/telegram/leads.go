package telegram

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// The parts of a message that lead somewhere.
type (
	entity struct {
		Type   string `json:"type"`
		Offset int    `json:"offset"` // in UTF-16 units, like the length
		Length int    `json:"length"`
		URL    string `json:"url"`
		User   *user  `json:"user"`
	}
	preview struct {
		Disabled bool   `json:"is_disabled"`
		URL      string `json:"url"`
	}
	keyboard struct {
		Rows [][]key `json:"inline_keyboard"`
	}
	key struct {
		URL   string  `json:"url"`
		Login webPage `json:"login_url"`
		App   webPage `json:"web_app"`
	}
	webPage struct {
		URL string `json:"url"`
	}
	leading struct {
		Entities        []entity `json:"entities"`
		CaptionEntities []entity `json:"caption_entities"`
		Preview         preview  `json:"link_preview_options"`
		Keyboard        keyboard `json:"reply_markup"`
	}
)

// links are where a message leads with that text although the text does not show
// it: links beneath other words, people whose name is a link, a preview of something
// else, and buttons. A button without an address is an empty one.
func (l *leading) links(text string) (out []string) {
	for _, e := range slices.Concat(l.Entities, l.CaptionEntities) {
		switch {
		case e.Type == "text_mention" && e.User != nil:
			out = append(out, "tg://user?id="+decimal(e.User.ID))
		case e.Type == "text_link" && !e.shown(text):
			out = append(out, e.URL)
		}
	}
	if p := l.Preview; p.URL != "" && !p.Disabled && !slices.ContainsFunc(strings.Fields(text), func(word string) bool { return shows(word, p.URL) }) {
		out = append(out, p.URL)
	}
	for _, row := range l.Keyboard.Rows {
		for _, k := range row {
			out = append(out, k.URL+k.Login.URL+k.App.URL) // there is one of them at most
		}
	}
	return out
}

// shown reports whether a link lies beneath its own address, and beneath all of the
// word: a part of it may be the address of somebody else.
func (e *entity) shown(text string) bool {
	units := utf16.Encode([]rune(text))
	end := e.Offset + e.Length
	if e.Offset < 0 || end < e.Offset || end > len(units) {
		return false
	}
	before := strings.TrimRight(string(utf16.Decode(units[:e.Offset])), around)
	after := strings.TrimLeft(string(utf16.Decode(units[end:])), around)
	return shows(string(utf16.Decode(units[e.Offset:end])), e.URL) &&
		(before == "" || strings.TrimRightFunc(before, unicode.IsSpace) != before) &&
		(after == "" || strings.TrimLeftFunc(after, unicode.IsSpace) != after)
}

// around is what may stand around an address in a sentence.
const around = "()<>[]\"'“”«».,:;!?…，。：；！？（）「」"

// shows reports whether a word is an address, as apps write it that add the scheme
// and the first slash.
func shows(word, address string) bool { return bare(strings.Trim(word, around)) == bare(address) }

// bare is an address without what apps add, the host in lower case.
func bare(address string) string {
	for _, scheme := range []string{"https://", "http://"} {
		address = strings.TrimPrefix(address, scheme)
	}
	end := strings.IndexAny(address, "/?#")
	if end < 0 {
		end = len(address)
	}
	host, path := strings.ToLower(address[:end]), address[end:]
	if path == "/" {
		path = ""
	}
	return host + path
}
