package broadcast

import (
	"slices"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// The wordings of an update do not grow with how much was said before it.
func TestWordingsAreFew(t *testing.T) {
	i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: 12}, Kind: incident.Outage, Status: incident.Investigating, CreatedAt: now()}
	for n := range 300 {
		i.Say(incident.Saying{Title: "Logins fail", Impact: incident.Impacts[n%4], Body: incident.Text{"en": "We are looking into it."}}, "Ana", nil, now().Add(time.Duration(n)*time.Minute))
	}
	policy := Policy{Language: "en", Zone: time.UTC, Link: func(incident.Ref) string { return "" }, Component: func(id string) string { return id }}
	if few, many := len(Wordings(i, 10, 1, "en", policy)), len(Wordings(i, 300, 1, "en", policy)); few != 6 || many != few {
		t.Errorf("there are %d wordings of update 10 and %d of update 300, want 6: a first post, and one beside each impact and beside nothing", few, many)
	}
}

// A first post has had a head line from each update and each withdrawal on, as
// the incident was then.
func TestHeadsAsTheyWere(t *testing.T) {
	i := &incident.Incident{Status: incident.Investigating}
	start := now()
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	for n, s := range []incident.Status{incident.Investigating, incident.Identified, incident.Resolved} {
		i.Say(incident.Saying{Status: s, Body: incident.Text{"en": "We said so."}}, "Ana", nil, at(10*n))
	}
	i.Updates[1].Retraction = &incident.Retraction{At: at(15)}
	want := []PastHead{
		{templates.Head{Status: incident.Investigating, At: at(0), Updates: 1}, 1},
		{templates.Head{Status: incident.Identified, At: at(10), Updates: 2}, 2},
		{templates.Head{Status: incident.Investigating, At: at(0), Updates: 1}, 2},
		{templates.Head{Status: incident.Resolved, At: at(20), Updates: 2}, 3},
	}
	if have := Heads(i); !slices.Equal(have, want) {
		t.Errorf("the head lines were %+v, want %+v", have, want)
	}
}

// A retraction may have been read under any title that the update had.
func TestWithdrawalsUnderEveryTitle(t *testing.T) {
	i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: 12}, Status: incident.Investigating, CreatedAt: now()}
	i.Say(incident.Saying{Title: "Logins fail", Body: incident.Text{"en": "We are looking into it."}}, "Ana", nil, now())
	u := &i.Updates[0]
	u.Revisions = append(u.Revisions, u.Revisions[0])
	u.Revisions[1].Title = "Some logins fail"
	u.Retraction = &incident.Retraction{At: now(), Reason: "They do not."}
	var titles []string
	policy := Policy{Language: "en", Zone: time.UTC, Link: func(incident.Ref) string { return "" }, Component: func(id string) string { return id }}
	for _, m := range Withdrawals(i, 1, "en", policy) {
		titles = append(titles, string(m.Form)+" "+m.Title)
	}
	if want := []string{"retraction Logins fail", "retraction Some logins fail", "tombstone Some logins fail"}; !slices.Equal(titles, want) {
		t.Errorf("it is withdrawn as %q, want %q", titles, want)
	}
}
