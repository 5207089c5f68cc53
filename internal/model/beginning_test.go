package model

import (
	"slices"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
)

// asking is how long a lane waits, at least, until the platform has said whether
// the message that its thread begins with is there.
const asking = 2 * time.Minute

// checkBeginning: no thread begins while another one may have begun, which is
// there and was not asked for with an answer. What corrects or withdraws words
// does not wait for that, nor does a lane where asking is refused.
func (v *witness) checkBeginning(a attempt, l *broadcast.Lane, e *broadcast.Entry) {
	if !l.CanFind || v.refusals[a.account] || a.kind != broadcast.Say {
		return
	}
	var doubtful []*broadcast.Entry
	for i := range l.Entries {
		f := &l.Entries[i]
		if f.Shows.Exists() || f.Kind != broadcast.Say && f.Should.What == broadcast.Words {
			return
		}
		if f.ID != e.ID && f.Doubt != nil {
			doubtful = append(doubtful, f)
		}
	}
	if len(doubtful) != 1 {
		return
	}
	f, d := doubtful[0], doubtful[0].Doubt
	there := slices.ContainsFunc(v.order, func(x *landing) bool { return x.entry == f.ID && !x.seen.Deleted })
	if first := d.ReplyTo == "" && d.Thread == ""; first && there && f.Should.What == broadcast.Words && !d.Again && d.Looked == 0 && time.Since(d.Since) < asking {
		v.wrong("%s/%d on %s begins a thread although %s/%d is there, which was not asked for: %+v", a.ref, a.update, a.channel, a.ref, f.Update, *d)
	}
}
