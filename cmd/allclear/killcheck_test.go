package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// knowable waits until nothing is pending, and nothing is unsure on X and
// Discord, which takes no longer than a minute.
func (k *killing) knowable() {
	k.t.Helper()
	deadline := time.Now().Add(2 * time.Minute) // a minute on a machine with nothing else to do
	for {
		open := k.list(func(d delivery) bool {
			return d.State == "pending" || d.State == "sending" || d.State == "unsure" && (d.Channel == "x" || d.Channel == "discord")
		})
		if len(open) == 0 {
			return
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("not settled: %+v\n%s", open, k.feeds())
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// list are the deliveries of all that was accepted of which ok holds.
func (k *killing) list(ok func(delivery) bool) (out []delivery) {
	k.t.Helper()
	c, err := newClient(&env{ctx: k.t.Context(), lookup: k.lookup})
	if err != nil {
		k.t.Fatal(err)
	}
	for _, i := range k.accepted {
		all, err := c.deliveries(&env{ctx: k.t.Context()}, i.ref)
		if err != nil {
			k.t.Fatal(err)
		}
		for _, d := range all {
			if ok(d) {
				out = append(out, d)
			}
		}
	}
	return out
}

// settleUnsure decides what nobody can know, as people do who look: what is
// there is recorded, the rest is sent again, or skipped where it was withdrawn.
// What becomes of that may have to be decided in turn.
func (k *killing) settleUnsure() (decided int) {
	k.t.Helper()
	k.until("settled", func() bool {
		for _, d := range k.list(func(d delivery) bool { return d.State == "unsure" || d.State == "failed" }) {
			k.settle(d)
			decided++
		}
		ended := []string{"sent", "superseded", "withdrawn", "skipped"}
		return len(k.list(func(d delivery) bool { return !slices.Contains(ended, d.State) })) == 0
	})
	return decided
}

func (k *killing) settle(d delivery) {
	k.t.Helper()
	if d.State == "failed" && !strings.Contains(d.Error, "newer words had been posted") {
		k.t.Fatalf("nothing was refused for good, and %+v", d)
	}
	i, n := k.whose(d)
	if shown := k.must("show", i.ref); !strings.Contains(shown, d.State) {
		k.t.Errorf("a person is not shown that %+v:\n%s", d, shown)
	}
	k.settled[d.Update+" "+d.Channel] = true
	do := func(verb string, req map[string]any) {
		c, err := newClient(&env{ctx: k.t.Context(), lookup: k.lookup})
		if err != nil {
			k.t.Fatal(err)
		}
		if _, err := c.call(k.t.Context(), "POST", "/v1/deliveries/"+url.PathEscape(d.ID)+"/"+verb, req, nil); err != nil {
			k.t.Errorf("%s %+v: %v", verb, d, err)
		}
	}
	switch there := k.like(i, n, d); {
	case len(there) > 0 && d.Channel == "telegram":
		do("posted", map[string]any{"url": "https://t.me/example_status/" + there[0].ID})
	case len(there) > 0:
		do("posted", map[string]any{})
	case i.updates[n-1].retracted && d.Action != "tombstone":
		do("skip", map[string]any{"reason": "it was withdrawn"})
	default:
		do("retry", map[string]any{})
	}
}

// whose is the update that a delivery is for.
func (k *killing) whose(d delivery) (*told, int) {
	ref, n, err := parseUpdate(d.Update)
	if err != nil {
		k.t.Fatal(err)
	}
	return k.accepted[slices.IndexFunc(k.accepted, func(i *told) bool { return i.ref == ref.String() })], n
}

// like are the messages that a delivery may have made.
func (k *killing) like(i *told, n int, d delivery) []sim.Seen {
	switch m := k.messages(i, d.Channel); d.Action {
	case "correction":
		return slices.DeleteFunc(m.corrections[n], func(m sim.Seen) bool { return !strings.Contains(m.Text, i.mark(n, d.Revision)) })
	case "tombstone":
		return m.retractions[n]
	default:
		return m.posts[n]
	}
}

// seen are the messages of an incident on a platform, by update, oldest first.
type seen struct {
	all, roots                      []sim.Seen
	posts, corrections, retractions map[int][]sim.Seen
}

func (k *killing) messages(i *told, platform string) seen {
	s := seen{posts: map[int][]sim.Seen{}, corrections: map[int][]sim.Seen{}, retractions: map[int][]sim.Seen{}}
	for _, m := range k.feed(platform) {
		if !strings.Contains(m.Text, i.ref+"/") {
			continue
		}
		s.all = append(s.all, m)
		for n := range len(i.updates) {
			n++
			switch {
			case strings.Contains(m.Text, "We withdraw ") && strings.Contains(m.Text, i.reason(n)):
				s.retractions[n] = append(s.retractions[n], m)
			case strings.Contains(m.Text, i.mark(n, 0)) && strings.Contains(m.Text, "Correction:"):
				s.corrections[n] = append(s.corrections[n], m)
			case strings.Contains(m.Text, i.mark(n, 0)), strings.Contains(m.Text, i.reason(n)):
				s.posts[n] = append(s.posts[n], m)
				if m.ReplyTo == "" && m.Thread == "" {
					s.roots = append(s.roots, m)
				}
			}
		}
	}
	return s
}

// checkRecord: the incident is what was accepted, no less and no more.
func (k *killing) checkRecord(i *told) {
	k.t.Helper()
	var shown struct {
		Incident struct {
			Updates []struct {
				Revision    int        `json:"revision"`
				RetractedAt *time.Time `json:"retracted_at"`
			} `json:"updates"`
		} `json:"incident"`
	}
	if err := json.Unmarshal([]byte(k.must("--json", "show", i.ref)), &shown); err != nil {
		k.t.Fatal(err)
	}
	have := shown.Incident
	if len(have.Updates) != len(i.updates) {
		k.t.Errorf("%s has %d updates, %d were accepted", i.ref, len(have.Updates), len(i.updates))
		return
	}
	for x, u := range have.Updates {
		if want := i.updates[x]; u.Revision != len(want.typos) || (u.RetractedAt != nil) != want.retracted {
			k.t.Errorf("%s/%d is %+v, accepted was %+v", i.ref, x+1, u, *want)
		}
	}
}

// checkFollowers: followers see what was accepted.
func (k *killing) checkFollowers(i *told, platform string) {
	k.t.Helper()
	m := k.messages(i, platform)
	wrong := func(format string, args ...any) {
		k.t.Helper()
		k.t.Errorf("%s on %s: %s\n%s", i.ref, platform, fmt.Sprintf(format, args...), k.story(i, platform))
	}
	for x, u := range i.updates {
		n := x + 1
		most := 1
		if u.retracted { // tombstones do not say of what
			most += u.corrections()
		}
		if len(m.posts[n]) > most || len(m.retractions[n]) > 1 || len(m.corrections[n]) > u.corrections() {
			wrong("update %d is there %d times, corrected %d times, withdrawn %d times", n, len(m.posts[n]), len(m.corrections[n]), len(m.retractions[n]))
		}
		if what := k.shows(i, n, u, m, platform); what != "" {
			wrong("update %d %s", n, what)
		}
	}
	k.checkOrder(i, m, platform, wrong)
	k.checkThread(m, platform, wrong)
}

// corrections is how often an update was corrected, not only for a typo.
func (u *toldUpdate) corrections() (n int) {
	for r, typo := range u.typos {
		if r > 0 && !typo {
			n++
		}
	}
	return n
}

// shows says what is wrong with what followers read of an update.
func (k *killing) shows(i *told, n int, u *toldUpdate, m seen, platform string) string {
	edits := platform == "telegram" || platform == "discord"
	words := func(revision int) bool {
		return slices.ContainsFunc(m.all, func(s sim.Seen) bool { return strings.Contains(s.Text, i.mark(n, revision)) })
	}
	withdrawn := slices.ContainsFunc(m.all, func(s sim.Seen) bool { return strings.Contains(s.Text, i.reason(n)) })
	switch {
	case u.retracted && words(0) && platform != "wechat":
		return "was withdrawn and shows"
	case u.retracted && words(0) && !withdrawn:
		return "was withdrawn, and nobody is told"
	case u.retracted:
		return ""
	case len(m.posts[n]) == 0:
		return "is lost"
	case edits && !strings.Contains(m.posts[n][0].Text, i.mark(n, len(u.typos))):
		return fmt.Sprintf("shows older words than those of revision %d", len(u.typos))
	}
	last := 0
	for _, s := range m.all {
		for r := range u.typos {
			if strings.Contains(s.Text, i.mark(n, r+1)) && !edits {
				if r+1 < last {
					return fmt.Sprintf("shows revision %d after %d", r+1, last)
				}
				last = r + 1
			}
		}
	}
	if !edits && last < u.loud() {
		return fmt.Sprintf("shows revision %d last, and %d corrects it", last, u.loud())
	}
	return ""
}

// checkOrder: updates are there in their order, but for those that a person
// decided about.
func (k *killing) checkOrder(i *told, m seen, platform string, wrong func(string, ...any)) {
	k.t.Helper()
	last := 0
	for _, s := range m.all {
		for n := range len(i.updates) {
			n++
			if !slices.ContainsFunc(m.posts[n], func(p sim.Seen) bool { return p.ID == s.ID }) || k.settled[fmt.Sprintf("%s/%d %s", i.ref, n, platform)] {
				continue
			}
			if n < last {
				wrong("update %d comes after %d", n, last)
			}
			last = n
		}
	}
}

// checkThread: one message is answered by all others. After half a minute in which
// it is in doubt whether the first is there, another may take its place; the first
// may have arrived some seconds into it.
func (k *killing) checkThread(m seen, platform string, wrong func(string, ...any)) {
	k.t.Helper()
	if platform == "wechat" {
		return // has no threads
	}
	for x := 1; x < len(m.roots); x++ {
		if apart := m.roots[x].At.Sub(m.roots[x-1].At); apart < 20*time.Second {
			wrong("a second thread begins with %q, %v after the first", m.roots[x].Text, apart)
		}
	}
}

// story is what is known of an incident on a platform, for who has to find out.
func (k *killing) story(i *told, platform string) string {
	var b strings.Builder
	for _, m := range k.messages(i, platform).all {
		fmt.Fprintf(&b, "%s %s reply=%s thread=%s: %q\n", m.At.Format("15:04:05.000"), m.ID, m.ReplyTo, m.Thread, m.Text)
	}
	for _, d := range k.list(func(d delivery) bool { return strings.HasPrefix(d.Update, i.ref+"/") && d.Channel == platform }) {
		fmt.Fprintf(&b, "%+v\n", d)
	}
	return b.String()
}
