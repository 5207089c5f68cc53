package model

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Bounds of the time after the last trouble.
const (
	knowing  = 80 * time.Second // after which what can be known is known, when the account is had
	settling = 3 * time.Hour    // after which nothing is pending
)

// settle ends all trouble, lets the site finish, and checks what holds then.
func (w *world) settle() error {
	w.tell("trouble ends")
	w.sims.Telegram.Faults.Clear()
	w.sims.Discord.Faults.Clear()
	w.sims.X.Faults.Clear()
	w.sims.WeChat.Faults.Clear()
	w.mu.Lock()
	w.armed, w.forgets, w.lags, w.missing = nil, 0, map[string]lag{}, time.Time{}
	w.mu.Unlock()
	for _, l := range append(w.others, w.life) {
		l.gate.open()
	}
	if w.life.gone() {
		if err := w.revive(); err != nil {
			return err
		}
	}
	if err := w.fence(act{Do: "thaw", Release: "newest"}); err != nil {
		return err
	}
	if err := w.pass(w.script.lease() + knowing); err != nil {
		return err
	}
	w.note(w.checkKnowable)
	if err := w.rest(); err != nil {
		return err
	}
	w.note(w.checkEnd)
	if w.crowd != nil {
		w.note(func() { w.crowd.checkEnd(false) })
	}
	if err := w.complaint(); err != nil {
		return err
	}
	return w.lastWords()
}

// rest lets the site do what is left.
func (w *world) rest() error {
	for end := time.Now().Add(settling); !w.idle(); {
		if time.Now().After(end) {
			return fmt.Errorf("not settled after %v:\n%s", settling, w.stands())
		}
		if err := w.pass(20 * time.Second); err != nil {
			return err
		}
	}
	return nil
}

// lastWords: whatever went wrong before, what is said now arrives everywhere.
func (w *world) lastWords() error {
	i := w.said.incidents[len(w.said.incidents)-1]
	if err := w.speak(act{Do: "update", N: len(w.said.incidents) - 1}); err != nil {
		return err
	}
	if err := w.rest(); err != nil {
		return err
	}
	w.note(func() {
		w.checkEnd()
		if w.crowd != nil {
			w.crowd.checkEnd(true)
		}
		n := len(i.updates)
		for _, l := range w.lanesNow() {
			k := slices.IndexFunc(l.Entries, func(e broadcast.Entry) bool { return e.Kind == broadcast.Say && e.Update == n })
			if l.Incident.Ref.String() == i.ref && (k < 0 || l.Entries[k].Shows.What != broadcast.Words || l.Entries[k].Shows.Assumed) {
				w.wrong("%s/%d is not on %s although nothing is wrong any more", i.ref, n, l.Channel.Name)
			}
		}
	})
	return w.complaint()
}

// lanes are all lanes as the store has them, in the order in which they began.
func (w *world) lanes() (out []*broadcast.Lane, err error) {
	for _, i := range w.said.incidents {
		ref, err := incident.ParseRef(i.ref)
		if err != nil {
			return nil, err
		}
		of, err := w.life.store.Lanes(context.Background(), ref)
		if err != nil {
			return nil, fmt.Errorf("the lanes of %s cannot be read: %w", i.ref, err)
		}
		for _, l := range of {
			w.life.engine.Complete(l)
		}
		out = append(out, of...)
	}
	return out, nil
}

// lanesNow are the lanes where nothing can be checked without them.
func (w *world) lanesNow() []*broadcast.Lane {
	lanes, err := w.lanes()
	if err != nil {
		w.wrong("%v", err)
	}
	return lanes
}

func (w *world) idle() bool {
	for _, ch := range w.channels {
		if busy, err := w.life.store.Busy(context.Background(), ch.Account); err != nil || len(busy) > 0 {
			return false
		}
	}
	return w.crowd == nil || w.crowd.idle()
}

// stands says where all deliveries stand.
func (w *world) stands() string {
	var b strings.Builder
	lanes, err := w.lanes()
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	for _, l := range lanes {
		for _, d := range l.Deliveries(nil) {
			fmt.Fprintf(&b, "%s %s %s rev %d %s %s message %s: %s\n", d.Update, d.Channel, d.Action, d.Revision, d.ID, d.State, d.Message, d.Error)
		}
	}
	if w.crowd != nil {
		b.WriteString(w.crowd.stands())
	}
	return b.String()
}

// checkKnowable: where the platform can be asked, nothing stays unsure.
func (w *world) checkKnowable() {
	for _, l := range w.lanesNow() {
		for i := range l.Entries {
			if e := &l.Entries[i]; l.CanFind && e.Doubt != nil && !w.reads[l.Channel.Account] && !l.Frozen && e.Should.What != broadcast.Nothing {
				w.wrong("%s/%d on %s is still unsure after %v: %+v", l.Incident.Ref, e.Update, l.Channel.Name, knowing, *e.Doubt)
			}
		}
	}
}

func (w *world) checkEnd() {
	for _, ch := range w.channels {
		w.look(ch.Account)
	}
	for _, i := range w.said.incidents {
		w.checkRecord(i)
	}
	for _, l := range w.lanesNow() {
		for _, d := range l.Deliveries(nil) {
			w.checkState(l, d)
		}
		for k := range l.Entries {
			w.checkEntry(l, &l.Entries[k])
		}
		w.checkHead(l)
	}
}

// checkHead: what followers of a channel see first has the title, and says how
// many updates there are by now.
func (w *world) checkHead(l *broadcast.Lane) {
	var first *broadcast.Entry
	for i := range l.Entries {
		e := &l.Entries[i]
		inside := l.Limits.Threads == bots.ThreadFromMessage && e.Shows.Thread != ""
		if e.Kind == broadcast.Say && e.Shows.Exists() && e.Shows.Message != "" && !e.Shows.Orphan && !inside && (first == nil || e.Shows.First.Before(first.Shows.First)) {
			first = e
		}
	}
	if first == nil || !l.Limits.Edit || l.HeadEdit.Given || first.Shows.What != broadcast.Words || first.Should.What != broadcast.Words || first.GaveUp() {
		return
	}
	for _, m := range w.visible(first.ID) {
		if m.seen.ID != first.Shows.Message || strings.Contains(m.seen.Text, "and so on") { // there may be no room for it
			continue
		}
		count := fmt.Sprintf("· %d updates", l.Incident.Visible())
		if !strings.Contains(m.seen.Text, "Logins fail") || l.Incident.Visible() > 1 && !strings.Contains(m.seen.Text, count) {
			w.wrong("%s on %s begins with %q, which lacks the title or %q", l.Incident.Ref, l.Channel.Name, m.seen.Text, count)
		}
	}
}

// checkRecord: what was accepted is there, once.
func (w *world) checkRecord(i *saidIncident) {
	ref, err := incident.ParseRef(i.ref)
	if err != nil {
		w.wrong("%v", err)
		return
	}
	have, err := w.life.store.Incident(context.Background(), ref)
	if err != nil {
		w.wrong("%s: %v", i.ref, err)
		return
	}
	var revisions []int
	for _, u := range have.Updates {
		revisions = append(revisions, len(u.Revisions))
		if (u.Retraction != nil) != i.retracted[u.N] {
			w.wrong("%s/%d: retracted is %v, want %v", i.ref, u.N, u.Retraction != nil, i.retracted[u.N])
		}
	}
	if !slices.Equal(revisions, i.updates) {
		w.wrong("%s has updates with %v revisions, accepted were %v", i.ref, revisions, i.updates)
	}
}

// checkState: each delivery ended, and for a reason.
func (w *world) checkState(l *broadcast.Lane, d broadcast.Delivery) {
	account := l.Channel.Account
	switch d.State {
	case broadcast.Sent, broadcast.SupersededState, broadcast.WithdrawnState, broadcast.SkippedState:
	case broadcast.UnsureState:
		if l.CanFind && !w.reads[account] {
			w.wrong("%s on %s stays unsure", d.Update, d.Channel)
		}
	case broadcast.Failed:
		if !w.refusals[account] && !strings.Contains(d.Error, "newer words had been posted") {
			w.wrong("%s on %s failed, and nothing was refused: %s", d.Update, d.Channel, d.Error)
		}
	default:
		w.wrong("%s on %s ends as %s", d.Update, d.Channel, d.State)
	}
}

// visible are the messages of an entry that followers see.
func (w *world) visible(entry int64) (out []*landing) {
	for _, l := range w.order {
		if l.entry == entry && !l.seen.Deleted {
			out = append(out, l)
		}
	}
	return out
}

// checkEntry: what is said to show is there, with the right words, and what is
// not said to show is not.
func (w *world) checkEntry(l *broadcast.Lane, e *broadcast.Entry) {
	ref := l.Incident.Ref.String()
	name := fmt.Sprintf("%s/%d on %s (%s %d)", ref, e.Update, l.Channel.Name, e.Kind, e.ID)
	there := w.visible(e.ID)
	repeated := w.copies[e.ID] > 0 || w.mayResend(l.Channel.Account)
	if e.Shows.Exists() && !e.Shows.Assumed {
		w.checkShown(l, e, name, there)
	}
	untold := e.Doubt == nil && !e.GaveUp() && !w.skipped[e.ID] && !repeated
	if len(there) > 0 && !e.Shows.Exists() && untold {
		w.wrong("%s is said to show nothing (%+v), and shows %q", name, e.Should, there[0].seen.Text)
	}
	if l.Incident.Update(e.Update).Retraction != nil && e.Kind != broadcast.Retract && untold {
		w.checkWithdrawn(l, e, name, there)
	}
	if e.Should.What == broadcast.Words && e.Shows.What == broadcast.Words && untold {
		w.checkRight(l, e, name)
	}
}

// checkShown: the message is there and says what the store thinks.
func (w *world) checkShown(l *broadcast.Lane, e *broadcast.Entry, name string, there []*landing) {
	want := mark(l.Incident.Ref.String(), e.Update, e.Shows.Revision)
	switch {
	case e.Kind == broadcast.Retract:
		want = reason(l.Incident.Ref.String(), e.Update)
	case e.Shows.What == broadcast.Tombstone:
		want = ""
	}
	if e.Shows.Message == "" { // the platform gives no ids
		if !slices.ContainsFunc(there, func(x *landing) bool { return strings.Contains(x.seen.Text, want) }) {
			w.wrong("%s is said to show %q, and does not", name, want)
		}
		return
	}
	if e.GaveUp() || w.skipped[e.ID] {
		return // an edit or deletion may or may not have been made, and people were told
	}
	i := slices.IndexFunc(there, func(x *landing) bool { return x.seen.ID == e.Shows.Message })
	if i < 0 {
		w.wrong("%s is said to be message %s, which is not there", name, e.Shows.Message)
		return
	}
	text := there[i].seen.Text
	if !strings.Contains(text, want) {
		w.wrong("%s is said to show %q, and shows %q", name, want, text)
	}
	if e.Shows.What == broadcast.Tombstone && strings.Contains(text, strings.TrimSuffix(mark(l.Incident.Ref.String(), e.Update, 0), "0.")) {
		w.wrong("%s is said to be withdrawn, and shows %q", name, text)
	}
}

// checkWithdrawn: withdrawn words show nowhere, or followers read that they
// are withdrawn, or people know why not.
func (w *world) checkWithdrawn(l *broadcast.Lane, e *broadcast.Entry, name string, there []*landing) {
	for i := range l.Entries {
		if f := &l.Entries[i]; f.Update == e.Update && f.Kind == broadcast.Retract && (f.Shows.Exists() || f.Doubt != nil || f.GaveUp() || w.skipped[f.ID]) {
			return
		}
	}
	for _, m := range there {
		if strings.Contains(m.seen.Text, strings.TrimSuffix(mark(l.Incident.Ref.String(), e.Update, 0), "0.")) {
			w.wrong("%s was withdrawn, and followers read %q", name, m.seen.Text)
		}
	}
}

// checkRight: where words can be edited the newest show; elsewhere they were
// said in a message of their own, unless they are only a typo.
func (w *world) checkRight(l *broadcast.Lane, e *broadcast.Entry, name string) {
	if e.Shows.Revision == e.Should.Revision || e.Kind != broadcast.Say {
		return
	}
	if l.Limits.Edit && e.Shows.Message != "" {
		w.wrong("%s shows revision %d and should show %d", name, e.Shows.Revision, e.Should.Revision)
		return
	}
	u := l.Incident.Update(e.Update)
	for r := e.Shows.Revision + 1; r <= len(u.Revisions); r++ {
		if u.Revision(r).Typo {
			continue
		}
		told := slices.ContainsFunc(l.Entries, func(f broadcast.Entry) bool {
			return f.Kind == broadcast.Correct && f.Update == e.Update && f.Revision >= r && (f.Should.What == broadcast.Words || f.Should.Why == broadcast.Skipped)
		})
		if !told {
			w.wrong("%s shows revision %d, and revision %d is told nowhere", name, e.Shows.Revision, r)
		}
	}
}
