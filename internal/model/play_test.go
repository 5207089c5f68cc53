package model

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// said is what people did and were answered: what is accepted.
type said struct {
	incidents []*saidIncident
	keys      int
}

type saidIncident struct {
	ref       string
	updates   []int        // revisions of each
	retracted map[int]bool // by update
	removed   map[int]bool // those whose messages are to be deleted
	ended     map[int]bool
	at        map[int]time.Time // when it was last changed, by update
	typos     map[[2]int]bool   // whether a revision of an update is for a typo alone
}

// mark is recognised wherever it shows, however much of a text is cut.
func mark(ref string, update, revision int) string {
	return fmt.Sprintf("%s.%d.%d.", strings.ToLower(strings.ReplaceAll(ref, "-", "")), update, revision)
}

// words are the text of a revision.
func words(ref string, update, revision int, long bool) string {
	text := "Words " + mark(ref, update, revision)
	if long {
		text += strings.Repeat(" and so on", 250)
	}
	return text
}

func reason(ref string, update int) string { return fmt.Sprintf("Not true at all %s.%d.", ref, update) }

// play plays the script and says what was wrong.
func (w *world) play() error {
	time.Sleep(time.Until(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)))
	w.began = time.Now()
	if w.crowd != nil {
		if err := w.crowd.begin(); err != nil {
			return err
		}
	}
	if err := w.start(); err != nil {
		return err
	}
	for _, a := range w.script.Acts {
		if err := w.pass(time.Duration(a.After)); err != nil {
			return err
		}
		w.tell("%s", line(a))
		if err := w.act(a); err != nil {
			return err
		}
		if err := w.complaint(); err != nil {
			return err
		}
	}
	if err := w.settle(); err != nil {
		return err
	}
	return w.complaint()
}

// close ends all that runs.
func (w *world) close() {
	if w.life != nil {
		w.life.die()
		w.endAll()
	}
	if w.db != nil {
		w.closeDatabase()
	}
	w.wire.server.Close()
	time.Sleep(5 * time.Minute) // requests under way arrive, idle connections end
}

func (w *world) act(a act) error {
	if err := w.succeed(); err != nil {
		return err
	}
	switch a.Do {
	case "open", "update", "resolve", "correct", "typo", "retract", "remove":
		return w.speak(a)
	case "retry", "skip", "posted":
		if w.crowd != nil {
			if done, err := w.crowd.settle(a); done || err != nil {
				return err
			}
		}
		return w.settleOne(a)
	case "freeze", "thaw":
		return w.fence(a)
	case "start", "follow", "leave", "settings", "press", "block", "invite", "move":
		return w.crowd.act(a)
	}
	return w.trouble(a)
}

// trouble is what happens without anybody's doing.
func (w *world) trouble(a act) error {
	account := channels[a.Channel].Account
	switch a.Do {
	case "fault":
		w.inject(platformOf(a.Channel), *a.Fault)
	case "crash":
		w.arm(&armed{point: a.Point, place: account, left: a.Nth, down: time.Duration(a.Down)})
	case "halt":
		if a.Point == "" {
			w.life.gate.halt(time.Duration(a.Down))
			return w.succeed()
		}
		w.arm(&armed{point: a.Point, place: account, left: a.Nth, down: time.Duration(a.Down), halt: true})
	case "stop":
		return w.restart(time.Duration(a.Down))
	case "copy", "restore":
		return w.carry(a)
	case "join":
		return w.join()
	case "steal":
		return w.steal(account, time.Duration(a.Down))
	case "forget":
		w.mu.Lock()
		defer w.mu.Unlock()
		w.forgets = max(0, w.forgets) + a.N
	case "missing":
		w.mu.Lock()
		defer w.mu.Unlock()
		w.missing = time.Now().Add(time.Duration(a.Down))
	case "stranger":
		return w.stranger()
	case "lag":
		w.mu.Lock()
		defer w.mu.Unlock()
		w.lags[account] = lag{each: time.Duration(a.N) * time.Second, until: time.Now().Add(time.Duration(a.Down))}
	case "away":
		w.mu.Lock()
		defer w.mu.Unlock()
		w.unreach[account] = time.Now().Add(time.Duration(a.Down))
	default:
		return fmt.Errorf("nobody can %q", a.Do)
	}
	return nil
}

// stranger has people post where we do, which takes ids that our posts could
// have had.
func (w *world) stranger() error {
	_, err := w.sims.Telegram.Say(tgChannel, "9", "Buy stickers.", sim.Saying{})
	for _, ch := range []string{dcChannel, dcFlat} {
		if err == nil {
			_, err = w.sims.Discord.Say(ch, "9", "Buy stickers.")
		}
	}
	w.sims.X.Post("stranger", "Buy stickers.")
	return err
}

func (w *world) arm(a *armed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = a
}

// steal has another node take an account, for a while.
func (w *world) steal(account string, long time.Duration) error {
	w.mu.Lock()
	w.stolen[account] = time.Now().Add(long)
	w.mu.Unlock()
	lease, ok, err := w.life.store.Claim(context.Background(), account, time.Second) // this node's own
	if err != nil || !ok {
		return err
	}
	return w.life.store.Release(context.Background(), lease)
}

// do has an admin command something, and again until it is answered.
func (w *world) do(c desk.Command) (desk.Answer, bool, error) {
	w.said.keys++
	key := strconv.Itoa(w.said.keys)
	for n := w.said.keys; ; n++ { // another node may know of what one did that died
		by := w.taker(n)
		a, err := by.desk.Do(context.Background(), desk.Actor{Name: "Ana", Role: desk.Admin}, key, c)
		switch _, refused := desk.AsRefusal(err); {
		case err == nil:
			w.tell("answered: %s", a.Text)
			return a, true, nil
		case refused && !errors.Is(err, errDead):
			w.tell("refused: %v", err)
			return a, false, nil
		case !by.gone():
			return a, false, fmt.Errorf("%T: %w", c, err)
		}
		if !w.life.gone() {
			continue
		}
		if err := w.revive(); err != nil {
			return a, false, err
		}
	}
}

// pickIncident is the incident that an act is about.
func (w *world) pickIncident(n int) *saidIncident { return w.said.incidents[n%len(w.said.incidents)] }

func (w *world) speak(a act) error {
	if a.Do == "open" || len(w.said.incidents) == 0 {
		return w.open(a)
	}
	i := w.pickIncident(a.N)
	n := 1 + a.N%len(i.updates)
	ref := fmt.Sprintf("%s/%d", i.ref, n)
	switch a.Do {
	case "update", "resolve":
		s := incident.Saying{Body: incident.Text{"en": words(i.ref, len(i.updates)+1, 1, a.Long)}}
		if a.Do == "resolve" {
			s.Status = incident.Resolved
		}
		_, ok, err := w.do(desk.Update{Ref: i.ref, Saying: s})
		if ok {
			w.note(func() {
				i.updates = append(i.updates, 1)
				i.at[len(i.updates)], i.ended[len(i.updates)] = time.Now(), a.Do == "resolve"
			})
		}
		return err
	case "correct", "typo":
		w.note(func() { i.typos[[2]int{n, i.updates[n-1] + 1}] = a.Do == "typo" })
		_, ok, err := w.do(desk.Correct{Ref: ref, Typo: a.Do == "typo", Body: incident.Text{"en": words(i.ref, n, i.updates[n-1]+1, a.Long)}})
		if ok {
			w.note(func() { i.updates[n-1]++; i.at[n] = time.Now() })
			w.corrected(i.ref, n)
		}
		return err
	default:
		w.note(func() { i.removed[n] = i.removed[n] || a.Do == "remove" })
		_, ok, err := w.do(desk.Retract{Ref: ref, Reason: reason(i.ref, n), Delete: a.Do == "remove"})
		if ok {
			w.note(func() { i.retracted[n] = true; i.at[n] = time.Now() })
		}
		return err
	}
}

// note changes what is accepted, which the witness reads.
func (w *world) note(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) open(a act) error {
	ref := fmt.Sprintf("INC-%d", len(w.said.incidents)+1)
	answer, ok, err := w.do(desk.Open{Saying: incident.Saying{Title: "Logins fail", Impact: incident.Major, Body: incident.Text{"en": words(ref, 1, 1, a.Long)}}})
	if err != nil || !ok {
		return err
	}
	if answer.Ref != ref {
		return fmt.Errorf("opened %s, want %s: a command had no effect, or two", answer.Ref, ref)
	}
	w.note(func() {
		w.said.incidents = append(w.said.incidents, &saidIncident{ref: ref, updates: []int{1}, retracted: map[int]bool{}, removed: map[int]bool{}, ended: map[int]bool{}, at: map[int]time.Time{1: time.Now()}, typos: map[[2]int]bool{}})
	})
	return nil
}

// fence drops or lifts a freeze.
func (w *world) fence(a act) error {
	if a.Do == "freeze" {
		_, ok, err := w.do(desk.Stop{Scope: a.Channel, Reason: "wait"})
		if ok {
			w.note(func() { w.frozen[a.Channel] = true; w.frozenAt[a.Channel] = time.Now() })
		}
		return err
	}
	for scope := range w.frozen {
		c := desk.Release{Scope: scope, Release: a.Release}
		if a.Release == "choose" {
			held, err := w.held(scope, a.N)
			if err != nil {
				return err
			}
			if c.Choose = held; len(held) > 0 {
				c.Release = ""
			} else {
				c.Release = "all"
			}
		}
		w.note(func() { delete(w.frozen, scope) }) // what it releases may start before it is answered
		_, ok, err := w.do(c)
		if w.crowd != nil && c.Release == "drop" {
			w.crowd.dropped = time.Now()
		}
		if err != nil || !ok {
			w.note(func() { w.frozen[scope] = true; w.frozenAt[scope] = time.Now() })
			return err
		}
	}
	return nil
}

// held picks one of the deliveries that a freeze holds.
func (w *world) held(scope string, n int) ([]string, error) {
	lanes, err := w.lanes()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, l := range lanes {
		if scope != "" && scope != l.Channel.Name && scope != l.Incident.Ref.String() {
			continue
		}
		for _, d := range l.Deliveries(nil) {
			if d.State == broadcast.Held && d.Action == string(broadcast.Say) {
				all = append(all, d.ID)
			}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return []string{all[n%len(all)]}, nil
}

// settleOne has a person settle a delivery, one that needs it if there is any.
func (w *world) settleOne(a act) error {
	type row struct {
		lane *broadcast.Lane
		d    broadcast.Delivery
	}
	lanes, err := w.lanes()
	if err != nil {
		return err
	}
	var all, needy []row
	for _, l := range lanes {
		for _, d := range l.Deliveries(nil) {
			all = append(all, row{l, d})
			if d.State == broadcast.UnsureState || d.State == broadcast.Failed {
				needy = append(needy, row{l, d})
			}
		}
	}
	if len(needy) > 0 {
		all = needy
	}
	if len(all) == 0 {
		return nil
	}
	r := all[a.N%len(all)]
	id, err := broadcast.EntryID(r.d.ID)
	if err != nil {
		return err
	}
	which := desk.Which{Delivery: r.d.ID}
	switch a.Do {
	case "retry":
		w.mayRepeat(id) // before the answer: it may be sent again before that
		_, _, err = w.do(desk.Retry{Which: which})
	case "skip":
		_, ok, e := w.do(desk.Skip{Which: which, Reason: "said by phone"})
		if ok {
			w.gaveUp(id)
		}
		err = e
	case "posted":
		link, there := w.linkTo(id)
		if !there { // people look before they say so
			return nil
		}
		_, _, err = w.do(desk.Posted{Which: which, URL: link})
	}
	return err
}
