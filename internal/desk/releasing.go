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

// askRelease refuses to lift a freeze before somebody has said what is to become
// of what it holds.
func (c Release) askRelease(w *work, open []*broadcast.Lane) error {
	if c.Release != "" || len(c.Choose) > 0 {
		return nil
	}
	held := map[string]int{}
	var names []string
	for _, l := range open {
		if n := len(waiting(l)); n > 0 {
			if held[l.Channel.Name] == 0 {
				names = append(names, l.Channel.Name)
			}
			held[l.Channel.Name] += n
		}
	}
	if len(names) == 0 {
		return nil
	}
	for k, name := range names {
		names[k] = fmt.Sprintf("%s %d", name, held[name])
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
		open, err := w.HeldLanes(scope)
		for _, l := range open {
			for _, e := range waiting(l) {
				label := fmt.Sprintf("%s/%d %s", l.Incident.Ref, e.Update, l.Channel.Name)
				out = append(out, Choice{Label: label, Typed: incident.Typed{Text: fmt.Sprint(e.ID)}})
			}
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
