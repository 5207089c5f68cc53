package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// platform is what the keys of a bot and its channels mean on a platform.
type platform struct {
	secrets  []secretKey // required; the last one tells accounts apart
	keys     []string    // further keys of bots
	channel  []string    // keys of channels that not all platforms have
	targets  bool        // channels have a target
	chats    bool        // operators can work there
	idAdvice string      // how a target is written
}

type secretKey struct{ key, what string }

// on returns what a platform offers (Limits of its adapter says the same at
// run time).
func on(p Platform) platform {
	switch p {
	case Telegram:
		return platform{
			secrets:  []secretKey{{"token", "what @BotFather gave"}},
			keys:     []string{"paid"},
			channel:  []string{"audience", "thread", "pin"},
			targets:  true,
			chats:    true,
			idAdvice: `write "@name" (4 to 32 letters, digits and _) for a public chat, or its id like "-1001234567890"`,
		}
	case Discord:
		return platform{
			secrets:  []secretKey{{"token", "that of the application's bot"}},
			keys:     []string{"application", "guild"},
			channel:  []string{"thread", "crosspost", "pin"},
			targets:  true,
			chats:    true,
			idAdvice: "write the channel's id in digits (Discord's developer mode copies it)",
		}
	case Twitter:
		return platform{
			secrets: []secretKey{
				{"consumer_key", "the API key of the app"},
				{"consumer_secret", "the API key secret of the app"},
				{"access_secret", "the access token secret of the account"},
				{"access_token", "the access token of the account"},
			},
			keys:    []string{"api"},
			channel: []string{"replies"},
		}
	default: // WeChat; decoding lets no other word pass
		return platform{secrets: []secretKey{{"key", `what follows "key=" in the robot's address`}}}
	}
}

// secretOf returns the secret that a key gives.
func (b Bot) secretOf(key string) Secret {
	switch key {
	case "token":
		return b.Token
	case "consumer_key":
		return b.ConsumerKey
	case "consumer_secret":
		return b.ConsumerSecret
	case "access_token":
		return b.AccessToken
	case "access_secret":
		return b.AccessSecret
	default:
		return b.Key
	}
}

func (d *document) checkBots(cfg *Config) {
	accounts := map[string]path{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Bots)) {
		at := path("bots").key(name)
		if !d.whole(at) {
			continue
		}
		b := cfg.Bots[name]
		b.Name = name
		d.wordy(at, "bot", name)
		if d.need(at.key("kind"), string(b.Kind), "write telegram, discord, twitter or wechat") {
			d.checkKeys(at, b.Kind)
			d.checkAccount(at, b, accounts)
		}
		if b.Kind == Twitter && b.API == "" {
			b.API = TwitterV2
		}
		d.checkDigits(at.key("application"), b.Application, "write the application id in digits")
		d.checkDigits(at.key("guild"), b.Guild, "write the server's id in digits")
		b.APIURL = d.checkAPIURL(at.key("api_url"), b.APIURL)
		d.checkRate(at, b)
		cfg.Bots[name] = b
	}
}

// checkKeys reports keys that bots of a kind do not have.
func (d *document) checkKeys(at path, kind Platform) {
	foreign := map[string]bool{}
	for _, other := range []Platform{Telegram, Discord, Twitter, WeChat} {
		for _, key := range botKeys(other) {
			foreign[key] = !slices.Contains(botKeys(kind), key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(foreign)) {
		if foreign[key] && d.has(at.key(key)) {
			d.fault(d.secretAt(at, key), "%s bots have no %s; remove it", kind, key)
		}
	}
}

func botKeys(p Platform) []string {
	keys := slices.Clone(on(p).keys)
	for _, s := range on(p).secrets {
		keys = append(keys, s.key)
	}
	return keys
}

func (d *document) checkAccount(at path, b Bot, accounts map[string]path) {
	required := on(b.Kind).secrets
	for _, s := range required {
		value := b.secretOf(s.key)
		d.needSecret(at, s.key, value, s.what)
		if strings.Contains(value.Reveal(), "://") {
			d.fault(d.secretAt(at, s.key), "%s is a whole address; write only %s", s.key, s.what)
		}
	}
	last := required[len(required)-1].key
	if value := b.secretOf(last); !value.IsZero() {
		account := string(b.Kind) + "\n" + value.Reveal()
		if first, ok := accounts[account]; ok {
			d.fault(d.secretAt(at, last), "%s is that of %s too (line %d); an account is one bot, which any number of channels may use", last, first.parent(), d.line(first))
		} else {
			accounts[account] = d.secretAt(at, last)
		}
	}
}

// checkAPIURL returns the address without slashes at the end.
func (d *document) checkAPIURL(at path, s string) string {
	if s == "" {
		if d.has(at) {
			d.fault(at, "%s is empty; leave it out for the platform's own", at)
		}
		return ""
	}
	before := len(d.faults)
	s = d.webAddress(at, s)
	if u, err := url.Parse(s); len(d.faults) == before && err == nil && u.Scheme == "http" && !loopbackURL(s) {
		d.fault(at, "%s is plain http to another machine, which shows the secret to the network; use https", at)
	}
	return s
}

const (
	telegramFree = 30   // messages a second; https://core.telegram.org/bots/faq#broadcasting-to-users
	telegramPaid = 1000 // the same with paid broadcasts
)

// FreeRate is the rate of what is not paid for, in messages a second; 0 is what
// the platform documents.
func (b Bot) FreeRate() float64 {
	if b.Kind == Telegram && b.Paid > 0 {
		return min(b.Rate, telegramFree)
	}
	return b.Rate
}

// PaidRate is the rate of what is paid for: the one that is set, where that is
// more than there is for nothing.
func (b Bot) PaidRate() float64 {
	if b.Rate > telegramFree {
		return b.Rate
	}
	return telegramPaid
}

func (d *document) checkRate(at path, b Bot) {
	switch rate := at.key("rate"); {
	case d.has(rate) && !(b.Rate > 0 && b.Rate <= 1e6): // not a number neither
		d.fault(rate, "%s cannot be %v; write messages a second, or leave it out for the platform's limit", rate, b.Rate)
	case b.Kind == Telegram && b.Rate > telegramPaid && !b.Simulated():
		d.fault(rate, "Telegram takes at most %d messages a second; write a smaller rate", telegramPaid)
	case b.Kind == Telegram && b.Rate > telegramFree && b.Paid == 0 && !b.Simulated():
		d.warn(rate, "above %d messages a second Telegram refuses what is not paid; set paid, or a smaller rate", telegramFree)
	}
	if b.Paid < 0 {
		d.fault(at.key("paid"), "%s cannot be negative; write Stars per incident, or 0 for never", at.key("paid"))
	}
}

// bot finds the bot that a channel or room names, if it can be relied on.
func (d *document) bot(cfg *Config, at path, name string) (Bot, bool) {
	if !d.need(at, name, "write the name of a bot: NAME of [bots.NAME]") {
		return Bot{}, false
	}
	if b, ok := cfg.Bots[name]; ok || d.lost["bots"] {
		return b, b.Kind != "" && d.whole(path("bots").key(name))
	}
	names := slices.Sorted(maps.Keys(cfg.Bots))
	advice := "there is no [bots.NAME] yet: add it"
	if near := nearest(name, names); near != "" {
		advice = fmt.Sprintf("did you mean %q?", near)
	} else if len(names) > 0 {
		advice = "write one of " + strings.Join(names, ", ")
	}
	d.fault(at, "there is no bot %q; %s", name, advice)
	return Bot{}, false
}
