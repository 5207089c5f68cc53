package model

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// A script is everything that happens to a site. The same script gives the
// same story, but for the order of what happens at the same moment.
type script struct {
	Channels []string `json:"channels"`
	Unsure   string   `json:"unsure"` // policy
	EditOnly bool     `json:"edit_only,omitempty"`
	Lease    duration `json:"lease,omitempty"`  // of accounts; 0 is what it is for users
	Hidden   duration `json:"hidden,omitempty"` // how long a post on X is missing from the timeline
	Modest   bool     `json:"modest,omitempty"` // on Telegram the bot may not edit what others post, so that posts can be probed
	Crowd    int      `json:"crowd,omitempty"`  // who press Start at the beginning
	People   string   `json:"people,omitempty"` // policy for what is unsure whether they have it
	Acts     []act    `json:"acts"`
}

type duration = sim.Duration

// An act is one thing that somebody or something does. Numbers count round, so
// that they mean something whatever else is in the script.
type act struct {
	After   duration   `json:"after,omitempty"` // the act before
	Do      string     `json:"do"`
	N       int        `json:"n,omitempty"` // which incident, update or delivery
	Channel string     `json:"channel,omitempty"`
	Fault   *sim.Fault `json:"fault,omitempty"`
	Point   string     `json:"point,omitempty"` // of crash and halt: where; a node is halted at once without
	Nth     int        `json:"nth,omitempty"`   // of crash and halt: after so many that pass
	Down    duration   `json:"down,omitempty"`  // of crash, halt, stop, steal, away, missing, lag: for how long
	Release string     `json:"release,omitempty"`
	Long    bool       `json:"long,omitempty"` // a text that has to be cut
}

// String is the script as it is kept in testdata: what holds throughout, then
// an act on each line.
func (s script) String() string {
	acts := s.Acts
	s.Acts = nil
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", line(s))
	for _, a := range acts {
		fmt.Fprintf(&b, "%s\n", line(a))
	}
	return b.String()
}

func line(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain data always marshals
	}
	return bytes.Replace(out, []byte(`,"acts":null`), nil, 1)
}

func parseScript(text []byte) (s script, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, err
	}
	for dec.More() {
		var a act
		if err := dec.Decode(&a); err != nil {
			return s, err
		}
		s.Acts = append(s.Acts, a)
	}
	return s, nil
}

// The points at which a process dies, in the order in which a request passes
// them.
var crashPoints = []string{"before begin", "after begin", "arrived", "carried out", "before record", "after record"}

// The points at which it dies while a command is carried out.
var deskPoints = []string{"before command", "after command"}

// draw makes a script from a seed.
func draw(seed uint64) script {
	d := newDrawer(seed)
	s := script{Unsure: pick(d, "ask", "ask", "assume", "resend"), EditOnly: d.IntN(6) == 0}
	all := []string{"tg", "tg-topic", "dc", "dc-flat", "x", "wx"}
	d.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	s.Channels = all[:pick(d, 1, 1, 1, 2, 2, 3)]
	if slices.Contains(s.Channels, "x") && d.IntN(2) == 0 {
		s.Hidden = duration(d.IntN(6)) * duration(time.Second)
	}
	s.Modest = d.IntN(2) == 0
	s.Lease = pick(d, 0, longLease, longLease, longLease)
	s.Acts = append(s.Acts, act{Do: "open"})
	trouble := pick(d, 1, 3, 6)
	for range 3 + d.IntN(12) {
		if d.IntN(12) == 0 {
			s.Acts = append(s.Acts, d.rush(s)...)
			continue
		}
		a := d.act(s, trouble)
		a.After = d.pause()
		s.Acts = append(s.Acts, a)
	}
	return s
}

// rush has people go on within seconds although what they did before is still
// out, since its requests go wrong.
func (d drawer) rush(s script) (out []act) {
	deed := pick(d, "remove", "remove", "retract", "correct", "update")
	for _, channel := range s.Channels {
		f := d.fault(platformOf(channel))
		f.Match, f.Skip, f.Times = pick(d, doing[platformOf(channel)][deed]...), 0, 1+d.IntN(4)
		out = append(out, act{Do: "fault", Channel: channel, Fault: f})
	}
	out[0].After = d.pause()
	out = append(out, act{Do: deed, N: d.IntN(12)})
	for range 1 + d.IntN(4) {
		out = append(out, act{Do: pick(d, "update", "update", "update", "correct", "remove", "retract", "resolve"), N: d.IntN(12), After: d.between(0, 2*time.Second)})
	}
	return out
}

// doing are the requests that a deed needs, by platform.
var doing = map[string]map[string][]string{
	"telegram": {"remove": {"deleteMessage"}, "retract": {"editMessageText"}, "correct": {"editMessageText"}, "update": {"sendMessage", "editMessageText"}},
	"discord":  {"remove": {"DELETE"}, "retract": {"PATCH"}, "correct": {"PATCH"}, "update": {"POST", "/threads", "PATCH"}},
	"x":        {"remove": {"DELETE /2/tweets"}, "retract": {"DELETE /2/tweets"}, "correct": {"POST /2/tweets"}, "update": {"POST /2/tweets"}},
	"wechat":   {"remove": {"send"}, "retract": {"send"}, "correct": {"send"}, "update": {"send"}},
}

// longLease leaves most of the time of a script to something else than renewing
// leases. Whatever is about leases takes longer in proportion.
const longLease = 60 * duration(time.Second)

// lease is how long an account's lease lasts.
func (s script) lease() time.Duration { return time.Duration(cmp.Or(s.Lease, usualLease)) }

// usualLease is how long it lasts for users.
const usualLease = 10 * duration(time.Second)

// A drawer draws from what one script is made of. That is not everything: what
// goes wrong only when two things meet needs scripts in which there are few others.
type drawer struct {
	*rand.Rand
	deeds, troubles, kinds []string
	statuses               []int
}

func newDrawer(seed uint64) drawer {
	d := drawer{Rand: rand.New(rand.NewPCG(seed, 0))}
	d.deeds = some(d, "update", "update", "update", "update", "correct", "typo", "retract", "remove", "resolve", "open", "open",
		"retry", "retry", "skip", "posted", "freeze", "thaw")
	d.troubles = some(d, "fault", "fault", "fault", "fault", "crash", "crash", "halt", "halt", "stop", "join", "join", "steal", "forget", "away", "lag", "lag", "stranger")
	d.kinds = some(d, "status", "status", "html", "accept", "cut", "cut", "cut-after", "cut-after", "truncate", "slow", "", "body")
	d.statuses = some(d, http.StatusTooManyRequests, http.StatusTooManyRequests, http.StatusBadRequest, http.StatusForbidden, http.StatusInternalServerError, http.StatusServiceUnavailable)
	return d
}

// some leaves out some of what could be drawn.
func some[T any](d drawer, of ...T) []T {
	d.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
	return of[:1+d.IntN(len(of))]
}

func pick[T any](d drawer, of ...T) T { return of[d.IntN(len(of))] }

// pause is the time between two acts.
func (d drawer) pause() duration {
	return pick(d, 0, 0, d.between(0, 3*time.Second), d.between(0, 3*time.Second), d.between(3*time.Second, 40*time.Second), d.between(40*time.Second, 3*time.Minute), d.rest())
}

// rest is a long time, in which posts grow old.
func (d drawer) rest() duration {
	return pick(d, 12*duration(time.Minute), d.between(0, 3*time.Second), d.between(0, 3*time.Second))
}

func (d drawer) between(from, to time.Duration) duration {
	return duration((from + time.Duration(d.Int64N(int64(to-from)))).Round(time.Millisecond))
}

func (d drawer) act(s script, trouble int) act {
	channel := pick(d, s.Channels...)
	if d.IntN(10) < trouble {
		return d.trouble(channel, s.lease())
	}
	a := act{Do: pick(d, d.deeds...), N: d.IntN(12)}
	switch a.Do {
	case "open", "update", "correct":
		a.Long = d.IntN(6) == 0
	case "freeze":
		a.Channel = pick(d, "", channel, "INC-1")
	case "thaw":
		a.Release = pick(d, "newest", "newest", "all", "drop", "choose")
	}
	return a
}

// trouble is an act that nobody wanted.
func (d drawer) trouble(channel string, lease time.Duration) act {
	a := act{Do: pick(d, d.troubles...), Channel: channel}
	switch a.Do {
	case "fault":
		a.Fault = d.fault(platformOf(channel))
	case "crash":
		a.Point, a.Nth = pick(d, append(append(crashPoints, crashPoints...), deskPoints...)...), pick(d, 0, 0, 0, 1, 2)
		a.Down = pick(d, 0, d.between(0, 5*time.Second), d.between(0, 90*time.Second), 15*duration(time.Minute))
	case "halt": // until before, about when, or after its leases end
		a.Point, a.Nth = pick(d, append(crashPoints, "", "")...), pick(d, 0, 0, 0, 1, 2)
		a.Down = pick(d, d.between(0, lease*8/10), d.between(lease*8/10, lease*14/10), d.between(lease*8/10, lease+50*time.Second))
	case "missing":
		a.Down = d.between(0, 8*time.Second)
	case "stop", "steal", "away":
		a.Down = pick(d, 0, d.between(0, 40*time.Second))
	case "lag":
		a.N, a.Down = 1+d.IntN(9), d.between(10*time.Second, 2*time.Minute)
	case "forget":
		a.N = 1 + d.IntN(3)
	}
	return a
}

// requests are what faults can meet, by platform.
var requests = map[string][]string{
	"telegram": {"sendMessage", "sendMessage", "sendMessage", "editMessageText", "deleteMessage", "createForumTopic", ""},
	"discord":  {"POST", "POST", "/messages", "PATCH", "DELETE", "/threads", "GET", "PUT", ""},
	"x":        {"POST /2/tweets", "POST /2/tweets", "DELETE /2/tweets", "GET /2/users", ""},
	"wechat":   {"send"},
}

func (d drawer) fault(platform string) *sim.Fault {
	f := &sim.Fault{Match: pick(d, requests[platform]...), Skip: pick(d, 0, 0, 0, 1, 2), Times: pick(d, 1, 1, 1, 2, 4)}
	f.Kind = pick(d, d.kinds...)
	switch f.Kind {
	case "status":
		f.Status = pick(d, d.statuses...)
		if platform == "x" {
			f.Status = pick(d, f.Status, http.StatusPaymentRequired)
		}
		if f.Status == http.StatusTooManyRequests {
			f.RetryAfter = duration(1+d.IntN(40)) * duration(time.Second)
		}
	case "slow":
		f.Spread = d.between(time.Second, 40*time.Second)
	case "":
		f.Delay = d.between(time.Second, 24*time.Second)
	case "body":
		f.Body = pick(d, "", "{}", "null", "<html>", `{"ok":true}`)
	}
	return f
}

// platformOf is the platform of a channel of the model.
func platformOf(channel string) string {
	name, _, _ := strings.Cut(channel, "-")
	return map[string]string{"tg": "telegram", audience: "telegram", "dc": "discord", "x": "x", "wx": "wechat"}[name]
}
