package incident_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/incident"
)

func TestJudgePromises(t *testing.T) {
	said := []incident.Promising{
		{At: minute(0), Due: minute(20)},
		{At: minute(15), Due: minute(30)}, // in time
		{At: minute(25), Due: minute(60), Moves: true},
		{At: minute(70), Due: minute(90), Moves: true}, // too late to move it
		{At: minute(80)},                               // promises nothing
		{At: minute(85), Due: minute(100)},
		{Due: minute(110)}, // of an erased record
	}
	got := incident.JudgePromises(said, minute(105))
	want := []incident.Judged{
		{By: 0, Came: true, State: incident.Kept},
		{By: 1, Came: true, State: incident.Moved},
		{By: 2, Came: true, State: incident.Broken, Late: 10 * time.Minute},
		{By: 3, Came: true, State: incident.Kept},
		{By: 5, State: incident.Broken, Late: 5 * time.Minute},
		{By: 6, State: incident.Open},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A promise of an incident that is over is not late for ever.
func TestPromisesEnd(t *testing.T) {
	i := &incident.Incident{ResolvedAt: minute(10), Updates: []incident.Update{
		{N: 1, PublishedAt: minute(0), NextUpdate: minute(20)},
	}}
	if got := i.Promises(minute(500)); len(got) != 1 || got[0].State != incident.Open {
		t.Errorf("%+v", got)
	}
	i.Updates = append(i.Updates, incident.Update{N: 2, PublishedAt: minute(10), Template: incident.MovedPhrase})
	if got := i.Promises(minute(500)); len(got) != 1 || got[0].State != incident.Moved {
		t.Errorf("%+v", got)
	}
	if got := i.CountPromises(minute(500)).String(); got != "1 moved" {
		t.Errorf("counted %q", got)
	}
	if got := (incident.PromiseCount{incident.Broken: 2, incident.Kept: 1, incident.Open: 1}).String(); got != "1 kept, 2 broken, 1 open" {
		t.Errorf("it reads %q", got)
	}
}
