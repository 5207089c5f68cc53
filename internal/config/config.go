// Package config reads the one configuration file. It decodes TOML onto
// defaults and checks everything that can be known without asking a platform,
// so that what [Load] returns can be relied on without further checks.
//
// Every error is one line that names file and line, says what is wrong and
// what to do. No error, and no way of printing a [Config], shows a secret.
package config

import (
	"net/netip"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// Config is a whole, checked configuration. File paths in it are relative to
// the working directory of the process; in the file they are relative to the
// file's own folder.
type Config struct {
	Site       Site            `toml:"site"`
	Store      Store           `toml:"store"`
	Web        Web             `toml:"web"`
	Policy     Policy          `toml:"policy"`
	Bots       map[string]Bot  `toml:"bots"`
	Channels   []Channel       `toml:"channels"` // at least one
	Rooms      []Room          `toml:"rooms"`
	Operators  []Operator      `toml:"operators"`
	Components []Component     `toml:"components"`
	Hooks      map[string]Hook `toml:"hooks"`

	// Warnings are what works but is probably not meant, one line each, in
	// the form of errors.
	Warnings []string `toml:"-"`
}

// Site is what the public is told about the service itself.
type Site struct {
	Name      string            `toml:"name"`
	URL       string            `toml:"url"`       // of the status page, without a slash at the end
	Language  string            `toml:"language"`  // of texts that name none; one of Languages
	Languages []string          `toml:"languages"` // BCP 47 tags in canonical form
	TimeZone  *time.Location    `toml:"time_zone"`
	Hosts     []string          `toml:"hosts"`     // hosts that texts may link to, in lower case; empty allows all
	Warning   map[string]string `toml:"warning"`   // by language: the line against impostors
	Templates string            `toml:"templates"` // folder of templates that override the built-in ones; empty for none
	KeyFile   string            `toml:"key_file"`  // of the key that signs the record
}

// Store says where everything is kept.
type Store struct {
	// URL is sqlite:PATH, or a postgres:// address, which may hold a password.
	URL Secret `toml:"url"`

	// Dir is what this server alone keeps beside a database elsewhere: how far
	// each message to subscribers got that was under way.
	Dir string `toml:"dir"`
}

// Web says where pages and the API are served.
type Web struct {
	Listen       string `toml:"listen"`        // host:port of everything
	PublicListen string `toml:"public_listen"` // host:port of what is for everybody only; empty for none
	Dir          string `toml:"dir"`           // folder that receives the public pages as files; empty for none

	// Proxies are addresses and networks whose word about where a request comes
	// from is believed (X-Forwarded-For).
	Proxies []string `toml:"proxies"`
}

// Networks are the proxies.
func (w Web) Networks() (out []netip.Prefix) {
	for _, text := range w.Proxies {
		if n, err := parseNetwork(text); err == nil { // it was checked
			out = append(out, n)
		}
	}
	return out
}

// parseNetwork reads an address or a network.
func parseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Unmap().Prefix(a.Unmap().BitLen())
	}
	return netip.ParsePrefix(text)
}

// Policy is who must agree to what, and what happens by default.
type Policy struct {
	Approvals          map[string]int                    `toml:"approvals"` // people besides the author, by impact or kind; see Needs
	Unsure             UnsurePolicy                      `toml:"unsure"`
	Ack                string                            `toml:"ack"`         // the approved template of first words: "ack", or "ack@sha256:…" for an overridden one; empty for none
	Hold               string                            `toml:"hold"`        // the approved holding statement, likewise
	FalseAlarm         string                            `toml:"false_alarm"` // the approved text of a false alarm, likewise
	Next               map[incident.Impact]time.Duration `toml:"next"`        // default promise; an impact without an entry promises nothing
	MissingTranslation MissingTranslation                `toml:"missing_translation"`
	Correction         Correction                        `toml:"correction"`
	Retraction         Retraction                        `toml:"retraction"`
}

// Needs is how many people besides the author must agree to an update: the
// larger of what its kind and its impact ask for.
func (p Policy) Needs(k incident.Kind, i incident.Impact) int {
	return max(p.Approvals[string(k)], p.Approvals[string(i)])
}

// Approved are the values of ack, hold and false_alarm by key.
func (p Policy) Approved() map[string]string {
	return map[string]string{incident.AckPhrase: p.Ack, incident.HoldPhrase: p.Hold, incident.FalseAlarmPhrase: p.FalseAlarm}
}

// UnsurePolicy settles posts of which nobody knows whether they arrived.
type UnsurePolicy struct {
	Public Unsure `toml:"public"` // on channels
	People Unsure `toml:"people"` // to subscribers
}

// Bot is one account on one platform. Only the keys of its Kind are set.
type Bot struct {
	Name   string   `toml:"-"` // its key in Bots
	Kind   Platform `toml:"kind"`
	APIURL string   `toml:"api_url"` // without a slash at the end; empty for the platform's own
	Rate   float64  `toml:"rate"`    // messages a second; 0 for the platform's documented limit
	Live   bool     `toml:"live"`    // a loopback APIURL is no simulator

	Token Secret `toml:"token"` // Telegram, Discord
	Paid  int    `toml:"paid"`  // Telegram: Stars per incident for paid broadcasts; 0 is never

	Application string `toml:"application"` // Discord: application id
	Guild       string `toml:"guild"`       // Discord: server id; empty registers commands everywhere

	ConsumerKey    Secret     `toml:"consumer_key"` // X
	ConsumerSecret Secret     `toml:"consumer_secret"`
	AccessToken    Secret     `toml:"access_token"`
	AccessSecret   Secret     `toml:"access_secret"`
	API            TwitterAPI `toml:"api"`

	Key Secret `toml:"key"` // WeChat: key of a WeCom group robot
}

// Simulated reports whether the bot talks to a simulator: its APIURL is on
// loopback and not marked as live.
func (b Bot) Simulated() bool { return !b.Live && loopbackURL(b.APIURL) }

// Channel is a place where updates appear.
type Channel struct {
	Name      string  `toml:"name"`
	Bot       string  `toml:"bot"`
	Target    string  `toml:"target"`   // chat or channel id; empty for audiences, X and WeChat
	Language  string  `toml:"language"` // one of Site.Languages
	Audience  bool    `toml:"audience"` // the subscribers of a Telegram bot
	Thread    bool    `toml:"thread"`   // a thread or topic for each incident
	Crosspost bool    `toml:"crosspost"`
	Pin       bool    `toml:"pin"`
	Replies   Replies `toml:"replies"` // who may answer on X; empty elsewhere
	Drill     bool    `toml:"drill"`   // for exercises
}

// Room is a chat where operators work.
type Room struct {
	Bot    string `toml:"bot"`
	Target string `toml:"target"`
	Drill  bool   `toml:"drill"`
}

// Operator is a person who may do something.
type Operator struct {
	Name      string `toml:"name"`
	Role      Role   `toml:"role"`
	Telegram  string `toml:"telegram"` // user id; empty for none
	Discord   string `toml:"discord"`  // user id; empty for none
	TokenHash Hash   `toml:"token"`    // of the token for the API; zero for none
}

// Component is a named part of the service.
type Component struct {
	ID    string `toml:"id"`
	Name  string `toml:"name"`
	Group string `toml:"group"`
}

// Hook is a source of alerts.
type Hook struct {
	Name   string   `toml:"-"` // its key in Hooks, the last part of its address
	Kind   HookKind `toml:"kind"`
	Secret Secret   `toml:"secret"`
}

// defaults is what holds for keys that a file does not give.
func defaults() *Config {
	return &Config{
		Site:  Site{Language: "en", TimeZone: time.UTC, KeyFile: "allclear.key"},
		Store: Store{URL: NewSecret("sqlite:allclear.db"), Dir: "allclear-state"},
		Web:   Web{Listen: "127.0.0.1:8080", Proxies: []string{}},
		Policy: Policy{
			Unsure:             UnsurePolicy{Public: Ask, People: Assume},
			Ack:                "ack",
			Hold:               "hold",
			FalseAlarm:         "false_alarm",
			MissingTranslation: ShowOriginal,
			Correction:         Loud,
			Retraction:         Tombstone,
		},
	}
}
