package desk

import (
	"context"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A Letter is a message that is stored with what it tells of, and sent by the
// node that holds its account: nobody else knows how much of the account's
// limits is left. Only what answers an event needs none, since it goes to the
// account that heard it, and only its holder listens; nor do cards, which are
// kept where their account is held.
//
// A letter may arrive twice, where its answer is lost or the node dies meanwhile,
// and never a third time. To be asked once more is a nuisance; never to be asked
// is a broken promise.
type Letter struct {
	ID       int64 `json:"-"`
	Tries    int   `json:"-"` // of which nobody knows whether they arrived
	Account  string
	Operator string // who gets it in private, by name
	Room     string // or the chat that gets it; without either, all messages there that show the draft are edited
	Draft    string // that it is about; empty where it is about none
	Text     string // empty is the draft's preview, as it is when it is sent
	Buttons  [][]bots.Button
	Until    time.Time // after which it is of no use
}

// MostTries is how often a letter is sent whose answer does not come.
const MostTries = 2

// How long letters are of use. A draft can wait; what a room is told of cannot.
const (
	useOfAsking  = 30 * time.Minute
	useOfTelling = outboxAge
)

// edits reports whether a letter changes what is there already.
func (l Letter) edits() bool { return l.Operator == "" && l.Room == "" }

// elsewhere writes what a command brings about for other accounts than the one
// that heard it: reviewers are asked, and previews brought up to date.
func (r *Rooms) elsewhere(tx Tx, here string, cmd Command, a Answer) error {
	var letters []Letter
	until := time.Now().Add(useOfAsking)
	if id := draftOf(cmd); id != "" {
		accounts, err := tx.Showing(id)
		if err != nil {
			return err
		}
		for _, account := range accounts {
			letters = append(letters, Letter{Account: account, Draft: id, Text: became(id, a), Until: until})
		}
	} else if a.State == "draft" && len(a.Draft.Approvals) < a.Draft.Needs {
		for _, account := range r.oneOfEach(here) {
			letters = append(letters, r.toOperators(Letter{Account: account, Draft: a.Draft.ID(), Until: until}, a.Draft.mayAgree)...)
		}
	}
	for _, l := range letters {
		if l.Account == here {
			continue
		}
		if err := tx.Write(l); err != nil {
			return err
		}
	}
	return nil
}

// toOperators is a letter to each operator of a kind who is known on its account.
func (r *Rooms) toOperators(l Letter, kind func(Operator) bool) (out []Letter) {
	for _, o := range r.Desk.Operators {
		if kind(o) && o.Users[r.Platform[l.Account]] != "" {
			l.Operator = o.Name
			out = append(out, l)
		}
	}
	return out
}

// toRooms is a letter to each room of a kind: for drills, or not.
func (r *Rooms) toRooms(drill bool, l Letter) (out []Letter) {
	for _, room := range r.Rooms {
		if room.Drill == drill {
			l.Account, l.Room = room.Account, room.Target
			out = append(out, l)
		}
	}
	return out
}

// Tell says something in all rooms of a kind.
func (r *Rooms) Tell(ctx context.Context, drill bool, text string) error {
	return r.Desk.write(ctx, "", "", r.toRooms(drill, Letter{Text: text, Until: time.Now().Add(useOfTelling)})...)
}

// write stores letters and has them sent. Under a name it does so only where
// something else was told before: that is stored with them, so that a crash
// neither loses them nor tells them for ever.
func (d *Desk) write(ctx context.Context, name, what string, letters ...Letter) error {
	var touched map[string][]int64
	_, err := d.Store.Change(ctx, "", func(tx Tx) ([]byte, error) {
		if name != "" {
			if first, err := tx.Once(name, what); err != nil || !first {
				return nil, err
			}
		}
		for _, l := range letters {
			if err := tx.Write(l); err != nil {
				return nil, err
			}
		}
		touched = tx.Touched()
		return nil, nil
	})
	if err == nil {
		d.Wake(touched)
	}
	return err
}
