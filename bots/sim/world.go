package sim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
)

// New returns a world in which nothing was said yet.
func New() *World {
	w := &World{Telegram: NewTelegram(), Discord: NewDiscord(), X: NewX(), WeChat: NewWeChat()}
	w.Telegram.changed = w.changes.bump
	w.Discord.changed = w.changes.bump
	w.X.changed = w.changes.bump
	w.WeChat.changed = w.changes.bump
	w.handler = w.mux()
	return w
}

// Strict switches the real rate limits of all platforms on or off.
func (w *World) Strict(on bool) {
	w.Telegram.Strict(on)
	w.Discord.Strict(on)
	w.X.Strict(on)
	w.WeChat.Strict(on)
}

// mux gives each platform its prefix.
func (w *World) mux() *http.ServeMux {
	m := http.NewServeMux()
	m.Handle("/telegram/", http.StripPrefix("/telegram", w.Telegram))
	m.Handle("/discord/", http.StripPrefix("/discord", w.Discord))
	m.Handle("/x/", http.StripPrefix("/x", w.X))
	m.Handle("/wechat/", http.StripPrefix("/wechat", w.WeChat))
	own := http.NewServeMux()
	w.control(own)
	w.page(own)
	m.Handle("/", local(own))
	return m
}

// faults returns the script of a platform.
func (w *World) faults(platform string) (*Faults, error) {
	switch platform {
	case "telegram":
		return &w.Telegram.Faults, nil
	case "discord":
		return &w.Discord.Faults, nil
	case "x":
		return &w.X.Faults, nil
	case "wechat":
		return &w.WeChat.Faults, nil
	}
	return nil, unknownPlatform(platform)
}

// Seen is what followers of a platform see in one place, or everywhere if
// place is empty, oldest first.
func (w *World) Seen(platform, place string) ([]Seen, error) {
	var all []Seen
	switch platform {
	case "telegram":
		return w.Telegram.Seen(place), nil
	case "discord":
		all = w.Discord.Seen()
	case "x":
		all = w.X.Seen()
	case "wechat":
		all = w.WeChat.Seen()
	default:
		return nil, unknownPlatform(platform)
	}
	return slices.DeleteFunc(all, func(s Seen) bool { return place != "" && s.Place != place }), nil
}

func unknownPlatform(name string) error {
	return fmt.Errorf("sim: no platform %q; there are telegram, discord, x and wechat", cmp.Or(name, "(none)"))
}
