package people

import (
	"encoding/base64"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/allclear-hq/allclear/internal/incident"
)

// typed is a command as a person typed it.
type typed struct {
	verb string // without the slash, lower case
	arg  string
}

// parseTyped reads a command. It is false for what is none, or is for another
// bot than the one of that username.
func parseTyped(text, username string) (typed, bool) {
	t, bot, named := readTyped(text)
	if t.verb == "" || named && !strings.EqualFold(bot, username) {
		return typed{}, false
	}
	return t, true
}

// addressed reports whether a text is a command that names the bot which it is for.
func addressed(text string) bool {
	t, _, named := readTyped(text)
	return t.verb != "" && named
}

// readTyped takes a command apart, and the bot from it that it names. The verb is
// empty for what is none. Chinese keyboards have a wider slash.
func readTyped(text string) (t typed, bot string, named bool) {
	word, arg := strings.TrimSpace(text), ""
	if i := strings.IndexFunc(word, unicode.IsSpace); i >= 0 {
		word, arg = word[:i], strings.TrimSpace(word[i:])
	}
	verb, ok := strings.CutPrefix(width.Narrow.String(word), "/")
	if !ok {
		return typed{}, "", false
	}
	verb, bot, named = strings.Cut(verb, "@")
	return typed{strings.ToLower(verb), arg}, bot, named
}

// complete reports whether a text is a command of ours with all that it needs.
func complete(text, username string) bool {
	t, ok := parseTyped(text, username)
	switch t.verb {
	case "start", "subscribe", "unsubscribe", "stop", "settings", "status", "help":
		return ok
	case "verify":
		return ok && t.arg != ""
	}
	return false
}

// A wish is what a link into the conversation asks for.
type wish struct {
	ref       string // follow this incident
	component string // hear about this component
}

// maxPayload is how much a deep link carries (core.telegram.org/bots/features,
// "Deep Linking").
const maxPayload = 64

// readWish reads the payload of a deep link, or what was typed in its place: a
// reference or the id of a component, plain or in base64url. Anything else
// asks for nothing.
func readWish(payload string, components []Component) wish {
	if len(payload) > maxPayload {
		return wish{}
	}
	if w, ok := plainWish(payload, components); ok {
		return w
	}
	if decoded, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(payload, "=")); err == nil {
		w, _ := plainWish(string(decoded), components)
		return w
	}
	return wish{}
}

func plainWish(s string, components []Component) (wish, bool) {
	for _, c := range components {
		if strings.EqualFold(c.ID, s) {
			return wish{component: c.ID}, true
		}
	}
	ref, _, err := incident.ParseUpdateRef(s)
	if err != nil || ref.Prefix == "DRL" {
		return wish{}, false
	}
	return wish{ref: ref.String()}, true
}

// Payload is what a deep link carries to subscribe to an incident, by its
// reference, or a component, by its id.
func Payload(subject string) string {
	plain := subject != "" && strings.Trim(subject, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
	if plain {
		return subject
	}
	return base64.RawURLEncoding.EncodeToString([]byte(subject))
}
