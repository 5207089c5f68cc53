package people

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// What somebody was told decides whether words that were changed a moment later
// are said aloud, and which message that answers.
func TestLetterAboutWhatChanged(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	revisions := []incident.Revision{{At: at, Body: incident.Text{"en": "Logins fail."}}, {At: at.Add(9 * time.Second), Body: incident.Text{"en": "Logins are slow."}}}
	walk := func(gone *incident.Retraction) *Walk {
		return &Walk{Said: []int{1, 2}, Incident: incident.Incident{Updates: []incident.Update{
			{N: 1, Status: incident.Investigating, PublishedAt: at, Revisions: revisions[:1], Retraction: gone},
			{N: 2, Status: incident.Investigating, PublishedAt: at, Revisions: revisions},
		}}}
	}
	said := func(update int, message int64) told {
		return told{Kind: broadcast.Say, Update: update, Revision: 1, Message: message, Shows: 1, At: at}
	}
	late := func(update, shows int, message int64) told {
		t := said(update, message)
		t.Shows, t.Changed = shows, at.Add(61*time.Second)
		return t
	}
	removed := said(1, 7)
	removed.Shows = ShowsNothing
	correction, withdrawal := &Round{Kind: broadcast.Correct, Update: 2, Revision: 2}, &Round{Kind: broadcast.Retract, Update: 1}
	deleted := &incident.Retraction{At: at.Add(9 * time.Second), Delete: true}
	for name, tt := range map[string]struct {
		walk   *Walk
		round  *Round
		before []told
		edits  time.Duration
		reply  int64
		aloud  bool
	}{
		"edited soon":                      {walk(nil), correction, []told{said(2, 8)}, 0, 8, false},
		"edited within a minute":           {walk(nil), correction, []told{said(2, 8)}, 50 * time.Second, 8, false},
		"edited too late":                  {walk(nil), correction, []told{said(2, 8)}, 52 * time.Second, 8, true},
		"withdrawn too late":               {walk(&incident.Retraction{At: at.Add(9 * time.Second)}), withdrawal, []told{said(1, 7)}, 52 * time.Second, 7, true},
		"edited after a minute":            {walk(nil), correction, []told{late(2, 2, 8)}, 0, 8, true},
		"withdrawn after a minute":         {walk(&incident.Retraction{At: at.Add(9 * time.Second)}), withdrawal, []told{late(1, ShowsTombstone, 7)}, 0, 7, true},
		"nobody knows the message":         {walk(nil), correction, []told{said(2, 0)}, 0, 0, true},
		"told once more, one can be found": {walk(nil), correction, []told{said(2, 0), said(2, 8)}, 0, 8, true},
		"withdrawn and still there":        {walk(deleted), withdrawal, []told{said(1, 7)}, 0, 7, true},
		"withdrawn and deleted":            {walk(deleted), withdrawal, []told{removed}, 0, 0, true},
		"what comes after it":              {walk(deleted), &Round{Kind: broadcast.Say, Update: 2}, []told{removed}, 0, 0, true},
	} {
		long, _ := tt.walk.wrongFor(tt.round, tt.before, []int{2}, expectation{editing: tt.edits})
		letter, reply, aloud := tt.walk.letter(tt.round, &Subscriber{All: true}, tt.before, long)
		if reply != tt.reply || aloud != tt.aloud {
			t.Errorf("%s: %+v in answer to %d, told %v; want in answer to %d, told %v", name, letter, reply, aloud, tt.reply, tt.aloud)
		}
	}
}
