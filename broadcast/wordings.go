package broadcast

import (
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// maxMissed is up to which count of missed updates Wordings goes.
const maxMissed = 9

// Wordings are the messages in which readers of a language may have met
// revision r of update n: as a first post with each head line that it had,
// later, with some missed, or as a correction.
func Wordings(i *incident.Incident, n, r int, language string, policy Policy) []templates.Message {
	p := reader(i, language, policy)
	shown := Shows{What: Words, Revision: r, Posted: 1, First: time.Unix(2, 0)}
	said := Entry{ID: 2, Update: n, Kind: Say, Shows: shown}
	var out []templates.Message
	for k := n; k <= len(i.Updates); k++ { // as it was when update k was the newest
		p.Incident.Updates = i.Updates[:k]
		p.Entries = []Entry{said}
		out = append(out, *p.message(&p.Entries[0], shown))
	}
	for missed := range min(n, maxMissed+1) {
		p.Entries = append(told(n-1-missed, n), said)
		later := p.message(p.Lane.entry(said.ID), shown)
		later.Missed = missed
		out = append(out, *later)
	}
	if r > 1 {
		out = append(out, *p.message(&Entry{ID: 3, Update: n, Kind: Correct}, shown))
	}
	return out
}

// Withdrawals are the messages in which readers of a language may have met the
// retraction of update n.
func Withdrawals(i *incident.Incident, n int, language string, policy Policy) []templates.Message {
	p := reader(i, language, policy)
	return []templates.Message{
		*p.message(&Entry{Update: n, Kind: Retract}, Shows{What: Words, Revision: 1}),
		*p.message(&Entry{Update: n, Kind: Say}, Shows{What: Tombstone}),
	}
}

// reader plans for a channel that shows nothing yet.
func reader(i *incident.Incident, language string, policy Policy) *planner {
	return &planner{Lane: &Lane{Channel: Channel{Language: language}, Policy: policy, Incident: *i, Limits: bots.Limits{Edit: true}}}
}
