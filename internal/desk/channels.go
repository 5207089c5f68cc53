package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Aim takes a channel out of a draft, or puts it back. As every edit it makes a
// new digest: approvals and old buttons are void.
type Aim struct {
	Draft   string // D-17
	Digest  string
	Channel string // by name, or by the key that a button carries
}

func (Aim) verb() string { return "channels" }

func (c Aim) run(w *work) (Answer, error) {
	d, cmd, err := w.drafted(c.Draft, c.Digest)
	if err != nil {
		return Answer{}, err
	}
	switch was := cmd.(type) {
	case Open:
		was.Not, err = w.aim(d, c.Channel, was.Only, was.Not)
		was.Only, cmd = nil, was
	case Update:
		was.Not, err = w.aim(d, c.Channel, was.Only, was.Not)
		was.Only, cmd = nil, was
	default:
		return Answer{}, refuse(Invalid, "%s goes wherever the words that it changes are", d.ID())
	}
	if err != nil {
		return Answer{}, err
	}
	return w.redraft(d, cmd, "goes to other channels; earlier approvals are void.")
}

// aim says which channels to leave out once one of them has changed sides.
func (d *Desk) aim(draft *Draft, channel string, only, not []string) (notNow []string, err error) {
	all := broadcast.PlanPost(d.Channels, &incident.Incident{Drill: draft.Drill}, nil, nil)
	on := broadcast.PlanPost(d.Channels, &incident.Incident{Drill: draft.Drill}, only, not)
	found := false
	for _, ch := range all {
		goes := slices.ContainsFunc(on, func(o broadcast.Channel) bool { return o.Name == ch.Name })
		if ch.Name == channel || channelKey(ch.Name) == channel {
			found, goes = true, !goes
		}
		if !goes {
			notNow = append(notNow, ch.Name)
		}
	}
	switch {
	case !found:
		return nil, refuse(NotFound, "there is no channel %q for it", channel)
	case len(notNow) == len(all):
		return nil, refuse(Invalid, "it must go to some channel: add another first")
	}
	return notNow, nil
}

// channelKey is a channel's name in the few bytes that fit under a button.
func channelKey(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:4])
}

// Bounds of the buttons for channels, with a row left for the way back.
const (
	channelRows  = 4
	channelInRow = 5
)

// channelButtons are a button for each channel that the draft may go to.
func (p *Preview) channelButtons(all []broadcast.Channel) (rows [][]bots.Button) {
	d := p.Draft
	for _, ch := range broadcast.PlanPost(all, &incident.Incident{Drill: d.Drill}, nil, nil) {
		last := len(rows) - 1
		if last < 0 || len(rows[last]) == channelInRow {
			if len(rows) == channelRows {
				break
			}
			rows, last = append(rows, nil), last+1
		}
		sign := "– "
		if slices.ContainsFunc(p.Shown, func(s broadcast.Preview) bool { return s.Channel.Name == ch.Name }) {
			sign = "✓ "
		}
		rows[last] = append(rows[last], bots.Button{Text: sign + ch.Name, Data: press("flip", d.ID(), d.mark()+":"+channelKey(ch.Name))})
	}
	return append(rows, []bots.Button{{Text: "Done", Data: press("back", d.ID(), d.mark())}})
}

// turn shows the channels of a draft under its preview, or what else can be
// done with it.
func (r *Rooms) turn(ctx context.Context, h heard, subject string, channels bool) (string, error) {
	d, err := r.draft(ctx, subject)
	switch {
	case err != nil:
		return "", err
	case d == nil:
		return subject + " is not open any more.", nil
	}
	h.then(func(ctx context.Context) {
		r.refreshPreview(ctx, RoomMessage{h.account, h.ev.Chat, h.ev.Message}, subject, Answer{State: "draft", Draft: d}, channels)
	})
	return "", nil
}
