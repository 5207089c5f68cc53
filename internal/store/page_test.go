package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// A page is read as its subscribers were stored, and nothing else is taken for one.
func TestReadPage(t *testing.T) {
	got, err := readPage(`1a-100|77|0|||en;2d7|0|2| login api | INC-12 |zh-Hans;3b12|en;9a8|0|1| ||`, 4)
	want := []people.Subscriber{
		{ID: 1, Chat: -100, Topic: 77, Language: "en", Impact: incident.ImpactNone, All: true},
		{ID: 2, Chat: 7, Language: "zh-Hans", Impact: incident.Critical, State: people.Blocked, Components: []string{"login", "api"}, Incidents: []string{"INC-12"}},
		{ID: 3, Chat: 12, Language: "en", Impact: incident.Minor, All: true},
		{ID: 9, Chat: 8, Impact: incident.ImpactNone, State: people.Stopped},
	}
	if d := cmp.Diff(want, got, compared); d != "" || err != nil {
		t.Errorf("a page (-want +got) %v\n%s", err, d)
	}
	if got, err := readPage("", 3); len(got) != 0 || err != nil {
		t.Errorf("nobody is read as %v, %v", got, err)
	}
	for _, damaged := range []string{"1", "1a", "1a2", "1e2|en", "a2|en", "xa2|en", "1a2-|en", "12|en", "1a2|0|0||en", "1a2|0|x|||en", "1a2|0|0||||en", "1a2|en;1", ";1a2|en"} {
		if got, err := readPage(damaged, 3); err == nil {
			t.Errorf("%q is read as %v", damaged, got)
		}
	}
}
