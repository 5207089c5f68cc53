package desk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/allclear-hq/allclear/bots"
)

// press is the data of a button: what, about what, and the mark of the
// wording that it stands under.
func press(what, subject, mark string) string { return what + ":" + subject + ":" + mark }

// otherVersion answers buttons that mean nothing here.
const otherVersion = "This button is from another version. Type the command instead."

// pressed answers a button. The text is for the person alone.
func (r *Rooms) pressed(ctx context.Context, h heard) (string, error) {
	actor, ok := r.actor(h)
	switch {
	case !ok:
		return "You are not an operator here.", nil
	case h.ev.Stale:
		return "You pressed this while I was away, so nothing was done. Read it again, then press again.", nil
	}
	stray, err := r.adopt(ctx, h)
	if err != nil {
		return "", err
	}
	text, err := r.button(ctx, h, actor)
	if refusal, ok := AsRefusal(err); ok {
		text, err = capital(refusal.Text)+".", nil
	}
	if err == nil && stray != "" && !h.mail.done {
		err = r.renew(ctx, h, stray)
	}
	return text, err
}

// button does what a button is for.
func (r *Rooms) button(ctx context.Context, h heard, actor Actor) (string, error) {
	parts := strings.SplitN(h.ev.Button, ":", 3)
	if len(parts) != 3 {
		return otherVersion, nil
	}
	what, subject, mark := parts[0], parts[1], parts[2]
	switch what {
	case "pub":
		return r.do(ctx, h, actor, Publish{Draft: subject, Digest: mark})
	case "anyway":
		digest, seen, _ := strings.Cut(mark, ":")
		if n, err := strconv.Atoi(seen); err == nil {
			return r.do(ctx, h, actor, Publish{Draft: subject, Digest: digest, Anyway: true, Seen: n})
		}
	case "drop":
		return r.do(ctx, h, actor, Reject{Draft: subject, Digest: mark, Reason: "discarded"})
	case "join":
		return r.do(ctx, h, actor, Join{Draft: subject, Digest: mark})
	case "hold":
		return r.do(ctx, h, actor, Hold{Ref: subject, After: subject + "/" + mark})
	case "false":
		return r.do(ctx, h, actor, FalseAlarm{Ref: subject})
	case "scope":
		return r.do(ctx, h, actor, Scope{Ref: subject, Now: true})
	case "unscope":
		return r.do(ctx, h, actor, Scope{Ref: subject, Drop: true})
	case "edit":
		return "Reply to the preview with the new text.", nil
	case "each":
		return "", r.each(ctx, h, subject)
	case "chan", "back":
		return r.turn(ctx, h, subject, what == "chan")
	case "flip":
		digest, channel, _ := strings.Cut(mark, ":")
		return r.do(ctx, h, actor, Aim{Draft: subject, Digest: digest, Channel: channel})
	case "retry":
		return r.do(ctx, h, actor, Retry{Which{Delivery: mark}})
	case "skip":
		return r.do(ctx, h, actor, Skip{Which{Delivery: mark}, "by button"})
	case "there":
		return r.do(ctx, h, actor, Posted{Which{Delivery: mark}, ""})
	case "ask":
		return r.chosen(ctx, h, actor, subject, mark)
	case "pick":
		return r.pick(ctx, h, actor, subject, mark)
	case "send":
		return r.picked(ctx, h, actor, subject, mark)
	}
	return otherVersion, nil
}

// do carries out a command, typed or from a button, and returns the answer, or
// the refusal as an error. A new draft is answered by its preview; the previews of one that has changed
// are brought up to date.
func (r *Rooms) do(ctx context.Context, h heard, actor Actor, cmd Command) (string, error) {
	from, err := r.hearing(h)
	if err != nil {
		return "", err
	}
	from.letters = func(tx Tx, a Answer) error { return r.elsewhere(tx, h.account, cmd, a) }
	answer, err := r.Desk.do(ctx, actor, r.key(h), cmd, from)
	if refusal, ok := AsRefusal(err); ok {
		h.mail.taken = true
		if stale, ok := cmd.(Publish); ok && refusal.Kind == Conflict {
			r.meanwhile(h, stale, refusal)
			return "", nil
		}
		return "", refusal
	}
	if err != nil {
		return "", err
	}
	h.mail.taken, h.mail.done = true, true
	if id := draftOf(cmd); id != "" {
		return answer.Text, r.refreshPreviews(ctx, h, id, answer)
	}
	if answer.State == "draft" {
		h.then(func(ctx context.Context) { r.showPreview(ctx, h, answer.Draft) })
		r.askReviewers(h, answer.Draft)
		return "", nil
	}
	if c, ok := cmd.(Scope); ok && !c.Drop && answer.Incident != nil && !answer.Incident.Pending.Empty() {
		r.offerScope(h, answer)
		return "", nil
	}
	return answer.Text, nil
}

// offerScope answers a change of scope that waits with the other ways to go.
func (r *Rooms) offerScope(h heard, answer Answer) {
	op := h.reply(answer.Text)
	op.Buttons = [][]bots.Button{{
		{Text: "Say it now", Data: press("scope", answer.Ref, "")},
		{Text: "Take it back", Data: press("unscope", answer.Ref, "")},
	}}
	h.then(func(ctx context.Context) { r.post(ctx, h, op) })
}

// draftOf is the draft that a command is about.
func draftOf(cmd Command) string {
	switch c := cmd.(type) {
	case Publish:
		return strings.ToUpper(c.Draft)
	case Reject:
		return strings.ToUpper(c.Draft)
	case Join:
		return strings.ToUpper(c.Draft)
	case Edit:
		return strings.ToUpper(c.Draft)
	case Aim:
		return strings.ToUpper(c.Draft)
	}
	return ""
}

// meanwhile shows what was said since a draft was written, and asks again.
func (r *Rooms) meanwhile(h heard, cmd Publish, refusal *Refusal) {
	op := h.reply(capital(refusal.Text) + ".")
	if refusal.Since != "" {
		op.Text += "\n" + refusal.Since
		op.Buttons = [][]bots.Button{{
			{Text: "Publish anyway", Data: press("anyway", cmd.Draft, fmt.Sprintf("%s:%d", cmd.Digest, refusal.Newest))},
			{Text: "Discard", Data: press("drop", cmd.Draft, cmd.Digest)},
		}}
	}
	h.then(func(ctx context.Context) { r.post(ctx, h, op) })
}

// each shows every channel's text, word for word.
func (r *Rooms) each(ctx context.Context, h heard, subject string) error {
	d, err := r.draft(ctx, subject)
	if err != nil || d == nil {
		return err
	}
	p, err := r.Desk.Preview(ctx, d)
	if err != nil {
		return err
	}
	h.then(func(ctx context.Context) { r.post(ctx, h, h.reply(p.Each())) })
	return nil
}

// post sends a message to the room.
func (r *Rooms) post(ctx context.Context, h heard, op bots.Operation) (bots.Receipt, bool) {
	receipt, err := r.Say(ctx, h.account, op)
	if err != nil {
		r.Log.Warn("a room was not answered", "account", h.account, "error", err)
	}
	return receipt, err == nil
}

// showPreview posts a draft's preview into a room. If it does not arrive the
// draft stands all the same.
func (r *Rooms) showPreview(ctx context.Context, h heard, d *Draft) {
	op, err := r.preview(ctx, d, false)
	if err != nil {
		r.Log.Warn("a preview was not made", "draft", d.ID(), "error", err)
		return
	}
	reply := h.reply(op.Text)
	reply.Buttons = op.Buttons
	receipt, ok := r.post(ctx, h, reply)
	if !ok {
		return
	}
	if err := r.Store.Remember(ctx, RoomMessage{h.account, h.ev.Chat, receipt.ID}, d.ID()); err != nil {
		r.Log.Warn("a preview cannot be replied to", "draft", d.ID(), "error", err)
	}
}

// askReviewers sends a preview to everybody who may agree and is known where the
// draft was typed, in private. Letters ask on the other platforms: somebody is
// looking at one of them.
func (r *Rooms) askReviewers(h heard, d *Draft) {
	if d.Needs <= len(d.Approvals) {
		return
	}
	h.then(func(ctx context.Context) {
		op, err := r.preview(ctx, d, false)
		if err != nil {
			r.Log.Warn("a preview was not made", "draft", d.ID(), "error", err)
			return
		}
		for _, o := range r.Desk.Operators {
			if d.mayAgree(o) && o.Users[r.Platform[h.account]] != "" {
				r.askInPrivate(ctx, h.account, o.Name, op, d.ID())
			}
		}
	})
}

// mayAgree reports whether somebody's consent counts.
func (d *Draft) mayAgree(o Operator) bool { return o.Name != d.Author && o.Role.atLeast(Reviewer) }

// oneOfEach is an account of each platform: first, unless it is empty, and
// others for the platforms that it is not on.
func (r *Rooms) oneOfEach(first string) (accounts []string) {
	have := map[string]bool{}
	if first != "" {
		accounts, have[r.Platform[first]] = append(accounts, first), true
	}
	for _, account := range slices.Sorted(maps.Keys(r.Platform)) {
		if platform := r.Platform[account]; !have[platform] {
			have[platform] = true
			accounts = append(accounts, account)
		}
	}
	return accounts
}

// askInPrivate sends a preview to an operator. That it does not arrive is no
// harm: the room has it too.
func (r *Rooms) askInPrivate(ctx context.Context, account, operator string, op bots.Operation, draft string) {
	chat, err := r.direct(ctx, account, operator)
	if err == nil {
		op.Action, op.Target = bots.Post, chat
		var receipt bots.Receipt
		if receipt, err = r.Say(ctx, account, op); err == nil {
			err = r.Store.Remember(ctx, RoomMessage{account, chat, receipt.ID}, draft)
		}
	}
	if err != nil {
		r.Log.Info("an operator was not reached in private", "operator", operator, "account", account, "error", err)
	}
}

// direct is an operator's private chat, if the platform has such and he is known
// there.
func (r *Rooms) direct(ctx context.Context, account, operator string) (chat string, err error) {
	for _, o := range r.Desk.Operators {
		if person := o.Users[r.Platform[account]]; o.Name == operator && person != "" && r.Direct != nil {
			return r.Direct(ctx, account, person)
		}
	}
	return "", &bots.Fault{Kind: bots.Rejected, Detail: operator + " is not known there"}
}

// preview is a draft as a message; with channels, to choose among them.
func (r *Rooms) preview(ctx context.Context, d *Draft, channels bool) (bots.Operation, error) {
	p, err := r.Desk.Preview(ctx, d)
	if err != nil {
		return bots.Operation{}, err
	}
	if channels {
		return bots.Operation{Text: p.Text(), Buttons: p.channelButtons(r.Desk.Channels)}, nil
	}
	return bots.Operation{Text: p.Text(), Buttons: p.Buttons()}, nil
}

// refreshPreviews edits the previews of a draft to what became of it, on the
// account that heard of it. Letters do so on the others.
func (r *Rooms) refreshPreviews(ctx context.Context, h heard, draft string, answer Answer) error {
	messages, err := r.Store.Messages(ctx, draft)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.Account != h.account {
			continue
		}
		choosing := strings.HasPrefix(h.ev.Button, "flip:") && m == RoomMessage{h.account, h.ev.Chat, h.ev.Message}
		h.then(func(ctx context.Context) { r.refreshPreview(ctx, m, draft, answer, choosing) })
	}
	return nil
}

// refreshPreview edits one of them. channels has it show which channels the
// draft goes to.
func (r *Rooms) refreshPreview(ctx context.Context, m RoomMessage, draft string, answer Answer, channels bool) {
	op := bots.Operation{Text: became(draft, answer)}
	var err error
	if op.Text == "" {
		op, err = r.preview(ctx, answer.Draft, channels)
	}
	if err == nil {
		op.Action, op.Target, op.Message = bots.Edit, m.Chat, m.Message
		_, err = r.Say(ctx, m.Account, op)
	}
	if err != nil {
		r.Log.Warn("a preview is out of date", "draft", draft, "error", err)
	}
}

// became is what a draft's previews say from now on; empty is the preview of a
// draft that is still open.
func became(draft string, a Answer) string {
	if a.State == "draft" {
		return ""
	}
	if strings.HasPrefix(a.Text, draft+" ") {
		return a.Text
	}
	return draft + " · " + a.Text
}

// draft finds an open draft by its id; nil when it is not open any more.
func (r *Rooms) draft(ctx context.Context, id string) (*Draft, error) {
	open, err := r.Store.Drafts(ctx)
	for _, d := range open {
		if d.ID() == id {
			return d, nil
		}
	}
	return nil, err
}
