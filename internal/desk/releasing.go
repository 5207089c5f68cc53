package desk

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// A holding is what a freeze holds back on channels and from audiences.
type holding struct {
	lanes []*broadcast.Lane
	news  []HeldNews
}

// holding finds what a freeze of a scope holds.
func (w *work) holding(scope string) (h holding, err error) {
	if h.lanes, err = w.HeldLanes(scope); err == nil {
		h.news, err = w.HeldNews(scope)
	}
	return h, err
}

// A heldItem is sent or dropped as a whole: a delivery to a channel, or all that
// an audience is to be told of an incident.
type heldItem struct {
	channel string
	updates []string // INC-12/3
	ids     []string // of deliveries, each of which stands for all of it
}

// items lists what can be chosen among.
func (h holding) items() (out []heldItem) {
	for _, l := range h.lanes {
		for _, e := range waiting(l) {
			out = append(out, heldItem{l.Channel.Name, []string{fmt.Sprintf("%s/%d", l.Incident.Ref, e.Update)}, []string{fmt.Sprint(e.ID)}})
		}
	}
	for _, n := range h.news {
		item := heldItem{channel: n.Channel}
		for _, d := range n.Deliveries {
			item.ids = append(item.ids, d.ID)
			if !slices.Contains(item.updates, d.Update) {
				item.updates = append(item.updates, d.Update)
			}
		}
		if len(item.ids) > 0 {
			out = append(out, item)
		}
	}
	return out
}

// askRelease refuses to lift a freeze before somebody has said what is to become
// of what it holds.
func (c Release) askRelease(w *work, held holding) error {
	if c.Release != "" || len(c.Choose) > 0 {
		return nil
	}
	count := map[string]int{}
	var names []string
	for _, i := range held.items() {
		if count[i.channel] == 0 {
			names = append(names, i.channel)
		}
		count[i.channel] += len(i.updates)
	}
	if len(names) == 0 {
		return nil
	}
	for k, name := range names {
		names[k] = fmt.Sprintf("%s %d", name, count[name])
	}
	how := ""
	if !w.actor.Previews { // nobody can be offered buttons
		how = `? Release "newest", "all" or "drop"`
	}
	return unclear(WhichRelease, "it is still frozen, and holds %s: what shall be sent%s", strings.Join(names, ", "), how)
}

// releaseChoices are the ways to release. To choose among what is held has a
// button of its own.
func releaseChoices(t incident.Typed) (out []Choice) {
	scope := strings.TrimSpace(t.Ref + " " + t.Text)
	if scope == "" {
		scope = "all"
	}
	t.Ref = ""
	for _, way := range []struct{ label, word string }{{"Only the newest", "newest"}, {"All of it", "all"}, {"Nothing: drop it", "drop"}} {
		t.Text = scope + " " + way.word
		out = append(out, Choice{Label: way.label, Typed: t})
	}
	t.Text = scope
	return append(out, Choice{Label: chooseLabel, Typed: t})
}

const (
	chooseLabel = "Choose…"
	heldMost    = 16 // deliveries that can be chosen among by buttons
	heldInRow   = 4
)

// heldBy lists what a freeze holds, to choose among.
func (r *Rooms) heldBy(ctx context.Context, t incident.Typed, ask Ask) (out []Choice, err error) {
	if ask.What != WhichRelease {
		return nil, nil
	}
	c := unfreeze(t).(Release)
	_, err = r.Desk.Store.Change(ctx, "", func(tx Tx) ([]byte, error) {
		w := &work{Desk: r.Desk, Tx: tx}
		scope, err := w.scope(c.Scope)
		if err != nil {
			return nil, err
		}
		held, err := w.holding(scope)
		for _, i := range held.items() {
			out = append(out, Choice{Label: strings.Join(i.updates, ", ") + " " + i.channel, Typed: incident.Typed{Text: i.ids[0]}})
		}
		return nil, err
	})
	return out, err
}

// pick shows what a freeze holds with a button for each delivery. Which ones
// are chosen stands in the buttons themselves, as a number with a bit for each,
// so that nothing is stored until somebody sends.
func (r *Rooms) pick(ctx context.Context, h heard, actor Actor, id, mask string) (string, error) {
	q, wrong, err := r.question(ctx, actor, id)
	if q == nil {
		return wrong, err
	}
	chosen, err := strconv.ParseUint(mask, 16, heldMost)
	if err != nil {
		return otherVersion, nil //nolint:nilerr // it is the answer
	}
	if len(q.Held) > heldMost {
		return fmt.Sprintf("%d deliveries are too many for buttons. Name their ids: allclear unfreeze --release …", len(q.Held)), nil
	}
	op := bots.Operation{Action: bots.Edit, Target: h.ev.Chat, Message: h.ev.Message, Thread: h.ev.Thread, Text: q.Text, Buttons: q.picks(chosen)}
	h.then(func(ctx context.Context) { r.post(ctx, h, op) })
	return "", nil
}

// picks are the buttons to choose among what is held.
func (q *Question) picks(chosen uint64) (rows [][]bots.Button) {
	id := fmt.Sprint(q.ID)
	for k, held := range q.Held {
		if k%heldInRow == 0 {
			rows = append(rows, nil)
		}
		sign := "– "
		if chosen&(1<<k) != 0 {
			sign = "✓ "
		}
		b := bots.Button{Text: sign + held.Label, Data: press("pick", id, strconv.FormatUint(chosen^(1<<k), 16))}
		rows[len(rows)-1] = append(rows[len(rows)-1], b)
	}
	send := bots.Button{Text: fmt.Sprintf("Send %d, drop the rest", bits.OnesCount64(chosen)), Data: press("send", id, strconv.FormatUint(chosen, 16))}
	return append(rows, []bots.Button{send})
}

// picked releases what was chosen.
func (r *Rooms) picked(ctx context.Context, h heard, actor Actor, id, mask string) (string, error) {
	q, wrong, err := r.question(ctx, actor, id)
	if q == nil {
		return wrong, err
	}
	chosen, err := strconv.ParseUint(mask, 16, heldMost)
	if err != nil || len(q.Held) > heldMost {
		return otherVersion, nil //nolint:nilerr // it is the answer
	}
	at := slices.IndexFunc(q.Choices, func(c Choice) bool { return c.Label == chooseLabel })
	if at < 0 {
		return otherVersion, nil
	}
	t := q.Choices[at].Typed
	var ids, labels []string
	for k, held := range q.Held {
		if chosen&(1<<k) != 0 {
			ids, labels = append(ids, held.Typed.Text), append(labels, held.Label)
		}
	}
	if len(ids) == 0 {
		ids, labels = []string{"drop"}, []string{"nothing"}
	}
	t.Text += " " + strings.Join(ids, ",")
	return r.answered(ctx, h, actor, q, strings.Join(labels, ", "), t)
}
